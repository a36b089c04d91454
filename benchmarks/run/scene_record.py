"""What a run keeps of a scene, so that a report needs no data set: input, disparity, target, and where to look.

Everything is at the size of the renders, so that one crop fits all pictures: where these are larger than the input, its
pixels and those of its disparity are repeated.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...core.errors import DamagedRecordError
from ...core.files import is_intact, safe_name, write_image, write_json, write_map
from ...core.records import check_record, read_record
from ...core.scene import Scene
from ...datasets.doubts import find_doubts
from .cases import Case
from .schema import DoubtRecord, SceneRecord

RECORD_FILE = "scene.json"

EDGE_WINDOW_PX = 9
EDGE_COUNT = 3
EDGE_STEP_PX = 2.0
"""A change of the defocus radius by this much within the window counts as a depth edge worth a close look."""


def record_scene(run: Path, dataset: str, cluster: str, scene: Scene, data: str = "", photograph: bool = False) -> None:
    """Write ``scenes/<dataset>/<scene>/`` of a run, scene.json last, unless all of it is there.

    ``data``: the digests of what the scene is made of (``MadeOf.scene``), by which a later command knows whether the
    record is its own; ``photograph``: see ``find_doubts``. Raises DamagedRecordError where an entry is none, such as a
    ``cluster`` that is no text.
    """
    folder = scene_folder(run, dataset, scene.name)
    description = describe_scene(dataset, cluster, scene)
    description["data"] = data
    description["doubts"] = find_doubts(scene, photograph)
    description = check_record(SceneRecord, description, f"{dataset} / {scene.name}: ")
    stored = _intact_record(run, dataset, scene.name)
    if stored is not None and {**stored, "files": {}} == {**description, "digest": stored["digest"]}:
        return
    low, high = description["disparity_range"]
    files = {
        "input.png": write_image(folder / "input.png", _enlarged(scene.image, scene.scale)),
        "disparity.png": write_map(folder / "disparity.png", _enlarged(scene.disparity, scene.scale), low, high),
    }
    if scene.target is not None:
        files["target.png"] = write_image(folder / "target.png", scene.target)
    description["files"] = files
    description["digest"] = _digest(description)
    write_json(folder / RECORD_FILE, description)


def read_scene_record(run: Path, dataset: str, scene: str) -> SceneRecord | None:
    """Return the content of a scene's scene.json; None where there is none.

    ``files`` is empty where an earlier version wrote it. Raises DamagedRecordError naming the file.
    """
    path = scene_folder(run, dataset, scene) / RECORD_FILE
    if not path.exists() and not path.is_symlink():
        return None
    record = read_record(SceneRecord, path, "the record of a scene")
    if (record["dataset"], record["scene"]) != (dataset, scene):
        raise DamagedRecordError(f"{path}: expected {dataset} / {scene}, got {record['dataset']} / {record['scene']}")
    check_seal(record, f"{path}: ")
    record.setdefault("files", {})
    return record


def check_seal(record: SceneRecord, where: str) -> None:
    """Raise DamagedRecordError, ``where`` before it, for a record that is not as it was written."""
    if record.get("digest", "") not in ("", _digest(record)):
        raise DamagedRecordError(f"{where}it was changed after it was written")


def collect_doubts(run: Path, scenes: Iterable[tuple[str, str]]) -> list[DoubtRecord]:
    """Return what looks odd about the scenes, (data set, scene), that are on record: each kind once a data set."""
    found: dict[tuple[str, str], DoubtRecord] = {}
    for dataset, scene in scenes:
        record = _readable_record(run, dataset, scene)
        for kind, sentence in (record.get("doubts", {}) if record else {}).items():
            new: DoubtRecord = {"dataset": dataset, "kind": kind, "scenes": [], "example": sentence}
            found.setdefault((dataset, kind), new)["scenes"].append(scene)
    return list(found.values())


def is_recorded(run: Path, dataset: str, scene: str, data: str = "") -> bool:
    """Whether a scene's record, of those ``data``, and every picture beside it are as they were written."""
    record = _intact_record(run, dataset, scene)
    return record is not None and record.get("data", "") == data


def _readable_record(run: Path, dataset: str, scene: str) -> SceneRecord | None:
    try:
        return read_scene_record(run, dataset, scene)
    except DamagedRecordError:
        return None


