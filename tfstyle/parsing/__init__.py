"""Reads what others may have written: limits of size, depth and type come before any work.

Whatever is wrong with a file is a ValueError with a short reason, or an OSError; callers name the
file. Importing this package loads neither NumPy nor TensorFlow.
"""
