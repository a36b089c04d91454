"""Compiled convolutions for the CPU: what the networks' residual blocks run on while they render."""
