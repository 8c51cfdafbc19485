"""Distills `lite` from VGG-19; the programs are `tools.prune`, `distill`, `distill_report`."""
