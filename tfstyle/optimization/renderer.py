"""`Renderer`, which stylizes photos by optimization, and `render`, for a single one."""

import dataclasses
import gc
import math
import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfstyle import encoders
from tfstyle.config import START_IMAGES, OptimizeConfig
from tfstyle.encoders import weight_files
from tfstyle.errors import InputError
from tfstyle.images.regions import Regions
from tfstyle.losses import PerceptualLoss
from tfstyle.optimization import footprint, scales
from tfstyle.optimization.lbfgs import LBFGS
from tfstyle.optimization.lean_lbfgs import LeanLBFGS
from tfstyle.optimization.objective import Objective, make_loss
from tfstyle.optimization.optimizers import Adam, StockLBFGS
from tfstyle.optimization.progress import Progress, RenderResult
from tfstyle.optimization.rendering import CHUNK, Rendering
from tfstyle.optimization.style_images import StyleImages
from tfstyle.optimization.tiles import TiledObjective
from tfstyle.optimization.warped import Warped
from tfstyle.runtime import devices, memory

MARGIN = 16  # pixels of reflection around the picture while features are computed
_OPTIMIZERS = {"lbfgs": LBFGS, "tfp": StockLBFGS, "adam": Adam}


def choose_encoder(config: OptimizeConfig) -> str:
    """The encoder that `config` selects on this machine: "vgg19", "lite" or "mixed".

    Raises: InputError for weights that are missing or not used.
    """
    return weight_files.choose_encoder(
        config.encoder, config.vgg_weights, devices.has_gpu(), on_processor="mixed"
    )


def plan(
    config: OptimizeConfig,
    shape: tuple[int, int],
    styles: Sequence[tuple[int, int]],
    regions: int = 0,
) -> list[scales.Stage]:
    """The stages of a render.

    Args:
        config: with an encoder of `choose_encoder`.
        shape: `(height, width)` of the photo.
        styles: likewise, of the style images.
        regions: number of them; 0 for a render without.
    Raises: InputError of `scales.plan_stages`, or if this machine lacks the memory.
    """
    stages = [
        stage._replace(regions=regions)
        for stage in scales.plan_stages(config, config.encoder, shape)
    ]
    free = memory.available()
    limit = config.max_memory * 1e9 or (math.inf if free is None else footprint.FREE_SHARE * free)
    count = len(_shared(config))
    return footprint.fit(config, stages, styles, limit, devices.has_gpu(), max(1, count))


def _shared(config):
    """Names of the devices that share the tiles."""
    return devices.names() if config.strategy == "mirrored" else []


def render(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    config: OptimizeConfig | None = None,
    **arguments: Any,
) -> RenderResult:
    """One picture by a temporary `Renderer`; arguments are those of `Renderer.render`."""
    try:
        return Renderer(config, keep=False).render(content, styles, **arguments)
    finally:
        gc.collect()  # compiled functions are parts of reference cycles, and large


