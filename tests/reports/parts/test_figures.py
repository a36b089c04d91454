import numpy as np
import pytest

from bokehbench.reports.parts.figures import Bar, Line, draw_bars, draw_growth

BAR_LABELS = {"x": "x", "y": "y", "title": "title", "rest": "rest", "whole": "whole"}


def read_legend(figure):
    """Return the legend's entries as one reads them: line by line, from the left."""
    figure.draw_without_rendering()  # places everything
    texts = figure.legends[0].get_texts()
    places = [text.get_window_extent() for text in texts]
    order = sorted(range(len(texts)), key=lambda n: (-round(places[n].y0), places[n].x0))
    return [texts[n].get_text() for n in order], len({round(place.y0) for place in places})


@pytest.mark.parametrize("count", [1, 4, 5, 7, 11])
def test_a_legend_reads_in_the_order_of_the_lines(count):
    names = [f"renderer-{number}" for number in range(count)]
    values = np.array([1.0, 2.0])
    lines = [Line(name, values, values, values, values) for name in names]
    labels = {"x": "x", "y": "y", "title": "title"}
    found, rows = read_legend(draw_growth(lines, {name: number for number, name in enumerate(names)}, labels))
    assert found == names
    assert rows > 1 or count < 7


@pytest.mark.parametrize("length", [8, 15, 26, 36])
def test_a_legend_stays_within_its_figure(length):
    """However wide its letters are: a name of capitals is nearly twice as long as one of small letters."""
    for letter in "aW":
        names = [letter * (length - 1) + str(number) for number in range(4)]
        values = np.array([1.0, 2.0])
        lines = [Line(name, values, values, values, values) for name in names]
        labels = {"x": "x", "y": "y", "title": "title"}
        figure = draw_growth(lines, {name: number for number, name in enumerate(names)}, labels)
        found, _ = read_legend(figure)
        assert found == names
        if letter != "W" or length < 30:  # a single column of these is wider than the figure
            assert max(text.get_window_extent().x1 for text in figure.legends[0].get_texts()) <= figure.bbox.x1


def test_the_legend_of_bars_reads_as_they_are_stacked():
    parts = dict.fromkeys(("encode", "network", "attention", "decode"), 1.0)
    assert read_legend(draw_bars([Bar("8 px", parts, 4.5)], BAR_LABELS)) == ([*parts, "rest", "whole"], 2)


def test_bars_that_are_longer_than_the_whole_name_no_rest_and_show_where_it_ends():
    """Medians of parts may add up to more than the median of the whole."""
    figure = draw_bars([Bar("8 px", {"a": 3.0, "b": 2.0}, 4.5)], BAR_LABELS)
    assert read_legend(figure)[0] == ["a", "b", "whole"]
    (line,) = (one for one in figure.axes[0].collections if one.get_label() == "whole")
    assert [points[:, 0].tolist() for points in line.get_segments()] == [[4.5, 4.5]]
    assert figure.axes[0].dataLim.x1 == 5.0


def test_the_legend_of_bars_stays_within_its_figure():
    """However long the names are that a plug-in gives its steps; one that begins with an underscore is shown, too."""
    parts = {"_hidden": 1.0} | {f"what step {number} of a plug-in does is this and that": 1.0 for number in range(4)}
    figure = draw_bars([Bar("8 px", parts, 5.5)], BAR_LABELS)
    figure.draw_without_rendering()
    texts = figure.legends[0].get_texts()
    assert [text.get_text() for text in texts][:: len(parts)] == [" _hidden", "rest"]
    assert all(text.get_window_extent().x0 >= 0.0 and text.get_window_extent().x1 <= figure.bbox.x1 for text in texts)
    assert figure.axes[0].get_window_extent().height > 20.0
