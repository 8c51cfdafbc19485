"""Training of feed-forward models on one device, several, or several machines.

strategies.make_strategy   devices
data_sets.open_pictures    batches of crops, and samples held out of them
steps.Stepper              a step: gradients of all replicas, summed, checked, clipped, applied
runs.RunFolder             config, checkpoints, logs, samples, the model
callbacks                  what is shown
loop.train                 all of it
"""

from tfstyle.training.loop import TrainingResult, train
from tfstyle.training.strategies import make_strategy

__all__ = ["TrainingResult", "make_strategy", "train"]
