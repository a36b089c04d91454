"""Image metrics, each named by its exact variant."""
