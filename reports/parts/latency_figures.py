"""Figures of the latency page: growth on logarithmic axes, and where the time goes."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...benchmarks.latency.growth import held_memory
from ..files.assets import Assets
from .figures import Bar, Line, Plot, draw_bars, draw_growth, save

Record = Mapping[str, Any]

NAMES = {"rest": "not in a stage", "whole": "median of the whole"}
"""What bars of stages call their last part and their end."""

SIZE_LABEL = "picture (width x height, px)"
MOST_NAMED_SIZES = 6


def plot_growth(ok: Sequence[Record], styles: Mapping[str, int], assets: Assets) -> list[Plot]:
    """Draw time over pixels at every radius, time over radius at the largest size, memory over pixels."""
    radii = sorted({one["radius_px"] for one in ok})
    largest = max(ok, key=lambda one: one["height"] * one["width"])
    # Names of many sizes, or of upright and wide ones, would lie upon each other.
    places = {write_size(one): _megapixels(one) for one in ok}
    known = {place: size for size, place in places.items()}
    sizes = known if len(known) == len(places) <= MOST_NAMED_SIZES else {}
    plots = []
    for radius in radii:
        at_radius = [one for one in ok if one["radius_px"] == radius]
        lines = _lines_over(at_radius, "pixels")
        title = f"largest radius {radius:g} px"
        plots.append(_plot(assets, f"latency-size-{radius:g}", lines, styles, (SIZE_LABEL, "time (ms)", title), sizes))
    at_size = [one for one in ok if write_size(one) == write_size(largest)]
    if len(radii) > 1:
        labels = ("largest blur radius (px)", "time (ms)", f"{write_size(largest)} px")
        plots.append(_plot(assets, "latency-radius", _lines_over(at_size, "radius"), styles, labels))
    at_radius = [one for one in ok if one["radius_px"] == radii[-1] and held_memory(one)]
    if at_radius:
        labels = (SIZE_LABEL, "peak memory (MiB)", f"largest radius {radii[-1]:g} px")
        lines = _lines_over(at_radius, "pixels", memory=True)
        plots.append(_plot(assets, "latency-memory", lines, styles, labels, sizes))
    return plots


def _lines_over(ok: Sequence[Record], quantity: str, memory: bool = False) -> list[Line]:
    """Return one line a renderer over ``pixels`` (millions) or ``radius``; bands are quartiles of the time in ms."""
    lines = []
    for renderer in dict.fromkeys(one["renderer"] for one in ok):
        mine = [one for one in ok if one["renderer"] == renderer]
        x = [_megapixels(one) if quantity == "pixels" else one["radius_px"] for one in mine]
        if memory:
            held = [held_memory(one) or 0.0 for one in mine]
            lines.append(Line(renderer, x, held, held, held))
        else:
            low, middle, high = ([1000 * one["spread"][q] for one in mine] for q in ("q25", "median", "q75"))
            lines.append(Line(renderer, x, low, middle, high))
    return lines


def _megapixels(one: Record) -> float:
    return float(one["height"] * one["width"] / 1e6)


def _plot(
    assets: Assets,
    name: str,
    lines: Sequence[Line],
    styles: Mapping[str, int],
    labels: tuple[str, str, str],
    ticks: Mapping[float, str] | None = None,
) -> Plot:
    x, y, title = labels
    x = "megapixels" if x == SIZE_LABEL and not ticks else x
    figure = draw_growth(lines, styles, {"x": x, "y": y, "title": title}, ticks)
    names = ", ".join(line.renderer for line in lines)
    alt = f"{y} over {x}, {title}, both axes logarithmic: {names}. The numbers stand in the table."
    return save(assets, name, figure, alt)


def plot_stages(ok: Sequence[Record], assets: Assets) -> list[Plot]:
    """Draw where each renderer's time goes at its largest size, one bar a radius."""
    plots = []
    for number, renderer in enumerate(dict.fromkeys(one["renderer"] for one in ok), 1):
        mine = [one for one in ok if one["renderer"] == renderer]
        largest = max(one["height"] * one["width"] for one in mine)
        shown = [one for one in mine if one["height"] * one["width"] == largest]
        if not any(one["stages"] for one in shown):
            continue
        bars = [_bar(one) for one in shown]
        size = write_size(shown[0])
        labels = {"x": "time (ms)", "y": "largest radius", "title": f"{renderer}, {size} px"} | NAMES
        alt = f"Stages of {renderer} at {size} px, ms: " + "; ".join(
            f"{bar.label}: " + ", ".join(f"{name} {value:.3g}" for name, value in _list_lengths(bar)) for bar in bars
        )
        plots.append(save(assets, f"latency-stages-{number}", draw_bars(bars, labels), alt))
    return plots


def _bar(one: Record) -> Bar:
    """Return the stages in ms, medians of their own, and the median of the whole."""
    parts = {name: 1000 * seconds for name, seconds in one["stages"].items()}
    return Bar(f"{one['radius_px']:g} px", parts, 1000 * one["spread"]["median"])


def _list_lengths(bar: Bar) -> list[tuple[str, float]]:
    rest = [(NAMES["rest"], bar.rest)] if bar.rest else []
    return [*bar.parts.items(), *rest, (NAMES["whole"], bar.whole)]


def write_size(one: Record) -> str:
    """Write width x height."""
    return f"{one['width']}x{one['height']}"
