"""Compiled kernels of the attention for the CPU."""
