"""The runtime environment: the process, the terminal, TensorFlow's devices, LiteRT."""
