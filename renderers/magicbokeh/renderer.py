"""The compact MagicBokeh as a renderer of the benchmark."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ...core.scene import Scene
from ...core.timing import stage
from ..classical.bases import BASES, prepare_base
from ..diffusion.cpu.blocks import compile_blocks
from ..diffusion.cpu.compile_rendering import compile_rendering
from ..diffusion.padding import pad_to_multiple
from ..diffusion.tiling import Tile, blend_tiles, choose_tile_side, cover_with_tiles, one_pass_latents
from ..interface import Capabilities, Renderer
from ..learned import LearnedRenderer, freeze
from .network import PITCH_PX
from .weight_files import MagicFiles, find_files

TILE_LATENTS = 128
"""Side of the U-Net's tiles, as attention among all tokens of a tile costs the square of their number, and of the
autoencoder's, in pictures that are too large for one pass.
"""


class MagicBokehRenderer(LearnedRenderer[MagicFiles]):
    """Clean picture and bokeh from a poor picture, in one pass.

    The picture is that of a classical renderer, the base, plus D(z_base + n) - D(z_base): D the autoencoder's decoder,
    n the network's output. A network that says n = 0 leaves the base's picture.

    - ``checkpoint``: None for the shipped network, or a folder, see ``weight_files``.

    Any range of disparity and any focus will do; radii above the settings' R count as R to the network, not to the
    base. So do values above 1: the base spreads their light, the network sees them clipped. The network computes in
    ``dtype``, the autoencoder and the base in float32.
    """

    name = "magicbokeh"
    capabilities: ClassVar[Capabilities] = Capabilities(hdr=True)
    seconds_per_megapixel: ClassVar[float] = 6.0

    def __init__(self, name: str | None = None, checkpoint: str | None = None, *, restores_only: bool = False):
        """Hold ``checkpoint``; ``restores_only``: for ``super_resolve`` alone, which needs no base."""
        super().__init__(name, checkpoint)
        self._restores_only = restores_only
        if checkpoint is not None:
            find_files(checkpoint)  # a mistyped name is seen before anything runs
        self._base: Renderer | None = None

    def find_weights(self, *, download: bool) -> MagicFiles:
        """Find the network's files."""
        return find_files(self.checkpoint)

    def forget(self) -> None:
        """Drop what the base renderer kept of earlier scenes."""
        if self._base is not None:
            self._base.forget()

    def compile_kernels(self) -> None:
        """Compile convolutions, and the base. Raises MissingWeightsError where no settings name one."""
        compile_rendering()
        if self._restores_only:
            return
        BASES[find_files(self.checkpoint).settings.base]().compile_kernels()

    def super_resolve(self, picture: Tensor, seed: int = 0) -> Tensor:
        """Return ``picture`` (3,H,W) cleaned and not blurred: its own base, no defocus. Call ``prepare`` before.

        What exceeds 1 is set aside and added again.
        """
        return self._refine(picture, picture, torch.zeros_like(picture[:1])) + F.relu(picture - 1.0)

    def _load_networks(self, files: MagicFiles) -> None:
        from .autoencoder import CompactAutoencoder  # here: these import diffusers, which takes seconds
        from .checkpoints import load_network

        self._network = load_network(files).to(self.device, self.dtype)
        self._autoencoder = CompactAutoencoder.shipped().to(self.device)
        on_cpu = self.device.type == "cpu"
        for network, dtype in ((self._network, self.dtype), (self._autoencoder, torch.float32)):
            # PyTorch's group norm loses digits channels last on the CPU; that of the compiled blocks does not.
            compiled = on_cpu and dtype == torch.float32
            freeze(network, channels_last=compiled or not on_cpu)
            if compiled:
                compile_blocks(network)
        if not self._restores_only:
            self._base = prepare_base(files.settings.base, self.device)

    def _warm_up(self) -> None:
        if self._restores_only:
            self.super_resolve(torch.full((3, 16, 16), 0.5, device=self.device))
        else:
            super()._warm_up()

    def _render(self, scene: Scene, seed: int) -> Tensor:
        assert self._base is not None  # noqa: S101
        base = self._base.render(scene, seed).to(self.device)
        return self._refine(base, scene.image, scene.defocus / self._network.settings.radius_px)

    @torch.no_grad()
    def _refine(self, base: Tensor, image: Tensor, defocus: Tensor) -> Tensor:
        """Return a base's picture (3,H,W) after the network, in [0,1]; ``defocus`` (1,H,W) in units of R."""
        height, width = image.shape[-2:]
        multiple = self._network.settings.size.multiple
        pictures = (base.clamp(max=1.0), image.clamp(max=1.0), defocus)
        bases, images, maps = (pad_to_multiple(x[None].float(), PITCH_PX * multiple) for x in pictures)
        rows, columns = (length // PITCH_PX for length in maps.shape[-2:])
        side = choose_tile_side("auto", TILE_LATENTS, rows * columns, one_pass_latents(PITCH_PX))
        self._autoencoder.tile(side)
        z_base = self._autoencoder.encode(bases)
        z = z_base if base is image else self._autoencoder.encode(images)

        def predict(tile: Tile) -> Tensor:
            latents = (tile.cut(x).to(self.dtype) for x in (z_base, z))
            return self._network(*latents, tile.cut(maps, PITCH_PX)).float()

        with stage("U-Net"):
            n = blend_tiles(predict, cover_with_tiles(rows, columns, TILE_LATENTS, multiple), z)
        change = self._autoencoder.decode(z_base + n) - self._autoencoder.decode(z_base)
        return (bases + change)[0, :, :height, :width].clamp(0.0, 1.0)
