"""Ground truth that other renderers made, as scenes of ``folder``: ``python -m bokehbench.datasets.import_render``."""
