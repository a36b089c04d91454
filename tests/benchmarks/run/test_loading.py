"""What is replaced while a run goes on."""

import pytest

from bokehbench.benchmarks.run.cases import Case, MadeOf
from bokehbench.benchmarks.run.loading import load_planned
from bokehbench.benchmarks.run.reuse import digest_parts
from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.interface import SceneDataset


def test_a_file_that_is_replaced_during_the_run_is_not_taken_for_the_planned_one(tmp_path, miniatures):
    made = miniatures.make_blurred()
    folder = miniatures.write_user_scene(tmp_path / "kitchen", made, focus_at=[32, 24], max_radius_px=8)
    dataset = load_dataset("folder", tmp_path)
    data = digest_parts(dataset.contents(["kitchen"])["kitchen"])
    case = Case(dataset="folder", scene="kitchen", renderer="identity", made_of=MadeOf(data=data))
    assert load_planned(dataset, case).name == "kitchen"
    (folder / "note.txt").write_text("not of the scene")
    assert load_planned(dataset, case).name == "kitchen"
    settings = folder / "scene.yaml"
    settings.write_text(settings.read_text() + "\n")
    assert load_planned(dataset, case).name == "kitchen", "the same settings"
    target = next(folder.glob("target.*"))
    target.write_bytes(target.read_bytes() + b"\0")
    with pytest.raises(DamagedDataError, match="scene 'kitchen': its data changed during the run: give the"):
        load_planned(dataset, case)


def test_a_scene_has_the_name_it_was_asked_for_whatever_it_calls_itself(make_scene):
    class Nameless(SceneDataset):
        name = "nameless"

        def scene_names(self):
            return ["kitchen"]

        def load(self, scene_name):
            return make_scene(name="scene")

    case = Case(dataset="nameless", scene="kitchen", renderer="identity")
    assert load_planned(Nameless(), case).name == "kitchen"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda scene: None, "odd: load returned NoneType, expected a Scene"),
        (lambda scene: scene.image.requires_grad_(), "odd: load returned a Scene with gradients: detach"),
    ],
    ids=["nothing", "gradients"],
)
def test_what_is_no_scene_to_render_is_said(make_scene, spoil, said):
    class Odd(SceneDataset):
        name = "odd"

        def scene_names(self):
            return ["kitchen"]

        def load(self, scene_name):
            scene = make_scene(name=scene_name)
            return scene if spoil(scene) is not None else None

    with pytest.raises(DamagedDataError, match=said):
        load_planned(Odd(), Case(dataset="odd", scene="kitchen", renderer="identity"))
