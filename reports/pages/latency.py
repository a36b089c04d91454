"""The latency page: how long each renderer takes, where the time goes, how it grows, what memory it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...benchmarks.latency.growth import GrowthFit, fit_renderers, held_memory
from ..files.assets import Assets
from ..files.export import Number, Sheet, export_sheet
from ..parts.latency_figures import plot_growth, plot_stages, write_size
from ..parts.numbers import ABSENT, write_count, write_fact, write_megabytes, write_seconds
from ..parts.problems import Problem
from ..parts.run_facts import name_fact
from ..parts.summaries import write_times

Record = Mapping[str, Any]

BUSY_CORES = 0.2
"""Other processes that used more than this many cores are said to have disturbed a measurement."""


@dataclass(frozen=True)
class LatencyLine:
    """One measurement as text; ``one`` holds its numbers."""

    one: Record
    size: str
    median: str
    quartiles: str
    p95: str
    rate: str
    cores: str
    memory: str
    memory_value: float | None
    disturbed: bool


@dataclass(frozen=True)
class GrowthLine:
    """One renderer's exponents of time or memory as text: of pixels and of the blur radius, with their intervals."""

    renderer: str
    what: str
    pixels: str
    radius: str
    worst: str
    fit: GrowthFit


def describe_latency(record: Record, assets: Assets, styles: Mapping[str, int]) -> dict[str, Any]:
    """Return the page's context; figures and tables are written. ``styles`` numbers the renderers' looks."""
    planned = [record["measurements"][key] for key in record["plan"] if key in record["measurements"]]
    ok = [one for one in planned if one["status"] == "ok"]
    looks = dict(styles)
    for name in dict.fromkeys(one["renderer"] for one in planned):
        looks.setdefault(name, len(looks))
    lines = [describe_line(one) for one in ok]
    growth = _growth_lines(ok)
    return {
        "command": record["command"],
        "lead": write_times(ok)[0] if ok else "",
        "where": _describe_where(ok),
        "rule": record["rule"],
        "problems": _find_problems(record, planned),
        "lines": lines,
        "links": export_sheet(assets, "latency", _sheet(lines)) if lines else None,
        "growth": growth,
        "plots": plot_growth(ok, looks, assets) if ok else [],
        "stages": plot_stages(ok, assets),
        "surroundings": _surroundings(record, ok),
        "notes": _notes(lines),
    }


def describe_line(one: Record) -> LatencyLine:
    """Write one finished measurement as the page shows it."""
    spread, memory = one["spread"], one["memory"]
    held = held_memory(one)
    reserved = memory.get("reserved_mb", memory["resident_mb"])
    return LatencyLine(
        one=one,
        size=write_size(one),
        median=write_seconds(spread["median"]),
        quartiles=f"{write_seconds(spread['q25'])} \N{EN DASH} {write_seconds(spread['q75'])}",
        p95=write_seconds(spread["p95"]),
        rate=f"{one['megapixels_per_second']:.3g}",
        cores=f"{one['cpu_seconds'] / spread['median']:.1f}",
        memory=f"{write_megabytes(held)} / {write_megabytes(reserved)}",
        memory_value=held,
        disturbed=one["other_processes_cores"] > BUSY_CORES,
    )


def print_latency(record: Record) -> str:
    """Return the planned measurements as an aligned table for a terminal."""
    head = ["renderer", "size", "radius", "median", "quartiles", "Mpx/s", "memory", ""]
    lines = [head]
    for one in (record["measurements"][key] for key in record["plan"] if key in record["measurements"]):
        place = [one["renderer"], write_size(one), f"{one['radius_px']:g} px"]
        if one["status"] == "ok":
            line = describe_line(one)
            lines.append([*place, line.median, line.quartiles, line.rate, line.memory, "disturbed" * line.disturbed])
        else:
            lines.append([*place, "", "", "", "", f"{one['status']}: {one['reason']}"])
    return _align(lines)


def print_growth(record: Record) -> str:
    """Return the exponents of time and memory as an aligned table for a terminal; empty where nothing varies."""
    planned = [record["measurements"][key] for key in record["plan"] if key in record["measurements"]]
    growth = _growth_lines([one for one in planned if one["status"] == "ok"])
    if not growth:
        return ""
    return _align(
        [
            ["growth of", "", "with pixels", "with radius", "fit off by at most", ""],
            *([line.renderer, line.what, line.pixels, line.radius, line.worst, ""] for line in growth),
        ]
    )


