"""The disparity maker, with a tiny random Depth-Anything model and without any network."""

import json
import shutil
import sys

import huggingface_hub
import numpy as np
import pytest
import torch
from PIL import Image

from bokehbench.core import fetch as fetch_module
from bokehbench.core.errors import DamagedDataError, InvalidOptionError, MissingWeightsError
from bokehbench.core.torchvision_guard import ensure_torchvision
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.files.maps import read_disparity
from bokehbench.datasets.pairs.estimate_disparity import DepthAnything, check_record, main, make_disparity


@pytest.fixture(scope="module")
def save_model(tmp_path_factory):
    """A function that saves a model of 0.1 M parameters which predicts depth of the given kind."""
    ensure_torchvision()
    transformers = pytest.importorskip("transformers", reason="needs the package transformers")
    transformers.set_seed(0)

    def save(kind):
        backbone = transformers.Dinov2Config(
            image_size=28,
            patch_size=14,
            hidden_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            out_features=["stage1", "stage2", "stage3", "stage4"],
            reshape_hidden_states=False,
        )
        config = transformers.DepthAnythingConfig(
            backbone_config=backbone,
            patch_size=14,
            reassemble_hidden_size=16,
            neck_hidden_sizes=[4, 8, 16, 16],
            fusion_hidden_size=8,
            head_hidden_size=4,
            depth_estimation_type=kind,
            max_depth=20,
        )
        folder = tmp_path_factory.mktemp(kind)
        model = transformers.DepthAnythingForDepthEstimation(config)
        for parameter in model.head.parameters():
            parameter.data.abs_()  # the last step cuts negative values off
            parameter.data += 0.1
        model.save_pretrained(folder)
        transformers.DPTImageProcessor(
            size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14
        ).save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="module")
def model(save_model):
    return save_model("relative")


class BrightIsNear:
    """An estimator without a network: the brightness."""

    def __init__(self):
        self.batches = []

    def estimate(self, pictures):
        self.batches.append(len(pictures))
        return [picture.mean(axis=2) for picture in pictures]


@pytest.fixture
def root(tmp_path, miniatures):
    """Two pairs of EBB's split and two outside it, without disparity."""
    for number in (7, 8, 4400, 4401):
        miniatures.write_ebb_pair(tmp_path / "ebb", number, miniatures.make_blurred(strength=6.0, seed=number))
        (tmp_path / f"ebb/disparity/{number}.npy").unlink()
    return tmp_path


def test_maps_have_the_pictures_sizes_alone_or_together(model) -> None:
    estimator = DepthAnything(str(model), "cpu")
    rng = np.random.default_rng(0)
    pictures = [rng.random((*size, 3)).astype(np.float32) for size in ((40, 60), (60, 40), (20, 30))]
    together = estimator.estimate(pictures)
    assert [found.shape for found in together] == [(40, 60), (60, 40), (20, 30)]
    assert together[0].std() > 1e-3
    for picture, found in zip(pictures, together, strict=True):
        np.testing.assert_allclose(estimator.estimate([picture])[0], found, atol=1e-5)


def test_a_relative_models_values_are_kept_and_a_metric_ones_inverted(model, save_model) -> None:
    prediction = np.array([[0.0, 0.5, 4.0]], np.float32)
    np.testing.assert_array_equal(DepthAnything(str(model), "cpu")._as_disparity(prediction), prediction)
    metric = DepthAnything(str(save_model("metric")), "cpu")._as_disparity(prediction)
    np.testing.assert_allclose(metric, [[1000.0, 2.0, 0.25]])


