"""Defocus to Focus: bokeh from one photograph; defocus is guessed, rendered in layers, and fused with what is sharp."""
