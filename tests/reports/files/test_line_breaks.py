import pytest

from bokehbench.reports.files.line_breaks import break_name, keep_options

OPTIONS = "span => span.getClientRects().length"


def test_a_name_goes_on_behind_a_plus_and_stays_text():
    assert break_name("sr@F+plain<b>+refine") == "sr@F+<wbr>plain&lt;b&gt;+<wbr>refine"
    assert break_name("plain") == "plain"


def test_names_of_options_are_kept_whole_and_all_stays_text():
    assert keep_options("run <x> --limit 6 a--b --data-root=D,E+F, -o") == (
        'run &lt;x&gt; <span class="whole">--limit</span> 6 a<span class="whole">--b</span> '
        '<span class="whole">--data-root</span>=D,<wbr>E+<wbr>F, -o'
    )


@pytest.mark.browser
def test_no_option_breaks_on_a_narrow_screen(watch, typical_report):
    page = watch(typical_report / "index.html")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#made > summary").click()
    pieces = page.locator("code .whole").evaluate_all(f"spans => spans.map({OPTIONS})")
    assert pieces
    assert set(pieces) == {1}


@pytest.mark.browser
@pytest.mark.parametrize("width", [1400, 390])
def test_no_name_breaks_within_a_word(watch, swept_report, width):
    """Beside pictures along a severity, where the column of names is narrow."""
    page = watch(swept_report / "robustness.html")
    page.set_viewport_size({"width": width, "height": 900})
    lines = page.evaluate("""() => {
      const name = document.querySelectorAll(".matrix .strip-name")[2];
      name.innerHTML = "classical+<wbr>refine";
      const [word, rest] = [name.firstChild, name.lastChild].map(node => {
        const range = document.createRange();
        range.selectNodeContents(node);
        return range.getClientRects().length;
      });
      return [word, rest];
    }""")
    assert lines == [1, 1]
