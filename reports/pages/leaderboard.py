"""The leaderboard page of a run: every renderer by PSNR, whose it is, what it takes, and published numbers apart."""

from collections.abc import Mapping
from typing import Any

from ...benchmarks.run.store import StoredRun
from ..parts.leaderboard import APART, make_leaderboard
from ..parts.renderer_groups import MEANINGS
from ..parts.time_ratios import TIME_REFERENCE, write_ratio


def describe_leaderboard(run: StoredRun, latency: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the page's context; None where no data set has two renderers with scores."""
    board = make_leaderboard([run], {run.folder.name: latency} if latency else {})
    if board is None:
        return None
    used = {standing.group for one in board.boards for standing in one.standings}
    return {
        "leaderboard": board,
        "published": [table for table in board.published if table.is_of(run.meta["datasets"])],
        "elsewhere": [table for table in board.published if not table.is_of(run.meta["datasets"])],
        "groups": [(group, meaning) for group, meaning in MEANINGS.items() if group in used],
        "apart": APART,
        "time_reference": TIME_REFERENCE,
        "write_ratio": write_ratio,
    }
