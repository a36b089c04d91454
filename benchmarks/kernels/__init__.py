"""Benchmarks of single kernels against naive references."""
