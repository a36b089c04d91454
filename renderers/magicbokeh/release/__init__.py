"""MagicBokeh as its authors released it, on Stable Diffusion 2.1."""
