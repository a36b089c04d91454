import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from bokehbench.core.checks import check
from bokehbench.core.documents import read_document
from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.settings import read_settings


@dataclass(frozen=True, kw_only=True)
class Lens:
    radius: float = 1.0
    blades: int = 6
    name: str | None = None
    centre: tuple[float, float] = (0.0, 0.0)
    tags: tuple[str, ...] = ()
    round: bool = True

    def __post_init__(self):
        check("blades", self.blades, self.blades >= 3, "3 or more")


@dataclass(frozen=True, kw_only=True)
class Camera:
    lens: Lens
    spare: Lens | None = None
    gains: tuple[float, ...] = field(default_factory=tuple)


def test_what_is_absent_takes_its_default():
    assert read_settings(Camera, {"lens": {}}) == Camera(lens=Lens())


def test_integers_stand_for_floats_and_lists_for_tuples():
    values = {"lens": {"radius": 2, "centre": [1, 2.5], "tags": ["a", "b"], "name": "x"}, "spare": None}
    lens = Lens(radius=2.0, centre=(1.0, 2.5), tags=("a", "b"), name="x")
    assert read_settings(Camera, values) == Camera(lens=lens)
    assert isinstance(read_settings(Lens, {"radius": 2}).radius, float)


def test_numbers_as_yaml_1_1_misreads_them(tmp_path):
    path = tmp_path / "lens.yaml"
    path.write_text("radius: 1e-4\ncentre: [-1E5, .5e+3]\nname: 1e-4x\n", encoding="utf-8")
    assert read_settings(Lens, read_document(path, "a lens")) == Lens(radius=1e-4, centre=(-1e5, 500.0), name="1e-4x")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (3, "the file: expected entries 'name: value', got 3"),
        ({}, "missing entry lens"),
        ({"lens": 3}, "lens: expected entries 'name: value', got 3"),
        ({"lens": {"size": 1}}, "unknown entry lens.size: expected some of radius, blades, name, centre, tags, round"),
        ({"lens": {}, "spare": {"size": 1}}, "unknown entry spare.size: expected some of radius"),
        ({"lens": {1: 2}}, "unknown entry lens.1"),
        ({"lens": {"radius": "wide"}}, "lens.radius: expected a valid number, got 'wide'"),
        ({"lens": {"radius": "1e-4"}}, "lens.radius: expected a valid number, got '1e-4'"),
        ({"lens": {"radius": True}}, "lens.radius: expected a valid number, got True"),
        ({"lens": {"radius": None}}, "lens.radius: expected a valid number, got None"),
        ({"lens": {"blades": True}}, "lens.blades: expected a valid integer, got True"),
        ({"lens": {"blades": 6.0}}, "lens.blades: expected a valid integer, got 6.0"),
        ({"lens": {"blades": 2}}, "blades: expected 3 or more, got 2"),
        ({"lens": {"round": 1}}, "lens.round: expected a valid boolean, got 1"),
        ({"lens": {"name": 3}}, "lens.name: expected a text, got 3"),
        ({"lens": {"centre": 3.0}}, "lens.centre: expected a list, got 3.0"),
        ({"lens": {"centre": [1.0]}}, "lens.centre: expected 2 values, got 1"),
        ({"lens": {"centre": [1.0, 2.0, 3.0]}}, "lens.centre: expected 2 values, got 3"),
        ({"lens": {"centre": [1.0, "x"]}}, "lens.centre.1: expected a valid number, got 'x'"),
        ({"lens": {"tags": "abc"}}, "lens.tags: expected a list, got 'abc'"),
    ],
)
def test_mistakes_are_one_line(values, message):
    with pytest.raises(InvalidOptionError) as caught:
        read_settings(Camera, values)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_name_of_what_is_read_comes_first():
    with pytest.raises(InvalidOptionError, match=r"^model\.lens\.name: expected a text"):
        read_settings(Camera, {"lens": {"name": 3}}, "model.")
    with pytest.raises(InvalidOptionError, match=r"^model: expected entries"):
        read_settings(Camera, 3, "model.")


def test_a_name_that_is_no_text_is_one_line():
    with pytest.raises(InvalidOptionError, match="the file: expected texts as names"):
        read_settings(Lens, {(1, 2): 1})


def test_importing_it_is_cheap():
    code = "import sys, bokehbench.core.documents, bokehbench.core.settings; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
