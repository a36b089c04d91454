"""Programs that photographers have, run as renderers: one file a program."""
