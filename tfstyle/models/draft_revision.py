"""Any style in two steps: a reduced draft, which a small network revises in full resolution.

Lin et al., "Drafting and Revision: Laplacian Pyramid Network for Fast High-Quality Artistic Style
Transfer", CVPR 2021, https://arxiv.org/abs/2104.05376. Their draft comes from a decoder that is
trained with a style loss, and a revision network is trained for each style; here the draft comes
from covariance transforms (see `wct`), which give each region colours of its own without any
training on styles, and one network revises it for any style.
"""

from typing import Any

import keras
from keras import ops

from tfstyle import encoders, layers, losses, statistics
from tfstyle.models.base import StyleTransferModel, faded, per_image
from tfstyle.models.capabilities import (
    Growable,
    MixableCodes,
    Pretrainable,
    StylePictures,
    Tileable,
)
from tfstyle.models.draft import DEPTH, MARGIN, STRIDE, check_draft, make_draft
from tfstyle.models.encoder_decoder import check_same_encoder
from tfstyle.models.guidance import PERIOD, guided, halved
from tfstyle.models.inverting_decoder import level, taps_of
from tfstyle.models.revision import Revision
from tfstyle.models.revision_weights import FULL, REDUCED, Layers, take_over

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")  # of the loss
CONTENT_LAYER = "relu4_1"
EDGE_WEIGHT = 1.0  # of these terms in training, beside the content's of 1 and the style's of 10
SMOOTHNESS_WEIGHT = 8.0
COLOR_WEIGHT = 60.0  # of a squared distance, not of a relative error
RANGE_WEIGHT = 20.0
GRID_WEIGHT = 300.0
REVISION_MARGIN = 16  # pixels around what is revised; the draft may have more
GRID = 8  # pixels under a position of the deepest features of the three architectures' drafts
_GRID_CELLS = 6  # a side of 48 pixels, so that a crop of training has several such windows


