import csv
import io

import pandas as pd
import pytest

from bokehbench.reports.files.assets import Assets
from bokehbench.reports.files.export import Sheet, escape_latex, export_sheet, write_csv, write_latex

SHEET = Sheet(
    caption="100 % of\nit",
    head=["name", "psnr"],
    values=[["a,b", 30.123456789], ['=cmd|" /C calc"', None]],
    printed_head=["Renderer", "psnr ↑"],
    printed=[["a_b", "30.12"], ["100 %", "—"]],
    bold=frozenset({(0, 1)}),
)


def test_csv_keeps_every_digit_and_disarms_formulas():
    assert list(csv.reader(io.StringIO(write_csv(SHEET)))) == [
        ["name", "psnr"],
        ["a,b", "30.123456789"],
        ['\'=cmd|" /C calc"', ""],
    ]


def test_latex_is_a_booktabs_table():
    assert write_latex(SHEET).splitlines() == [
        "% 100 % of it",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"Renderer & psnr $\uparrow$ \\",
        r"\midrule",
        r"a\_b & \textbf{30.12} \\",
        r"100 \% & --- \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("a\n\nb", "a b"),
        ("-1.5 → $x^2$~", None),
        ("\N{MINUS SIGN}1", "$-$1"),
    ],
)
def test_latex_is_escaped_once(text, escaped):
    found = escape_latex(text)
    assert escaped is None or found == escaped
    assert not set("#%&") & set(found.replace(r"\#", "").replace(r"\%", "").replace(r"\&", ""))


NASTY = ["a\rb", "a\nb", "a\r\nb", "a;b", 'a"b', "a,b", "\x1b[31m", "\udc80", "'quoted'", "", " a  b "]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "a;=1+1", "a; @b"]


@pytest.mark.parametrize("name", NASTY + FORMULAS)
def test_a_csv_row_is_one_line_of_the_same_cells_whatever_the_names(name):
    sheet = Sheet("", ["name", "n"], [[name, 1.5], ["x", -2.5]], [], [])
    text = write_csv(sheet)
    assert text.isprintable() or set(text) - {"\n"} == {c for c in text if c.isprintable()}
    assert len(text.splitlines()) == 3
    text.encode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[1:] == [[rows[1][0], "1.5"], ["x", "-2.5"]]
    if name in FORMULAS:
        for cell in rows[1][0].split(";"):
            assert not cell.strip().startswith(("=", "+", "-", "@", "\uff1d"))
    elif name.isprintable():
        assert rows[1][0] == name


@pytest.mark.parametrize(
    ("cell", "printed"),
    [
        ("[x] y", "{[}x{]} y"),
        ("* starred", "{*} starred"),
        ("a--b---c-d", "a-{}-b-{}-{}-c-d"),
        ("``q''", "{`}{`}q{'}{'}"),
        ("a\x1bb", r"a\textbackslash{}x1bb"),
        ("\udc80", r"\textbackslash{}udc80"),
    ],
)
def test_a_latex_cell_is_printed_and_no_option_of_the_line_before(cell, printed):
    sheet = Sheet("", [], [], ["Name", "psnr"], [["x", "1"], [cell, "2"]])
    latex = write_latex(sheet)
    latex.encode()
    assert latex.splitlines()[6] == rf"{printed} & 2 \\"


@pytest.mark.parametrize("name", ["../../escape", "/etc/x", "a b<c>"])
def test_files_stay_in_their_folder(tmp_path, name):
    links = export_sheet(Assets(tmp_path), f"robustness-1-{name}-curves", SHEET)
    assert (tmp_path / links.csv).resolve().parent == (tmp_path / "assets" / "tables").resolve()
    assert not set(links.latex) & set("<> ")


def test_score_table_is_exported_as_it_stands(typical_run, typical_report):
    table = pd.read_csv(typical_report / "assets/tables/scores-1.csv").set_index("renderer")
    frame = pd.DataFrame([row for row in typical_run.rows if row["dataset"] == "pairs"])
    frame["psnr"] = [row["metrics"].get("psnr") for row in typical_run.rows if row["dataset"] == "pairs"]
    means = frame.pivot(index="scene", columns="renderer", values="psnr").dropna().mean()
    for name in ("plain", "fancy"):
        assert table["psnr"][name] == pytest.approx(means[name])
        assert table["psnr_low"][name] < means[name] < table["psnr_high"][name]
    assert list(table["cases_finished"]) == [4, 3]
    latex = (typical_report / "assets/tables/scores-1.tex").read_text()
    assert rf"\textbf{{{means['fancy']:.2f}}}" in latex
    tests = pd.read_csv(typical_report / "assets/tables/tests-1.csv")
    assert list(tests["renderer"]) == ["fancy", "fancy"]
    assert tests["difference"][0] == pytest.approx(means["fancy"] - means["plain"])
