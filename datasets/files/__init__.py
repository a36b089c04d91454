"""Readers of pictures, disparity maps and EXR, and where users' data lies."""
