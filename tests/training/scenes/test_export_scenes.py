import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.training.scenes.export_scenes import export_scenes, main


def test_exported_scenes_are_a_data_set(scenes, tmp_path):
    export_scenes(scenes, 2, tmp_path)
    dataset = load_dataset("folder", tmp_path)
    dataset.prepare()
    assert len(dataset.scene_names()) == 2
    scene, sample = dataset.load(dataset.scene_names()[1]), scenes[1]
    assert torch.equal(scene.disparity, sample["disparity"])
    assert scene.blur_strength == pytest.approx(float(sample["blur_strength"]))
    assert torch.allclose(scene.target, sample["target"], atol=0.5 / 255 + 1e-6)


def test_scenes_of_an_earlier_command_do_not_stay_beside_new_ones(scenes, tmp_path):
    export_scenes(scenes, 2, tmp_path)
    before = (tmp_path / "scene-0000" / "image.png").stat().st_mtime_ns
    with pytest.raises(InvalidOptionError, match=r"scene-0001 would stay beside the new scenes, 1 such in all"):
        export_scenes(scenes, 1, tmp_path)
    assert (tmp_path / "scene-0000" / "image.png").stat().st_mtime_ns == before


@pytest.mark.parametrize("count", ["0", "-3"])
def test_no_scene_is_a_mistake(count, tmp_path, capsys):
    folders = [word for name in ("photographs", "cutouts", "output") for word in (f"--{name}", str(tmp_path / name))]
    with pytest.raises(SystemExit) as end:
        main([*folders, "--count", count])
    assert end.value.code == 2
    assert f"argument --count: expected a whole number above 0, got {count}" in capsys.readouterr().err
