"""The attention in blocks of PyTorch operations, for any device."""
