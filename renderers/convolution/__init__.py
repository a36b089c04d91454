"""3 x 3 convolutions compiled for the CPU: what networks run on while they render."""
