"""Within the wrong band and outside it: which part of a loss is the map's, as curves, a table and a CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...benchmarks.run.schema import Row
from ...robustness.band_losses import SCORES, BandLosses
from ...robustness.curves import Curve, Quartiles
from ...robustness.perturbations.interface import Perturbation
from ..files.assets import Assets
from ..files.export import Links, Sheet, export_sheet
from .figures import COLOURS, Plot, draw_curves, save
from .numbers import ABSENT, write_count, write_score, write_severity
from .severity_axis import label_severities

FROM_TRUE_MAP = "{}, true map"

COLUMNS = {
    "share": ("wrong band", "the part of the picture that wrong disparity reaches, %"),
    "whole": ("PSNR", "of the whole picture"),
    "lost_inside": (
        "lost within",
        "what the wrong band costs: the true map there would bring the PSNR so much up",
    ),
    "lost_outside": ("lost outside", "the rest of the drop: what changed where no wrong disparity reaches"),
    "inside": ("PSNR within", "over the pixels of the wrong band"),
    "true_inside": ("... true map", "over the same pixels of the picture from the true map"),
    "outside": ("PSNR outside", "over the other pixels"),
    "best": (
        "best",
        "with the true map within the band: what a perfect correction of it would bring this renderer",
    ),
}
"""What the table shows of a mean: the column's head, and what it means."""


@dataclass(frozen=True)
class Line:
    """One renderer at one severity; ``cells`` are texts with the numbers that sort them, in the order of COLUMNS."""

    severity: str
    renderer: str
    cells: list[tuple[str, float | None]]


@dataclass(frozen=True)
class BandSection:
    """What the page shows of an axis's wrong bands; only ``reason`` where there is nothing."""

    reason: str = ""
    scenes: str = ""
    plots: Sequence[Plot] = ()
    lines: Sequence[Line] = ()
    links: Links | None = None
    notes: Sequence[str] = ()
    columns: Mapping[str, tuple[str, str]] | None = None


def describe_band(
    rows: Sequence[Row],
    perturbation: Perturbation,
    assets: Assets,
    styles: Mapping[str, int],
    key: str,
    *,
    true_disparity: bool,
) -> BandSection | None:
    """Return what the wrong bands of a data set's ``rows`` show; None where the map is right or the picture is not.

    ``true_disparity``: whether the data set knows the true map; ``key`` begins the names of files.
    """
    if perturbation.changes != {"disparity"}:
        return None
    if not true_disparity:
        return BandSection(reason="n/a: the disparity of this data set is estimated, so where it is wrong is unknown.")
    found = BandLosses(rows, perturbation.name)
    if not found.scenes:
        return BandSection(reason="Not measured yet: give the command of the sweep again, which renders nothing twice.")
    dropped = write_count(found.dropped_scenes, "scene")
    return BandSection(
        scenes=write_count(found.scenes, "scene"),
        plots=_plots(found, perturbation, assets, styles, key),
        lines=[line for line in _lines(found) if line.severity in _marks(found, perturbation)],
        links=export_sheet(assets, f"wrong-band-{key}", _sheet(found, perturbation)),
        notes=[f"{dropped} left out, because not every renderer has a picture at every severity there."]
        if found.dropped_scenes
        else [],
        columns=COLUMNS,
    )


def _plots(
    found: BandLosses, perturbation: Perturbation, assets: Assets, styles: Mapping[str, int], key: str
) -> list[Plot]:
    """Draw the PSNR within the band and outside it, dashed the medians of the same pixels from the true map."""
    severities = sorted({perturbation.neutral, *found.severities})
    both = dict(styles) | number_true_maps(styles, found.renderers)
    plots = []
    for part in ("inside", "outside"):
        curves = []
        for renderer in found.renderers:
            given, true = (_quartiles(found, renderer, score, severities) for score in (part, f"true_{part}"))
            line = Quartiles(true.median, true.median, true.median)  # two bands upon each other hide the lines
            curves += [Curve(renderer, given, given), Curve(FROM_TRUE_MAP.format(renderer), line, line)]
        text = f"psnr {'within' if part == 'inside' else 'outside'} the wrong band (dB)"
        figure = draw_curves(curves, severities, both, {"y": text, "what": "score", **label_severities(perturbation)})
        names = ", ".join(found.renderers)
        alt = f"{text} along {perturbation.label}: median and quartile band of {names}, dashed with the true map."
        plots.append(save(assets, f"wrong-band-{key}-{part}", figure, alt))
    return plots


def number_true_maps(styles: Mapping[str, int], renderers: Sequence[str]) -> dict[str, int]:
    """Return the looks of pictures from the true map: a renderer's own colour, with dashes that none of them has."""
    beyond = len(COLOURS) * (1 + max(styles[name] for name in renderers) // len(COLOURS))
    return {FROM_TRUE_MAP.format(name): styles[name] + beyond for name in renderers}


def _quartiles(found: BandLosses, renderer: str, score: str, severities: Sequence[float]) -> Quartiles:
    """Return quartiles on the whole axis, NaN at the severity where nothing is wrong, which breaks the line."""
    values = np.full((3, len(severities)), np.nan)
    values[:, [severities.index(severity) for severity in found.severities]] = found.quartiles(renderer, score)
    return Quartiles(*values)


def _marks(found: BandLosses, perturbation: Perturbation) -> list[str]:
    """Return the severities that the table shows: those that drops are read at, or the ends of the axis."""
    ends = {found.severities[0], found.severities[-1]}
    chosen = set(perturbation.marks) & set(found.severities) or ends
    return [write_severity(severity, _is_signed(found)) for severity in sorted(chosen)]


def _is_signed(found: BandLosses) -> bool:
    return found.severities[0] < 0


def _lines(found: BandLosses) -> list[Line]:
    means = found.means()
    return [
        Line(
            write_severity(severity, _is_signed(found)),
            renderer,
            [_cell(name, means.loc[(severity, renderer), name]) for name in COLUMNS],
        )
        for severity in found.severities
        for renderer in found.renderers
    ]


def _cell(column: str, value: float) -> tuple[str, float | None]:
    if pd.isna(value):
        return ABSENT, None
    shown = 0.0 if abs(value) < 0.005 else float(value)  # no minus before 0.00
    return (f"{100.0 * value:.1f}" if column == "share" else write_score(shown, "dB")), float(value)


def _sheet(found: BandLosses, perturbation: Perturbation) -> Sheet:
    means = found.means()
    scenes = write_count(found.scenes, "scene")
    return Sheet(
        caption=f"Wrong band along {perturbation.name} ({perturbation.unit}): means over {scenes}, dB",
        head=["renderer", "severity", "share", *SCORES, "scenes"],
        values=[
            [renderer, severity, *(_number(means.loc[(severity, renderer), name]) for name in ("share", *SCORES)),
             found.scenes]
            for renderer in found.renderers
            for severity in found.severities
        ],
        printed_head=["Severity", "Renderer", *(head for head, _ in COLUMNS.values())],
        printed=[[line.severity, line.renderer, *(text for text, _ in line.cells)] for line in _lines(found)],
    )  # fmt: skip


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
