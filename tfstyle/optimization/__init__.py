"""Pictures by optimization: Gatys' method with L-BFGS, from coarse to fine.

auto_regions regions without label maps
renderer     `Renderer` and `render`: encoders and losses, loaded and compiled once
rendering    one render, stage by stage
scales       the stages of a render, from coarse to fine
objective    the loss of a picture, and its gradient
warped       what a frame of a clip has from those before it
lbfgs        the optimizer
optimizers   others for comparison
progress     a render's reports and result
"""

from typing import TYPE_CHECKING

from tfstyle import registry

if TYPE_CHECKING:
    from tfstyle.optimization.auto_regions import find_regions
    from tfstyle.optimization.progress import Progress, RenderResult
    from tfstyle.optimization.renderer import CHUNK, Renderer, choose_encoder, render

__all__ = [
    "CHUNK", "Progress", "RenderResult", "Renderer", "choose_encoder", "find_regions", "plan",
    "render",
]  # fmt: skip

__getattr__ = registry.lazy(
    __name__,
    {
        **dict.fromkeys(("Progress", "RenderResult"), "progress"),
        "find_regions": "auto_regions",
        **dict.fromkeys(("CHUNK", "Renderer", "choose_encoder", "plan", "render"), "renderer"),
    },
)
