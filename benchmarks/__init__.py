"""Programs that measure speed and memory, as ratios of things timed side by side in one run."""
