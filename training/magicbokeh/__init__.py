"""MagicBokeh's training: a network that cleans pictures, and blurs them as a lens does, its branches in turns."""
