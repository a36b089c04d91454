import dataclasses
import hashlib
import pickle
import shutil
import socket
import sys
import threading
import time

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from bokehbench.benchmarks.metrics import weights
from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.core.errors import InvalidOptionError, MissingPackageError, MissingWeightsError
from bokehbench.core.fetch import Network


@pytest.fixture
def published(tmp_path):
    """A .pth file whose name carries its hash, and the WeightsFile that describes it."""
    path = tmp_path / "trunk.pth"
    torch.save({"features.0.weight": torch.arange(4.0)}, path)
    prefix = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    file = weights.WeightsFile(
        name=f"trunk-{prefix}.pth", url="https://x.invalid/trunk", cache="checkpoints", safetensors="trunk.safetensors"
    )
    return path.rename(tmp_path / file.name), file


@pytest.mark.parametrize("subfolder", ["", "lpips", "checkpoints", "pyiqa"])
@pytest.mark.parametrize("by", ["argument", "variable"])
def test_a_folder_of_weights_is_searched_before_the_network(published, tmp_path, monkeypatch, network, subfolder, by):
    path, file = published
    folder = tmp_path / "mine"
    (folder / subfolder).mkdir(parents=True)
    shutil.copy(path, folder / subfolder / file.name)
    if by == "variable":
        monkeypatch.setenv("BOKEHBENCH_WEIGHTS", str(folder))
    tensors = weights.read_weights(file, "m", folder if by == "argument" else None)
    assert torch.equal(tensors["features.0.weight"], torch.arange(4.0))
    assert network.asked == []


def test_the_given_folder_comes_before_the_variable_and_safetensors_before_pth(published, tmp_path, monkeypatch):
    path, file = published
    for number, name in enumerate(("given", "named")):
        (tmp_path / name).mkdir()
        save_file({"features.0.weight": torch.full((4,), float(number))}, tmp_path / name / file.safetensors)
        shutil.copy(path, tmp_path / name / file.name)
    monkeypatch.setenv("BOKEHBENCH_WEIGHTS", str(tmp_path / "named"))
    read = weights.read_weights(file, "m", tmp_path / "given")
    assert torch.equal(read["features.0.weight"], torch.zeros(4))


def test_torch_hubs_cache_is_used_and_filled(published, tmp_path, monkeypatch):
    path, file = published
    cached = tmp_path / "torch" / "hub" / "checkpoints" / file.name

    class Shelf:
        def fetch_file(self, url, destination, sha256_prefix):
            assert (url, destination, sha256_prefix) == (file.url, cached, file.sha256_prefix)
            destination.parent.mkdir(parents=True)
            shutil.copy(path, destination)

    monkeypatch.setattr(weights, "NETWORK", Shelf())
    assert "features.0.weight" in weights.read_weights(file, "m")
    monkeypatch.setattr(weights, "NETWORK", None)
    assert "features.0.weight" in weights.read_weights(file, "m")


def test_missing_weights_are_one_line_that_says_what_to_do(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(MissingWeightsError) as caught:
        load_metric("lpips-vgg").prepare("cpu", tmp_path / "mine")
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "lpips-vgg",
        "vgg16-397923af.pth",
        "vgg16_features.safetensors",
        "https://download.pytorch.org/models/",
    ):
        assert part in message
    for part in (str(tmp_path / "mine"), str(tmp_path / "torch" / "hub" / "checkpoints"), "no network", "--weights"):
        assert part in message


def test_packages_and_weights_that_are_missing_are_said_at_once(monkeypatch, network, random_weights):
    for name in ("torchvision", "lpips"):
        monkeypatch.setitem(sys.modules, name, None)
    both = (
        r"^lpips-alex: this needs the packages torchvision and lpips, which the light install leaves out: .*;"
        r" lpips-alex needs alexnet-owt-7be5be79\.pth .* is not in .* either: .* get https://"
    )
    with pytest.raises(MissingPackageError, match=both):
        load_metric("lpips-alex").prepare("cpu")
    assert network.asked == []  # nothing that only absent packages could use
    with pytest.raises(MissingPackageError, match=r"^lpips-alex: .* -e \.$"):
        load_metric("lpips-alex").prepare("cpu", random_weights)


def test_all_files_that_are_missing_are_said_at_once():
    with pytest.raises(MissingWeightsError, match=r"^dists needs vgg16-397923af\.pth .*; dists needs DISTS_weights-f5"):
        load_metric("dists").prepare("cpu")


