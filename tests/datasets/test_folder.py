import json
import shutil

import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError, InvalidSceneError, MissingDataError, UnknownNameError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.files.exr import write_exr

from .conftest import LENS


def describe(folder, text) -> None:
    (folder / "scene.yaml").write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")


def test_a_scene_is_read_to_known_numbers(scene_folder, made) -> None:
    dataset = load_dataset("folder", scene_folder.parent)
    scene = dataset.load("kitchen")
    np.testing.assert_allclose(scene.image.permute(1, 2, 0).numpy(), made.image, atol=0.002)
    np.testing.assert_allclose(scene.target.permute(1, 2, 0).numpy(), made.target, atol=0.002)
    np.testing.assert_array_equal(scene.disparity[0].numpy(), made.disparity)
    assert scene.focus_disparity == 3.0  # what lies under the click
    assert scene.blur_strength == 4.0  # 8 px over the farthest point, 2 away from the focus
    assert dataset.scored


def test_focus_and_strength_may_be_numbers(scene_folder) -> None:
    describe(scene_folder, "focus_disparity: 1.5\nblur_strength: 7\ngamma: 2.0\n")
    scene = load_dataset("folder", scene_folder.parent).load("kitchen")
    assert (scene.focus_disparity, scene.blur_strength, scene.gamma) == (1.5, 7.0, 2.0)


def test_a_points_disc_has_the_radius_asked_for(tmp_path, miniatures) -> None:
    light = miniatures.make_point_light()
    miniatures.write_user_scene(tmp_path / "light", light, focus_at=[10, 10], max_radius_px=9.0)
    assert miniatures.measure_disc(load_dataset("folder", tmp_path).load("light")) == pytest.approx(9.0, abs=0.4)


def test_common_settings_hold_until_a_scene_says_otherwise(scene_folder, miniatures, made) -> None:
    root = scene_folder.parent
    describe(root, {"focus_at": [0, 0], "blur_strength": 5.0, "gamma": 2.4})
    describe(scene_folder, {"focus_disparity": 2.0, "max_radius_px": 3.0})
    miniatures.write_user_scene(root / "garden", made)
    (root / "garden" / "scene.yaml").unlink()
    dataset = load_dataset("folder", root)
    kitchen, garden = dataset.load("kitchen"), dataset.load("garden")
    assert (kitchen.focus_disparity, kitchen.blur_strength, kitchen.gamma) == (2.0, 3.0, 2.4)
    assert (garden.focus_disparity, garden.blur_strength, garden.gamma) == (1.0, 5.0, 2.4)


def test_settings_are_found_in_any_case(scene_folder) -> None:
    (scene_folder / "scene.yaml").rename(scene_folder / "Scene.YAML")
    assert load_dataset("folder", scene_folder.parent).load("kitchen").focus_disparity == 3.0


def test_json_is_as_good(scene_folder) -> None:
    (scene_folder / "scene.yaml").rename(scene_folder / "scene.json")
    assert load_dataset("folder", scene_folder.parent).load("kitchen").focus_disparity == 3.0


def test_without_a_target_nothing_is_scored(scene_folder) -> None:
    (scene_folder / "target.png").unlink()
    dataset = load_dataset("folder", scene_folder.parent)
    assert dataset.load("kitchen").target is None
    assert not dataset.scored


def test_each_scene_says_whether_it_has_a_target(scene_folder, miniatures, made) -> None:
    bare = miniatures.write_user_scene(scene_folder.parent / "bare", made)
    (bare / "target.png").unlink()
    torn = miniatures.write_user_scene(scene_folder.parent / "torn", made)
    describe(torn, "focus_at: [")
    dataset = load_dataset("folder", scene_folder.parent)
    assert {name: dataset.has_target(name) for name in dataset.scene_names()} == {
        "bare": False,
        "kitchen": True,
        "torn": True,  # a run shall name the damage
    }


def test_settings_for_all_scenes_may_name_the_target(scene_folder) -> None:
    (scene_folder / "target.png").rename(scene_folder / "truth.png")
    describe(scene_folder.parent, "target: truth.png")
    dataset = load_dataset("folder", scene_folder.parent)
    assert dataset.scene_names() == ["kitchen"]
    assert dataset.has_target("kitchen")
    assert dataset.scored
    assert dataset.load("kitchen").target is not None


def test_other_file_names_and_names_beyond_ascii(tmp_path, miniatures, made) -> None:
    folder = miniatures.write_user_scene(tmp_path / "Küche 夜", made)
    (folder / "image.png").rename(folder / "Foto №1.png")
    describe(folder, "image: Foto №1.png\nfocus_at: [32, 24]\nmax_radius_px: 8")
    dataset = load_dataset("folder", tmp_path)
    assert dataset.scene_names() == ["Küche 夜"]
    assert dataset.load("Küche 夜").name == "Küche 夜"


