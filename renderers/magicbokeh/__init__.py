"""MagicBokeh: bokeh and super-resolution in one pass."""
