"""Pictures by optimization: Gatys' method with L-BFGS, from coarse to fine.

renderer     `Renderer` and `render`: encoders and losses, loaded and compiled once
rendering    one render, stage by stage
scales       the stages of a render, from coarse to fine
objective    the loss of a picture, and its gradient
lbfgs        the optimizer
optimizers   others for comparison
progress     a render's reports and result
"""

from typing import TYPE_CHECKING

from tfstyle import registry

if TYPE_CHECKING:
    from tfstyle.optimization.progress import Progress, RenderResult
    from tfstyle.optimization.renderer import CHUNK, Renderer, choose_encoder, render

__all__ = ["CHUNK", "Progress", "RenderResult", "Renderer", "choose_encoder", "plan", "render"]

__getattr__ = registry.lazy(
    __name__,
    {
        **dict.fromkeys(("Progress", "RenderResult"), "progress"),
        **dict.fromkeys(("CHUNK", "Renderer", "choose_encoder", "plan", "render"), "renderer"),
    },
)
