"""Clean photographs made into poor ones, reproducibly."""
