"""The two sizes of BokehDiff: compact and SDXL."""