def test_the_command_makes_what_is_absent_and_nothing_twice(root, model, capsys) -> None:
    command = ["ebb", "--data-root", str(root), "--model", str(model), "--device", "cpu"]
    assert main([*command, "--batch-size", "2"]) == 0
    assert "2 of 2 maps made" in capsys.readouterr().out
    made = sorted(path.name for path in (root / "ebb/disparity").iterdir())
    assert made == ["4400.npy", "4401.npy"]
    assert read_disparity(root / "ebb/disparity/4400.npy").shape == (48, 64)
    assert load_dataset("ebb", root).load("4400").disparity.max() == 1.0
    before = (root / "ebb/disparity/4400.npy").stat().st_mtime_ns
    assert main([*command, "--held-out", "2"]) == 0
    assert "2 of 2 maps made" in capsys.readouterr().out
    assert (root / "ebb/disparity/4400.npy").stat().st_mtime_ns == before
    assert (root / "ebb/disparity/8.npy").is_file()
    assert main(command) == 0
    assert "every picture that is there has its disparity" in capsys.readouterr().out


def test_maps_of_two_models_are_never_mixed(root, model, capsys) -> None:
    check_record(root / "ebb", another := {"model": "another/model", "revision": None, "processor": {}})
    assert main(["ebb", "--data-root", str(root), "--model", str(model)]) == 2
    assert "are from another/model: use it, or delete them and disparity_model.json" in capsys.readouterr().err
    check_record(root / "ebb", another)


def test_a_damaged_picture_costs_itself_only(root) -> None:
    source = root / "ebb/original/4400.jpg"
    source.write_bytes(source.read_bytes()[:300])
    estimator = BrightIsNear()
    jobs = load_dataset("ebb", root).disparity_jobs(1)
    failures = make_disparity(jobs, estimator, 2)
    assert len(failures) == 1
    assert "4400.jpg: cannot be read" in failures[0]
    assert estimator.batches == [1, 1]
    assert sorted(path.name for path in (root / "ebb/disparity").iterdir()) == ["4401.npy", "8.npy"]


def test_a_killed_run_keeps_what_it_had_and_leaves_no_half_map(root) -> None:
    class Killed(BrightIsNear):
        def estimate(self, pictures):
            if self.batches:
                raise KeyboardInterrupt
            return super().estimate(pictures)

    jobs = load_dataset("ebb", root).disparity_jobs(0)
    with pytest.raises(KeyboardInterrupt):
        make_disparity(jobs, Killed(), 1)
    assert [path.name for path in (root / "ebb/disparity").iterdir()] == ["4400.npy"]
    assert load_dataset("ebb", root).disparity_jobs(0) == jobs[1:]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (torch.OutOfMemoryError("cuda"), 2, "out of memory on cpu: lower --batch-size"),
        (KeyboardInterrupt(), 130, "finished maps are kept"),
        (PermissionError(13, "Permission denied", "a.npy"), 2, "error: [Errno 13] Permission denied: 'a.npy'"),
    ],
)
def test_what_stops_the_command_is_one_line(root, model, monkeypatch, capsys, error, code, message) -> None:
    def stop(*_):
        raise error

    monkeypatch.setattr("bokehbench.datasets.pairs.estimate_disparity.make_disparity", stop)
    assert main(["ebb", "--data-root", str(root), "--model", str(model), "--device", "cpu"]) == code
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_constant_map_is_not_written(root, tmp_path) -> None:
    Image.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / "flat.png")
    failures = make_disparity([(tmp_path / "flat.png", tmp_path / "flat.npy")], BrightIsNear(), 1)
    assert "constant or not finite" in failures[0]
    assert not (tmp_path / "flat.npy").exists()


