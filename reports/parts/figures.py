"""Figures as SVG for light and dark pages and as PNG for slides: degradation curves, renderer against renderer.

The colours are Okabe and Ito's, which the colour-blind tell apart; markers do it in grey print.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator
from numpy.typing import NDArray

from ...core.files import safe_name
from ...robustness.curves import Curve, Quartiles
from ..files.assets import Assets
from .numbers import write_severity

INK, GRID_LINES, MUTED = "#1b1f24", "#e1e5e9", "#5a636e"
DARK_COLOURS = {
    INK: "#e8eaed",
    GRID_LINES: "#333a43",
    MUTED: "#a3acb7",
    "#0072b2": "#4aa8e0",
    "#56b4e9": "#f0e442",
}
"""What a dark page gets instead of these colours."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", MUTED)
PART_COLOURS = COLOURS[:-1]
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))

SIZE_INCHES = (5.2, 3.5)
SQUARE_INCHES = (3.6, 3.6)
PNG_DPI = 200
LONGEST_LABEL = 36
HINTED = 1.06
"""How much wider a name is where its letters are fitted to pixels; what few letters differ by more has room."""

STYLE: Any = {
    "svg.fonttype": "path",
    "svg.hashsalt": "bokehbench",
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # a name may hold a dollar sign
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "grid.color": GRID_LINES,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
}


@dataclass(frozen=True)
class Plot:
    """A figure on a page: URLs (no PNG where it is empty), size in CSS px, and what it shows in words."""

    svg: str
    dark: str
    png: str
    width: int
    height: int
    alt: str


def draw_curves(
    curves: Sequence[Curve], severities: Sequence[float], styles: Mapping[str, int], labels: Mapping[str, str]
) -> Figure:
    """Draw every renderer's median with its quartile band; ``labels`` holds ``x`` and ``y``, and may hold ``below_x``.

    ``labels["what"]`` chooses the metric (``score``) or the loss against the unperturbed case (``drop``). ``styles``
    numbers the renderers, so that one looks the same in all figures.
    """
    figure, axes = _start(SIZE_INCHES, labels)
    for curve in curves:
        quartiles: Quartiles = getattr(curve, labels["what"])
        style = _style(styles[curve.renderer])
        axes.fill_between(
            severities, quartiles.low, quartiles.high, color=style["color"], alpha=0.16, linewidth=0, gid="band"
        )
        for edge in (quartiles.low, quartiles.high):
            axes.plot(severities, edge, color=style["color"], alpha=0.55, linewidth=0.7)
        axes.plot(severities, quartiles.median, linewidth=1.9, markersize=4.6, gid=f"median-{curve.renderer}", **style)
    if labels["what"] == "drop":
        axes.axhline(0.0, color=MUTED, linewidth=0.9, zorder=1)
    if min(severities) < 0 < max(severities):
        axes.axvline(0.0, color=MUTED, linewidth=0.9, zorder=1)
    axes.set_xticks(list(severities) if len(severities) <= 12 else [*severities[::2]])
    signed = min(severities) < 0
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write_severity(value, signed)))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    _add_legend(figure, [curve.renderer for curve in curves], styles)
    return figure


def draw_scatter(values: pd.DataFrame, x: str, y: str, labels: Mapping[str, str], style: int) -> Figure:
    """Draw each scene of ``values`` (scenes x renderers) at its scores of two renderers; on the line they are equal."""
    figure, axes = _start(SQUARE_INCHES, labels)
    both = values[[x, y]].dropna().to_numpy(np.float64)
    low, high = _limits(both)
    axes.plot([low, high], [low, high], color=MUTED, linewidth=1.0, zorder=1)
    colour = _style(style)["color"]
    axes.plot(
        both[:, 0], both[:, 1], linestyle="", marker=_style(style)["marker"], color=colour, alpha=0.75, gid="scenes"
    )
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    axes.set_title(shorten(labels["title"]), loc="left", fontsize=9.5)
    return figure


