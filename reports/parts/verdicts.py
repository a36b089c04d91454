"""One sentence on a table: who has the best mean, by how much, and whether the tests tell it from the others."""

from collections.abc import Mapping

from .cells import Cell, Column
from .numbers import write_gap, write_score
from .tables import ScoreTable


def write_verdict(table: ScoreTable, dataset: str) -> str:
    """Say who has the best mean of the first measure, by how much, and whether the tests tell it from the others."""
    if not table.columns:
        return f"{dataset}: no metric was computed."
    return judge_column(dataset, table.columns[0], {row.renderer: row.cells[0] for row in table.rows})


def judge_column(where: str, column: Column, cells: Mapping[str, Cell], along: str = "") -> str:
    """Say who has the best mean of a column, and by how much; ``along`` what it is taken over beside scenes."""
    cells = {name: cell for name, cell in cells.items() if cell.value is not None}
    best = next((name for name, cell in cells.items() if cell.standing == "best"), None)
    if best is None:
        found = "; ".join(f"{name} {cell.text} {column.unit}".rstrip() for name, cell in cells.items())
        return f"{where}: {column.name}{along} of {found}." if found else f"{where}: {column.name} has no value yet."
    lead = f"{where}: {best} has the best mean {column.name}{along}, {cells[best].text} {column.unit}".rstrip()
    lead += _write_lead(column, cells, best)
    tied = [name for name, cell in cells.items() if cell.standing == "tied"]
    others = [name for name, cell in cells.items() if cell.standing != "best"]
    alone = len(cells) - len(others) == 1
    if not others:
        return f"{lead}."
    if not column.can_decide:
        why = "too few scenes" if column.known else "too little is known of which scenes are independent"
        return f"{lead}; {why} to tell whether any other differs from {'it' if alone else 'them'}."
    if tied:
        return f"{lead}; not distinguishable from {'it' if alone else 'them'}: {', '.join(tied)}."
    if not alone:
        return f"{lead}; {others[0] if len(others) == 1 else 'every other'} is distinguishable from them."
    return f"{lead}, and is distinguishable from {'it' if len(others) == 1 else 'every other'}."


def _write_lead(column: Column, cells: Mapping[str, Cell], best: str) -> str:
    """Say how far the best mean is ahead of the next, with the difference's interval where tests can decide."""
    gaps = {name: cell.gap for name, cell in cells.items() if name != best and cell.gap is not None}
    if not gaps:
        return ""
    least, unit = min(abs(gap.value) for gap in gaps.values()), column.unit
    names = [name for name, gap in gaps.items() if abs(gap.value) == least]
    if least == 0.0:
        return f", as {'has' if len(names) == 1 else 'have'} {', '.join(names)}"
    by, interval = write_gap(least, unit).removeprefix("+"), gaps[names[0]].interval
    between = ""
    if interval is not None and column.can_decide and len(names) == 1:
        sign = -1.0 if column.higher_is_better else 1.0
        low, high = sorted((sign * interval.low, sign * interval.high))
        between = f" (95 %: {write_score(low, unit)} to {write_score(high, unit)})"
    return f", {by} {unit}".rstrip() + f"{between} ahead of {', '.join(names)}"