def test_users_scenes_get_their_maps_beside_the_picture(tmp_path, miniatures, model) -> None:
    folder = miniatures.write_user_scene(
        tmp_path / "kitchen", miniatures.make_blurred(), focus_at=[9, 9], max_radius_px=4
    )
    (folder / "disparity.npy").unlink()
    assert main(["folder", "--data-root", str(tmp_path), "--model", str(model)]) == 0
    assert load_dataset("folder", tmp_path).load("kitchen").disparity.shape == (1, 48, 64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ebb"], "no data folder is given"),
        (["ebb", "--data-root", "{root}", "--batch-size", "0"], "--batch-size of at least 1"),
        (["ebb", "--data-root", "{root}", "--model", "{root}"], "cannot be loaded: "),
        (["motorcycle"], "brings its own disparity"),
        (["eb"], "unknown data set 'eb'"),
        (["folder", "--data-root", "{root}", "--held-out", "3"], "has no pictures outside its scenes"),
    ],
)
def test_mistakes_are_one_line(root, monkeypatch, capsys, arguments, message) -> None:
    monkeypatch.delenv("BOKEHBENCH_DATA", raising=False)
    monkeypatch.setattr("bokehbench.datasets.files.data_root.DEFAULT_FOLDER", root / "none")
    assert main([argument.format(root=root) for argument in arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_model_that_does_not_say_what_it_predicts_is_refused(model, tmp_path) -> None:
    """MiDaS' successor DPT, say, does not."""
    transformers = pytest.importorskip("transformers", reason="needs the package transformers")
    config = transformers.DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
    )
    transformers.DPTForDepthEstimation(config).save_pretrained(tmp_path)
    transformers.DPTImageProcessor().save_pretrained(tmp_path)
    with pytest.raises(InvalidOptionError, match="it is unknown whether larger is nearer"):
        DepthAnything(str(tmp_path), "cpu")


def test_a_model_of_the_hub_is_remembered_with_its_revision(root, model, tmp_path, monkeypatch) -> None:
    cached = tmp_path / "snapshots" / "0123abcd"
    shutil.copytree(model, cached)
    calls = []

    def fetch(repository, **options):
        calls.append((repository, options["repo_type"], options["allow_patterns"]))
        return str(cached)

    monkeypatch.setattr(fetch_module, "_ask", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert main(["ebb", "--data-root", str(root), "--model", "some/model", "--device", "cpu"]) == 0
    assert calls == [("some/model", "model", ["*.json", "*.safetensors"])]
    record = json.loads((root / "ebb/disparity_model.json").read_text())
    assert (record["model"], record["revision"]) == ("some/model", "0123abcd")
    with pytest.raises(InvalidOptionError, match="from its revision 0123abcd, this is 4567cdef"):
        check_record(root / "ebb", record | {"revision": "4567cdef"})


def test_maps_of_two_processors_are_never_mixed(root, model) -> None:
    made_by = DepthAnything(str(model), "cpu").describe()
    assert made_by["processor"]["backend"] in ("torchvision", "pil")
    assert set(made_by["processor"]["size"]) == {"height", "width"}
    check_record(root / "ebb", made_by)
    check_record(root / "ebb", made_by)
    other = made_by["processor"] | {"backend": "another"}
    with pytest.raises(InvalidOptionError, match=r"are from its processor \{.*, this is \{.*'backend': 'another'"):
        check_record(root / "ebb", made_by | {"processor": other})
    (root / "ebb/disparity_model.json").write_text(json.dumps({"model": str(model), "revision": None}))
    check_record(root / "ebb", made_by | {"processor": other})


def test_a_hub_out_of_reach_is_one_line(root, monkeypatch, capsys) -> None:
    def fail(*_, **__):
        raise ConnectionError("no\nnetwork")

    monkeypatch.setattr(fetch_module, "_ask", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    assert main(["ebb", "--data-root", str(root), "--model", "some/model"]) == 2
    assert "some/model: cannot be fetched from the Hugging Face hub (no network)" in capsys.readouterr().err


def test_without_transformers_the_remedy_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingWeightsError, match=r"pip install .*\[disparity\]"):
        DepthAnything("any", "cpu")


def test_the_record_must_be_readable(root) -> None:
    (root / "ebb/disparity_model.json").write_text("[]")
    with pytest.raises(DamagedDataError, match=r"disparity_model\.json: expected the name of a model"):
        check_record(root / "ebb", {"model": "any", "revision": None, "processor": {}})
