"""Batches of content and style crops as a tf.data pipeline."""

import os

import numpy as np
import tensorflow as tf

from tfstyle.data.crops import Crops


class Batches:
    """Batches for steps of training.

    Args:
        content: crops of photographs.
        style: crops of paintings.
        batch_size: samples in a step, over all replicas and workers.
        with_index: whether samples have the index, in its source, of the style crop's picture.

    Attributes:
        error: the exception that ended the pipeline, or None; TensorFlow raises another one.
    """

    def __init__(self, content: Crops, style: Crops, batch_size: int, with_index: bool = False):
        self.content = content
        self.style = style
        self.batch_size = batch_size
        self.with_index = with_index
        self.error: Exception | None = None

    def dataset(
        self, start: int, stop: int, context: tf.distribute.InputContext | None = None
    ) -> tf.data.Dataset:
        """Batches of one replica, in the order in which a worker's replicas take them.

        Args:
            start: first step.
            stop: step to end before.
            context: of the worker; one replica by default.
        Returns: data set of `{"content": (n, s, s, 3), "style": (n, s, s, 3)}` uint8, and of
            `"style_index"`, `(n,)` int32, if `with_index`.
        """
        context = context or tf.distribute.InputContext()
        per_replica = self.batch_size // context.num_replicas_in_sync
        local = self.batch_size // context.num_input_pipelines
        first = context.input_pipeline_id * local
        size = self.content.crop_size

        def sample(number):
            content, style, index = tf.numpy_function(
                self._sample, [number], (tf.uint8, tf.uint8, tf.int32), stateful=False
            )
            crops = {
                "content": tf.ensure_shape(content, (size, size, 3)),
                "style": tf.ensure_shape(style, (size, size, 3)),
            }
            if self.with_index:
                crops["style_index"] = tf.ensure_shape(index, ())
            return crops

        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
        return (
            tf.data.Dataset.range(start * local, stop * local)
            .map(lambda index: index // local * self.batch_size + first + index % local)
            .map(sample, num_parallel_calls=threads, deterministic=True)
            .batch(per_replica, drop_remainder=True)
            .prefetch(2 * max(1, local // per_replica))
        )

    def _sample(self, number: np.int64) -> tuple[np.ndarray, np.ndarray, np.int32]:
        try:
            style, index = self.style.draw(int(number))
            return self.content[int(number)], style, np.int32(index)
        except Exception as error:  # TensorFlow would keep only its text
            self.error = error
            raise
