"""BokehMe from a folder: which files, what a row says of them, what the picture is made of."""

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.bokehme.compiled_layers import compile_layers
from bokehbench.renderers.bokehme.renderer import BokehMeRenderer
from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.registry import load_renderer


@pytest.fixture
def renderer(clone):
    return load_renderer(f"bokehme@{clone}")


@pytest.mark.parametrize("blur_strength", [0.0, 6.0, 40.0])
def test_renders_any_size(renderer, make_scene, blur_strength):
    scene = make_scene(23, 38, blur_strength=blur_strength)
    picture = renderer.render(scene)
    assert picture.shape == scene.image.shape
    assert torch.equal(picture, renderer.render(scene))


def test_the_error_map_decides_between_the_two(renderer, make_scene):
    scene = make_scene()
    renderer.prepare()
    last = renderer._arnet.conv1.conv
    with torch.no_grad():
        last.weight[12:] = 0.0  # the error map's four pixels
        last.bias[12:] = -50.0
    compile_layers(renderer._arnet)  # the kernels hold weights of their own
    torch.testing.assert_close(renderer.render(scene), ScatterRenderer().render(scene))


def test_highlights_are_raised_on_demand(clone, make_scene):
    scene = make_scene(image=torch.ones(3, 24, 32))
    plain, raised = load_renderer(f"bokehme@{clone}"), load_renderer(f"bokehme-highlights@{clone}")
    assert raised.name.startswith("bokehme-highlights")
    assert not torch.equal(plain.render(scene), raised.render(scene))


def test_other_weights_have_another_label(clone, tmp_path):
    before = BokehMeRenderer(checkpoint=str(clone)).weights
    assert before is not None
    assert before.startswith("BokehMe ")
    path = clone / "checkpoints/iunet.pth"
    path.write_bytes(path.read_bytes() + b"\0")
    assert BokehMeRenderer(checkpoint=str(clone)).weights != before


def test_files_may_lie_in_the_folder_itself(clone):
    assert load_renderer(f"bokehme@{clone / 'checkpoints'}").weights.startswith("checkpoints ")


def test_what_is_absent_is_named_with_the_remedy(clone, tmp_path):
    (tmp_path / "empty").mkdir()
    remedy = "git clone https://github.com/JuewenPeng/BokehMe"
    with pytest.raises(InvalidOptionError, match=f"no such folder: .*{remedy}"):
        load_renderer(f"bokehme@{tmp_path / 'nowhere'}")
    with pytest.raises(MissingWeightsError, match=f"expected arnet.pth and iunet.pth, .*{remedy}"):
        load_renderer(f"bokehme@{tmp_path / 'empty'}")
    (clone / "checkpoints/arnet.pth").unlink()
    with pytest.raises(MissingWeightsError, match=r"arnet\.pth: there is no such file beside iunet\.pth"):
        load_renderer(f"bokehme@{clone}")
