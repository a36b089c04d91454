"""The authors' weights: from the hub's cache, else said in one line what to fetch and where to put it."""

import pytest

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.bokehdiff.models import sdxl
from bokehbench.renderers.registry import load_renderer

from ...hub_cache import lay_out


@pytest.mark.parametrize("step", ["fetch", "prepare"])
def test_authors_checkpoint_says_what_to_fetch_and_where_to_put_it(cache, step):
    with pytest.raises(MissingWeightsError) as caught:
        getattr(load_renderer("bokehdiff@sdxl"), step)()
    message = str(caught.value)
    assert "\n" not in message
    for part in ("zcx65535/bokehdiff", "small/*", "SG161222/RealVisXL_V5.0", "--local-dir FOLDER", "bokehdiff@FOLDER"):
        assert part in message


def test_authors_checkpoint_from_the_cache_without_a_network(cache, authors_folder, sdxl_folder, monkeypatch):
    monkeypatch.setattr(sdxl.platformdirs, "user_cache_path", lambda name: cache / "own" / name)
    lay_out(cache, "SG161222/RealVisXL_V5.0").symlink_to(sdxl_folder)
    snapshot = lay_out(cache, "zcx65535/bokehdiff")
    snapshot.mkdir()
    (snapshot / "small").symlink_to(authors_folder / "small")
    renderer = load_renderer("bokehdiff@sdxl")
    planned = renderer.weights
    assert planned is not None
    renderer.prepare()
    assert renderer.weights == planned
    assert planned.startswith("sdxl ")
    kept = cache / "own" / "bokehbench" / "prompts" / f"SG161222--RealVisXL_V5.0-{'0' * 40}"
    assert {path.name for path in kept.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
