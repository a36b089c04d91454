"""A focus pull: where the focus goes, what the frames have in common, and both kinds of file."""

import sys

import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import InvalidOptionError
from bokehbench.photograph.focus_pull import check_encoder, even_sided, render_pull, write_pull
from bokehbench.renderers.identity import IdentityRenderer


class Recorder(IdentityRenderer):
    """Remembers the scenes that it renders."""

    def __init__(self):
        super().__init__("recorder")
        self.scenes = []

    def render(self, scene, seed=0):
        self.scenes.append(scene)
        return scene.image


def test_the_focus_goes_from_far_to_near_and_back_under_one_lens(make_scene):
    recorder, scene = Recorder(), make_scene()
    frames = render_pull(scene, recorder, None, frames=5)
    focus = [seen.focus_disparity for seen in recorder.scenes]
    assert focus == sorted(focus)
    assert (focus[0], focus[-1]) == (pytest.approx(0.2), pytest.approx(0.8))
    assert len(frames) == 8
    largest = max(float(seen.defocus.abs().max()) for seen in recorder.scenes)
    assert largest == pytest.approx(float(scene.defocus.abs().max()), rel=1e-5)


def test_mp4_has_even_sides(tmp_path):
    assert even_sided(np.zeros((7, 9, 3), np.uint8)).shape == (6, 8, 3)
    pytest.importorskip("imageio_ffmpeg")
    frames = [Image.new("RGB", (33, 25), (level, 0, 0)) for level in (0, 200)]
    assert write_pull(tmp_path / "pull.mp4", frames) == (32, 24)
    assert b"ftyp" in (tmp_path / "pull.mp4").read_bytes()[:16]


def test_without_an_encoder_one_line_says_what_to_get(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InvalidOptionError, match=r"pip install -c constraints.txt -e '.\[video\]', or name a .gif"):
        check_encoder()
