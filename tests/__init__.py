"""Tests; each file mirrors one of `tfstyle/`."""
