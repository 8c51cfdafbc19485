"""One training step on all replicas: gradients, their sum, scaling, clipping, the update."""

import math
from typing import Any

import keras
import tensorflow as tf

from tfstyle.config import TrainConfig
from tfstyle.models import StyleTransferModel
from tfstyle.models.capabilities import AlternatingTraining
from tfstyle.training.objectives import loss_terms_of

INVERSE_DECAY = 5e-5  # Huang and Belongie's code: rate / (1 + 5e-5 · step)
# Gradients are of the order of 1e-2, their rounding errors of 1e-8. With Keras' 1e-7, rounding
# moves a weight with hardly any gradient at full rate, differently for each number of devices.
_EPSILON = 1e-5
_FIRST_LOSS_SCALE = 2.0**15  # of float16, as in Keras' LossScaleOptimizer
_GROWTH_STEPS = 2000


def make_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """Adam with the config's schedule; to be called in the strategy's scope."""
    rate = LearningRate(config.learning_rate, config.schedule, config.steps, config.warmup_steps)
    return keras.optimizers.Adam(rate, epsilon=_EPSILON)


@keras.saving.register_keras_serializable(package="tfstyle")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate by step: a linear warm-up times a constant, inverse or cosine decay.

    Args:
        rate: the peak.
        schedule: "constant", "inverse" or "cosine".
        steps: at which the cosine reaches 0.
        warmup_steps: of the warm-up.
    """

    def __init__(self, rate, schedule, steps, warmup_steps=0):
        self.rate = rate
        self.schedule = schedule
        self.steps = steps
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        decay = 1.0
        if self.schedule == "inverse":
            decay = 1.0 / (1.0 + INVERSE_DECAY * step)
        elif self.schedule == "cosine":
            share = keras.ops.minimum(step / self.steps, 1.0)
            decay = 0.5 * (1.0 + keras.ops.cos(math.pi * share))
        warmup = keras.ops.minimum((step + 1.0) / (self.warmup_steps + 1.0), 1.0)
        return self.rate * warmup * decay

    def get_config(self):
        return {
            "rate": self.rate,
            "schedule": self.schedule,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
        }


class Stepper:
    """The training state besides the model, and the step that updates both.

    Gradients are summed over all replicas first, then unscaled, checked and clipped, so that any
    number of replicas takes the same step. A step whose loss or gradients are not finite changes
    only `skipped` and, with float16, the loss scale.

    Args:
        model: whose trainable variables are trained. One with a `sample_share`, of the samples that
            give each of its numbers a gradient, has a higher rate if that is rarer than each step.
        config: of the run.
        strategy: in whose scope the model was created.
        teacher: whose pictures the model learns, from the same scope; None for its own loss.
    """

    def __init__(
        self,
        model: StyleTransferModel,
        config: TrainConfig,
        strategy: tf.distribute.Strategy,
        teacher: StyleTransferModel | None = None,
    ):
        self.model = model
        self.config = config
        self.strategy = strategy
        self.scaled = config.precision == "mixed_float16"
        with strategy.scope():
            self._loss_terms = loss_terms_of(model, config.temporal_weight, teacher)
            self.optimizer = make_optimizer(config)
            self.optimizer.build(model.trainable_variables)
            self.averages = [
                tf.Variable(variable.value, trainable=False)
                for variable in (model.trainable_variables if config.ema else ())
            ]
            # What has gradients in a share of the steps alone, Adam moves by the share's root.
            shares = (getattr(one, "sample_share", 1.0) for one in model.trainable_variables)
            self._rates = [1.0 / math.sqrt(min(1.0, config.batch_size * one)) for one in shares]
            scale = _FIRST_LOSS_SCALE if self.scaled else 1.0
            self.loss_scale = _scalar(scale, tf.float32)
            self.good_steps = _scalar(0, tf.int64)  # since the loss scale last changed
            self.skipped = _scalar(0, tf.int64)
            self.bad_in_a_row = _scalar(0, tf.int64)
        self._train_steps: dict[str, Any] = {}
        self.pretrain_step = self._step_function(
            lambda inputs: model.reconstruction_terms(inputs["content"])
        )

    def train_step(self, batch: Any, step: int = 1) -> dict[str, tf.Tensor]:
        """Takes a step, counted from 1, with the model's loss for it; see `_step_function`."""
        name = "loss_terms"
        if isinstance(self.model, AlternatingTraining):
            name = self.model.loss_of(step)
        if name not in self._train_steps:
            loss = self._loss_terms if name == "loss_terms" else getattr(self.model, name)
            self._train_steps[name] = self._step_function(loss)
        return self._train_steps[name](batch)

    def _step_function(self, loss_terms):
        """`step(batch) → {name: loss}`; batches are uint8, losses are of the global batch."""

        @tf.function(autograph=False)
        def step(batch):
            def differentiate(batch):
                inputs = {
                    name: tf.cast(value, tf.float32) / 255.0 if value.dtype == tf.uint8 else value
                    for name, value in batch.items()
                }
                with tf.GradientTape() as tape:
                    terms = loss_terms(inputs)
                    scaled = terms["total"] * self.loss_scale
                gradients = tape.gradient(
                    scaled, [variable.value for variable in self.model.trainable_variables]
                )
                # Of variables that the loss depends on, by number; reconstructions may use a part.
                found = {k: one for k, one in enumerate(gradients) if one is not None}
                # Keras has divided each loss by the number of replicas.
                sum_all = tf.distribute.get_replica_context().all_reduce
                return sum_all(tf.distribute.ReduceOp.SUM, (found, terms))

            gradients, terms = self.strategy.run(differentiate, (batch,))
            terms = {name: self._local(term) for name, term in terms.items()}
            norm = tf.linalg.global_norm([self._local(part) for part in gradients.values()])
            norm = norm / self.loss_scale
            finite = tf.math.is_finite(norm) & tf.math.is_finite(terms["total"])
            tf.cond(finite, lambda: self._update(gradients, norm), self._skip)
            return {**terms, "gradient_norm": norm, "finite": finite}

        return step

    def _local(self, value):
        return self.strategy.experimental_local_results(value)[0]

    def _update(self, gradients, norm):
        factor = 1.0 / self.loss_scale
        if self.config.clip_norm:
            factor *= tf.minimum(1.0, self.config.clip_norm / tf.maximum(norm, 1e-30))
        rate = self.optimizer.learning_rate
        count = tf.cast(self.optimizer.iterations.value, tf.float32)
        # Early averages are over few steps: decay (1 + t) / (10 + t), as in TensorFlow 1.
        decay = tf.minimum(self.config.ema, (1.0 + count) / (10.0 + count))

        def update_variable(variable, gradient, factor, rate):
            self.optimizer.update_step(gradient * factor, variable, rate)

        def update_average(average, variable, decay):
            average.assign_add((1.0 - decay) * (variable - average))

        update = self.strategy.extended.update
        variables = [variable.value for variable in self.model.trainable_variables]
        for number, gradient in gradients.items():
            arguments = (gradient, factor, rate * self._rates[number])
            update(variables[number], update_variable, arguments, group=False)
            if self.averages:
                average = self.averages[number]
                update(average, update_average, (variables[number], decay), group=False)
        self.optimizer.iterations.assign_add(1)
        self.bad_in_a_row.assign(0)
        if self.scaled:
            self.good_steps.assign_add(1)
            grown = tf.equal(self.good_steps, _GROWTH_STEPS)
            self.loss_scale.assign(tf.where(grown, self.loss_scale * 2.0, self.loss_scale))
            self.good_steps.assign(tf.where(grown, tf.zeros((), tf.int64), self.good_steps))
        return tf.constant(True)

    def _skip(self):
        self.skipped.assign_add(1)
        if self.scaled:  # a step counts as bad only once the scale cannot be lowered
            at_least = tf.cast(self.loss_scale <= 1.0, tf.int64)
            self.bad_in_a_row.assign_add(at_least)
            self.loss_scale.assign(tf.maximum(1.0, self.loss_scale / 2.0))
            self.good_steps.assign(0)
        else:
            self.bad_in_a_row.assign_add(1)
        return tf.constant(False)

    def result_weights(self):
        """The trained weights: the averages, if there are any."""
        variables = self.averages or [v.value for v in self.model.trainable_variables]
        return [self._local(variable).numpy() for variable in variables]

    def step(self):
        """The number of the last step that was taken, or skipped."""
        return int(self.optimizer.iterations.value.numpy()) + int(self.skipped.numpy())

    def state(self):
        """All variables that a resume needs, by name."""
        return {
            **{f"model/{i}": v.value for i, v in enumerate(self.model.trainable_variables)},
            **{f"optimizer/{i}": v.value for i, v in enumerate(self.optimizer.variables)},
            **{f"average/{i}": v for i, v in enumerate(self.averages)},
            "loss_scale": self.loss_scale,
            "good_steps": self.good_steps,
            "skipped": self.skipped,
            "bad_in_a_row": self.bad_in_a_row,
        }


def _scalar(value, dtype):
    return tf.Variable(
        value, dtype=dtype, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
    )
