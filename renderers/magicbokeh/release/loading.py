"""The authors' networks from files, whole or not at all: every tensor there, of its name and shape, a finite number."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from ....core.errors import InvalidOptionError, MissingWeightsError
from ...diffusion import stored_networks
from ...diffusion.configurations import AutoencoderConfiguration, check_configuration, read_configuration
from ...diffusion.folded_lora import fold_lora, split_lora
from ...diffusion.stored_networks import check_finite, load_scheduler, naming_damage
from ...weights import read_object
from .focus_attention import PROCESSOR, add_focus_attention
from .networks import PRUNED, ControlBranch, build_unet
from .weight_files import BASE, ReleaseFiles

if TYPE_CHECKING:
    from ....core.diffusers import AutoencoderKL, UNet2DConditionModel

TIMESTEP = 999
"""The only one that the networks were trained at."""

LATENT_PX = 8
"""Side of a latent px in px: the branch halves the defocus three times, as the autoencoder does the picture."""

SCALING_FACTOR = 0.18215
"""Of the latent, where the base's configuration is of before diffusers wrote it there: all Stable Diffusion 1 and 2."""

OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""What the autoencoder's attention was called in files of before diffusers 0.12."""


@dataclass(frozen=True, eq=False)
class ReleasedNetworks:
    """The networks on the CPU, the LoRAs folded in. ``alpha_bar``: of the schedule at TIMESTEP."""

    vae: "AutoencoderKL"
    unet: "UNet2DConditionModel"
    control: ControlBranch
    alpha_bar: float


def load_release(files: ReleaseFiles) -> ReleasedNetworks:
    """Load the base, fold the LoRAs in, and add the branch and the focus-aware attention; all in float32.

    Raises MissingWeightsError where a file is damaged or lacks a tensor, InvalidOptionError where an entry or tensor of
    one does not fit; both name it.
    """
    configuration = read_configuration(files.base / "unet/config.json", "UNet2DConditionModel")
    alpha_bar = _read_schedule(files.base / "scheduler")
    return ReleasedNetworks(
        vae=_load_autoencoder(files),
        unet=_load_unet(files, configuration),
        control=_fill(ControlBranch(configuration), _read([files.part("controlnet")]), files.part("controlnet")),
        alpha_bar=alpha_bar,
    )


def _load_unet(files: ReleaseFiles, configuration: Mapping[str, Any]) -> "UNet2DConditionModel":
    stated, source = files.format, files.part("unet_lora")
    base = {name: tensor for name, tensor in _read_base(files, "unet").items() if not PRUNED.search(name)}
    lora, trained = split_lora(_read([source]))
    for name in sorted({"conv_in.weight", "conv_in.bias"} ^ trained.keys()):
        problem = "holds, beside the LoRA's," if name in trained else "lacks"
        raise InvalidOptionError(f"{source}: the file {problem} '{name}': convert it again")
    unet = _fill(build_unet(configuration), base | trained, files.base / "unet")
    fold_lora(unet, lora, stated.unet_layers, stated.unet_rank, stated.unet_alpha, source)
    add_focus_attention(unet, stated.bokeh_rank, stated.bokeh_alpha / stated.bokeh_rank)
    bokeh = files.part("bokeh_lora")
    expected = {name: tensor for name, tensor in unet.state_dict().items() if PROCESSOR in name}
    state = _read([bokeh])
    _check_names(state, expected, bokeh)
    unet.load_state_dict(state, strict=False)
    check_finite(unet, bokeh)
    return unet


def _load_autoencoder(files: ReleaseFiles) -> "AutoencoderKL":
    from ....core.diffusers import AutoencoderKL

    path = files.base / "vae/config.json"
    values = {"scaling_factor": SCALING_FACTOR, **read_object(path)}
    stated = check_configuration(path, values, AutoencoderConfiguration)
    if 2 ** (len(stated.block_out_channels) - 1) != LATENT_PX:
        raise InvalidOptionError(f"{path}: block_out_channels: expected 4 entries, got {stated.block_out_channels}")
    with torch.device("meta"):
        vae = AutoencoderKL.from_config(values)
    state = {_rename_attention(name): tensor for name, tensor in _read_base(files, "vae").items()}
    vae = _fill(vae, state, files.base / "vae")
    source = files.part("vae_lora")
    fold_lora(vae, _read([source]), files.format.vae_layers, files.format.vae_rank, files.format.vae_alpha, source)
    check_finite(vae, source)
    return vae


def _read_schedule(folder: Path) -> float:
    """Return alpha-bar at TIMESTEP. Raises InvalidOptionError for a schedule that the one step would not hold for."""
    from ....core.diffusers import DDPMScheduler

    path = folder / "scheduler_config.json"
    for entry, expected in (("prediction_type", "epsilon"), ("clip_sample", False)):
        got = read_object(path).get(entry)
        if got != expected:
            raise InvalidOptionError(f"{path}: {entry}: expected {expected!r}, got {got!r:.60}: get the base again")
    scheduler = load_scheduler(DDPMScheduler, folder)
    if len(scheduler.alphas_cumprod) <= TIMESTEP:
        raise InvalidOptionError(f"{path}: num_train_timesteps: expected more than {TIMESTEP}: get the base again")
    return float(scheduler.alphas_cumprod[TIMESTEP])


def _read_base(files: ReleaseFiles, part: str) -> dict[str, Tensor]:
    return _read(stored_networks.weight_files(files.base / part, BASE.precision(files.base, part)))


def _read(paths: list[Path]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for path in paths:
        with naming_damage(path):
            stored_networks.read_shapes(path)  # refuses what is not of floats
            state |= load_file(path)
    return state


def _fill(network: Any, state: Mapping[str, Tensor], source: Path) -> Any:
    """Give a network its memory and its weights, in float32 on the CPU."""
    _check_names(state, network.state_dict(), source)
    network = network.to_empty(device="cpu")
    network.load_state_dict(state)
    check_finite(network, source)
    return network.requires_grad_(False).eval()


def _check_names(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: Path) -> None:
    for name in sorted(expected.keys() ^ state.keys()):
        problem = "lacks" if name in expected else "holds, beside the network's,"
        raise MissingWeightsError(f"{source}: the file {problem} '{name}': get it again")
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape:
            wanted, got = tuple(expected[name].shape), tuple(tensor.shape)
            raise InvalidOptionError(f"{source}: '{name}': expected {wanted}, got {got}: another model's?")


def _rename_attention(name: str) -> str:
    head, dot, rest = name.rpartition(".attentions.0.")
    layer, _, kind = rest.rpartition(".")
    return f"{head}{dot}{OLD_ATTENTION.get(layer, layer)}.{kind}" if dot else name
