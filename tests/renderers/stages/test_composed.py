import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, SkippedSceneError, UnknownNameError
from bokehbench.core.registry import Entry
from bokehbench.core.sources import hash_sources
from bokehbench.core.timing import StageClock
from bokehbench.renderers.compile_kernels import needs_compiling
from bokehbench.renderers.interface import Capabilities, Cost, Renderer, Scene
from bokehbench.renderers.registry import find_renderer, load_renderer, plain_name
from bokehbench.renderers.stages import registry
from bokehbench.renderers.stages.composed import ComposedRenderer
from bokehbench.renderers.stages.interface import PictureStage, SceneStage


class Darken(SceneStage):
    name = "darken"
    capabilities = Capabilities(inputs=frozenset({"picture", "f-number"}), devices=("cpu",), hdr=True)
    weights = "dark 1234"
    backend = "a lamp"

    def change_scene(self, scene, seed):
        return scene.with_image(scene.image / scene.f_number)

    def foreign_code(self):
        return {"lamp": "2"}


class Enlarge(PictureStage):
    name = "enlarge"
    capabilities = Capabilities(inputs=frozenset({"picture"}), scale=2, deterministic=False)

    def change_picture(self, picture, scene, seed):
        return picture.repeat_interleave(2, 1).repeat_interleave(2, 2)


class Halve(SceneStage):
    name = "halve"
    capabilities = Capabilities(inputs=frozenset({"picture"}))
    changes = frozenset({"picture"})

    def change_scene(self, scene, seed):
        return scene.with_image(scene.image / 2.0)


class Apart(Renderer):
    """Like one whose pictures another process makes; it guesses radii."""

    name = "apart"
    capabilities = Capabilities(inputs=frozenset({"picture"}))

    def guess_radius_px(self, image):
        return image[:1]

    def _render(self, scene, seed):
        self.cost = Cost(5.0, 7.0)
        return scene.image


@pytest.fixture(autouse=True)
def stages(monkeypatch):
    monkeypatch.setattr(registry.BEFORE, "_all", {"darken": Entry(f"{__name__}:Darken", "darker")})
    monkeypatch.setattr(registry.BEHIND, "_all", {"enlarge": Entry(f"{__name__}:Enlarge", "larger")})


def make_scene(scale=1):
    image = torch.rand(3, 8, 9)
    return Scene(
        name="s", image=image, disparity=torch.zeros(1, 8, 9), focus_disparity=0.0, blur_strength=1.0, f_number=2.0,
        scale=scale,
    )  # fmt: skip


def test_a_stage_before_changes_what_the_renderer_sees():
    scene = make_scene()
    torch.testing.assert_close(load_renderer("darken+identity").render(scene), scene.image / 2)


def test_a_stage_behind_changes_the_picture_and_its_size():
    scene = make_scene(scale=2)
    picture = load_renderer("identity+enlarge").render(scene)
    torch.testing.assert_close(picture[:, ::2, 1::2], scene.image)
    torch.testing.assert_close(load_renderer("darken+identity+enlarge").render(scene), picture / 2)


def test_it_needs_and_names_what_both_do():
    renderer = load_renderer("darken+classical")
    assert renderer.capabilities.inputs == {"picture", "disparity", "focus", "blur strength", "gamma", "f-number"}
    assert renderer.capabilities.devices == ("cpu",)
    assert renderer.weights == "darken: dark 1234"
    assert renderer.foreign_code() == {"darken: lamp": "2"}
    assert not load_renderer("identity+enlarge").capabilities.deterministic
    assert load_renderer("darken+identity").backend == "darken: a lamp"
    with pytest.raises(InvalidOptionError, match=r"darken.classical does not run on 'cuda'"):
        renderer.prepare("cuda")


def test_what_either_cannot_do_is_skipped():
    scene = make_scene()
    with pytest.raises(SkippedSceneError, match="at 2x the input's size"):
        load_renderer("identity+enlarge").render(scene)
    without = Scene(name="s", image=scene.image, disparity=scene.disparity, focus_disparity=0.0, blur_strength=1.0)
    with pytest.raises(SkippedSceneError, match="needs the f-number"):
        load_renderer("darken+identity").render(without)


def test_its_code_is_that_of_both():
    name = "darken+identity"
    code = find_renderer(name).hash_code(load_renderer(name))
    assert {__name__, "bokehbench.renderers.identity", "bokehbench.renderers.stages.composed"} <= code.keys()
    assert "bokehbench.renderers.registry" not in hash_sources(ComposedRenderer.__module__)


def test_the_stage_is_a_step_of_the_render_and_counts_as_its_time():
    composed = ComposedRenderer("apart+darken", Apart(), Darken())
    with StageClock(composed.device) as clock:
        composed.render(make_scene())
    assert list(clock.seconds()) == ["darken"]
    assert 5.0 < composed.cost.seconds < 6.0
    assert composed.cost.peak_memory_mb == 7.0


def test_kernels_of_each_part_are_looked_for():
    assert [one.name for one in load_renderer("darken+identity+enlarge").components] == [
        "identity", "enlarge", "darken"
    ]  # fmt: skip
    assert not needs_compiling(load_renderer("darken+identity"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("identity+enlarg", "unknown stage 'enlarg'. Did you mean enlarge"),
        ("drken+identity", "unknown stage 'drken'. Did you mean darken"),
        ("darken+identty", "unknown renderer 'identty'. Did you mean identity"),
        ("enlarge+identity", "use identity.enlarge"),
        ("identity+darken", "use darken.identity"),
    ],
)
def test_a_mistyped_name_is_answered(name, said):
    with pytest.raises(UnknownNameError, match=said):
        find_renderer(name)


def test_a_plus_in_a_path_is_no_stage():
    assert registry.take_apart("bokehme@/a+b/c", ()) is None
    assert registry.take_apart("bokehme@/a+b/c+enlarge", ()).renderer == "bokehme@/a+b/c"
    assert plain_name("darken+bokehme@/a+b/c+enlarge") == "bokehme@/a+b/c"


def test_a_stage_that_changes_nothing_of_what_the_renderer_reads_is_refused(monkeypatch):
    monkeypatch.setattr(Darken, "changes", frozenset({"disparity"}))
    said = r"'darken\+identity': darken changes the disparity, which identity does not read: leave it out"
    with pytest.raises(InvalidOptionError, match=said):
        load_renderer("darken+identity")


def test_a_guess_is_made_of_the_picture_that_the_renderer_is_given():
    image = torch.rand(3, 8, 9)
    for stage, expected in ((Halve(), image[:1] / 2.0), (Enlarge(), image[:1]), (Darken(), None)):
        torch.testing.assert_close(ComposedRenderer("one", Apart(), stage).guess_radius_px(image), expected)
