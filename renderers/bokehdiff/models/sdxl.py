"""SDXL with a LoRA and a partial VAE, assembled from the authors' formats: see ``weight_files``."""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ....core.errors import InvalidOptionError, MissingWeightsError
from ....core.fetch import NETWORK
from ...diffusion.stored_networks import check_finite, load_network, load_scheduler, naming_damage
from ..pipeline import BokehDiffPipeline
from ..settings import PipelineSettings
from ..weight_files import BACKBONE, SdxlFiles

if TYPE_CHECKING:
    from ...diffusion.prompt import PromptEmbeddings


def load_sdxl(files: SdxlFiles, dtype: torch.dtype) -> BokehDiffPipeline:
    """Assemble the pipeline on the CPU.

    The LoRA, if any, is folded into the U-Net. The autoencoder stays in float32 where it says ``force_upcast``.
    Raises MissingWeightsError where a file is absent or damaged, InvalidOptionError for weights that do not fit.
    """
    from ....core.diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel

    unet = _load_network(UNet2DConditionModel, files.backbone, "unet", dtype)
    vae = _load_network(AutoencoderKL, files.backbone, "vae", torch.float32)
    if files.encoder is not None:
        load_partial_state(vae, read_tensors(files.encoder), files.encoder)
        check_finite(vae, files.encoder)
    if not vae.config.force_upcast:
        vae = vae.to(dtype)
    scheduler = load_scheduler(DDPMScheduler, files.backbone / "scheduler")
    pipeline = BokehDiffPipeline(vae, unet, scheduler, _load_prompt(files), files.settings.to_json())
    if files.lora is not None:
        with naming_damage(files.lora):
            pipeline.load_lora_weights(files.lora.parent, weight_name=files.lora.name)
            unet.fuse_lora()
            unet.unload_lora()
        check_finite(unet, files.lora)
    return pipeline


def load_backbone(home: Path | None, settings: PipelineSettings) -> BokehDiffPipeline:
    """Assemble an SDXL model as it is, for training, in float32; ``home`` as in ``Backbone.find``.

    Raises MissingWeightsError where a file is absent or damaged.
    """
    backbone = BACKBONE.find(home, download=True)
    files = SdxlFiles(name="sdxl", home=home, backbone=backbone, lora=None, encoder=None, settings=settings)
    return load_sdxl(files, torch.float32)


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
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError, LookupError, pickle.UnpicklingError) as error:
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
        if not tensor.is_floating_point():
            raise InvalidOptionError(f"{source}: '{name}': expected floats, got {tensor.dtype}: another model's?")
    module.load_state_dict(state, strict=False)


def _load_network(model: Any, backbone: Path, part: str, dtype: torch.dtype) -> Any:
    """Load a network from safetensors, in half precision where there is no other."""
    return load_network(model, backbone / part, dtype, BACKBONE.precision(backbone, part))


def _load_prompt(files: SdxlFiles) -> "PromptEmbeddings":
    """Return the prompt's embeddings, kept in the user's folder or, for the hub's backbone, in the user's cache."""
    from ...diffusion.prompt import TEXT_FOLDERS, load_or_embed_prompt

    backbone = files.backbone
    if files.home is not None:
        stored = files.home / "prompt"
    else:
        name = f"{BACKBONE.repository.replace('/', '--')}-{backbone.name}"
        stored = platformdirs.user_cache_path("bokehbench") / "prompts" / name
    if not (stored / "config.json").is_file() and not all((backbone / name).is_dir() for name in TEXT_FOLDERS):
        needed = [f"{name}/model.safetensors" for name in TEXT_FOLDERS if name.startswith("text_encoder")]
        backbone = NETWORK.fetch_repository(
            BACKBONE.repository, [f"{name}/*" for name in TEXT_FOLDERS], BACKBONE.remedy, needed=needed
        )
    return load_or_embed_prompt(stored, backbone)
