"""Physics-inspired self-attention (PISA) over tokens; it knows no U-Net and no picture."""
