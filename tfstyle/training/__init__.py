"""Training of feed-forward models on one device, several, or several machines.

strategies.make_strategy   devices
data_sets.open_pictures    batches of crops, and held-out samples
distillation               the terms for a teacher's pictures
moving_pairs               the term for clips, of a photograph and a moved copy
objectives                 what is minimized: the model's terms or its teacher's, and that for clips
steps.Stepper              a step: gradients of all replicas, summed, checked, clipped, applied
runs.RunFolder             config, checkpoints, logs, samples, the model
callbacks                  reports
loop.train                 the whole training
"""

from typing import TYPE_CHECKING

from tfstyle import registry

if TYPE_CHECKING:
    from tfstyle.training.loop import TrainingResult, train
    from tfstyle.training.strategies import make_strategy

__all__ = ["TrainingResult", "make_strategy", "train"]

__getattr__ = registry.lazy(
    __name__, {"TrainingResult": "loop", "train": "loop", "make_strategy": "strategies"}
)
