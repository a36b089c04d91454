"""Photographs in pairs: all in focus and with bokeh."""
