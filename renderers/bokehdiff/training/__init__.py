"""Training of BokehDiff models: synthesis of scenes, losses, the loop, its checkpoints."""
