"""Batches of content and style crops as a tf.data pipeline."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.data.crops import Crops
from tfstyle.data.motions import Motions


class Batches:
    """Batches for steps of training.

    Args:
        content: crops of photographs.
        style: crops of paintings.
        batch_size: samples in a step, over all replicas and workers.
        inputs: what samples have: "content" and "style", crops, and "style_index", the index of the
            style crop's picture in its source.
        first: added to these indices.
        identity_share: share of samples whose style is the content's crop.
        photo_share: share of samples whose style is the content of the next number.
        motions: of the contents, for which samples also have "places" and "noise"; or None.

    Attributes:
        error: the exception that ended the pipeline, or None; TensorFlow raises another one.
    """

    def __init__(
        self,
        content: Crops,
        style: Crops,
        batch_size: int,
        inputs: Sequence[str] = ("content", "style"),
        first: int = 0,
        identity_share: float = 0.0,
        photo_share: float = 0.0,
        motions: Motions | None = None,
    ):
        self.content = content
        self.style = style
        self.batch_size = batch_size
        self.inputs = (*inputs, *(("places", "noise") if motions else ()))
        self.first = first
        self.identity_share = identity_share
        self.photo_share = photo_share
        self.motions = motions
        self.error: Exception | None = None

    def dataset(
        self, start: int, stop: int, context: tf.distribute.InputContext | None = None
    ) -> tf.data.Dataset:
        """Batches of one replica, in the order in which a worker's replicas take them.

        Args:
            start: first step.
            stop: step to end before.
            context: of the worker; one replica by default.
        Returns: data set of dicts of `inputs`: `(n, s, s, 3)` uint8 crops, `(n,)` int32 indices,
            `(n, s, s, 2 or 3)` float32 places and noise.
        """
        context = context or tf.distribute.InputContext()
        per_replica = self.batch_size // context.num_replicas_in_sync
        local = self.batch_size // context.num_input_pipelines
        first = context.input_pipeline_id * local
        size = self.content.crop_size

        crop, motion = ((size, size, 3), tf.uint8), {"places": 2, "noise": 3}
        specs = {"content": crop, "style": crop, "style_index": ((), tf.int32)}
        specs |= {name: ((size, size, depth), tf.float32) for name, depth in motion.items()}

        def sample(number):
            found = tf.numpy_function(
                self._sample, [number], [specs[name][1] for name in self.inputs], stateful=False
            )
            return {
                name: tf.ensure_shape(value, specs[name][0])
                for name, value in zip(self.inputs, found, strict=True)
            }

        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
        return (
            tf.data.Dataset.range(start * local, stop * local)
            .map(lambda index: index // local * self.batch_size + first + index % local)
            .map(sample, num_parallel_calls=threads, deterministic=True)
            .batch(per_replica, drop_remainder=True)
            .prefetch(2 * max(1, local // per_replica))
        )

    def _sample(self, number: np.int64) -> list[np.ndarray]:
        try:
            found: dict[str, Any] = {"content": self.content[int(number)]}
            if "style" in self.inputs:
                found["style"], index = self.style.draw(int(number))
                chosen = np.random.default_rng((*self.style.seed, 2, int(number))).random()
                if chosen < self.identity_share:
                    found["style"] = found["content"]
                elif chosen < self.identity_share + self.photo_share:
                    found["style"] = self.content[int(number) + 1]
            else:
                index = self.style.picture_of(int(number))
            found["style_index"] = np.int32(self.first + index)
            if self.motions:
                found |= self.motions[int(number)]
            return [found[name] for name in self.inputs]
        except Exception as error:  # TensorFlow would keep only its text
            self.error = error
            raise
