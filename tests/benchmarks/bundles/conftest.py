"""A stored run, and what a bundle of it may be turned into."""

import hashlib
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bokehbench.benchmarks.bundles.export import write_bundle
from bokehbench.benchmarks.bundles.schema import MANIFEST
from bokehbench.benchmarks.run.row_files import RowWriter
from bokehbench.benchmarks.run.scene_record import record_scene, scene_folder
from bokehbench.benchmarks.run.store import StoredRun, write_meta
from bokehbench.core.files import write_image

from ...stored_records import META, row

PSNR = {"unit": "dB", "higher_is_better": True, "description": "PSNR", "available": True, "reason": None}
ENVIRONMENT = {"processor": "Abacus", "gpu": "Orrery", "commit": "abc", "python": "3.11", "packages": {}}


@pytest.fixture
def stored(tmp_path, make_scene) -> StoredRun:
    """A run ``night`` with two pictures, a failure with a traceback, and pictures as they were scored."""
    folder = tmp_path / "results" / "night"
    keys = ["one", "two", "failed"]
    write_meta(folder, META | {"cases": keys, "metrics": {"psnr": PSNR}, "environments": {"e": ENVIRONMENT}})
    with RowWriter(folder) as writer:
        for key, number in (("one", 0), ("two", 1)):
            scene = make_scene(name=f"s{number}", seed=number)
            record_scene(folder, "d", f"place {number}", scene)
            picture = f"images/d/s{number}/r-{number}.png"
            digest = write_image(folder / picture, scene.image)
            values = {"image": picture, "image_sha256": digest, "metrics": {"psnr": 30.0 + number}}
            writer.append(row(key, scene=f"s{number}", environment="e", **values))
        broken = {"status": "failed", "reason": "torn", "metrics": {}, "image": None, "image_sha256": None}
        writer.append(row("failed", scene="s2", environment="e", traceback="/home/ada/secret.py", **broken))
    assert scene_folder(folder, "d", "s1").is_dir()
    return StoredRun.open(folder)


@pytest.fixture
def bundle(stored, tmp_path) -> Path:
    """The bundle of that run, without pictures."""
    path = tmp_path / "night.zip"
    write_bundle(stored, path, "Ada")
    return path


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
