"""Trains the learned renderers: ``python -m bokehbench.training CONFIG.yaml``."""
