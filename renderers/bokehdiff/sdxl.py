"""SDXL with the authors' LoRA and VAE encoder, assembled from their published formats.

A folder for ``bokehdiff@FOLDER`` holds
- ``pytorch_lora_weights.safetensors``: the U-Net's LoRA in diffusers' format, and ``vae.ckpt`` (or
  ``vae.safetensors``): a partial state dict of the VAE, both there or in ``small/``;
- optionally ``settings.json`` beside them: ``PipelineSettings`` of a LoRA trained otherwise than the authors';
- optionally ``RealVisXL_V5.0/``: the backbone in diffusers' layout (the folder may also be the backbone itself).
  Without it the hub's is used;
- ``prompt/``, which is written on first use.
"""

import json
import pickle
from pathlib import Path
from typing import Any

import platformdirs
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import InvalidOptionError, MissingWeightsError
from ..torchvision_guard import ensure_torchvision

ensure_torchvision()

from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel  # noqa: E402

from .hub import fetch_repository  # noqa: E402
from .physics import PisaPhysics  # noqa: E402
from .pipeline import BokehDiffPipeline  # noqa: E402
from .prompt import TEXT_FOLDERS, load_or_embed_prompt  # noqa: E402
from .settings import PipelineSettings  # noqa: E402

BACKBONE = "SG161222/RealVisXL_V5.0"
ADAPTERS = "zcx65535/bokehdiff"
ADAPTER_FOLDER = "small"
LORA_FILE = "pytorch_lora_weights.safetensors"
ENCODER_FILES = ("vae.safetensors", "vae.ckpt")
SETTINGS_FILE = "settings.json"
WITHOUT_ENCODER = "bokehdiff-fixed-encoder"

MODEL_FILES = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json")

REMEDY = (
    f"with a network, run `hf download {ADAPTERS} --include '{ADAPTER_FOLDER}/*' --local-dir FOLDER` and"
    f" `hf download {BACKBONE} --include '*/*' --exclude '*.bin' --local-dir FOLDER/RealVisXL_V5.0`,"
    " then use bokehdiff@FOLDER"
)

RELEASED_SETTINGS = PipelineSettings(physics=PisaPhysics.from_profile("code"), pooling="bilinear")
"""How the authors' weights were trained, but with distances in px along both axes: see ``PipelineSettings.pitch``."""


def is_adapter_folder(folder: Path) -> bool:
    """Whether ``folder`` holds a LoRA in the authors' format."""
    return any((place / LORA_FILE).is_file() for place in (folder, folder / ADAPTER_FOLDER))


