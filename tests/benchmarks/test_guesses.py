"""The command that prints what methods guess, scene by scene."""

import pytest

from bokehbench.benchmarks.guesses import judge, main
from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.centre_focus import CentreFocusRenderer
from bokehbench.renderers.classical.scatter import ScatterRenderer


def test_only_renderers_that_guess_are_judged(make_scene):
    found = judge(CentreFocusRenderer(), [make_scene()])
    assert found["random-0"].in_focus_iou > 0.0
    with pytest.raises(InvalidOptionError, match="classical guesses no defocus"):
        judge(ScatterRenderer(), [make_scene()])
    with pytest.raises(SystemExit):
        main(["--help"])
