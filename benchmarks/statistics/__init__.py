"""Means, intervals and tests over independent scenes."""
