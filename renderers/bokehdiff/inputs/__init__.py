"""What the U-Net is given beside the latent."""