def _intact_record(run: Path, dataset: str, scene: str) -> SceneRecord | None:
    record = _readable_record(run, dataset, scene)
    if record is None or not record["files"] or not record.get("digest"):
        return None
    folder = scene_folder(run, dataset, scene)
    return record if all(is_intact(folder / name, digest) for name, digest in record["files"].items()) else None


def record_perturbed(run: Path, case: Case, scene: Scene, perturbed: Scene) -> dict[str, str]:
    """Write what is another than in ``scene``: picture and disparity, on the true map's scale, of a perturbed case.

    Returns what the case's row says of them: paths in the run and SHA-256.
    """
    said: dict[str, str] = {}

    def note(field: str, write: Callable[[Path], str]) -> None:
        name = safe_name(f"{field}-{case.perturbation}-{case.severity:.12g}-{case.seed}")
        path = scene_folder(run, case.dataset, case.scene) / f"{name}.png"
        said.update({f"{field}_sha256": write(path), field: path.relative_to(run).as_posix()})

    if perturbed.image is not scene.image:
        note("input", lambda path: write_image(path, _enlarged(perturbed.image, perturbed.scale)))
    if perturbed.disparity is not scene.disparity:
        low, high = float(scene.disparity.min()), float(scene.disparity.max())
        note("disparity", lambda path: write_map(path, _enlarged(perturbed.disparity, perturbed.scale), low, high))
    return said


def describe_scene(dataset: str, cluster: str, scene: Scene) -> SceneRecord:
    """Return the content of scene.json, without ``files``.

    Lengths are in px of the renders, ``scale`` times the input's size.
    """
    height, width = scene.render_shape[1:]
    defocus = scene.render_defocus
    return {
        "dataset": dataset,
        "scene": scene.name,
        "cluster": cluster,
        "height": height,
        "width": width,
        "scale": scene.scale,
        "focus_disparity": float(scene.focus_disparity),
        "blur_strength": float(scene.blur_strength),
        "gamma": float(scene.gamma),
        "f_number": scene.f_number,
        "max_radius_px": float(defocus.abs().max()),
        "disparity_range": [float(scene.disparity.min()), float(scene.disparity.max())],
        "edges": find_depth_edges(defocus),
        "sha256": _fingerprint(scene),
        "files": {},
    }


def find_depth_edges(defocus: Tensor) -> list[list[int]]:
    """Return up to three [row, column] on the strongest depth edges of (1,H,W) defocus in px, far from each other.

    Strength is the range of defocus within a small window; each choice suppresses its surroundings.
    """
    height, width = defocus.shape[1:]
    pad = EDGE_WINDOW_PX // 2
    window = np.ones((EDGE_WINDOW_PX, EDGE_WINDOW_PX), np.uint8)
    highest, lowest = (torch.from_numpy(spread(defocus[0].numpy(), window)) for spread in (cv2.dilate, cv2.erode))
    # Averaged over the window, long edges win over single pixels, and the centre lies on the edge.
    strength = F.avg_pool2d((highest - lowest)[None], EDGE_WINDOW_PX, 1, pad)[0]
    apart = max(height, width) // 4
    chosen: list[list[int]] = []
    for _ in range(EDGE_COUNT):
        position = int(torch.argmax(strength))
        row, column = divmod(position, width)
        if float(strength[row, column]) < EDGE_STEP_PX:
            break
        chosen.append([row, column])
        strength[max(0, row - apart) : row + apart + 1, max(0, column - apart) : column + apart + 1] = 0.0
    return chosen


def scene_folder(run: Path, dataset: str, scene: str) -> Path:
    """Return where a run keeps a scene."""
    return run / "scenes" / safe_name(dataset) / safe_name(scene)


def _enlarged(image: Tensor, scale: int) -> Tensor:
    """Repeat the pixels of (C,H,W)."""
    return image if scale == 1 else image.repeat_interleave(scale, 1).repeat_interleave(scale, 2)


def _digest(record: SceneRecord) -> str:
    """Return a digest of every entry but ``digest``, in whatever order."""
    content = {name: value for name, value in record.items() if name != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _fingerprint(scene: Scene) -> str:
    digest = hashlib.sha256()
    for tensor in (scene.image, scene.disparity, scene.target):
        if tensor is not None:
            digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