def test_portraits_are_turned_upright(tmp_path, miniatures) -> None:
    """A camera held upright stores landscape rows and says so; the disparity belongs to the upright picture."""
    portrait = miniatures.make_blurred(64, 48)
    folder = miniatures.write_user_scene(tmp_path / "tower", portrait, focus_at=[24, 60], max_radius_px=8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right to view
    (folder / "image.png").unlink()
    stored = np.rot90(portrait.image)
    miniatures.save_picture(folder / "image.jpg", stored, exif=exif)
    scene = load_dataset("folder", tmp_path).load("tower")
    assert (scene.height, scene.width) == (64, 48)
    assert np.abs(scene.image.permute(1, 2, 0).numpy() - portrait.image).mean() < 0.01
    assert scene.focus_disparity == 1.0  # in upright coordinates, the wall below the square


def test_linear_exr_pictures_are_encoded_with_the_scenes_gamma(scene_folder, made) -> None:
    for role in ("image", "target"):
        (scene_folder / f"{role}.png").unlink()
        write_exr(scene_folder / f"{role}.exr", getattr(made, role) ** 2.0 * 4.0, half=False)
    describe(scene_folder, LENS | {"gamma": 2.0})
    scene = load_dataset("folder", scene_folder.parent).load("kitchen")
    np.testing.assert_allclose(scene.image.permute(1, 2, 0).numpy(), made.image * 2.0, rtol=1e-5)
    assert scene.image.max() > 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("focus_at: [1, 2\n", "expected YAML or JSON"),
        ("!!python/object/apply:os.system ['true']", "expected YAML or JSON"),
        ("- a\n- b\n", "got list"),
        ({"focus": 3}, r"unknown setting 'focus'\. Did you mean focus_at"),
        ({"focus_at": [1, 2], "focus_disparity": 1}, "either focus_disparity or focus_at, got both"),
        ({"focus_at": [32, 24], "max_radius_px": 8, "blur_strength": 8}, "got both"),
        ({"focus_at": [64, 24], "max_radius_px": 8}, "expected a point inside 64x48 px"),
        ({"focus_at": "middle", "max_radius_px": 8}, r"expected \[x, y\] in px, got 'middle'"),
        ({"focus_at": [1, True], "max_radius_px": 8}, r"expected \[x, y\]"),
        ({"focus_at": [1, 2], "max_radius_px": -8}, "expected a number of at least 0, got -8"),
        ("focus_at: [1, 2]\nblur_strength: .nan", "expected a number"),
        ({"max_radius_px": 8}, "the focus is not set: expected focus_at: .* add one to scene.yaml"),
        ({"focus_at": [1, 2]}, "the blur is not set: expected max_radius_px or blur_strength: add one to scene.yaml"),
        ({"focus_at": [1, 2], "max_radius_px": 10**400}, "a whole number of 401 digits"),
        ("focus_at: !!int ''", "the tag "),
        ("focus_at: !!bool x", "the tag "),
        ("focus_at: !!timestamp x", "the tag "),
        ("max_radius_px: 8\nmax_radius_px: 9", "the name 'max_radius_px' is there twice"),
        ("max_radius_px: 8\n---\nfocus_at: [1, 2]", "expected a single document"),
        ("0", "expected settings such as"),
        (LENS | {"image": "../../secret.png"}, "expected a path inside"),
        (LENS | {"disparity": "/etc/passwd"}, "expected a path inside"),
        (LENS | {"target": "gone.png"}, r"gone\.png: expected a picture, found none"),
        (b"\xff\xfe\x00", "expected YAML or JSON"),
        ("focus_at: " + "[" * 3000 + "\nmax_radius_px: 8", "expected YAML or JSON"),
        (
            "image: &a [x, x]\ndisparity: &b [*a, *a]\ntarget: &c [*b, *b]\nfocus_at: [*c, *c]\nmax_radius_px: 8",
            "expected a path inside",
        ),
    ],
)
def test_wrong_settings_cost_their_scene_only(scene_folder, miniatures, made, settings, message) -> None:
    miniatures.write_user_scene(scene_folder.parent / "sound", made, **LENS)
    if isinstance(settings, bytes):
        (scene_folder / "scene.yaml").write_bytes(settings)
    else:
        describe(scene_folder, settings)
    dataset = load_dataset("folder", scene_folder.parent)
    assert dataset.scene_names() == ["kitchen", "sound"]
    with pytest.raises(MissingDataError, match=message) as caught:
        dataset.load("kitchen")
    assert "kitchen" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert dataset.load("sound").name == "sound"


@pytest.mark.parametrize(
    "settings",
    [
        {"focus_at": [1, 2], "blur_strength": 1e9},
        {"focus_at": [1, 2], "max_radius_px": 1e7},
        {"focus_disparity": 128, "blur_strength": 4},
    ],
)
def test_blur_in_other_units_than_the_map_is_refused(scene_folder, settings) -> None:
    describe(scene_folder, settings)
    with pytest.raises(InvalidSceneError, match=r"kitchen.*blur radius: expected at most 320 px .* unit of the map"):
        load_dataset("folder", scene_folder.parent).load("kitchen")


