"""The training tasks of BokehDiff and the recipe of its compact models."""
