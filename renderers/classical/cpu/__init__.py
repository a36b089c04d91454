"""Compiled kernels of the classical renderers."""
