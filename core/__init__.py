"""What every other folder speaks: scenes, errors, optics, registries, files, timing, compiled kernels."""
