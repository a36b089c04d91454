"""Which files are taken, and what a folder without them is answered."""

import json
import sys

import pytest

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.magicbokeh.release.weight_files import BASE_FOLDER, FORMAT_FILE, find_files, is_release
from bokehbench.renderers.registry import load_renderer

REMEDY = r"run `git clone .*/MagicBokeh`.*hf download LinxiaoShi/Magicbokeh.*docs/converters/magicbokeh\.py.*@FOLDER"


def test_files_and_the_base_in_the_folder(release, base):
    files = find_files(str(release), download=False)
    assert files.paths[:2] == [release / FORMAT_FILE, release / "unet_lora.safetensors"]
    assert files.base == release / BASE_FOLDER
    assert len(files.paths) == 1 + 4 + 3 + 2
    assert is_release(str(release))
    assert not is_release(str(base))


@pytest.mark.parametrize("place", ["lora.pkl", "checkpoint/lora.pkl"])
def test_a_pickle_is_never_read_and_the_command_is_said(tmp_path, place):
    pickle = tmp_path / place
    pickle.parent.mkdir(exist_ok=True)
    pickle.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    for checkpoint in (tmp_path, pickle):
        assert is_release(str(checkpoint))
        said = rf"{pickle}: a pickle, .*`python .*/docs/converters/magicbokeh\.py {pickle} FOLDER`.*magicbokeh@FOLDER"
        with pytest.raises(MissingWeightsError, match=said) as caught:
            load_renderer(f"magicbokeh@{checkpoint}")
        assert "\n" not in str(caught.value)


def test_what_is_absent_is_named_with_the_remedy(copy, tmp_path, cache):
    with pytest.raises(InvalidOptionError, match=f"no such folder: .*{REMEDY}"):
        find_files(str(tmp_path / "nowhere"), download=False)
    with pytest.raises(MissingWeightsError, match=f"there is no magicbokeh.json in it: .*{REMEDY}"):
        find_files(str(tmp_path), download=False)
    base = copy / BASE_FOLDER
    (base / "unet/config.json").unlink()
    with pytest.raises(MissingWeightsError, match=r"a Stable Diffusion 2\.1-base model lacks unet/config.json: "):
        find_files(str(copy), download=False)
    base.rename(copy / "elsewhere")
    with pytest.raises(MissingWeightsError, match=rf"hf download Manojb/stable-diffusion-2-1-base .*{BASE_FOLDER}"):
        find_files(str(copy), download=False)
    (copy / "vae_lora.safetensors").unlink()
    (copy / "controlnet.safetensors").unlink()
    with pytest.raises(MissingWeightsError, match=f"no vae_lora.safetensors and no controlnet.safetensors: {REMEDY}"):
        find_files(str(copy), download=False)


@pytest.mark.parametrize(
    ("entry", "value", "said"),
    [
        ("version", 2, r"version: Input should be 1, got 2"),
        ("unet_rank", 0, r"unet_rank: Input should be greater than or equal to 1, got 0"),
        ("bokeh_alpha", None, r"bokeh_alpha: Input should be a valid number, got None"),
        ("vae_layers", [], r"vae_layers: List should have at least 1 item"),
    ],
)
def test_wrong_entries_of_the_json_are_named(copy, entry, value, said):
    path = copy / FORMAT_FILE
    values = json.loads(path.read_text()) | {entry: value}
    path.unlink()
    path.write_text(json.dumps(values))
    with pytest.raises(InvalidOptionError, match=f"magicbokeh.json: {said}"):
        find_files(str(copy), download=False)


def test_a_damaged_pickle_is_one_line_of_the_converter(converter, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "lora.pkl").write_bytes(b"<html>")
    with pytest.raises(SystemExit, match=r"lora\.pkl: .*: a damaged file: get it again"):
        converter.main([str(tmp_path / "lora.pkl"), str(tmp_path / "out")])
