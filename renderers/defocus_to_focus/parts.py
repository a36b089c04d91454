"""The three networks of Defocus to Focus: what is guessed, how a pixel counts, how two pictures are fused."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ...core.files import write_json
from ..diffusion.padding import pad_to_multiple
from ..read_weights import read_network
from .compact import MULTIPLE, CompactHallucination
from .fusion import FusionNetwork, first_mask
from .halving import fit, resized_sides
from .layering import HARDNESS, Layering
from .radiance import RadianceNetwork
from .resnext import MULTIPLE as PUBLISHED_MULTIPLE
from .resnext import ResNextHallucination
from .weight_files import NETWORKS, PROFILE_FILE, SEEN_PX, D2fFiles, find_files

TABLE_HEIGHT_PX = 512.0
"""Shorter side of the pictures that the published radii belong to; the blur grows with the picture."""


class Parts(nn.Module):
    """``hallucination``: compact or published; ``radiance``; ``fusion``."""

    def __init__(self, hallucination: nn.Module, radiance: RadianceNetwork, fusion: FusionNetwork):
        super().__init__()
        self.hallucination, self.radiance, self.fusion = hallucination, radiance, fusion

    @classmethod
    def compact(cls, seen_px: int = SEEN_PX) -> "Parts":
        """Return new networks of the compact form, their weights drawn by PyTorch's generator."""
        return cls(CompactHallucination(seen_px), RadianceNetwork(), FusionNetwork())

    @classmethod
    def read(cls, checkpoint: str | D2fFiles | None) -> "Parts":
        """Read the networks, whole or not at all. Raises MissingWeightsError, InvalidOptionError naming a file."""
        files = checkpoint if isinstance(checkpoint, D2fFiles) else find_files(checkpoint)
        if files.published:
            return _read_published(files)
        parts = cls.compact(files.seen_px)
        for name, path in zip(NETWORKS, files.paths, strict=True):
            read_network(getattr(parts, name), path)
        return parts

    def save(self, folder: Path, profile: str, dtype: torch.dtype = torch.float32) -> None:
        """Write what ``read`` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in NETWORKS:
            state = getattr(self, name).state_dict()
            tensors = {key: value.detach().cpu().to(dtype).contiguous() for key, value in state.items()}
            save_file(tensors, folder / f"{name}.safetensors")
        seen = {"seen_px": self.hallucination.seen_px} if isinstance(self.hallucination, CompactHallucination) else {}
        write_json(folder / PROFILE_FILE, {"profile": profile, **seen})

    def guess(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the defocus (B,1,*size) of pictures (B,3,H,W); a published network has to be given that size."""
        network = self.hallucination
        if isinstance(network, CompactHallucination):
            return guess_compactly(network, image, size)
        guess: Tensor = network(pad_to_multiple(image, PUBLISHED_MULTIPLE))
        return guess[..., : size[0], : size[1]]


def guess_compactly(network: CompactHallucination, image: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the defocus (B,1,*size) of pictures (B,3,H,W), as the network sees them: at its ``seen_px``."""
    sides = resized_sides(image.shape[-2], image.shape[-1], network.seen_px)
    seen = fit(image, sides)
    guess = network(pad_to_multiple(seen, MULTIPLE))[..., : sides[0], : sides[1]]
    return fit(guess, size).clamp(0.0, 1.0)


def layering_for(image: Tensor, hardness: float = HARDNESS, count: int = 15, kernel: str = "soft") -> Layering:
    """Return the layers of a picture (B,C,H,W) of any size: the published radii in proportion to its shorter side."""
    scale = min(image.shape[-2:]) / TABLE_HEIGHT_PX
    return Layering(scale=scale, hardness=hardness, count=count, kernel=kernel)


def sharpness_of(defocus: Tensor, profile: str) -> Tensor:
    """Return what the fusion network sees of the defocus, (B,1,H,W) in [0,1]: see ``weight_files.PROFILES``."""
    return 1.0 - defocus if profile == "code" else first_mask(defocus)


class _FirstStage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.midas, self.radiance = ResNextHallucination(), RadianceNetwork()


class _SecondStage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blend = FusionNetwork()


def _read_published(files: D2fFiles) -> Parts:
    first = read_network(_FirstStage(), files.paths[0], entry="net", required=False)
    second = read_network(_SecondStage(), files.paths[1], entry="net", required=False)
    return Parts(first.midas, first.radiance, second.blend)
