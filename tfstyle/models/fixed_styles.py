"""Base of the models that are trained for fixed styles, each of one painting."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tfstyle import losses
from tfstyle.images import thumbnails
from tfstyle.models.capabilities import Growable, WholePaintings
from tfstyle.models.transform_model import TransformModel
from tfstyle.models.transform_network import MARGIN, neutral, split


class FixedStylesModel(TransformModel, WholePaintings, Growable):
    """Base of the models that are trained for fixed styles, each of one painting.

    What belongs to a style are rows of the tables, `(styles, …)` weights; the rest of the weights
    serves all of them. The targets of the style term are statistics of the whole painting, once
    `set_paintings` was called; those of the batch's `"style"` before.

    Args:
        encoder: of the base; None for a model that is not trained any more.
        style_names: of the paintings.
        widths: of the base.
        blocks: likewise.
        kernel: likewise.
        margin: likewise.
        noise: likewise; a model may start from one without.
        style_credits: of each style, what its painting is and where it is from; or none at all.
        style_thumbnails: of each style, a small JPEG of its painting in base64; or none at all.
    Raises: ValueError for no style, more than the class has, or a number of credits that is not
        that of the styles.
    """

    def __init__(
        self,
        encoder,
        style_names,
        widths=(16, 32, 64),
        blocks=5,
        kernel=9,
        margin=MARGIN,
        noise=0,
        style_credits=None,
        style_thumbnails=None,
        **kwargs,
    ):
        super().__init__(encoder, widths, blocks, kernel, margin, noise, **kwargs)
        self.style_names = tuple(style_names)
        self.style_credits = tuple(style_credits or ())
        self.style_thumbnails = tuple(style_thumbnails or ())
        count = len(self.style_names)
        if not count or count > (self.most_styles or count):
            raise ValueError(
                f"`style_names` must be {self.most_styles or 'one or more'}. Received: "
                f"{self.style_names}"
            )
        for name in ("style_credits", "style_thumbnails"):
            if len(getattr(self, name)) not in (0, count):
                raise ValueError(
                    f"`{name}` must be empty or one for each of {count} styles. Received: "
                    f"{len(getattr(self, name))}"
                )
        self._tables: list[Any] = []
        self._targets: losses.StyleTargets | None = None
        self._first = self._kept = 0  # styles before those with targets, and not to be trained

    def build(self, input_shape=None):
        if not self._tables:
            self.network.build()
            self._add_tables()
        super().build()

    def _add_tables(self) -> None:
        """Adds the weights with a row for each style, and lists them as `_tables`."""
        self.affine = self._add_table(neutral(self._channels), "affine")
        self._tables = [self.affine]

    def _affine(self, code):
        shares = ops.convert_to_tensor(code["shares"])
        return split(self._rows(self.affine, shares), self._channels)

    def _add_table(self, row, name):
        """A table whose rows begin as copies of `row`."""
        rows = np.repeat(np.asarray(row, np.float32)[None], len(self.style_names), axis=0)
        table = self.add_weight(
            rows.shape, initializer=keras.initializers.Constant(rows), autocast=False, name=name
        )
        table.sample_share = 1.0 / len(rows)  # see `training.steps.Stepper`
        return table

    def _rows(self, table, shares):
        """`(batch, …)` mixtures of a table's rows by `(batch, styles)` shares."""
        table = ops.convert_to_tensor(table)
        if self._kept:
            table = ops.concatenate([ops.stop_gradient(table[: self._kept]), table[self._kept :]])
        return ops.matmul(shares, table)

    def encode_index(self, index):
        return {"shares": ops.one_hot(index, len(self.style_names), dtype="float32")}

    def set_paintings(self, paintings, first=0):
        each = []
        for painting in paintings:
            features = self.encoder(painting)
            each.append(self._loss.style_targets([features]))
        self._targets = losses.StyleTargets(each)
        self._first = first
        old = self.style_thumbnails[:first]
        new = (thumbnails.encode(thumbnails.thumbnail(one), "JPEG") for one in paintings)
        self.style_thumbnails = (*old, *new)

    def loss_terms(self, inputs):
        if self.encoder is None:
            raise ValueError("`encoder` must be given to train. Received: None")
        content, index = inputs["content"], inputs["style_index"]
        image = self.stylize(content, self.encode_index(index))
        styles = () if self._targets else [self.encoder(inputs["style"])]
        targets = self._loss.targets(self.encoder(content), styles)
        if self._targets:
            targets["style"] = self._targets.take(index - self._first)
        return self._terms(targets, image)

    def start_from(self, trained):
        if not isinstance(trained, FixedStylesModel):
            raise ValueError(
                f"`trained` must have fixed styles. Received: {type(trained).__name__}"
            )
        self._copy_shared(trained)
        indices = [
            trained.style_names.index(name) if name in trained.style_names else None
            for name in self.style_names
        ]
        for table, other in zip(self._tables, trained._tables, strict=True):
            rows = ops.convert_to_numpy(other)
            table.assign(np.stack([rows.mean(axis=0) if k is None else rows[k] for k in indices]))

    @property
    def _shared_weights(self) -> list[Any]:
        """The weights that serve all styles, but for the encoder's."""
        return self.network.weights

    def _copy_shared(self, trained):
        """Takes the shared weights of a model of the same sizes, which may be without noise.

        Raises: ValueError for other sizes.
        """
        missing = None if trained.noise else self.network.noise_kernel
        own = [weight for weight in self._shared_weights if weight is not missing]
        shapes, others = (
            [tuple(one.shape) for one in weights] for weights in (own, trained._shared_weights)
        )
        if shapes != others:
            raise ValueError(
                "`trained` must have a network of the same sizes. Received: one of "
                f"widths={trained.widths}, blocks={trained.blocks}, noise={trained.noise}, this "
                f"having widths={self.widths}, blocks={self.blocks}, noise={self.noise}"
            )
        for weight, value in zip(own, trained._shared_weights, strict=True):
            weight.assign(value)

    def keep_styles(self, trained):
        """Of the capability `MoreStyles`."""
        if type(trained) is not type(self):
            raise ValueError(
                f"`trained` must be of the class {type(self).__name__}. Received: "
                f"{type(trained).__name__}"
            )
        self._kept = len(trained.style_names)
        if self.style_names[: self._kept] != trained.style_names:
            raise ValueError(f"`trained` must have the first styles of {self.style_names}")
        self.start_from(trained)
        for weight in self._shared_weights:
            weight.trainable = False
        for table in self._tables:
            table.sample_share = 1.0 / max(1, len(self.style_names) - self._kept)
        blank = ("",) * (len(self.style_names) - self._kept)
        if trained.style_credits:
            self.style_credits = (*trained.style_credits, *blank)
        old = trained.style_thumbnails or ("",) * self._kept
        self.style_thumbnails = (*old, *blank)

    def style_encoder_state(self):
        config = {"style_names": self.style_names, "margin": self.margin}
        return config, [*self._shared_weights, *self._tables]

    def for_inference(self):
        """A copy without the encoder."""
        copy = type(self).from_config({**self.get_config(), "encoder": None})
        copy.build()
        copy._copy_shared(self)
        for table, trained in zip(copy._tables, self._tables, strict=True):
            table.assign(trained)
        return copy

    def get_config(self):
        return {
            **super().get_config(),
            "style_names": self.style_names,
            "style_credits": self.style_credits,
            "style_thumbnails": self.style_thumbnails,
        }
