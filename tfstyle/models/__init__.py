"""Feed-forward models: a module for each architecture, their interface, their files.

model = load_model("quality")                   a packaged one, or a .keras file
code = model.encode_style(style)                a dict of arrays: store it, mix it, reuse it
image = model.stylize(content, code, 0.8)       (1, h, w, 3) in [0, 1]

base, capabilities   the interface of all models, and that of some
loading              models by name and from files
"""

from typing import TYPE_CHECKING

from tfstyle import registry

if TYPE_CHECKING:
    from tfstyle.models.adain import AdaINModel
    from tfstyle.models.base import StyleTransferModel
    from tfstyle.models.draft_revision import DraftRevisionModel
    from tfstyle.models.loading import create_model, load_model, model_class, pack_model

__all__ = [
    "AdaINModel",
    "DraftRevisionModel",
    "StyleTransferModel",
    "create_model",
    "load_model",
    "model_class",
    "pack_model",
]

__getattr__ = registry.lazy(
    __name__,
    {
        "AdaINModel": "adain",
        "DraftRevisionModel": "draft_revision",
        "StyleTransferModel": "base",
        **dict.fromkeys(("create_model", "load_model", "model_class", "pack_model"), "loading"),
    },
)
