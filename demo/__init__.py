"""The whole main job, from card tap to graded result, with real processes; run by ``make demo``."""