class Renderer:
    """Stylizes photos by optimization; encoders and losses are loaded and compiled once.

    Args:
        config: the options; the defaults of `OptimizeConfig` if None.
        keep: whether to keep encoders that a render has finished with, and the targets of its
            styles, for the next one.
        temporal_weight: of the difference to earlier frames, in `render_next`; None for photos.
            Frames are planned once, so that they do not depend on the memory that is free then.
    Raises: InputError for weights that are missing.
    """

    def __init__(
        self,
        config: OptimizeConfig | None = None,
        keep: bool = True,
        temporal_weight: float | None = None,
    ):
        config = config or OptimizeConfig()
        self.config = dataclasses.replace(config, encoder=choose_encoder(config))
        self._keep = keep
        self._temporal_weight = temporal_weight
        self._losses: dict[str, PerceptualLoss] = {}  # by encoder
        self._plans: dict[tuple, list[scales.Stage]] = {}  # of frames, by shapes
        self._made: dict[tuple, tuple] = {}  # objectives and optimizer by kind of stage
        self._styles: StyleImages | None = None  # of the last render, with their targets

    def render(
        self,
        content: np.ndarray,
        styles: Sequence[np.ndarray],
        *,
        init: np.ndarray | None = None,
        regions: Regions | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        checkpoint: str | os.PathLike | None = None,
        report_every: int = CHUNK,
    ) -> RenderResult:
        """Paints `content` in the style of `styles`.

        Args:
            content: `(1, h, w, 3)` float32 picture in [0, 1].
            styles: likewise, of any size.
            init: picture to start from, if `config.init` names a file or is "fast", which does not
                need it to resume.
            regions: that are painted in styles of their own, and where the photo is kept. Their
                shares of the style images count instead of `config.style_weights`.
            on_progress: called with a `Progress` after each chunk of iterations, and in a chunk
                after each `rendering.REPORT_SECONDS`.
            should_stop: called after each iteration; True ends the render with the picture so far.
            checkpoint: file for the state, from which an equal call resumes; that of a finished
                render returns its result at once. The caller removes it.
            report_every: iterations of a chunk.
        Raises: InputError for layers that an encoder lacks, a picture too narrow for the size or
            too large for the memory, or a checkpoint of another render; ValueError for arguments
            that do not fit together.
        """
        config = self.config
        if not styles or len(config.style_weights) not in (0, len(styles)):
            raise ValueError(
                "`styles` must hold a picture for each of `style_weights`, and one at least. "
                f"Received: {len(styles)} styles, style_weights={config.style_weights}"
            )
        resumes = checkpoint is not None and os.path.exists(checkpoint)
        needed = not resumes if config.init == "fast" else config.init not in START_IMAGES
        if init is None and needed:
            raise ValueError(
                f"`init` must be given. Received: init=None, config.init={config.init}"
            )
        if regions and len(regions.styles) != len(styles):
            raise ValueError(
                "`regions` must be of as many style images as `styles`. Received: "
                f"{len(regions.styles)} and {len(styles)}"
            )
        stages = self._plan(content, styles, regions.content.shape[-1] if regions else 0)
        run = Rendering(self, content, styles, init, checkpoint, stages, regions)
        return run.run(
            on_progress or (lambda _: None), should_stop or (lambda: False), report_every
        )

    def render_next(
        self,
        content: np.ndarray,
        styles: Sequence[np.ndarray],
        warped: Warped,
        iterations: int,
        should_stop: Callable[[], bool] | None = None,
    ) -> RenderResult:
        """Paints a frame of a clip after others: from their results, by the last stage alone.

        Ruder, Dosovitskiy and Brox, "Artistic Style Transfer for Videos", GCPR 2016, sections 4.2
        to 4.4.

        Args:
            content: as of `render`, as are `styles` and `should_stop`.
            styles: likewise.
            warped: results of the frames before.
            iterations: few are enough.
            should_stop: likewise.
        Raises: InputError for a frame too large for the memory; ValueError for results of another
            size than the frame's.
        """
        stages = [self._plan(content, styles)[-1]._replace(iterations=iterations)]
        shape = warped.start.shape[1:3]
        if shape != stages[0].shape:
            raise ValueError(f"`warped` must be of the size {stages[0].shape}. Received: {shape}")
        run = Rendering(self, content, styles, warped.start, None, stages, warped=warped)
        return run.run(lambda _: None, should_stop or (lambda: False), CHUNK)

    def _plan(self, content, styles, regions=0):
        """The stages of a render; for frames, planned once, since a render keeps its memory."""
        of_clip = self._temporal_weight is not None
        shapes = content.shape[1:3], *(style.shape[1:3] for style in styles)
        stages = self._plans.get(shapes)
        if stages is None:
            stages = plan(self.config, shapes[0], shapes[1:], regions)
            if of_clip:
                self._plans[shapes] = stages
        if of_clip and any(stage.tile for stage in stages):
            raise InputError(
                f"--size={self.config.size}: frames of a clip are not rendered in tiles, and need "
                "more memory than is free in one piece; a smaller --size needs less"
            )
        for name in dict.fromkeys(stage.encoder for stage in stages):
            if name not in self._losses:  # reports a missing layer at once
                self._losses[name] = make_loss(self.config, name, self._temporal_weight or 0.0)
        return stages

    def share_styles(
        self,
        pictures: Sequence[np.ndarray],
        shares: Sequence[float],
        regions: Regions | None = None,
    ) -> StyleImages:
        """The style images of a render: with `keep`, those of the last one if they are equal."""
        styles = StyleImages(pictures, shares, self._keep, regions)
        if self._styles is None or self._styles.digest != styles.digest:
            self._styles = styles if self._keep else None
            return styles
        return self._styles

    def balanced_layers(self, stages: Sequence[scales.Stage]) -> dict[str, list[str]]:
        """With `style_layers="auto"`, the layers of the style by the encoders of the stages."""
        if self.config.style_layers != "auto":
            return {}
        return {stage.encoder: [*self._losses[stage.encoder].style] for stage in stages}

    def take(self, stage: scales.Stage, needed: Sequence[scales.Stage]) -> tuple:
        """A stage's objectives in float32 and in the config's precision, and its optimizer.

        Args:
            stage: of the render.
            needed: stages that this render still needs. What others need is freed, unless `keep`,
                and then, too, if it is for tiles: as much as the memory held.
        """
        kinds = {one.kind for one in needed}
        self._made = {
            kind: made
            for kind, made in self._made.items()
            if kind in kinds or self._keep and not kind[1]
        }
        if stage.kind not in self._made:
            state = random.getstate()  # the caller's, which Keras' initializers draw seeds from
            self._made[stage.kind] = self._make(stage)
            random.setstate(state)
        _, objective, optimizer = self._made[stage.kind]
        optimizer.use(objective.value_and_gradient)
        return self._made[stage.kind]

    def _make(self, stage):
        loss = self._losses[stage.encoder]

        def objective(dtype):
            encoder = encoders.load_encoder(
                stage.encoder,
                loss.layers,
                heads=False,
                vgg_weights=self.config.vgg_weights if stage.encoder == "vgg19" else "",
                pooling=self.config.pooling,
                margin=MARGIN,
                dtype=dtype,
            )
            if stage.tile:
                shared = _shared(self.config)[: stage.devices]
                return TiledObjective(encoder, loss, self.config.wrap, stage.tile, shared)
            return Objective(encoder, loss, self.config.wrap)

        precise = objective("float32")
        fast = self.config.precision == "bfloat16"
        used = objective("mixed_bfloat16") if fast else precise
        if stage.tile:
            return precise, used, LeanLBFGS(used.value_and_gradient, stage.history)
        return precise, used, _OPTIMIZERS[self.config.optimizer](used.value_and_gradient)
