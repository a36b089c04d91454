"""Miniatures of users' data sets, with real JPEG files in the published layouts."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from bokehbench.datasets.files.exr import write_exr
from bokehbench.datasets.pairs.ebb400 import Ebb400, make_low_quality
from bokehbench.renderers.interface import Scene
from bokehbench.renderers.registry import load_renderer

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Blurred:
    """An all-in-focus picture, its target and disparity of known focus and strength; arrays as (H,W,C) or (H,W)."""

    image: Picture
    target: Picture
    disparity: Picture
    focus: float
    strength: float


def make_blurred(
    height: int = 48, width: int = 64, strength: float = 10.0, seed: int = 0, gain: float = 1.0
) -> Blurred:
    """A textured near square (disparity 3) before a textured far wall (disparity 1), the square in focus.

    ``strength``: px per unit of disparity scaled to [0,1]; ``gain``: exposure of the target against the input.
    """
    rng = np.random.default_rng(seed)
    image = np.kron(rng.random((height // 4 + 1, width // 4 + 1, 3)), np.ones((4, 4, 1)))[:height, :width]
    image = (0.2 + 0.5 * image).astype(np.float32)
    disparity = np.ones((height, width), np.float32)
    disparity[height // 4 : -height // 4, width // 4 : -width // 4] = 3.0
    scene = Scene(
        name="made",
        image=as_tensor(image),
        disparity=as_tensor((disparity[..., None] - 1.0) / 2.0),
        focus_disparity=1.0,
        blur_strength=strength,
    )
    rendered = load_renderer("classical").render(scene).permute(1, 2, 0).numpy()
    return Blurred(image, np.clip(rendered * np.float32(gain), 0.0, 1.0), disparity, 3.0, strength)


def as_tensor(picture: Picture) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))


def save_picture(path: Path, picture: Picture, **options) -> Path:
    """Save (H,W,3) in [0,1] with 8 bit, JPEG at its best quality."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
    jpeg = {"quality": 98, "subsampling": 0} if path.suffix.lower() in (".jpg", ".jpeg") else {}
    Image.fromarray(levels).save(path, **jpeg, **options)
    return path


def save_disparity(path: Path, disparity: Picture) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, disparity)
    return path


def write_ebb_pair(folder: Path, number: int, made: Blurred) -> None:
    save_picture(folder / "original" / f"{number}.jpg", made.image)
    save_picture(folder / "bokeh" / f"{number}.jpg", made.target)
    save_disparity(folder / "disparity" / f"{number}.npy", made.disparity)


def write_realbokeh_scene(folder: Path, split: str, number: int, made: dict[float, Blurred]) -> Path:
    """Write one scene; ``made`` by f-number. Returns its metadata file."""
    widest = made[min(made)]
    save_picture(folder / split / "in" / f"{number}_f22.JPG", widest.image)
    save_disparity(folder / split / "disparity" / f"{number}.npy", widest.disparity)
    targets = [f"gt/{number}/{number}_f{f_number:.1f}.JPG" for f_number in made]
    for target, blurred in zip(targets, made.values(), strict=True):
        save_picture(folder / split / target, blurred.target)
    metadata = {
        "id": number,
        "source_image": f"in/{number}_f22.JPG",
        "target_images": targets,
        "target_avs": list(made),
    }
    path = folder / split / "metadata" / f"{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metadata))
    return path


def write_user_scene(folder: Path, made: Blurred, **settings) -> Path:
    save_picture(folder / "image.png", made.image)
    save_picture(folder / "target.png", made.target)
    save_disparity(folder / "disparity.npy", made.disparity)
    (folder / "scene.yaml").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def write_blb_scene(folder: Path, made: Blurred, levels: int, focuses: int) -> Path:
    """Write a folder in BLB's layout with one wrong disparity; every target is the same picture."""
    folder.mkdir(parents=True)
    write_exr(folder / "image.exr", made.image**2.2)
    write_exr(folder / "depth.exr", 1.0 / made.disparity, half=False)
    write_exr(folder / "disparity_00.exr", made.disparity[:, ::-1], half=False)
    for level in range(levels):
        for focus in range(focuses):
            write_exr(folder / f"bokeh_{level:02d}_{focus:02d}.exr", made.target**2.2)
    info = {
        "focus_distances": (1.0 / np.linspace(1.0, 3.0, focuses)).tolist(),
        "blur_parameters": (np.linspace(10.0, 50.0, levels) / 2.0).tolist(),
    }
    (folder / "info.json").write_text(json.dumps(info), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def miniature_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of tiny pictures: EBB's split, two of EBB400, two scenes of RealBokeh, one of BLB, and so on."""
    root = tmp_path_factory.mktemp("data")
    made = make_blurred(strength=6.0)
    for number in range(4400, 4694):
        write_ebb_pair(root / "ebb", number, made)
    for number in (7, 12):
        write_ebb_pair(root / "ebb400", number, made)
        save_disparity(root / "ebb400/low_quality/disparity" / f"{number}.npy", made.disparity)
    make_low_quality(Ebb400(data_root=root))
    by_f_number = {f: make_blurred(49, 66, strength=12.0 / f) for f in (4.0, 2.0)}
    for number in (2, 11):
        write_realbokeh_scene(root / "realbokeh", "test", number, by_f_number)
    write_blb_scene(root / "blb" / "277", made, levels=5, focuses=10)
    write_blb_scene(root / "pathtraced" / "100", made, levels=2, focuses=2)
    for name in ("Bäckerei", "wall"):
        write_user_scene(root / name, made, focus_at=[32, 24], max_radius_px=8)
    return root


def make_point_light() -> Blurred:
    """A textured, focused left half (disparity 5) and one point of light on black far away (disparity 1) on the right.

    Both photographs show the same, so that everything on the left is sharp in both.
    """
    left = make_blurred(64, 64).image
    image = np.concatenate([left, np.zeros((64, 64, 3), np.float32)], axis=1)
    image[LIGHT] = 1.0
    disparity = np.full((64, 128), 5.0, np.float32)
    disparity[:, 64:] = 1.0
    return Blurred(image, image, disparity, 5.0, 0.0)


LIGHT = (32, 96)


def measure_disc(scene: Scene) -> float:
    """Render with ``classical`` and return the radius in px of the light's disc: its area at half its brightness."""
    linear = load_renderer("classical").render(scene).permute(1, 2, 0).numpy().mean(axis=2) ** scene.gamma
    row, column = LIGHT
    right = linear[:, 72:]
    level = np.median(linear[row - 2 : row + 3, column - 2 : column + 3])
    return float(np.sqrt((right > level / 2.0).sum() / np.pi))


@pytest.fixture(scope="session")
def miniatures() -> SimpleNamespace:
    """The functions above, for tests that build their own miniature."""
    return SimpleNamespace(
        make_blurred=make_blurred,
        make_point_light=make_point_light,
        measure_disc=measure_disc,
        save_picture=save_picture,
        save_disparity=save_disparity,
        write_ebb_pair=write_ebb_pair,
        write_realbokeh_scene=write_realbokeh_scene,
        write_user_scene=write_user_scene,
    )
