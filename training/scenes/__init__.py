"""Training samples: stored scenes, and what is degraded about them."""
