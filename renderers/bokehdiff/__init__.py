"""BokehDiff: one-step latent diffusion with physics-inspired self-attention."""
