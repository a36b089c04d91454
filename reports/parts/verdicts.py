"""One sentence on a table: who has the best mean, and whether the tests tell it from the others."""

from collections.abc import Mapping

from .cells import Cell, Column
from .tables import ScoreTable


def write_verdict(table: ScoreTable, dataset: str) -> str:
    """Say who has the best mean of the first measure, and whether the tests tell it from the others."""
    if not table.columns:
        return f"{dataset}: no metric was computed."
    return judge_column(dataset, table.columns[0], {row.renderer: row.cells[0] for row in table.rows})


def judge_column(where: str, column: Column, cells: Mapping[str, Cell], along: str = "") -> str:
    """Say who has the best mean of a column; ``along`` what it is taken over beside scenes."""
    cells = {name: cell for name, cell in cells.items() if cell.value is not None}
    best = next((name for name, cell in cells.items() if cell.standing == "best"), None)
    if best is None:
        found = "; ".join(f"{name} {cell.text} {column.unit}".rstrip() for name, cell in cells.items())
        return f"{where}: {column.name}{along} of {found}." if found else f"{where}: {column.name} has no value yet."
    lead = f"{where}: {best} has the best mean {column.name}{along}, {cells[best].text} {column.unit}".rstrip()
    tied = [name for name, cell in cells.items() if cell.standing == "tied"]
    if not column.can_decide:
        return f"{lead}; too few scenes to tell whether any other differs from it."
    if tied:
        return f"{lead}; not distinguishable from it: {', '.join(tied)}."
    return f"{lead}, and is distinguishable from every other."
