"""The authors' MagicBokeh as a renderer of the benchmark."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ....core.scene import Scene
from ...diffusion.cpu.blocks import compile_blocks
from ...diffusion.cpu.compile_rendering import compile_rendering
from ...diffusion.tiling import Tile, blend_tiles
from ...interface import Capabilities
from ...learned import LearnedRenderer, freeze
from ...mirror import mirror_to
from .colours import match_colours
from .defocus import LARGEST_RADIUS_PX, condition_of, largest_radius_px
from .tiles import TILE_PX, cover, ramp_weights
from .weight_files import ReleaseFiles, check_folder, find_files


class MagicBokehReleaseRenderer(LearnedRenderer[ReleaseFiles]):
    """Stable Diffusion 2.1 without text, from a poor picture to a clean one with bokeh, in one pass at t = 999.

    - ``checkpoint``: a folder of converted weights, see ``weight_files``; none ship.
    - ``match_colours``: end with the input's mean and deviation in each channel, as the authors' program does.
    - ``sample_posterior``: draw the latent, as they do, from the scene's seed; otherwise its mode is taken.
    - ``quantise``: cut disparity and focus to 8 bits over the map's range, as they do.

    Any range of disparity and any focus will do; K is the blur strength over that range, and no whole number. Pictures
    are rendered in tiles of 512 px, one after the other, sides below that continued by reflection. Nothing is rounded
    to 8 bits in between. Values above 1 are clipped first.

    Source: Shi et al., CVPR 2026 (arXiv 2605.07429), in the form of the authors' published program.
    """

    name = "magicbokeh"
    capabilities: ClassVar[Capabilities] = Capabilities(
        inputs=frozenset({"picture", "disparity", "focus", "blur strength"})
    )
    seconds_per_megapixel: ClassVar[float] = 150.0

    def __init__(
        self,
        name: str | None = None,
        *,
        checkpoint: str,
        match_colours: bool = True,
        sample_posterior: bool = False,
        quantise: bool = True,
    ):
        super().__init__(name, checkpoint)
        self._folder = checkpoint
        self.match_colours = match_colours
        self.sample_posterior = sample_posterior
        self.quantise = quantise
        check_folder(checkpoint)  # a mistyped name is seen before anything runs

    def skip(self, scene: Scene) -> str | None:
        """Refuse blur that the networks were not trained on."""
        return super().skip(scene) or _too_blurred(scene)

    def find_weights(self, *, download: bool) -> ReleaseFiles:
        """Find the converted weights and the base model."""
        return find_files(self._folder, download=download)

    def compile_kernels(self) -> None:
        """Compile convolutions and transformer steps."""
        compile_rendering()

    def _load_networks(self, files: ReleaseFiles) -> None:
        from .loading import load_release  # here: it imports diffusers, which takes seconds

        self._networks = load_release(files)
        for network in (self._networks.vae, self._networks.unet, self._networks.control):
            nn.Module.to(network, self.device, self.dtype)  # past diffusers' own, which warns of nothing
            # On the CPU group norms lose digits with channels last.
            freeze(network, channels_last=self.device.type != "cpu")
            if self.device.type == "cpu" and self.dtype == torch.float32:
                compile_blocks(network)

    def _warm_up(self) -> None:
        """Compile kernels; on the CPU without a picture, as the smallest takes as long as a whole tile."""
        if self.device.type == "cpu":
            compile_rendering()
        else:
            super()._warm_up()

    def super_resolve(self, picture: Tensor, seed: int = 0) -> Tensor:
        """Return ``picture`` (3,H,W) cleaned and not blurred: the networks without defocus. Call ``prepare`` before."""
        return self._make(picture, torch.zeros_like(picture[:1]), seed)

    def _render(self, scene: Scene, seed: int) -> Tensor:
        return self._make(scene.image, condition_of(scene, self.quantise), seed)

    def _make(self, image: Tensor, condition: Tensor, seed: int) -> Tensor:
        """Render a picture (3,H,W) under a condition (1,H,W)."""
        from .one_step import render_tile

        generator = torch.Generator(self.device).manual_seed(seed) if self.sample_posterior else None
        height, width = image.shape[-2:]
        sides = max(height, TILE_PX), max(width, TILE_PX)
        images, conditions = (mirror_to(x[None], *sides) for x in (image, condition))

        def predict(tile: Tile) -> Tensor:
            return render_tile(self._networks, tile.cut(images), tile.cut(conditions), generator)

        picture = blend_tiles(predict, cover(*sides), images, ramp_weights)[0, :, :height, :width]
        return match_colours(picture, image).clamp(0.0, 1.0) if self.match_colours else picture


def _too_blurred(scene: Scene) -> str | None:
    radius_px = largest_radius_px(scene)
    if radius_px <= LARGEST_RADIUS_PX:
        return None
    return f"was trained with radii of up to {LARGEST_RADIUS_PX:g} px, the scene asks for {radius_px:.0f} px"
