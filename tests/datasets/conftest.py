"""Miniatures of users' data sets."""

import pytest

from ..miniatures import miniature_root, miniatures  # noqa: F401 - fixtures

LENS = {"focus_at": [32, 24], "max_radius_px": 8}
"""Settings of the scene ``kitchen``."""


@pytest.fixture
def made(miniatures):  # noqa: F811
    return miniatures.make_blurred()


@pytest.fixture
def scene_folder(tmp_path, miniatures, made):  # noqa: F811
    """A scene of the data set ``folder``, called kitchen."""
    return miniatures.write_user_scene(tmp_path / "kitchen", made, **LENS)
