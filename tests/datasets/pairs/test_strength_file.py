import json

import pytest

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.pairs.strength_file import Strength, read_strength, write_strength


def test_what_was_written_is_read(tmp_path) -> None:
    assert read_strength(tmp_path) is None
    strength = Strength(31.5, ("12", "77"), 24.1)
    write_strength(tmp_path, strength)
    assert read_strength(tmp_path, ["4400"]) == strength
    assert "2 pairs outside the split" in strength.origin
    assert Strength(20.0).origin == "given"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected a number 'blur_strength'"),
        ("[]", "expected a number"),
        ("{}", "KeyError"),
        ('{"blur_strength": "much"}', "expected a number"),
        ('{"blur_strength": -3}', "above 0, got -3"),
        ('{"blur_strength": NaN}', "expected numbers that are finite"),
        ('{"blur_strength": 0}', "above 0, got 0"),
        ('{"blur_strength": 3, "fitted_on": 5}', "expected a number"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, message) -> None:
    (tmp_path / "blur_strength.json").write_text(content)
    with pytest.raises(DamagedDataError, match=message) as caught:
        read_strength(tmp_path)
    assert "blur_strength.json" in str(caught.value)


def test_a_fit_on_scored_pairs_is_refused(tmp_path) -> None:
    (tmp_path / "blur_strength.json").write_text(json.dumps({"blur_strength": 30, "fitted_on": ["12", "4401"]}))
    with pytest.raises(DamagedDataError, match="fitted on 1 scored pairs, such as 4401"):
        read_strength(tmp_path, ["4400", "4401"])
