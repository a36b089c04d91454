"""Losses between pictures, and the discriminator."""
