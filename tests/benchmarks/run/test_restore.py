"""What a run keeps beside its rows is made again by the same command, and nothing is rendered for it."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import pytest

from bokehbench.benchmarks.run.cases import PlannedDataset, PlannedRenderer, expand_cases
from bokehbench.benchmarks.run.runner import Runner
from bokehbench.core.files import sha256_of

from .stand_ins import MEAN_DIFFERENCE, SCENES, Counting, Scenes


@pytest.fixture
def sweep(tmp_path, make_scene):
    """A function that renders one scene with the true and with a wrong disparity, and counts renders in ``calls``."""

    def run():
        run.calls = Counter()
        cases = expand_cases(
            [PlannedRenderer(name="dim")],
            [PlannedDataset(name="scenes", scenes={SCENES[0]: ""})],
            [("halve", 0), ("halve", 1)],
        )
        return Runner(
            tmp_path,
            {"scenes": Scenes(make_scene)},
            MEAN_DIFFERENCE,
            lambda name: Counting(name, run.calls),
            "here",
            lambda scene, case: replace(scene, disparity=scene.disparity * 0.5),
        ).run(cases)

    run.folder = tmp_path
    return run


def files(folder):
    return {path.relative_to(folder): sha256_of(path) for path in folder.rglob("*.png")}


def lose(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def replace_by_another(path):
    other = next(one for one in sorted(path.parent.glob("*.png")) if sha256_of(one) != sha256_of(path))
    path.write_bytes(other.read_bytes())


def put_a_folder_there(path):
    path.unlink()
    path.mkdir()
    (path / "mine.txt").write_text("kept")


def lead_nowhere(path):
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


HARM = [lose, empty, replace_by_another, put_a_folder_there, lead_nowhere]


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("name", ["input.png", "disparity.png", "target.png", "disparity-halve-1-0.png"])
def test_a_scenes_picture_is_made_again(sweep, name, harm):
    rows = sweep()
    whole = files(sweep.folder)
    assert len(whole) == 6
    harm(sweep.folder / "scenes" / "scenes" / "one" / name)
    assert sweep() == rows
    assert files(sweep.folder) == whole
    assert not sweep.calls, "nothing is rendered"


@pytest.mark.parametrize("harm", HARM)
def test_a_render_is_made_again_alone(sweep, harm):
    rows = sweep()
    whole = files(sweep.folder)
    image = sweep.folder / rows[0]["image"]
    if harm is replace_by_another:
        image.write_bytes((sweep.folder / "scenes/scenes/one/target.png").read_bytes())
    else:
        harm(image)
    again = sweep()
    assert sweep.calls["one"] == 1
    assert again[1] == rows[1]
    assert again[0]["metrics"] == rows[0]["metrics"]
    assert files(sweep.folder) == whole


@pytest.mark.parametrize(
    "change",
    [
        lambda record: "{",
        lambda record: "[" * 100_000,
        lambda record: json.dumps(record | {"edges": "none"}),
        lambda record: json.dumps(record | {"disparity_range": [0.5]}),
        lambda record: json.dumps(record | {"height": 10**400}),
        lambda record: json.dumps(record | {"scene": "two"}),
        lambda record: json.dumps(record | {"files": {"input.png": "0"}}),
        lambda record: json.dumps({name: record[name] for name in record if name != "files"}),
    ],
)
def test_a_scenes_record_is_written_again(sweep, change):
    sweep()
    path = sweep.folder / "scenes" / "scenes" / "one" / "scene.json"
    whole = path.read_text()
    path.write_text(change(json.loads(whole)))
    sweep()
    assert path.read_text() == whole
    assert not sweep.calls


def test_data_that_are_gone_cost_the_gallery_and_no_case(bench, caplog):
    rows = bench(Counting("dim", Counter()))
    shutil.rmtree(bench.folder / "scenes")
    assert bench(Counting("dim", Counter()), damaged="one") == rows
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert said == "scenes / one: the gallery lacks its pictures: scene 'one': torn"
    assert not (bench.folder / "scenes" / "scenes" / "one").exists()
    assert (bench.folder / "scenes" / "scenes" / "two").exists()


def test_scenes_are_those_of_the_code_that_made_them(tmp_path, make_scene):
    """A data set's code is edited, and the edit is taken back: nothing is rendered, and the old pictures are back."""

    def run(code, target):
        dataset = Scenes(lambda **about: replace(make_scene(**about), target=make_scene(**about).image * target))
        planned = PlannedDataset(name="scenes", scenes={SCENES[0]: ""}, code=code)
        cases = expand_cases([PlannedRenderer(name="dim")], [planned])
        calls = Counter()
        load = lambda name: Counting(name, calls)  # noqa: E731
        (row,) = Runner(tmp_path, {"scenes": dataset}, MEAN_DIFFERENCE, load, "here").run(cases)
        return row, sha256_of(tmp_path / "scenes/scenes/one/target.png"), calls["one"]

    first, edited, back = run("1", 0.5), run("2", 0.7), run("1", 0.5)
    assert edited[1] != first[1]
    assert back == (first[0], first[1], 0)
