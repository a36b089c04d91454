"""Latency: how long a renderer takes, where the time goes, how it grows."""
