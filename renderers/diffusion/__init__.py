"""What renderers built on diffusers share: prompts, LoRA, tiling, memory."""
