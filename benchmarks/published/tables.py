"""Numbers that a paper printed, as data. They were not measured here; reports mark them and keep them apart.

Source: BokehDiff, ICCV 2025, Tables 1 and 2. Metric names are the paper's, which does not say which variants they are.
Users report that its BLB numbers do not reproduce with the released code and weights (27.08 dB against 36.80).
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = "BokehDiff, ICCV 2025"
METRICS = {
    "psnr": ("PSNR", "dB", True),
    "ssim": ("SSIM", "", True),
    "dists": ("DISTS", "", False),
    "lpips": ("LPIPS", "", False),
}
"""Printed name, unit and direction of each column."""

PROTOCOLS = {
    "ebb-exposure-aligned": "EBB Val294 (exposure-aligned)",
    "blb@5": "BLB Level 5",
}
"""Our data sets that follow a published protocol, and what the paper calls it. No other data set gets its numbers."""

ABLATIONS = {
    "w/o L_adv": "bokehdiff-no-adv",
    "w/o L_VGG": "bokehdiff-no-vgg",
    "w/o L_edge": "bokehdiff-no-edge",
    "fixed encoder": "bokehdiff-fixed-encoder",
    "w/o CoC": "bokehdiff-no-coc",
    "w/o SoftmaxQ": "bokehdiff-no-softmaxq",
    "w/o occlusion": "bokehdiff-no-occlusion",
    "T=249": "bokehdiff-t249",
    "T=749": "bokehdiff-t749",
    "complete model": "bokehdiff",
}
"""The lines of Table 2, in its order, and our renderers of the same setting."""


@dataclass(frozen=True)
class PublishedRow:
    """One printed line: ``printed`` as it stands in the paper, ``scores`` as numbers, by the keys of ``METRICS``.

    Without a number in the paper, the text is empty and the score None.
    """

    table: int
    dataset: str
    method: str
    setting: str
    printed: dict[str, str]
    scores: dict[str, float | None]


@cache
def read_published() -> tuple[PublishedRow, ...]:
    """Return every printed line in the paper's order."""
    with Path(__file__).with_name("bokehdiff.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            PublishedRow(
                table=int(line["table"]),
                dataset=line["dataset"],
                method=line["method"],
                setting=line["setting"],
                printed={name: line[name] for name in METRICS},
                scores={name: float(line[name]) if line[name] else None for name in METRICS},
            )
            for line in csv.DictReader(file)
        )


def published_for(dataset: str) -> list[PublishedRow]:
    """Return Table 1 of the protocol that our data set ``dataset`` follows; nothing for any other data set."""
    protocol = PROTOCOLS.get(dataset)
    return [row for row in read_published() if row.table == 1 and row.dataset == protocol]


def published_ablations() -> list[PublishedRow]:
    """Return Table 2."""
    return [row for row in read_published() if row.table == 2]
