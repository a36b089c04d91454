"""The classical renderers in PyTorch and Triton, for any device."""
