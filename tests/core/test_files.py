import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bokehbench.core.files import (
    quantise,
    read_image,
    read_map,
    safe_name,
    sha256_of,
    write_image,
    write_json,
    write_map,
)


@given(st.text())
def test_safe_names_stay_in_their_folder(name):
    safe = safe_name(name)
    assert safe
    assert not safe.startswith(".")
    assert set(safe).isdisjoint('/\\:<>"|?*\0\n ')
    assert len(safe) < 120


@given(st.text(), st.text())
def test_different_names_stay_different(one, other):
    assert (safe_name(one) == safe_name(other)) == (one == other)


def test_plain_names_are_kept():
    assert safe_name("bokehdiff@sdxl") == "bokehdiff@sdxl"


def test_image_round_trip_and_hash(tmp_path):
    image = torch.rand(3, 9, 7)
    digest = write_image(tmp_path / "deep" / "a.png", image)
    assert torch.equal(read_image(tmp_path / "deep" / "a.png"), quantise(image))
    assert digest == sha256_of(tmp_path / "deep" / "a.png")
    assert digest == hashlib.sha256((tmp_path / "deep" / "a.png").read_bytes()).hexdigest()
    assert float((quantise(image) - image).abs().max()) <= 0.5 / 255 + 1e-6


def test_map_spans_its_range(tmp_path):
    values = torch.linspace(-2.0, 3.0, 12).reshape(1, 3, 4)
    write_map(tmp_path / "m.png", values, -2.0, 3.0)
    with Image.open(tmp_path / "m.png") as picture:
        assert picture.getextrema() == (0, 65535)
    found = torch.from_numpy(read_map(tmp_path / "m.png"))
    torch.testing.assert_close(found, (values[0].double() + 2.0) / 5.0, rtol=0.0, atol=0.6 / 65535)


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
