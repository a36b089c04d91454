"""How quality falls when the disparity is wrong."""
