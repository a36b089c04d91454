"""Files of weights: labels, records, shared parts. Those of real weights: tests/renderers/bokehdiff."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from bokehbench.core.errors import BokehBenchError, InvalidOptionError, MissingWeightsError
from bokehbench.renderers import weights
from bokehbench.renderers.registry import load_renderer


@dataclass
class Files:
    name: str
    folder: Path | None
    paths: list[Path]


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "a.safetensors", tmp_path / "config.json"]
    for path in paths:
        path.write_text(path.name)
    return Files("mine", tmp_path, paths)


def test_a_training_that_is_not_finished_is_named(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for name in ("step-00000005.pt", "step-best.pt"):  # the latter is none of ours
        (tmp_path / "checkpoints" / name).touch()
    for folder in (tmp_path, tmp_path / "model"):
        names = [f"{name}@{folder}" for name in ("bokehme", "bokehdiff", "defocus-to-focus")]
        for name in (*names, f"sr@{folder}+identity"):
            with pytest.raises(
                BokehBenchError,
                match=r" holds a training that is not finished, after step 5: .*'output: .*'\), then use .*model; ",
            ):
                load_renderer(name).fetch()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / weights.RECORD_FILE).write_text("{}")
    with pytest.raises(MissingWeightsError, match=r"^.* is a training's output: its result lies in .*model; "):
        load_renderer(f"bokehme@{tmp_path}").fetch()


@pytest.mark.parametrize("folder", ["~nosuchuser/x", "x" * 300, "a\0b"])
def test_a_folder_that_cannot_be_is_one_line(folder):
    with pytest.raises(BokehBenchError, match="bokehme@"):
        load_renderer(f"bokehme@{folder}").fetch()
    assert not weights.say_where_training_is(folder)


def test_label_is_the_name_and_a_hash_of_every_file_in_order(files):
    digits = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files.paths]
    label = weights.label_files(files)
    assert label == f"mine {hashlib.sha256(''.join(digits).encode()).hexdigest()[:8]}"
    files.paths[1].write_text("changed")
    assert weights.label_files(files) != label


def test_hash_of_the_hubs_cache_is_its_file_name(tmp_path):
    content = b"weights"
    blob = tmp_path / "blobs" / hashlib.sha256(content).hexdigest()
    blob.parent.mkdir()
    blob.write_bytes(content)
    (tmp_path / "link").symlink_to(blob)
    (tmp_path / "copy").write_bytes(content)
    assert weights._sha256(tmp_path / "link") == weights._sha256(tmp_path / "copy") == blob.name


@pytest.mark.parametrize(
    ("content", "summary"), [({"summary": "9 steps"}, "9 steps"), ({}, None), ({"summary": 3}, None)]
)
def test_training_is_what_the_record_says(files, content, summary):
    assert weights.training_summary(files) is None
    (files.folder / weights.RECORD_FILE).write_text(json.dumps(content))
    assert weights.training_summary(files) == summary
    assert weights.training_summary(Files("hub", None, [])) is None


def test_part_is_the_folders_own_or_the_one_it_shares(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    assert weights.find_part(folder, "vae") == folder / "vae"
    (folder / weights.SHARED_FILE).write_text('{"vae": "common"}')
    with pytest.raises(MissingWeightsError, match=r"common: not there, and .* put the shared common there"):
        weights.find_part(folder, "vae")
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "config.json").touch()
    assert weights.find_part(folder, "vae") == tmp_path / "common"
    with pytest.raises(InvalidOptionError, match=r'expected \{"unet": NAME\}'):
        weights.find_part(folder, "unet")


def test_a_training_gives_its_result_its_name(tmp_path):
    assert weights.name_folder(tmp_path / "night" / "model") == "night"
    assert weights.name_folder(tmp_path / "night") == "night"