@pytest.mark.parametrize("role", ["image", "disparity"])
def test_what_a_scene_must_have_is_named(scene_folder, role) -> None:
    next(scene_folder.glob(f"{role}.*")).unlink()
    with pytest.raises(MissingDataError, match=f"kitchen: expected {role}"):
        load_dataset("folder", scene_folder.parent).load("kitchen")


def test_two_files_for_one_role_are_refused(scene_folder, made, miniatures) -> None:
    miniatures.save_picture(scene_folder / "Image.jpg", made.image)
    with pytest.raises(DamagedDataError, match=r"expected one image, got Image\.jpg and image\.png"):
        load_dataset("folder", scene_folder.parent).load("kitchen")


def test_pictures_of_other_sizes_are_refused(scene_folder, miniatures) -> None:
    miniatures.save_picture(scene_folder / "target.png", np.full((10, 12, 3), 0.5))
    with pytest.raises(DamagedDataError, match=r"target\.png: 12x10 px, expected 64x48 as in image\.png"):
        load_dataset("folder", scene_folder.parent).load("kitchen")


def test_other_folders_are_no_scenes(scene_folder) -> None:
    root = scene_folder.parent
    (root / "ebb" / "original").mkdir(parents=True)
    (root / ".cache").mkdir()
    (root / ".cache" / "image.png").touch()
    dataset = load_dataset("folder", root)
    assert dataset.scene_names() == ["kitchen"]
    with pytest.raises(UnknownNameError, match="Known: kitchen"):
        dataset.load("ebb")


def test_a_root_without_scenes_says_what_belongs_there(tmp_path) -> None:
    with pytest.raises(MissingDataError, match="holds no scene: expected one folder per scene"):
        load_dataset("folder", tmp_path).prepare()


def contents(root) -> dict[str, dict[str, str]]:
    dataset = load_dataset("folder", root)
    dataset.prepare()
    return dataset.contents(dataset.scene_names())


def test_a_changed_part_is_named_and_other_scenes_stay(scene_folder) -> None:
    root = scene_folder.parent
    shutil.copytree(scene_folder, root / "garden")
    before = contents(root)
    describe(scene_folder, LENS | {"max_radius_px": 9})
    after = contents(root)
    assert after["garden"] == before["garden"]
    assert [part for part in after["kitchen"] if after["kitchen"][part] != before["kitchen"][part]] == ["settings"]
    np.save(root / "garden" / "disparity.npy", np.load(root / "garden" / "disparity.npy") * 2)
    assert contents(root)["garden"]["disparity"] != before["garden"]["disparity"]
    (root / "scene.yaml").write_text("gamma: 2.0\n")
    assert contents(root)["garden"]["settings"] != before["garden"]["settings"]


def test_files_that_no_scene_uses_change_nothing(scene_folder) -> None:
    root = scene_folder.parent
    before = contents(root)
    for name in (".DS_Store", "Thumbs.db", "._image.png", "notes.txt", "image.png.bak", "image (copy).png"):
        (scene_folder / name).write_text("x")
        (root / name).write_text("x")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "._image.png").write_text("x")
    assert contents(root) == before


def test_a_scene_with_damaged_settings_has_contents_too(scene_folder) -> None:
    describe(scene_folder, {"nonsense": 1})
    assert list(contents(scene_folder.parent)["kitchen"]) == ["damaged"]


def test_absent_disparity_is_asked_for(scene_folder) -> None:
    dataset = load_dataset("folder", scene_folder.parent)
    assert dataset.disparity_jobs(0) == []
    (scene_folder / "disparity.npy").unlink()
    assert dataset.disparity_jobs(0) == [(scene_folder / "image.png", scene_folder / "disparity.npy")]


def test_pictures_of_other_names_get_disparity_too(scene_folder) -> None:
    (scene_folder / "image.png").rename(scene_folder / "photo.png")
    (scene_folder / "disparity.npy").unlink()
    describe(scene_folder, LENS | {"image": "photo.png"})
    dataset = load_dataset("folder", scene_folder.parent)
    assert dataset.disparity_jobs(0) == [(scene_folder / "photo.png", scene_folder / "disparity.npy")]
    describe(scene_folder, LENS | {"image": "photo.png", "disparity": "mine.npy"})
    assert load_dataset("folder", scene_folder.parent).disparity_jobs(0) == []


def test_json_reads_what_json_writes(scene_folder) -> None:
    settings = {"focus_disparity": 1e-05, "blur_strength": 1e0}
    (scene_folder / "scene.yaml").unlink()
    (scene_folder / "scene.json").write_text(json.dumps(settings, indent="\t"))
    assert load_dataset("folder", scene_folder.parent).load("kitchen").focus_disparity == 1e-05
    (scene_folder / "scene.json").rename(scene_folder / "scene.yaml")
    describe(scene_folder, settings)
    assert load_dataset("folder", scene_folder.parent).load("kitchen").focus_disparity == 1e-05


def test_two_files_of_settings_are_refused(scene_folder) -> None:
    (scene_folder / "scene.json").write_text("{}")
    with pytest.raises(DamagedDataError, match=r"expected one file of settings, got scene\.yaml and scene\.json"):
        load_dataset("folder", scene_folder.parent).load("kitchen")
