"""Any style by whitening and colouring, level by level, each through a picture.

Li et al., "Universal Style Transfer via Feature Transforms", NIPS 2017,
https://arxiv.org/abs/1705.08086, section 3.3: the picture of a deep level is encoded again for the
next finer one. Features of a picture are such as the decoder knows, and what is painted at one
level becomes strokes at the next.
"""

import math

import keras
from keras import ops

from tfstyle import covariances, layers, statistics
from tfstyle.models import guidance
from tfstyle.models.draft_revision import DraftRevisionModel
from tfstyle.models.encoder_decoder import check_same_encoder
from tfstyle.models.guidance import double, half
from tfstyle.models.inverting_decoder import level
from tfstyle.models.wct import WCTModel

DEPTH = 3
RECEPTIVE_FIELD = 176  # pixels, of that depth; a test measures 168. A level more doubles it
FULL_DEPTH = 2  # of the levels in full resolution; all levels are painted at half of it before
DEEPEST_SHARE = 0.8
EPSILON = 1e-4
GRAIN = 1.2
GUIDANCE = 0.8
RECOLORING = 0.3
DETAIL = 0.8  # share of the photo's finest detail that the picture of half resolution gets
_PHOTO, _PIXELS = "photo", "0"


@keras.saving.register_keras_serializable(package="tfstyle")
class CascadeModel(WCTModel):
    """As `WCTModel`, with a picture between each two levels, at half resolution and then in full.

    The photo first gets the painting's colours, and its flat areas grain of the painting's
    roughness: transforms make strokes of what is there. Levels are painted at half resolution, from
    relu{depth}_1 on, for long strokes, and, from relu2_1 on, in full. Features near an edge are
    unlike those of flat areas, which gives objects halos; so colours then follow the photo's edges
    by a guided filter.

    A style code has `mean` and `root` of each level, with "half" for those at half resolution, 0
    for pixels, and `grain`, `guidance.log_deviations`.

    Departures from the paper are these and those of `WCTModel`, but for the chain of levels.
    Training is that of `WCTModel`. A model may start from the draft of a `DraftRevisionModel`, also
    with more levels than that.

    Args:
        encoder: of `WCTModel`.
        decoder: likewise.
        scales: likewise.
        depth: likewise.
        shares: likewise, the same at half resolution; None for 0.8 at the deepest and 1 at others.
        epsilon: of `WCTModel`.
        grain: deviation of the grain, of the painting's.
        guidance: share, from 0 to 1, of coarse colours that follow the photo's edges.
        recoloring: share of these that are the recoloured photo's.
        **kwargs: of `WCTModel`.
    """

    LEAST_STRIDE = guidance.STRIDE
    tile_stride = guidance.PERIOD

    def __init__(
        self,
        encoder,
        decoder=None,
        scales=None,
        depth=DEPTH,
        shares=None,
        epsilon=EPSILON,
        grain=GRAIN,
        guidance=GUIDANCE,
        recoloring=RECOLORING,
        **kwargs,
    ):
        if shares is None:
            shares = (DEEPEST_SHARE, *[1.0] * depth)
        super().__init__(encoder, decoder, scales, depth, shares=shares, epsilon=epsilon, **kwargs)
        self.receptive_field = RECEPTIVE_FIELD * 2 ** max(0, depth - DEPTH)
        for name, value, most in (
            ("grain", grain, math.inf),
            ("guidance", guidance, 1.0),
            ("recoloring", recoloring, 1.0),
        ):
            if not 0.0 <= value <= most:
                raise ValueError(f"`{name}` must be from 0 to {most}. Received: {name}={value}")
        self.grain = grain
        self.guidance = guidance
        self.recoloring = recoloring

    @classmethod
    def create(cls, encoder="auto", vgg_weights="", dtype=None, depth=DEPTH, **arguments):
        return super().create(encoder, vgg_weights, dtype, depth, **arguments)

    def start_from(self, trained):
        if isinstance(trained, DraftRevisionModel):
            encoder = trained.draft.encoder
            check_same_encoder(self.encoder.cut(encoder.taps), encoder)
            self.decoder.start_from(trained.draft.decoder)
        else:
            super().start_from(trained)

    @property
    def _levels_by_name(self):
        """Of features: their block, and whether they are of half resolution; in their order."""
        blocks = self.decoder.blocks
        full = [k for k in blocks if k <= FULL_DEPTH]
        return {**{f"{k}half": (k, True) for k in blocks}, **{f"{k}": (k, False) for k in full}}

    @property
    def _numbers(self):
        return [_PHOTO, *self._levels_by_name, _PIXELS]

    def _share_of(self, number):
        if number == _PHOTO or not self.shares:
            return 1.0
        block, _ = self._levels_by_name.get(number, (0, False))
        return self.shares[self.depth - block]

    def _epsilon_of(self, number):
        return self.epsilon if number in self._levels_by_name else covariances.EPSILON

    def _statistics(self, block, features):
        number, is_half = self._levels_by_name.get(block, (1, False))
        return statistics.covariance(
            layers.crop(features, self.margin // 2 ** (number - 1 + is_half))
        )

    def encode_style(self, style):
        picture = self.padding(style)
        code = {"grain": guidance.log_deviations(picture)}
        features = {one: self._divided(self.encoder(half(picture) if one else picture))
                    for one in (True, False)}  # fmt: skip
        for name, (block, is_half) in self._levels_by_name.items():
            mean, covariance = self._statistics(name, features[is_half][level(block)])
            code[f"mean{name}"], code[f"root{name}"] = mean, covariances.roots(covariance)[0]
        mean, covariance = statistics.covariance(style)
        code[f"mean{_PIXELS}"], code[f"root{_PIXELS}"] = mean, covariances.roots(covariance)[0]
        return code

    def _levels(self, picture, code, strength, summary):
        code = {**code, **{f"{k}{_PHOTO}": code[f"{k}{_PIXELS}"] for k in ("mean", "root")}}
        yield _PHOTO, picture
        start = self._colored(_PHOTO, picture, code, strength, summary)
        deviations = self.grain * ops.exp(ops.convert_to_tensor(code["grain"]))
        share = ops.reshape(ops.convert_to_tensor(strength, "float32"), (-1, 1))
        rough = start + guidance.grain(start, share * deviations)
        x, was_half = half(rough), True
        for name, (block, is_half) in self._levels_by_name.items():
            if was_half and not is_half:
                x = double(x) + DETAIL * (rough - double(half(rough)))
            was_half = is_half
            features = self._divided(self.encoder(ops.clip(x, 0.0, 1.0)))
            yield name, features[level(block)]
            x = self._colored(name, features[level(block)], code, strength, summary)
            for k in range(block, 0, -1):
                x = self.decoder.invert(k, x, features, self.detail)
        x = x + guidance.guided(x, start, self.guidance, self.recoloring)
        yield _PIXELS, x
        yield None, self._colored(_PIXELS, x, code, strength, summary)

    def get_config(self):
        return {
            **super().get_config(),
            "grain": self.grain,
            "guidance": self.guidance,
            "recoloring": self.recoloring,
        }