def load_sdxl(dtype: torch.dtype, folder: Path | None = None) -> tuple[BokehDiffPipeline, list[Path]]:
    """Assemble the pipeline on the CPU from ``folder``, or from the hub; return it with the files of its weights.

    The LoRA is folded into the U-Net. The autoencoder stays in float32 where it says ``force_upcast``.
    Raises MissingWeightsError that says what to fetch and where to put it, InvalidOptionError for weights that do not
    fit.
    """
    adapters = _adapter_folder(folder)
    backbone = _local_backbone(folder) or _fetch_backbone()
    settings = _read_settings(adapters / SETTINGS_FILE)
    encoder = _find_encoder(adapters, settings)
    unet, unet_files = _load_part(UNet2DConditionModel, backbone, "unet", dtype)
    vae, vae_files = _load_part(AutoencoderKL, backbone, "vae", torch.float32)
    if encoder is not None:
        load_partial_state(vae, read_tensors(encoder), encoder)
    if not vae.config.force_upcast:
        vae = vae.to(dtype)
    scheduler = DDPMScheduler.from_pretrained(backbone / "scheduler")
    pipeline = BokehDiffPipeline(vae, unet, scheduler, _load_prompt(folder, backbone), settings.to_json())
    pipeline.load_lora_weights(adapters, weight_name=LORA_FILE, local_files_only=True)
    pipeline.fuse_lora(components=["unet"])
    pipeline.unload_lora_weights()
    extra = [path for path in (encoder, adapters / SETTINGS_FILE) if path is not None and path.is_file()]
    return pipeline, [*unet_files, *vae_files, adapters / LORA_FILE, *extra]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a flat dict of tensors from safetensors or a .ckpt; nothing but tensors is ever unpickled.

    Raises MissingWeightsError for a file that cannot be read or holds something else.
    """
    try:
        state = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (OSError, SafetensorError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MissingWeightsError(f"{path}: cannot be read as tensors ({reason}): get the original again") from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise MissingWeightsError(f"{path}: expected a flat dict of tensors: get the original again")
    return state


def load_partial_state(module: nn.Module, state: dict[str, Tensor], source: Path) -> None:
    """Replace the tensors of ``module`` that ``state`` holds; the others stay.

    Raises InvalidOptionError for an empty state, a name that the module does not have, or another shape.
    """
    own = module.state_dict()
    if not state:
        raise InvalidOptionError(f"{source}: holds no tensors: get the original again")
    for name, tensor in state.items():
        if name not in own:
            raise InvalidOptionError(
                f"{source}: '{name}' is no tensor of the {type(module).__name__}: it is for another model"
            )
        if tensor.shape != own[name].shape:
            expected, got = tuple(own[name].shape), tuple(tensor.shape)
            raise InvalidOptionError(f"{source}: '{name}': expected {expected}, got {got}: another model's?")
    module.load_state_dict(state, strict=False)


def _adapter_folder(folder: Path | None) -> Path:
    if folder is None:
        needed = [f"{ADAPTER_FOLDER}/{name}" for name in (LORA_FILE, ENCODER_FILES[-1])]
        return fetch_repository(ADAPTERS, needed, needed, REMEDY) / ADAPTER_FOLDER
    return folder if (folder / LORA_FILE).is_file() else folder / ADAPTER_FOLDER


def _local_backbone(folder: Path | None) -> Path | None:
    """Return the backbone in the folder, None where there is none at all."""
    if folder is None:
        return None
    for place in (folder / "RealVisXL_V5.0", folder):
        if any((place / path).is_file() for path in MODEL_FILES):
            absent = [path for path in MODEL_FILES if not (place / path).is_file()]
            if absent:
                raise MissingWeightsError(f"{place}: an SDXL model lacks {', '.join(absent)}: {REMEDY}")
            return place
    return None


def _fetch_backbone() -> Path:
    files = [*MODEL_FILES, *(f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae"))]
    return fetch_repository(BACKBONE, files, files, REMEDY)


def _read_settings(path: Path) -> PipelineSettings:
    if not path.is_file():
        return RELEASED_SETTINGS
    try:
        return PipelineSettings.from_json(json.loads(path.read_text()))
    except ValueError as error:
        raise InvalidOptionError(f"{path}: not JSON ({error}): write PipelineSettings.to_json() into it") from error


def _find_encoder(adapters: Path, settings: PipelineSettings) -> Path | None:
    for name in ENCODER_FILES:
        if (adapters / name).is_file():
            return adapters / name
    if settings.trained_as == WITHOUT_ENCODER:
        return None
    raise MissingWeightsError(f"{adapters}: lacks {' or '.join(ENCODER_FILES)}, the trained VAE encoder: {REMEDY}")


def _load_part(model: Any, backbone: Path, part: str, dtype: torch.dtype) -> tuple[Any, list[Path]]:
    """Load a network from safetensors, in half precision where there is no other; return it with its files."""
    files = sorted((backbone / part).glob("diffusion_pytorch_model*.safetensors"))
    full = [path for path in files if ".fp16" not in path.name]
    if not files:
        raise MissingWeightsError(f"{backbone / part}: no diffusion_pytorch_model*.safetensors: {REMEDY}")
    network = model.from_pretrained(
        backbone,
        subfolder=part,
        dtype=dtype,
        variant=None if full else "fp16",
        use_safetensors=True,
        local_files_only=True,
    )
    return network, full or files


def _load_prompt(folder: Path | None, backbone: Path) -> Any:
    """Return the prompt's embeddings, kept in the user's folder or, for the hub's backbone, in the user's cache."""
    if folder is not None:
        stored = folder / "prompt"
    else:
        stored = (
            platformdirs.user_cache_path("bokehbench") / "prompts" / f"{BACKBONE.replace('/', '--')}-{backbone.name}"
        )
    if not (stored / "config.json").is_file() and not all((backbone / name).is_dir() for name in TEXT_FOLDERS):
        needed = [f"{name}/model.safetensors" for name in TEXT_FOLDERS if name.startswith("text_encoder")]
        backbone = fetch_repository(BACKBONE, [f"{name}/*" for name in TEXT_FOLDERS], needed, REMEDY)
    return load_or_embed_prompt(stored, backbone)
