"""MPIB: a picture in 32 planes of opacity with the hidden background filled in, each blurred by its own disc."""
