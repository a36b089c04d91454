"""README.md beside the shards: what a Hugging Face data set says of itself."""

from collections.abc import Sequence
from pathlib import Path

from ....core.atomic_files import write_atomically

CARD = """\
---
pretty_name: SynBokeh300
task_categories:
- image-to-image
size_categories:
- n<1K
license: other
license_name: see-terms
configs:
- config_name: default
  data_files:
  - split: test
    path: data/test-*.parquet
---

# SynBokeh300 (as BokehBench generates it)

{count} layered scenes for measuring lens blur, of the kind described in BokehDiff (ICCV 2025), Sec. 3.3. The authors'
own scenes are not public; these are drawn from fixed seeds, version `{version}`.

    from datasets import load_dataset
    scenes = load_dataset("FOLDER", split="test")

| column | content |
|---|---|
| `name` | number and cut-outs, front to back |
| `image` | all in focus, 8-bit PNG, display = linear^(1/gamma) |
| `target` | ground truth, encoded like `image` |
| `disparity` | height x width float32, little-endian, row by row; larger = nearer |
| `focus_disparity` | the disparity that is sharp |
| `blur_strength` | radius of the circle of confusion in px per unit of disparity |
| `gamma` | of the display transfer |
| `recipe` | JSON: seed, background, cut-outs, layer in focus, largest radius in px, lights, size |

## Protocol

{protocol}.

## Terms

{terms}.

## How it was made

    {command}

A thin lens looks at planes with transparency; each pixel adds 256 to 2048 rays, by its blur. The same command gives the
same scenes on any machine up to rounding, whatever the number of workers.
"""


def write_card(folder: Path, count: int, version: str, protocol: str, terms: str, command: Sequence[str]) -> None:
    """Write README.md to ``folder``."""
    text = CARD.format(count=count, version=version, protocol=protocol, terms=terms, command=" ".join(command))
    write_atomically(folder / "README.md", lambda file: file.write(text.encode()))
