"""Random crops of a batch's maps, the same place in each, whatever grid they lie on."""

import torch
from torch import Tensor

from ...core.checks import check
from ...core.optics import signed_defocus
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ..engine.task import Batch
from ..scenes.crops import draw_corner
from .latents import LATENT_MAPS


def check_crop(pipeline: BokehDiffPipeline, crop_px: int) -> None:
    """Raise InvalidOptionError where a crop is smaller than a square of the U-Net's coarsest grid."""
    multiple = pipeline.size_multiple_px
    check("model.data.crop_px", crop_px, crop_px >= multiple, f"at least {multiple}, a token of the coarsest level")


def crop_maps(pipeline: BokehDiffPipeline, batch: Batch, crop_px: int, seed: int, step: int) -> Batch:
    """Cut one random square out of every sample, the same place in each of its maps, on the U-Net's coarsest grid.

    Returns latents, ``disparity`` in (0,1) (normalised over the whole scene), ``defocus`` in px, and pictures if any.
    """
    disparity = batch["disparity"]
    maps = {name: value for name, value in batch.items() if value.ndim == 4}
    focus, strength = (batch[name].view(-1, 1, 1, 1) for name in ("focus_disparity", "blur_strength"))
    maps |= {"disparity": pipeline.normalise(disparity), "defocus": signed_defocus(disparity, focus, strength)}
    multiple, pitch = pipeline.size_multiple_px, pipeline.latent_pitch_px
    side = crop_px // multiple * multiple
    rows, columns = disparity.shape[-2] // multiple * multiple, disparity.shape[-1] // multiple * multiple
    cropped: dict[str, list[Tensor]] = {name: [] for name in maps}
    for n, index in enumerate(batch["index"].tolist()):
        top, left = draw_corner(seed, step, index, (rows, columns), side, multiple)
        for name, value in maps.items():
            scale = pitch if name in LATENT_MAPS else 1
            y, x, length = top // scale, left // scale, side // scale
            cropped[name].append(value[n, :, y : y + length, x : x + length])
    return {name: torch.stack(values) for name, values in cropped.items()}
