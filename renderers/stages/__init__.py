"""Stages before and behind a renderer: ``classical+refine`` is a renderer that corrects its disparity first."""
