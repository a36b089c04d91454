"""Tables to take away: CSV with every digit for programs, LaTeX with the printed digits for papers."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...core.files import safe_name
from .assets import Assets

Number = float | int | str | None

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{UPWARDS ARROW}": r"$\uparrow$",
    "\N{DOWNWARDS ARROW}": r"$\downarrow$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
}


@dataclass(frozen=True)
class Sheet:
    """A table twice: ``values`` under ``head`` as numbers, ``printed`` under ``printed_head`` as the page shows them.

    ``bold`` are (line, column) of ``printed``; ``caption`` explains the LaTeX table.
    """

    caption: str
    head: Sequence[str]
    values: Sequence[Sequence[Number]]
    printed_head: Sequence[str]
    printed: Sequence[Sequence[str]]
    bold: frozenset[tuple[int, int]] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Links:
    """Where a table's files are, relative to the pages."""

    csv: str
    latex: str


def export_sheet(assets: Assets, name: str, sheet: Sheet) -> Links:
    """Write ``assets/tables/NAME.csv`` and ``.tex``; any name stays in that folder."""
    base = f"assets/tables/{safe_name(name)}"
    return Links(
        csv=assets.write(f"{base}.csv", write_csv(sheet)), latex=assets.write(f"{base}.tex", write_latex(sheet))
    )


def write_csv(sheet: Sheet) -> str:
    """Write numbers with all their digits. Names that a spreadsheet would take for a formula get a quote in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_disarm(cell) for cell in sheet.head])
    writer.writerows([[_disarm(cell) for cell in line] for line in sheet.values])
    return text.getvalue()


def write_latex(sheet: Sheet) -> str:
    """Write a ``tabular`` in the style of the booktabs package: first column left, numbers right."""
    lines = [
        "% " + " ".join(sheet.caption.split()),
        r"\begin{tabular}{l" + "r" * (len(sheet.printed_head) - 1) + "}",
        r"\toprule",
        " & ".join(map(escape_latex, sheet.printed_head)) + r" \\",
        r"\midrule",
    ]
    for number, line in enumerate(sheet.printed):
        cells = [_print_cell(cell, (number, column) in sheet.bold) for column, cell in enumerate(line)]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def escape_latex(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return re.sub(
        "|".join(map(re.escape, LATEX_ESCAPES)), lambda found: LATEX_ESCAPES[found.group()], " ".join(text.split())
    )


def _print_cell(text: str, bold: bool) -> str:
    return rf"\textbf{{{escape_latex(text)}}}" if bold else escape_latex(text)


def _disarm(cell: Number) -> Number:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