def test_a_folder_that_is_not_there_is_a_wrong_option(tmp_path, monkeypatch):
    with pytest.raises(InvalidOptionError, match="--weights: expected a folder"):
        load_metric("lpips-alex").prepare("cpu", tmp_path / "nowhere")
    monkeypatch.setenv("BOKEHBENCH_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(InvalidOptionError, match="BOKEHBENCH_WEIGHTS: expected a folder"):
        load_metric("lpips-alex").prepare("cpu")


def test_a_damaged_file_is_refused(published):
    path, file = published
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(MissingWeightsError, match=f"damaged: expected a SHA-256 that begins with {file.sha256_prefix}"):
        weights.read_weights(file, "m", path.parent)
    (path.parent / file.safetensors).write_bytes(b"not safetensors")
    with pytest.raises(MissingWeightsError, match=r"trunk\.safetensors: cannot be read"):
        weights.read_weights(file, "m", path.parent)


def test_a_file_that_would_run_code_is_not_unpickled(tmp_path, published):
    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path, file = published
    path.write_bytes(pickle.dumps(Attack(), protocol=2))
    prefix = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    disguised = dataclasses.replace(file, name=f"trunk-{prefix}.pth")
    path.rename(tmp_path / disguised.name)
    with pytest.raises(MissingWeightsError, match="cannot be read"):
        weights.read_weights(disguised, "m", tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_trunk_of_another_network_or_an_incomplete_one_is_refused(random_weights, tmp_path):
    trunk = load_file(random_weights / "lpips" / "alexnet_features.safetensors")
    save_file({**trunk, "features.3.weight": torch.zeros(1, 2)}, tmp_path / "alexnet_features.safetensors")
    with pytest.raises(MissingWeightsError, match=r"'features\.3\.weight' as \(1, 2\), expected \(192, 64, 5, 5\)"):
        load_metric("lpips-alex").prepare("cpu", tmp_path)
    del trunk["features.10.bias"]
    save_file(trunk, tmp_path / "alexnet_features.safetensors")
    with pytest.raises(MissingWeightsError, match=r"lack 'features\.10\.bias'"):
        load_metric("lpips-alex").prepare("cpu", tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(random_weights, tmp_path, value):
    trunk = load_file(random_weights / "lpips" / "alexnet_features.safetensors")
    trunk["features.3.weight"].view(-1)[7] = value
    save_file(trunk, tmp_path / "alexnet_features.safetensors")
    with pytest.raises(MissingWeightsError, match=r"'features\.3\.weight' as torch\.float32, not floats or not all"):
        load_metric("lpips-alex").prepare("cpu", tmp_path)


def test_weights_that_are_not_floats_are_refused(random_weights, tmp_path):
    trunk = load_file(random_weights / "lpips" / "alexnet_features.safetensors")
    trunk["features.3.weight"] = trunk["features.3.weight"].to(torch.int32)
    save_file(trunk, tmp_path / "alexnet_features.safetensors")
    with pytest.raises(MissingWeightsError, match=r"'features\.3\.weight' as torch\.int32"):
        load_metric("lpips-alex").prepare("cpu", tmp_path)


def test_every_parameter_is_filled_from_the_layer_its_name_says():
    network = nn.Module()
    network.net = nn.Module()
    network.net.slice2 = nn.ModuleDict({"5": nn.Linear(2, 2)})
    network.stage3 = nn.ModuleDict({"17": nn.Linear(2, 2)})
    network.alpha = nn.Parameter(torch.zeros(3))
    tensors = {"alpha": torch.ones(3)}
    for layer in (5, 17):
        tensors[f"features.{layer}.weight"] = torch.full((2, 2), float(layer))
        tensors[f"features.{layer}.bias"] = torch.full((2,), -float(layer))
    weights.fill_parameters(network, tensors, "m")
    assert torch.equal(network.net.slice2["5"].weight, tensors["features.5.weight"])
    assert torch.equal(network.stage3["17"].bias, tensors["features.17.bias"])
    assert torch.equal(network.alpha, torch.ones(3))


def test_the_names_of_the_published_files_carry_their_hash():
    files = (weights.ALEXNET, weights.VGG16, weights.DISTS_WEIGHTS)
    assert [file.sha256_prefix for file in files] == ["7be5be79", "397923af", "f5e65c96"]
    assert all(file.url.startswith("https://") and file.url.endswith(file.name) for file in files)


def test_a_whole_run_waits_for_a_dead_network_once(monkeypatch):
    hanging = threading.Event()

    def resolve(*_, **__):
        hanging.wait(20)
        raise socket.gaierror("too late")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(weights, "NETWORK", Network(patience_s=0.5))
    started = time.monotonic()
    for file, metric in ((weights.ALEXNET, "lpips-alex"), (weights.VGG16, "lpips-vgg"), (weights.VGG16, "dists")):
        with pytest.raises(MissingWeightsError, match=f"{metric} needs .*no network"):
            weights.read_weights(file, metric)
    hanging.set()
    assert time.monotonic() - started < 1.4  # three times the patience would be 1.5
