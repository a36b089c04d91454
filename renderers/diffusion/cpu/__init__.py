"""Compiled steps of the networks of diffusers for the CPU: residual blocks, group norms, transformer blocks."""
