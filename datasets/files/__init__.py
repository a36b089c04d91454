"""Readers of pictures and maps, one a kind of file, what can be wrong with them, and where users' data lies."""
