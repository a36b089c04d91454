"""What a GPU's file says, as lines of text: verdicts, times, memory, growth."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..latency.growth import GrowthFit, fit_renderers, held_memory
from .sdxl import format_steps
from .session import GpuRecord, StepRecord

Record = Mapping[str, Any]


def describe_step(name: str, step: StepRecord) -> str:
    """Return one line for one step."""
    if step["status"] != "ok":
        return f"{step['status']:<8} {name}: {step['reason']}"
    return f"{'ok':<8} {name} ({step['seconds']:.1f} s){_brief(step['result'])}"


def _brief(result: Record) -> str:
    if "error" in result:
        return f": error {result['error']:.1e}, at most {result['tolerance']:.0e}"
    if "spread" in result:
        return f": {write_ms(result['spread']['median'])}"
    timed = result.get("calls") or {name: {"spread": step} for name, step in result["steps"].items()}
    return ": " + ", ".join(f"{name} {write_ms(one['spread']['median'])}" for name, one in timed.items())


def write_ms(seconds: float) -> str:
    """Write seconds as milliseconds, three digits."""
    return f"{1000 * seconds:.3g} ms" if seconds < 1.0 else f"{1000 * seconds:.0f} ms"


def summarise(record: GpuRecord) -> str:
    """Return the tables of all that is ok, and a last line with how many steps are."""
    planned = {name: record["steps"][name] for name in record["plan"] if name in record["steps"]}
    results = {name: step["result"] for name, step in planned.items() if step["status"] == "ok"}
    lines = [*_kernel_lines(results), *_renderer_lines(results), *_growth_lines(results), *_sdxl_lines(results)]
    states = [step["status"] for step in planned.values()]
    states += ["not done"] * (len(record["plan"]) - len(planned))
    others = [f"{states.count(state)} {state}" for state in ("failed", "skipped", "not done") if state in states]
    where = dict.fromkeys(state["name"] for state in record["gpu"]) or ["the CPU"]
    counts = ", ".join([f"{states.count('ok')} of {len(states)} steps ok", *others])
    return "\n".join([*lines, f"{', '.join(where)}: {counts}"])


def _kernel_lines(results: Mapping[str, Record]) -> Iterator[str]:
    """Write the times of kernels that were timed by turns, and their ratio to the first."""
    for name, result in results.items():
        if "calls" in result:
            first = next(iter(result["calls"].values()))["spread"]["median"]
            parts = [_write_call(kernel, one, first) for kernel, one in result["calls"].items()]
            yield f"{name.removeprefix('time/')}, {result['side']}x{result['side']}: " + ", ".join(parts)


def _write_call(kernel: str, one: Record, first: float) -> str:
    median = one["spread"]["median"]
    return f"{kernel} {write_ms(median)} ({median / first:.2g}x, {_mib(one['added_mb'])})"


def _mib(megabytes: float | None) -> str:
    return "memory unknown" if megabytes is None else f"{megabytes:.0f} MiB"


def _by_renderer(results: Mapping[str, Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for result in results.values():
        if "renderer" in result:
            found.setdefault(result["renderer"], []).append(result)
    return found


def _renderer_lines(results: Mapping[str, Record]) -> Iterator[str]:
    for renderer, mine in _by_renderer(results).items():
        for one in mine:
            stages = ", ".join(f"{name} {write_ms(value)}" for name, value in one["stages"].items())
            place = f"{one['width']}x{one['height']} {one['radius_px']:g} px"
            yield f"{renderer} {place}: {write_ms(one['spread']['median'])}, {_mib(held_memory(one))} ({stages})"


def _growth_lines(results: Mapping[str, Record]) -> Iterator[str]:
    for renderer, what, fit in fit_renderers([one for one in results.values() if "renderer" in one]):
        yield f"growth of {renderer}, {what}: {_write_fit(fit)}"


def _write_fit(fit: GrowthFit) -> str:
    exponents = ", ".join(f"{name}^{growth.exponent:.2f}" for name, growth in fit.growth.items())
    return f"{exponents}; off by at most {fit.worst_factor:.2f} over {fit.points} points"


def _sdxl_lines(results: Mapping[str, Record]) -> Sequence[str]:
    found = [result for result in results.values() if "steps" in result]
    if not found:
        return []
    return [f"SDXL {found[0]['side']}x{found[0]['side']}", *format_steps(found[0]["steps"]).splitlines()]