@keras.saving.register_keras_serializable(package="tfstyle")
class DraftRevisionModel(
    StyleTransferModel, StylePictures, MixableCodes, Tileable, Pretrainable, Growable
):
    """A `WCTModel` paints a reduced draft, to which a `Revision` adds edges and textures.

    A style code has the draft's arrays, of the painting at the draft's resolution, and
    `modulation`, the revision's, which two dense layers compute from means and deviations of the
    painting at relu1_1 to relu3_1 in full resolution, and reduced at the draft's levels. The draft
    has local colours, since features of a region take colours together. Near an edge, features are
    unlike those of flat areas, which gives objects halos; so a share of the coarse colours may
    follow the photo's edges by a guided filter. The photo's finer luminance is added to it.

    The training loss adds the content's error of normalized features at relu4_1; the mean over
    `STYLE_LAYERS` of the Wasserstein-2 losses, relative to the target's second moments; the edges',
    smoothness, and colours' sliced Wasserstein losses, the last of pictures reduced by 4; and the
    squares of values beyond [0, 1] and of what repeats every `GRID` pixels. The pretrained decoder
    of the draft is trained with the rest.

    Args:
        draft: `WCTModel` of depth 2 or 3, with the margin reduced; its encoder is frozen.
        revision: `Revision`.
        eye: None, or the `encoders.VGG19` of the loss, with the taps `STYLE_LAYERS`; frozen.
        margin: pixels of reflection around a picture, a multiple of 16. With less than 32,
            dark flat areas may have a line along the border. The revision reads `REVISION_MARGIN`.
        guidance: share, from 0 to 1, of the draft's coarse colours that follow the photo's edges.
        halvings: of the photo's resolution for the draft, 1 or 2.
    Raises: ValueError for other taps, margins or halvings.
    """

    PREFERRED_ENCODER = "lite"
    STYLE_LOSS = "wasserstein:6"

    def __init__(
        self,
        draft,
        revision,
        eye=None,
        margin=MARGIN,
        guidance=0.0,
        halvings=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if eye is not None and eye.taps != STYLE_LAYERS:
            raise ValueError(f"`eye` must tap {STYLE_LAYERS}. Received: taps={eye.taps}")
        check_draft(draft, margin, halvings)
        self.draft = draft
        self.revision = revision
        self.eye = eye
        self.margin = margin
        self.min_size = margin + STRIDE
        if not 0.0 <= guidance <= 1.0:
            raise ValueError(f"`guidance` must be from 0 to 1. Received: guidance={guidance}")
        self.guidance = guidance
        self.halvings = halvings
        # Pixels; a test measures 106 for five blocks, with guidance 179; 96 for `nano`'s draft.
        unit = 72 << (halvings - 1)
        reach = max(72, unit >> (DEPTH - draft.depth)) + (unit if guidance else 0)
        self.receptive_field = reach + 8 * revision.blocks
        self.tile_stride = PERIOD if revision.grain else STRIDE
        self._to_vector = keras.layers.Dense(
            revision.hidden, "relu", dtype="float32", name="vector"
        )
        self.padding = layers.ReflectionPadding2D(margin, STRIDE, dtype="float32")
        weight = self.style_weight / len(STYLE_LAYERS)
        self._loss = losses.PerceptualLoss(
            {CONTENT_LAYER: (losses.ContentLoss("normalized"), self.content_weight)},
            {name: self.make_style_losses(weight) for name in STYLE_LAYERS},
            self.tv_weight,
        )
        self._color_loss = losses.SlicedWassersteinLoss(12, levels=256, normalize=False)
        self._edge_loss, self._smoothness_loss = losses.EdgeLoss((1, 2, 4)), losses.SmoothnessLoss()
        self._grid = losses.GridLoss(GRID, _GRID_CELLS)

    @classmethod
    def create(
        cls,
        encoder="auto",
        vgg_weights="",
        dtype=None,
        *,
        widths,
        blocks,
        hidden,
        bands=2,
        grain=0.0,
        margin=MARGIN,
        halvings=1,
        depth=DEPTH,
        **arguments,
    ):
        """A model with an untrained decoder and revision; the encoders that it reads are lite's.

        Args:
            encoder: of the loss: "lite", "vgg19" or "auto".
            vgg_weights: as in `weight_files.encoder_path`.
            dtype: Keras dtype policy.
            widths: of `Revision`; see `revision_sizes`.
            blocks: likewise.
            hidden: likewise.
            bands: likewise.
            grain: likewise.
            margin: of the class.
            halvings: likewise.
            depth: of `make_draft`.
            **arguments: others of the class.
        """
        eye = encoders.load_encoder(encoder, STYLE_LAYERS, vgg_weights=vgg_weights, dtype=dtype)
        trunk = encoders.load_encoder("lite", taps_of(DEPTH), heads=False, dtype=dtype)
        draft = make_draft(trunk, margin, halvings, depth)
        revision = Revision(widths, blocks, hidden, bands, grain, dtype=dtype, name="revision")
        model = cls(
            draft, revision, eye, margin=margin, halvings=halvings, dtype=dtype, **arguments
        )
        model.build()
        return model

    def build(self, input_shape=None):
        if not self.draft.built:
            self.draft.build()
        if not self.revision.built:
            self.revision.build(None)
        if self.eye is not None:
            if not self.eye.built:
                self.eye.build((None, None, None, 3))
            self.eye.freeze()
        if not self._to_vector.built:
            self._to_vector.build((None, sum(self._described.values())))
        self.built = True

    def for_inference(self):
        parts = {name: getattr(self, name) for name in ("draft", "revision")}
        configs = {k: keras.saving.serialize_keras_object(part) for k, part in parts.items()}
        copy = type(self).from_config({**self.get_config(), **configs, "eye": None})
        copy.build()
        for name, part in (*parts.items(), ("_to_vector", self._to_vector)):
            getattr(copy, name).set_weights(part.get_weights())
        return copy

    def start_from(self, trained):
        if not isinstance(trained, DraftRevisionModel):
            raise ValueError(
                f"`trained` must be a {type(self).__name__}. Received: {type(trained).__name__}"
            )
        check_same_encoder(self.draft.encoder, trained.draft.encoder)
        own, others = (
            Layers(one.revision, one._to_vector, one._described) for one in (self, trained)
        )
        take_over(own, others)
        self.draft.decoder.start_from(trained.draft.decoder)

    def frozen_identity(self):
        return self.draft.frozen_identity()

    def encode_style(self, style):
        code = self.draft.encode_style(halved(style, self.halvings))
        vector = self._to_vector(self._description(style, code) - 0.5)
        return {**code, "modulation": self.revision.modulation(vector)}

    @property
    def _described(self):
        """What a painting is described by: how many numbers, by resolution and level."""
        found = {}
        for block in range(DEPTH, 0, -1):
            size = 2 * self.draft.encoder.widths[block - 1]
            found[FULL, block] = size
            if block <= self.draft.depth:
                found[REDUCED, block] = size
        return found

    def _description(self, style, code):
        """`(batch, n)` means and deviations, as `_described` lists them.

        Args:
            style: `(batch, h, w, 3)` paintings.
            code: the draft's, which has those of its resolution.
        """
        features, parts = self.draft.encoder(style), []
        for resolution, block in self._described:
            if resolution == REDUCED:
                variance = ops.sum(ops.square(code[f"root{block}"]), axis=-1)
                parts += [code[f"mean{block}"], ops.sqrt(variance)]
            else:
                name = level(block)
                own = ops.cast(features[name], "float32") / self.draft.scales[name]
                parts += statistics.mean_and_std(own)
        return ops.concatenate(parts, axis=-1)

    def stylize(self, content, code, strength=1.0):
        return self.stylize_tile(content, code, strength, {})

    def paint(self, content, code, strength=1.0):
        return faded(content, self._paint(content, code, strength), strength)

    def stylize_tile(self, tile, code, strength, summary):
        image = ops.clip(self._paint(tile, code, strength, summary), 0.0, 1.0)
        return faded(tile, image, strength)

    def summarize(self, parts, areas, code, strength=1.0):
        def prepare(part: Any) -> Any:
            return halved(self.padding(part), self.halvings)

        return self.draft.summarize(parts, areas, code, strength, prepare)

    def _paint(self, content, code, strength=1.0, summary=None):
        """The picture, of any range."""
        picture = self.padding(content)
        small = halved(picture, self.halvings)
        draft = self.draft.paint_padded(small, code, strength, summary)
        if self.guidance:
            draft = draft + guided(draft, small, self.guidance, 0.0)
        margin = min(self.margin, REVISION_MARGIN)
        picture = layers.crop(picture, self.margin - margin)
        draft = layers.crop(draft, (self.margin - margin) >> self.halvings)
        image = self._revise(picture, draft, code["modulation"], strength)
        return layers.without_margin(image, content, margin)

    def _revise(self, picture, draft, modulation, strength):
        """The picture from a photo and its draft, both with their margins."""
        sharp, maps = self.revision.prepare(picture, draft, self.halvings)
        added = self.revision(maps, ops.convert_to_tensor(modulation))
        if not isinstance(strength, (int, float)) or strength != 1.0:
            added = per_image(strength) * added
        return sharp + added

    def loss_terms(self, inputs):
        content, style = inputs["content"], inputs["style"]
        image = self._paint(content, self.encode_style(style))
        targets = self._loss.targets(self.eye(content), [self.eye(style)])
        terms = self._loss(targets, self.eye(image), image)
        del terms["total"]
        colors = self._color_loss.target([halved(style, 2)])
        terms["style/colors"] = COLOR_WEIGHT * self._color_loss(colors, halved(image, 2))
        terms["content/edges"] = EDGE_WEIGHT * self._edge_loss(content, image)
        terms["content/smoothness"] = SMOOTHNESS_WEIGHT * self._smoothness_loss(content, image)
        terms["grid"] = GRID_WEIGHT * self._grid(image, image)
        beyond = ops.relu(image - 1.0) + ops.relu(-image)
        terms["range"] = RANGE_WEIGHT * losses.ContentLoss(normalize=False)(0.0 * beyond, beyond)
        return {**terms, "total": sum(terms.values())}

    def reconstruction_terms(self, content):
        return self.draft.reconstruction_terms(halved(content, self.halvings))

    def style_encoder_state(self):
        config, variables = self.draft.style_encoder_state()
        config = {"draft": config, "margin": self.margin}
        return config, [*variables, *self._to_vector.weights, *self.revision.affine.weights]

    def get_config(self):
        names = ("draft", "revision", "eye")
        return {
            **super().get_config(),
            **{k: keras.saving.serialize_keras_object(getattr(self, k)) for k in names},
            "margin": self.margin,
            "guidance": self.guidance,
            "halvings": self.halvings,
        }
