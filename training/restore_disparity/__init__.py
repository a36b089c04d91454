"""Training of the network that restores disparity maps."""
