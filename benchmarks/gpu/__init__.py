"""Everything for a GPU in one command: kernels checked against their references, then timed."""