def _align(lines: Sequence[Sequence[str]]) -> str:
    """Return lines whose columns are aligned, the first to the left; the last one's width is free."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]) - 1)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:-1], widths[1:]), line[-1]]).rstrip()
        for line in lines
    )


def _growth_lines(ok: Sequence[Record]) -> list[GrowthLine]:
    lines = []
    for renderer, what, fit in fit_renderers(ok):
        worst = f"{fit.worst_factor:.2f} over {write_count(fit.points, 'point')}"
        lines.append(GrowthLine(renderer, what, _exponent(fit, "pixels"), _exponent(fit, "radius"), worst, fit))
    return lines


def _exponent(fit: GrowthFit, name: str) -> str:
    found = fit.growth.get(name)
    if found is None:
        return ABSENT
    text = f"{found.exponent:.2f}"
    if found.interval:
        text += f" ({found.interval[0]:.2f} \N{EN DASH} {found.interval[1]:.2f})"
    return text.replace("-", "\N{MINUS SIGN}")


def _describe_where(ok: Sequence[Record]) -> str:
    devices = {one["device"].partition(":")[0] for one in ok}
    if "cuda" not in devices:
        return "Measured on the CPU. No time here is a GPU's."
    names = dict.fromkeys(state["name"] for one in ok for state in one["gpu"])
    return f"Measured on {', '.join(names) or 'a CUDA device'}" + (" and on the CPU." if "cpu" in devices else ".")


def _surroundings(record: Record, ok: Sequence[Record]) -> list[dict[str, Any]]:
    """Describe every environment that measured something, with the states the GPU was seen in."""
    described = []
    for identifier, about in record["environments"].items():
        mine = [one for one in ok if one["environment"] == identifier]
        if mine:
            threads = ", ".join(sorted({str(one["threads"]) for one in mine}))
            known = {key: value for key, value in about.items() if key != "packages"} | {"threads": threads}
            facts = [(name_fact(key), write_fact(value)) for key, value in known.items()]
            facts += [("CUDA", record["cuda"] or "none: this PyTorch has no CUDA")]
            for field in dict.fromkeys(name for one in mine for state in one["gpu"] for name in state):
                seen = dict.fromkeys(state[field] for one in mine for state in one["gpu"])
                facts.append((f"GPU {field}", ", ".join(seen)))
            packages = [(name, version or "not installed") for name, version in about["packages"].items()]
            described.append({"count": write_count(len(mine), "measurement"), "facts": facts, "packages": packages})
    return described


def _find_problems(record: Record, planned: Sequence[Record]) -> list[Problem]:
    problems: dict[tuple[str, str, str], Problem] = {}
    for one in planned:
        if one["status"] != "ok":
            key = (one["renderer"], one["status"], one["reason"])
            problem = problems.setdefault(key, Problem(f"{one['renderer']} {one['status']}:", one["reason"]))
            problem.scenes.append(f"{write_size(one)} px, radius {one['radius_px']:g} px, {one['device']}")
    missing = len(record["plan"]) - len(planned)
    if missing:
        text = f"{missing} of {write_count(len(record['plan']), 'planned measurement')} have not been taken."
        remedy = "The command was interrupted or is still running: give it again, and it goes on where it stopped."
        return [Problem(text, remedy), *problems.values()]
    return list(problems.values())


def _notes(lines: Sequence[LatencyLine]) -> list[str]:
    disturbed = sum(line.disturbed for line in lines)
    if not disturbed:
        return []
    return [
        f"{disturbed} of {write_count(len(lines), 'measurement')} were taken while other processes used more than "
        f"{BUSY_CORES:g} cores: on an idle machine their times are lower. They are marked in the table."
    ]


def _sheet(lines: Sequence[LatencyLine]) -> Sheet:
    stages = list(dict.fromkeys(name for line in lines for name in line.one["stages"]))
    plain = ("renderer", "weights", "backend", "device", "dtype", "width", "height", "radius_px")
    spread = ("median", "q25", "q75", "p95", "repeats")
    memory = ("added_mb", "resident_mb", "allocated_mb", "reserved_mb")
    values: list[list[Number]] = [
        [
            *(line.one[name] for name in plain),
            *(line.one["spread"][name] for name in spread),
            *(line.one[name] for name in ("cpu_seconds", "megapixels_per_second", "other_processes_cores")),
            *(line.one["memory"].get(name) for name in memory),
            *(line.one["stages"].get(name) for name in stages),
        ]
        for line in lines
    ]
    return Sheet(
        caption="Time of one render after warm-up: median and quartiles over repeats; peak memory.",
        head=[*plain, *(f"seconds_{name}" if name != "repeats" else name for name in spread), "cpu_seconds",
              "megapixels_per_second", "other_processes_cores", *memory, *(f"stage {name}" for name in stages)],
        values=values,
        printed_head=["Renderer", "size", "radius", "median", "quartiles", "p95", "Mpx/s", "memory"],
        printed=[
            [line.one["renderer"], line.size, f"{line.one['radius_px']:g}", line.median, line.quartiles, line.p95,
             line.rate, line.memory]
            for line in lines
        ],
    )  # fmt: skip
