"""Layered scenes, ray-traced from photographs and cut-outs."""
