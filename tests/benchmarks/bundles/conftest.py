"""A stored run, and what a bundle of it may be turned into."""

import hashlib
import json
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bokehbench.benchmarks.bundles.export import write_bundle
from bokehbench.benchmarks.bundles.schema import MANIFEST
from bokehbench.benchmarks.run.row_files import RowWriter
from bokehbench.benchmarks.run.scene_record import record_scene
from bokehbench.benchmarks.run.store import StoredRun, write_meta
from bokehbench.core.files import write_image
from bokehbench.renderers.interface import Scene

from ...stored_records import META, row

PSNR = {"unit": "dB", "higher_is_better": True, "description": "PSNR", "available": True, "reason": None}
ENVIRONMENT = {"processor": "Abacus", "gpu": "Orrery", "commit": "abc", "python": "3.11", "packages": {}}


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """Holds a run ``night`` with two pictures and a failure with a traceback, and its bundle ``night.zip``."""
    folder = tmp_path_factory.mktemp("made") / "results" / "night"
    keys = ["one", "two", "failed"]
    write_meta(folder, META | {"cases": keys, "metrics": {"psnr": PSNR}, "environments": {"e": ENVIRONMENT}})
    with RowWriter(folder) as writer:
        for key, number in (("one", 0), ("two", 1)):
            image = torch.full((3, 24, 32), number / 2)
            scene = Scene(name=f"s{number}", image=image, disparity=image[:1], focus_disparity=0.0, blur_strength=1.0)
            record_scene(folder, "d", f"place {number}", scene)
            picture = f"images/d/s{number}/r-{number}.png"
            values = {"image": picture, "image_sha256": write_image(folder / picture, image)}
            writer.append(row(key, scene=scene.name, environment="e", metrics={"psnr": 30.0 + number}, **values))
        broken = {"status": "failed", "reason": "torn", "metrics": {}, "image": None, "image_sha256": None}
        writer.append(row("failed", scene="s2", environment="e", traceback="/home/ada/secret.py", **broken))
    write_bundle(StoredRun.open(folder), folder.parents[1] / "night.zip", "Ada")
    return folder.parents[1]


@pytest.fixture
def stored(made, tmp_path) -> StoredRun:
    """A copy of the run."""
    return StoredRun.open(shutil.copytree(made / "results" / "night", tmp_path / "results" / "night"))


@pytest.fixture
def bundle(made, tmp_path) -> Path:
    """A copy of its bundle, without pictures."""
    return shutil.copyfile(made / "night.zip", tmp_path / "night.zip")


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    """Write a zip file of any members, a name twice among them, deflated."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for member, content in members:
            archive.writestr(member, content)
    return path


@pytest.fixture
def repack(bundle, tmp_path) -> Callable[..., Path]:
    """Write the bundle again with some texts changed, and digests that fit; None leaves a member out."""

    def change(**changed: object) -> Path:
        members = contents(bundle)
        manifest = json.loads(members.pop(MANIFEST)) | changed.pop("manifest", {})
        for name, change in changed.items():
            file = {"run": "run.json", "rows": "rows.jsonl", "scenes": "scenes.jsonl", "latency": "latency.json"}[name]
            members[file] = change(members.get(file, b"").decode()).encode()
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
        manifest.setdefault("members", {})
        manifest["members"] |= digests
        texts = [(MANIFEST, json.dumps(manifest).encode()), *members.items()]
        return pack(tmp_path / "changed.zip", texts)

    return change
