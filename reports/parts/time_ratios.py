"""How much longer renderers take than ``classical``, as ratios of times from one machine: seconds do not travel."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ...benchmarks.run.schema import Row
from .latency_figures import write_size
from .numbers import ABSENT

TIME_REFERENCE = "classical"
LEAST = 0.01
"""Below it a ratio is said to be: a renderer that copies has no time worth a number."""


@dataclass(frozen=True)
class TimeRatio:
    """A time by that of ``classical``; ``basis`` says what was timed, where and at which size."""

    value: float
    basis: str

    @property
    def text(self) -> str:
        """The ratio in two figures, with the sign that says so."""
        if self.value < LEAST:
            return f"< {LEAST} \N{MULTIPLICATION SIGN}"
        number = f"{self.value:.0f}" if self.value >= 9.95 else f"{self.value:.2g}"
        return f"{number} \N{MULTIPLICATION SIGN}"


def write_ratio(ratio: TimeRatio | None) -> str:
    """Write a ratio; a dash for none."""
    return ratio.text if ratio else ABSENT


def find_latency_ratios(record: Mapping[str, Any] | None, run: str) -> dict[tuple[str, str | None], TimeRatio]:
    """Return ratios of medians by renderer and weights, all at one size and radius of ``run``'s latency.json.

    That is the one at which ``classical`` and most others were measured; of several the largest.
    """
    points: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for one in (record["measurements"].get(key) for key in record["plan"]) if record else ():
        if one is not None and one["status"] == "ok":
            pixels = one["height"] * one["width"]
            points[pixels, one["radius_px"], write_size(one), one["device"], one["dtype"], one["environment"]].append(
                one
            )
    compared = {place: found for place, found in points.items() if any(map(_is_reference, found)) and len(found) > 1}
    if not compared:
        return {}
    place = max(compared, key=lambda one: (len(compared[one]), *one[:2]))
    seconds = next(one["spread"]["median"] for one in compared[place] if _is_reference(one))
    _, radius_px, size, device, dtype, _ = place
    basis = f"latency.json of run {run}: medians at {size} px, radii up to {radius_px:g} px, {device}, {dtype}"
    return {
        (one["renderer"], one["weights"]): TimeRatio(one["spread"]["median"] / seconds, basis)
        for one in compared[place]
    }


def find_row_ratios(rows: Iterable[Row], run: str, sizes: str) -> dict[tuple[str, str | None], TimeRatio]:
    """Return ratios by renderer and weights from the seconds of ``rows``, which are of one data set and ``run``.

    The median over the scenes that both rendered in the same environment, on the same device; ``sizes`` says how large
    these are.
    """
    timed = [row for row in rows if row["status"] == "ok" and row["seconds"] is not None]
    reference = {_place(row): row["seconds"] for row in timed if _is_reference(row)}
    found: dict[tuple[str, str | None], list[float]] = defaultdict(list)
    for row in timed:
        seconds = reference.get(_place(row))
        if seconds:
            found[row["renderer"], row["weights"]].append(float(row["seconds"] or 0.0) / seconds)
    return {
        name: TimeRatio(median(ratios), f"seconds of run {run}, one render a scene, {sizes}: median over scenes")
        for name, ratios in found.items()
    }


def list_bases(ratios: Sequence[TimeRatio | None]) -> list[str]:
    """Return what the ratios rest on, each once."""
    return list(dict.fromkeys(ratio.basis for ratio in ratios if ratio))


def _is_reference(one: Mapping[str, Any] | Row) -> bool:
    return one["renderer"] == TIME_REFERENCE


def _place(row: Row) -> tuple[Any, ...]:
    return row["scene"], row["seed"], row["environment"], row["device"], row["dtype"]