@dataclass(frozen=True)
class Line:
    """A renderer over a quantity: values with a band around them, all above 0."""

    renderer: str
    x: Sequence[float]
    low: Sequence[float]
    middle: Sequence[float]
    high: Sequence[float]


def draw_growth(
    lines: Sequence[Line],
    styles: Mapping[str, int],
    labels: Mapping[str, str],
    names: Mapping[float, str] | None = None,
) -> Figure:
    """Draw lines on logarithmic axes; ``labels`` holds ``x``, ``y`` and ``title``, ``names`` those of places on x."""
    figure, axes = _start(SIZE_INCHES, labels)
    for line in lines:
        style = _style(styles[line.renderer])
        order = np.argsort(line.x, kind="stable")
        x, low, middle, high = (np.asarray(values)[order] for values in (line.x, line.low, line.middle, line.high))
        axes.fill_between(x, low, high, color=style["color"], alpha=0.2, linewidth=0)
        axes.plot(x, middle, linewidth=1.9, markersize=4.6, gid=f"median-{line.renderer}", **style)
    axes.set(xscale="log", yscale="log")
    ticks = sorted({value for line in lines for value in line.x})
    axes.set_xticks(ticks, [(names or {}).get(value, f"{value:.3g}") for value in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(_choose_ticks([v for line in lines for v in (*line.low, *line.high)]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    axes.set_title(shorten(labels["title"]), loc="left", fontsize=9.5)
    _add_legend(figure, [line.renderer for line in lines], styles)
    return figure


def _choose_ticks(values: Sequence[float]) -> Locator:
    """Return ticks for a logarithmic axis, of which at least two lie among ``values`` however close these are."""
    known = [value for value in values if value > 0]
    span = max(known, default=1.0) / min(known, default=1.0)
    return LogLocator(subs=(1.0, 2.0, 5.0)) if span > 5.0 else MaxNLocator(4)


@dataclass(frozen=True)
class Bar:
    """One bar of stacked parts, name to length >= 0; their sum may be more or less than the ``whole``."""

    label: str
    parts: Mapping[str, float]
    whole: float

    @property
    def rest(self) -> float:
        """What is left of the whole behind all parts."""
        return max(0.0, self.whole - sum(self.parts.values()))


def draw_bars(bars: Sequence[Bar], labels: Mapping[str, str]) -> Figure:
    """Draw horizontal bars of stacked parts, the rest of the whole in grey, and a line where the whole ends.

    ``labels`` holds ``x``, ``y``, ``title``, and what ``rest`` and ``whole`` are called.
    """
    names = list(dict.fromkeys(name for bar in bars for name in bar.parts))
    has_rest = any(bar.rest > 0.0 for bar in bars)
    listed = [*names, labels["whole"], *([labels["rest"]] if has_rest else [])]
    with mpl.rc_context(STYLE):
        columns = min(_count_columns(list(map(shorten, listed)), 72.0 * SIZE_INCHES[0]), 3)
    more_rows = max(0, -(-len(listed) // columns) - 2)
    figure, axes = _start((SIZE_INCHES[0], 1.4 + 0.45 * len(bars) + 0.2 * more_rows), labels)
    parts = [(name, [bar.parts.get(name, 0.0) for bar in bars], PART_COLOURS[n % len(PART_COLOURS)])
             for n, name in enumerate(names)]  # fmt: skip
    if has_rest:
        parts.append((labels["rest"], [bar.rest for bar in bars], MUTED))
    left = np.zeros(len(bars))
    for name, lengths, colour in parts:
        axes.barh(range(len(bars)), lengths, left=left, height=0.62, color=colour, label=shorten(name))
        left += lengths
    places, wholes = np.arange(len(bars)), [bar.whole for bar in bars]
    axes.vlines(wholes, places - 0.42, places + 0.42, color=INK, linewidth=2.0, label=shorten(labels["whole"]))
    axes.set_yticks(range(len(bars)), [shorten(bar.label) for bar in bars])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_title(shorten(labels["title"]), loc="left", fontsize=9.5)
    (line, *patches), (end, *names) = axes.get_legend_handles_labels()
    patches, names = [*patches, line], [*names, end]
    with mpl.rc_context(STYLE):
        figure.legend(_by_lines(patches, columns), _by_lines(names, columns), loc="outside lower center", ncols=columns)
    return figure


def save(assets: Assets, name: str, figure: Figure, alt: str, with_png: bool = True) -> Plot:
    """Write ``assets/figures/NAME.svg``, ``-dark.svg`` and ``.png``; the same figure gives the same bytes."""
    base = f"assets/figures/{safe_name(name)}"
    with mpl.rc_context(STYLE):
        vector, pixels = io.StringIO(), io.BytesIO()
        figure.savefig(vector, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        if with_png:
            figure.savefig(pixels, format="png", dpi=PNG_DPI, facecolor="white", metadata={"Software": None})
    light = vector.getvalue()
    dark = light
    for colour, replacement in DARK_COLOURS.items():
        dark = dark.replace(colour, replacement)
    width, height = (round(inches * 96) for inches in figure.get_size_inches())
    return Plot(
        svg=assets.write(f"{base}.svg", light),
        dark=assets.write(f"{base}-dark.svg", dark),
        png=assets.write(f"{base}.png", pixels.getvalue()) if with_png else "",
        width=width,
        height=height,
        alt=alt,
    )


def _start(size: tuple[float, float], labels: Mapping[str, str]) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlabel("\n".join(filter(None, (shorten(labels["x"]), labels.get("below_x")))))
        axes.set_ylabel(shorten(labels["y"]))
    return figure, axes


def _style(number: int) -> dict[str, Any]:
    """Return the look of the renderer with this number; once all colours are used, dashed lines and hollow markers."""
    index = number % len(COLOURS)
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    hollow = {"markerfacecolor": "none"} if number >= len(COLOURS) else {}
    return {"color": COLOURS[index], "marker": MARKERS[index], "linestyle": dash, **hollow}


def _add_legend(figure: Figure, renderers: Sequence[str], styles: Mapping[str, int]) -> None:
    lines = [mpl.lines.Line2D([], [], linewidth=1.9, markersize=4.6, **_style(styles[name])) for name in renderers]
    with mpl.rc_context(STYLE):
        names = [shorten(name) for name in renderers]
        columns = _count_columns(names, 72.0 * figure.get_figwidth())
        figure.legend(
            _by_lines(lines, columns), _by_lines(names, columns), loc="outside upper left", ncols=columns,
            borderaxespad=0.2,
        )  # fmt: skip


def _count_columns(names: Sequence[str], room: float) -> int:
    """Return in how many columns a legend fits into the figure, whose width is ``room`` points."""
    around = STYLE["legend.handlelength"] + mpl.rcParams["legend.handletextpad"] + mpl.rcParams["legend.columnspacing"]
    size = STYLE["font.size"]
    texts = [max(0.0, TextPath((0.0, 0.0), name, size=size).get_extents().width) for name in names]
    widths = [HINTED * text + around * size for text in texts]
    fitting = (n for n in range(len(names), 1, -1) if sum(max(widths[column::n]) for column in range(n)) <= room)
    return next(fitting, 1)


def _by_lines(entries: Sequence[Any], columns: int) -> list[Any]:
    """Return a legend's entries so that they read line by line, as tables do: matplotlib fills column by column."""
    return [entry for column in range(columns) for entry in entries[column::columns]]


def shorten(name: str) -> str:
    """Return a name that fits into a figure; matplotlib would hide one that starts with an underscore."""
    plain = " ".join(name.split())
    cut = plain if len(plain) <= LONGEST_LABEL else f"{plain[: LONGEST_LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"
    return f" {cut}" if cut.startswith("_") else cut


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin
