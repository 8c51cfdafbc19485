"""What programs need of the machine: the process, the terminal, TensorFlow's devices, LiteRT."""
