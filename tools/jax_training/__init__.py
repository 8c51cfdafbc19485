"""Training of the package's models with JAX, for a machine that has no TensorFlow.

packing    pictures in one file
sampling   random crops of pictures that stay on the GPU
stepping   a training step as one compiled function
schedule   the learning rate of a run that has so many minutes
"""
