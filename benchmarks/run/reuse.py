"""What of a stored run still counts for a command, and why the rest does not: said on the console and in the report."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .schema import Kept, Reuse, Row

Contents = Mapping[str, Mapping[str, str]]
"""What digests stand for: hashes by the name of a part, a module or a file, say."""

SAME_CASE = ("dataset", "scene", "renderer", "perturbation", "severity", "seed", "device", "dtype")
ANOTHER_VERSION = "made by code of another version"
LOST = "the stored picture was lost or changed"
NAMED = 3
"""How many names of parts or scenes a line lists."""


class ContentTable:
    """Names contents by a digest and keeps what it stands for."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, str]] = {}

    def add(self, parts: Mapping[str, str]) -> str:
        """Return the digest of ``parts``, twelve hexadecimal digits."""
        digest = digest_parts(parts)
        self.entries[digest] = dict(parts)
        return digest


def digest_parts(parts: Mapping[str, str]) -> str:
    """Return twelve hexadecimal digits for hashes by the name of a part."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def used_contents(contents: Contents, rows: Collection[Row]) -> dict[str, Mapping[str, str]]:
    """Return the contents that are ever looked up again.

    Those of a case's newest finished and of its newest other row, and, as a stored picture may be scored again after
    newer ones, those of all rows' metrics.
    """
    newest: dict[tuple[Any, ...], Row] = {}
    for row in sorted(rows, key=lambda r: str(r.get("time"))):
        newest[(*_case(row), _is_ok(row))] = row
    used = {digest for row in rows for digest in row.get("scored_by", {}).values()}
    for row in newest.values():
        used |= {row.get("data", ""), *row.get("code", {}).values()}
    return {digest: parts for digest, parts in contents.items() if digest in used}


def find_reuse(
    before: Mapping[str, Row], rows: Sequence[Row], contents: Contents, environments: Mapping[str, Any], here: str
) -> Reuse:
    """Compare a command's ``rows`` with those that were stored ``before`` it, by key.

    ``contents`` and ``environments`` are those of the run, ``here`` is the id of this process's environment.
    """
    newest = {_case(row): row for row in sorted(before.values(), key=lambda r: str(r.get("time"))) if _is_ok(row)}
    kept: list[Row] = []
    again: dict[tuple[str, str], list[str]] = defaultdict(list)
    scored: Counter[str] = Counter()
    for row in rows:
        stored = before.get(row["key"])
        if stored is not None and _is_ok(stored):
            if (stored.get("time"), stored["seconds"]) != (row.get("time"), row["seconds"]):
                again[row["renderer"], LOST].append(row["scene"])
                continue
            kept.append(row)
            scored.update(_scored_again(stored, row, contents))
        elif stored is None and _case(row) in newest:
            again[_why(newest[_case(row)], row, contents)].append(row["scene"])
    return {
        "kept": _describe_kept(kept, environments, here),
        "rendered_again": [
            {"of": of, "reason": reason, "cases": len(scenes), "scenes": sorted(set(scenes))}
            for (of, reason), scenes in again.items()
        ],
        "scored_again": [{"reason": reason, "cases": count} for reason, count in scored.items()],
    }


def write_reuse(reuse: Reuse | None) -> list[str]:
    """Return lines that say what was kept, from when, and what was done again, and why; none where that is unknown."""
    if reuse is None:
        return []
    lines = []
    kept = reuse["kept"]
    if kept["first"] and kept["last"]:
        first, last = (time[:16].replace("T", " ") for time in (kept["first"], kept["last"]))
        span = first if first == last else f"{first} to {last}"
        lines.append(f"kept {_count(kept['cases'])} finished {span} UTC")
        if kept["elsewhere"]:
            lines.append(f"kept among them: made with {', '.join(kept['elsewhere'])}")
    for one in reuse["rendered_again"]:
        about_data = one["reason"].startswith("data")
        which = f" ({_some(one['scenes'])})" if about_data else ""
        lines.append(f"rendered again: {_count(one['cases'])} of {one['of']}{which}: {one['reason']}")
    lines += [f"scored again: {_count(one['cases'])}: {one['reason']}" for one in reuse["scored_again"]]
    return lines


def _why(old: Row, new: Row, contents: Contents) -> tuple[str, str]:
    """Return whose change it is, and what changed, in words."""
    if "code" not in old or "data" not in old:
        return "this run", ANOTHER_VERSION
    reasons = []
    if old["data"] != new["data"]:
        reasons.append(f"data changed ({changed_parts(old['data'], new['data'], contents)})")
    if old["weights"] != new["weights"]:
        reasons.append("its weights changed")
    for what, code in new["code"].items():
        if old["code"].get(what) != code:
            whose = "its code" if what == "renderer" else f"code of {dict(new)[what]}"
            reasons.append(f"{whose} changed ({changed_parts(old['code'].get(what), code, contents)})")
    of_data = bool(reasons) and reasons[0].startswith("data")
    return new["dataset" if of_data else "renderer"], " and ".join(reasons)


def _scored_again(old: Row, new: Row, contents: Contents) -> Iterator[str]:
    before, after = old.get("scored_by", {}), new.get("scored_by", {})
    for metric in after:
        if metric in before and before[metric] != after[metric]:
            yield f"code of {metric} changed ({changed_parts(before[metric], after[metric], contents)})"


def changed_parts(old: str | None, new: str, contents: Contents) -> str:
    """Name the parts in which two contents differ."""
    first, second = contents.get(old or ""), contents.get(new, {})
    if first is None:
        return "parts not recorded"
    return _some([name for name in {**second, **first} if first.get(name) != second.get(name)])


def _describe_kept(kept: Sequence[Row], environments: Mapping[str, Any], here: str) -> Kept:
    times = sorted(str(row["time"]) for row in kept)
    used = dict.fromkeys(row["environment"] for row in kept)
    differences = [_differences(environments.get(one, {}), environments.get(here, {})) for one in used]
    return {
        "cases": len(kept),
        "first": times[0] if times else None,
        "last": times[-1] if times else None,
        "elsewhere": list(dict.fromkeys(one for listed in differences for one in listed)),
    }


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """Say in what an environment differs from this one, short of the commit, for which the code stands."""
    flat = [{**one, **one.get("packages", {})} for one in (there, here)]
    for name in flat[0]:
        old, new = (one.get(name) for one in flat)
        if old != new and name not in ("packages", "commit", "bokehbench"):
            yield f"{name.replace('_', ' ')} {old} (now {new})"


def _case(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in SAME_CASE)


def _is_ok(row: Row) -> bool:
    return row["status"] == "ok"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - NAMED
    return ", ".join(listed[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _count(cases: int) -> str:
    return f"{cases} case{'' if cases == 1 else 's'}"
