"""The training loop, its configuration and checkpoints. It knows no model."""
