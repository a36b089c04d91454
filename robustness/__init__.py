"""How quality falls when a renderer's inputs are wrong."""
