"""Measurements, which `script/bench` runs. None is a test: they print, and no number fails the suite."""
