"""The classical scatter renderer: reference, CPU kernels, device path."""
