"""The layered rendering, compiled for the CPU."""
