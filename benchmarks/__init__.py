"""Benchmarks of speed and memory, as ratios of alternatives timed in the same run."""
