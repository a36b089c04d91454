"""Names the command that trains."""

import sys

if __name__ == "__main__":
    print("training has moved: use 'python -m bokehbench.training CONFIG.yaml', see docs/training.md", file=sys.stderr)
    sys.exit(2)
