"""One file a repository. They run in that repository's Python, never here: their INFO is read as data."""
