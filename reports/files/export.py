"""Tables to take away: CSV with every digit for programs, LaTeX with the printed digits for papers."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...core.files import safe_name
from ...core.text import one_line, printable
from .assets import Assets

Number = float | int | str | None

FORMULA = re.compile(r"(^|;)(\s*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])")
"""Where a spreadsheet may begin to read a formula: at the start of a cell, and behind what some take for its end."""

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
    "[": "{[}",  # after the end of a line, this and a star would be taken for its options
    "]": "{]}",
    "*": "{*}",
    "`": "{`}",  # of two of these, quotes and hyphens TeX makes another sign
    "'": "{'}",
    "-": "-{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{UPWARDS ARROW}": r"$\uparrow$",
    "\N{DOWNWARDS ARROW}": r"$\downarrow$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
}

LATEX_SPECIAL = re.compile("|".join(re.escape(sign) + ("(?=-)" if sign == "-" else "") for sign in LATEX_ESCAPES))


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
    """Write numbers with all their digits, one line a row.

    A name that a spreadsheet would take for a formula gets a quote in front.
    """
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
    return LATEX_SPECIAL.sub(lambda found: LATEX_ESCAPES[found.group()], one_line(text))


def _print_cell(text: str, bold: bool) -> str:
    return rf"\textbf{{{escape_latex(text)}}}" if bold else escape_latex(text)


def _disarm(cell: Number) -> Number:
    return FORMULA.sub(r"\1\2'", printable(cell)) if isinstance(cell, str) else cell
