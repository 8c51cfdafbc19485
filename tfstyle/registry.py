"""Architectures and style losses by name, and their factories; this module imports none of them.

A new one is its own module and one line here. Flags, their checks and their help texts get the
names from here.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

# Factories of untrained models: class methods of the model's class, or partials of them;
# `models.create_model` documents their arguments.
ARCHITECTURES = {
    "adaconv": "tfstyle.models.adaconv:AdaConvModel.create",
    "adain": "tfstyle.models.adain:AdaINModel.create",
    "conditional": "tfstyle.models.conditional:ConditionalModel.create",
    "ghiasi": "tfstyle.models.ghiasi:GhiasiModel.create",
    "johnson": "tfstyle.models.johnson:JohnsonModel.create",
    "linear": "tfstyle.models.linear:LinearModel.create",
    "microast": "tfstyle.models.microast:MicroASTModel.create",
    "mobile": "tfstyle.models.revision_sizes:create_mobile",
    "multistroke": "tfstyle.models.multistroke:MultiStrokeModel.create",
    "nano": "tfstyle.models.revision_sizes:create_nano",
    "photorealistic": "tfstyle.models.photorealistic:PhotorealisticModel.create",
    "quality": "tfstyle.models.revision_sizes:create_quality",
    "sanet": "tfstyle.models.sanet:SANetModel.create",
    "stylebank": "tfstyle.models.stylebank:StyleBankModel.create",
    "wct": "tfstyle.models.cascade:CascadeModel.create",
}

# Factories of style losses, called without arguments.
STYLE_LOSSES = {
    "gram": "tfstyle.losses.moments:GramLoss",
    "gram_cosine": "tfstyle.losses.moments:cosine_gram_loss",
    "mean_std": "tfstyle.losses.moments:MeanStdLoss",
    "wasserstein": "tfstyle.losses.moments:WassersteinLoss",
    "sliced": "tfstyle.losses.distributions:SlicedWassersteinLoss",
    "sorted": "tfstyle.losses.distributions:sorted_loss",
    "mmd_linear": "tfstyle.losses.distributions:linear_mmd_loss",
    "mmd_polynomial": "tfstyle.losses.distributions:polynomial_mmd_loss",
    "mmd_gaussian": "tfstyle.losses.distributions:MMDLoss",
    "histogram": "tfstyle.losses.distributions:HistogramLoss",
}


def resolve(place: str) -> Any:
    """The object at a place such as `"tfstyle.models.adain:AdaINModel.create"`."""
    module, _, path = place.partition(":")
    found = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def lazy(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's `__getattr__` that imports a module when a name of it is first used.

    Args:
        package: its `__name__`.
        homes: for each public name of the package, the module in it that defines the name.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return find
