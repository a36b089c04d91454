"""Where training was: ``python -m bokehbench.training`` is the command now."""
