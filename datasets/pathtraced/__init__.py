"""Path-traced scenes with thin-lens ground truth, in BLB's layout: ``python -m bokehbench.datasets.pathtraced``."""
