"""A bank of filters for each style, between an encoder and a decoder that all styles share.

Chen, Yuan, Liao, Yu and Hua, "StyleBank: An Explicit Representation for Neural Image Style
Transfer", CVPR 2017, https://arxiv.org/abs/1703.09210.
"""

import keras
import numpy as np
from keras import ops

from tfstyle import losses
from tfstyle.models.base import per_image
from tfstyle.models.capabilities import AlternatingTraining, MoreStyles, RegionalCodes
from tfstyle.models.fixed_styles import FixedStylesModel
from tfstyle.models.transform_network import MARGIN, STRIDE, neutral, split

_SIDE = 3  # of the filters


@keras.saving.register_keras_serializable(package="tfstyle")
class StyleBankModel(FixedStylesModel, MoreStyles, RegionalCodes, AlternatingTraining):
    """An encoder and a decoder that reproduce photographs, and a bank of filters for each style.

    The halves of a `TransformNetwork` without residual blocks are the encoder and the decoder. A
    bank is `bank_layers` convolutions of 3×3, each normalized. A code has the `shares` of the
    styles, by which banks are mixed (section 4.3). The code of a photo with regions has shares for
    each of them and `regions`, their weights by position: each region's bank filters the features
    of the whole photo, and the results are added by these weights. At a strength below 1, the
    bank's output is mixed with its input, so that the picture fades to the reconstruction and, at
    0, to the photo.

    Training follows section 3.2: of `cycle + 1` steps the last one is of the reconstruction, and
    changes encoder and decoder; the others are of the style, and change the banks, too.
    `keep_styles` trains the banks of further styles alone (section 3.3). Departures: the paper
    scales the gradient of a reconstruction step to the norm of the last style step's, here
    `identity_weight` is constant; the network is half as wide; and its differences from the paper's
    are those of `TransformNetwork`. The style term is that of `FixedStylesModel`.

    Args:
        encoder: of the base, like all arguments that are not listed here.
        style_names: of the base.
        widths: of the base.
        bank_layers: convolutions of a bank.
        kernel: of the base.
        margin: of the base.
        cycle: style steps before each reconstruction step, T in the paper.
        identity_weight: of the reconstruction.
    """

    def __init__(
        self,
        encoder,
        style_names,
        widths=(16, 32, 64),
        bank_layers=2,
        kernel=9,
        margin=MARGIN,
        cycle=2,
        identity_weight=10.0,
        **kwargs,
    ):
        super().__init__(encoder, style_names, widths, 0, kernel, margin, **kwargs)
        if bank_layers < 1 or cycle < 1:
            raise ValueError(
                f"`bank_layers` and `cycle` must be at least 1. Received: {bank_layers=}, {cycle=}"
            )
        self.bank_layers = bank_layers
        self.cycle = cycle
        self.identity_weight = identity_weight

    @property
    def receptive_field(self):  # type: ignore[override]  # as in the base
        return self.network.receptive_field + STRIDE * self.bank_layers

    @property
    def _bank_channels(self):
        return {f"bank{number}": self.widths[-1] for number in range(1, self.bank_layers + 1)}

    @property
    def _channels(self):
        return {**self.network.normalized, **self._bank_channels}

    def _add_tables(self):
        row = neutral(self.network.normalized)
        self.shared = self.add_weight(
            (1, row.size), initializer=keras.initializers.Constant(row[None]), name="shared"
        )
        width = self.widths[-1]
        first = keras.initializers.HeNormal()
        self.filters = [
            self._add_table(ops.convert_to_numpy(first((_SIDE, _SIDE, width, width))).ravel(), name)
            for name in self._bank_channels
        ]
        self.affine = self._add_table(neutral(self._bank_channels), "affine")
        self._tables = [*self.filters, self.affine]

    @property
    def _shared_weights(self):
        return [*self.network.weights, self.shared]

    def mix_by_region(self, codes, weights):
        shares = ops.concatenate([ops.convert_to_tensor(code["shares"]) for code in codes])
        return {"shares": shares, "regions": ops.convert_to_tensor(weights)}

    def _affine(self, code):
        return self._shared_affine()

    def _shared_affine(self):
        return split(ops.convert_to_tensor(self.shared), self.network.normalized)

    def _middle(self, code, strength):
        shares = ops.convert_to_tensor(code["shares"])
        if "regions" not in code:
            filtered = self._bank(shares)
        else:
            banks = [self._bank(shares[k : k + 1]) for k in range(shares.shape[0])]
            weights = self.network.padding(ops.convert_to_tensor(code["regions"]))
            weights = ops.average_pool(weights, STRIDE, data_format="channels_last")

            def filtered(x, normalize):
                total = 0.0
                for number, bank in enumerate(banks):
                    weight = ops.cast(weights[..., number : number + 1], x.dtype)
                    total = total + weight * (yield from bank(x, normalize))
                return total

        whole = isinstance(strength, (int, float)) and strength == 1.0

        def middle(x, normalize):
            found = yield from filtered(x, normalize)
            if whole:
                return found
            share = ops.cast(per_image(strength), x.dtype)
            return share * found + (1.0 - share) * x

        return middle

    def _bank(self, shares):
        """A `Middle`: the mixture of all banks by `(batch, styles)` shares."""
        width = self.widths[-1]
        filters = [
            ops.reshape(self._rows(table, shares), (-1, _SIDE, _SIDE, width, width))
            for table in self.filters
        ]
        affine = split(self._rows(self.affine, shares), self._bank_channels)

        def bank(x, normalize):
            for name, one in zip(affine, filters, strict=True):
                x = _convolve(x, ops.cast(one, x.dtype))
                x = ops.relu((yield from normalize(name, x, vector=affine[name])))
            return x

        return bank

    def reconstruct(self, content):
        """The decoder's picture of what the encoder keeps of `content`, without any bank."""
        return self.network(content, self._shared_affine())

    def loss_of(self, step):
        """The loss of the step: "identity_terms" or "loss_terms"."""
        if self._kept or step % (self.cycle + 1):
            return "loss_terms"
        return "identity_terms"

    def identity_terms(self, inputs):
        """As `loss_terms`, of the reconstruction of `inputs["content"]` (equation 1)."""
        content = inputs["content"]
        error = self.identity_weight * losses.ContentLoss()(content, self.reconstruct(content))
        return {"identity": error, "total": error}

    def get_config(self):
        config = super().get_config()
        del config["blocks"]
        return {
            **config,
            "bank_layers": self.bank_layers,
            "cycle": self.cycle,
            "identity_weight": self.identity_weight,
        }


def _convolve(features, filters):
    """Zero-padded convolutions of `(batch, h, w, c)` with `(batch or 1, 3, 3, c, c)` filters.

    As sums of matrix products: no backend convolves each image with filters of its own.
    """
    height, width = ops.shape(features)[1:3]
    channels = features.shape[-1]
    padded = ops.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    total = 0.0
    for row, column in np.ndindex(_SIDE, _SIDE):
        part = padded[:, row : row + height, column : column + width]
        flat = ops.reshape(part, (-1, height * width, channels))
        total = total + ops.matmul(flat, filters[:, row, column])
    return ops.reshape(total, (-1, height, width, channels))
