"""BLB's layout in path-traced scenes of our own: any number of levels and of focus distances, the same lens."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bokehbench.datasets.files.exr import write_exr
from bokehbench.datasets.pathtraced.dataset import PathTraced
from bokehbench.datasets.synthetic.layers import Layer, LayeredScene, Plane
from bokehbench.datasets.synthetic.ray_tracer import trace


def test_a_point_light_becomes_a_disc_of_the_formula_s_radius(empty) -> None:
    """The formula of the layout, and the lens of the ray tracer, which knows nothing of it."""
    size, margin, depth, focus, blur = 61, 26, 5.0, 2.5, 60.0
    radius = blur * abs(1.0 / depth - 1.0 / focus)
    colour = np.zeros((size + 2 * margin, size + 2 * margin, 4), np.float32)
    colour[..., 3] = 1.0
    colour[margin + 30, margin + 30, :3] = 400.0
    lens = LayeredScene([Layer(colour, -margin, -margin, Plane(0.0, 0.0, 1.0 / depth))], size, size, 1.0 / focus, blur)
    folder = empty.folder("1", "pathtraced")
    folder.mkdir(parents=True)
    depths = np.full((size, size), depth)
    depths[0, 0] = 3.0
    write_exr(folder / "depth.exr", depths, half=False)
    write_exr(folder / "image.exr", colour[margin:-margin, margin:-margin, :3], half=False)
    write_exr(folder / "bokeh_00_00.exr", trace(lens), half=False)
    (folder / "info.json").write_text(json.dumps({"blur_parameters": [blur], "focus_distances": [focus]}))
    scene = empty.open("pathtraced").load("1-00-00")
    assert float(scene.defocus[0, 30, 30].abs()) == pytest.approx(radius)
    assert scene.target is not None
    light = scene.target[0].double().numpy() ** 2.2
    y, x = np.mgrid[:size, :size] - 30.0
    spread = (light * (x**2 + y**2)).sum() / light.sum()  # of a disc: r^2 / 2; the bilinear texel adds 1/3
    assert math.sqrt(2.0 * (spread - 1.0 / 3.0)) == pytest.approx(radius, rel=0.02)


def test_pathtraced_reads_every_level_and_focus(empty) -> None:
    info = {"blur_parameters": [10.0, 20.0, 30.0], "focus_distances": [2.0, 8.0]}
    empty.write_scene(empty.folder("100", "pathtraced"), 3, 2, **info)
    empty.write_scene(empty.folder("101", "pathtraced"), 1, 2, blur_parameters=[5.0], focus_distances=[3.0, 4.0])
    dataset = empty.open("pathtraced")
    assert isinstance(dataset, PathTraced)
    assert len(dataset.scene_names()) == 3 * 2 + 2
    assert empty.broken("pathtraced") == {}
    (empty.folder("101", "pathtraced") / "info.json").unlink()
    messages = empty.broken("pathtraced")
    assert set(messages) == {"101-00-00", "101-00-01"}
    assert "101/info.json: expected the scene's description, found none" in messages["101-00-00"]


def test_committed_scenes_are_a_data_set(empty) -> None:
    (empty.root / "pathtraced").symlink_to(Path(__file__).resolve().parents[2] / "data" / "pathtraced")
    dataset = empty.open("pathtraced")
    assert len(dataset.scene_names()) == 16
    assert len({dataset.cluster(name) for name in dataset.scene_names()}) == 8
    assert empty.broken("pathtraced") == {}
