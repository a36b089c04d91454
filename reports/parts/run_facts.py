"""What a report says of its run as a whole: one sentence, its settings, its renderers, its environments."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from ...benchmarks.run.reuse import write_reuse
from ...benchmarks.run.schema import Row
from ...benchmarks.run.store import StoredRun
from .numbers import write_count, write_fact, write_seconds
from .tables import describe_weights

SHOWN_AS = {"gpu": "GPU", "memory gb": "memory, GiB", "python": "Python", "hdr": "takes HDR", "scale": "output scale"}
"""Keys of records whose names readers would stumble over."""


def summarise_run(run: StoredRun, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the name, the command, a sentence and the facts of a run; ``rows`` are the unperturbed ones."""
    meta, settings = run.meta, run.meta["settings"]
    scenes = len({(row["dataset"], row["scene"]) for row in rows})
    finished = sum(row["status"] == "ok" for row in run.rows)
    environment = _latest_environment(run)
    facts = {
        "origin": run.origin or None,
        "device": settings["device"],
        "processor": environment.get("processor"),
        "GPU": environment.get("gpu") or "none",
        "number type": settings["dtype"],
        "seed": settings["seed"],
        "scene limit": settings["limit"] or "none",
        "commit": (environment.get("commit") or "not from a checkout").replace("+", " + "),
        "Python": environment.get("python"),
        "PyTorch": environment["packages"].get("torch"),
        "cases finished": _when_finished(run.finished),
        "started": meta["started"][:16].replace("T", " ") + " UTC",
        "took": _duration(meta),
        "stored results": "; ".join(write_reuse(meta.get("reuse"))) or None,
    }
    return {
        "name": meta["run"],
        "origin": run.origin,
        "command": meta["command"],
        "sentence": (
            f"{write_count(len(meta['renderers']), 'renderer')} on {write_count(scenes, 'scene')} of "
            f"{write_count(len(meta['datasets']), 'data set')}; {finished} of "
            f"{write_count(len(meta['cases']), 'case')} finished."
        ),
        "absent": [name for name, metric in meta["metrics"].items() if not metric["available"]],
        "facts": [(name, value) for name, value in facts.items() if value is not None],
    }


def _when_finished(rows: Iterable[Row]) -> str | None:
    """Say when the cases finished, in UTC: those of earlier commands are kept."""
    moments = sorted(row["time"][:16].replace("T", " ") for row in rows if row.get("time"))
    if not moments:
        return None
    first, last = moments[0], moments[-1]
    return f"{first} UTC" if first == last else f"{first} to {last} UTC"


def describe_renderers(run: StoredRun, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return what each renderer is, with which weights its rows were made, how these were trained, what it can do."""
    return [_renderer(name, about, rows) for name, about in run.meta["renderers"].items()]


def describe_environments(run: StoredRun) -> list[dict[str, Any]]:
    """Describe every environment that made a row, with the number of its cases."""
    described = []
    for identifier, record in run.meta["environments"].items():
        cases = sum(row["environment"] == identifier for row in run.rows)
        if cases:
            facts = [(name_fact(key), write_fact(value)) for key, value in record.items() if key != "packages"]
            packages = [(key, version or "not installed") for key, version in record["packages"].items()]
            described.append({"cases": write_count(cases, "case"), "facts": facts, "packages": packages})
    return described


def name_fact(key: str) -> str:
    """Return what a page calls a key of run.json or latency.json."""
    plain = key.replace("_", " ")
    return SHOWN_AS.get(plain, plain)


def takes(capabilities: Mapping[str, Any], inputs: Set[str]) -> bool:
    """Whether a renderer reads any of ``inputs``; runs of before ``inputs`` say ``needs_disparity``."""
    if "inputs" in capabilities:
        return not inputs.isdisjoint(capabilities["inputs"])
    return inputs != {"disparity"} or bool(capabilities["needs_disparity"])


def takes_disparity(capabilities: Mapping[str, Any]) -> bool:
    """Whether a renderer reads the disparity."""
    return takes(capabilities, {"disparity"})


def find_apart(about: Mapping[str, Any]) -> list[str]:
    """Return the renderers that stand last, apart: those that take no disparity. One alone is the floor of the others.

    ``about``: what run.json says of each renderer.
    """
    blind = [name for name, one in about.items() if not takes_disparity(one["capabilities"])]
    return blind if len(blind) > 1 else []


def _renderer(name: str, about: Mapping[str, Any], rows: Iterable[Row]) -> dict[str, Any]:
    used = describe_weights(row for row in rows if row["renderer"] == name)
    return {
        "name": name,
        "summary": about["summary"],
        "weights": used or about["weights"] or ("missing" if about["needs_weights"] else "none: nothing was trained"),
        "training": about["training"],
        "capabilities": {name_fact(key): write_fact(value) for key, value in about["capabilities"].items()},
    }


def _duration(meta: Mapping[str, Any]) -> str:
    starts = meta["starts"]
    took = write_seconds(meta["seconds"]) if meta["finished"] else "not finished"
    return took if starts == 1 else f"{took} (the last of {starts} starts)"


def _latest_environment(run: StoredRun) -> Mapping[str, Any]:
    identifiers = [row["environment"] for row in run.rows] or list(run.meta["environments"])
    known = [run.meta["environments"][one] for one in identifiers if one in run.meta["environments"]]
    return known[-1] if known else {"packages": {}}
