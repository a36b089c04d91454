"""Renderers of other repositories, each run by its own Python in a process of its own."""
