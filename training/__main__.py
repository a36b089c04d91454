"""``python -m bokehbench.training CONFIG.yaml``, alone or under ``accelerate launch``."""

from collections.abc import Sequence
from pathlib import Path

from ..core.commands import ends_in_one_line
from ..core.launch import leave
from ..core.option_parser import OneLineParser


@ends_in_one_line(
    "training", "training: interrupted; give the same command to go on from the last checkpoint", elsewhere="'output:'"
)
def main(arguments: Sequence[str] | None = None) -> int:
    """Train a task; the same command goes on where it was interrupted. Exit code 2: the run is impossible."""
    parser = OneLineParser(prog="python -m bokehbench.training", description=main.__doc__, allow_abbrev=False)
    parser.add_argument("config", type=Path, metavar="CONFIG.yaml", help="see docs/training.md")
    options = parser.parse_args(arguments)
    from .engine.config import read_config  # here: --help needs no PyTorch
    from .engine.loop import train

    result = train(read_config(options.config))
    print(f"Result: {result}" if result else "Stopped after the given minutes; give the same command to go on")
    return 0


if __name__ == "__main__":
    leave(main())
