"""BokehDiff and its ablations as renderers of the benchmark."""

from typing import ClassVar

import torch
from torch import Tensor

from ...core.scene import Scene
from ..attention.pairs import compile_attention
from ..classical.bases import BASES, prepare_base
from ..classical.scatter import ScatterRenderer
from ..diffusion.cpu.blocks import compile_blocks
from ..diffusion.cpu.compile_rendering import compile_rendering
from ..interface import Capabilities, Renderer
from ..learned import LearnedRenderer, freeze
from .variants import FULL_MODEL
from .weight_files import AUTHORS, SavedFiles, SdxlFiles, checkpoint_folder, find_weights, label_weights


class BokehDiffRenderer(LearnedRenderer[SavedFiles | SdxlFiles]):
    """One-step latent diffusion with physics-inspired self-attention.

    - ``variant``: a name in ``variants.VARIANTS``.
    - ``checkpoint``: None for the shipped weights, ``sdxl`` or a folder: see ``checkpoints.load_checkpoint``.
    - ``tiling``, ``tile_latents``: see ``BokehDiffPipeline``.
    - ``channels_last``: memory layout of the networks; not on the CPU below float32, unless they are compiled.
    - ``compile``: run them through torch.compile, which pays off over many pictures of one size.

    The scene's disparity is mapped affinely into (0,1) for occlusion; circles of confusion come from its defocus in px,
    so any range of disparity and any focus will do, and a scene at half the size with half the blur strength gives the
    same picture at half the size, as far as the network generalises over scale. At blur strength 0 the output is the
    autoencoder's reconstruction as the U-Net leaves it, not the input's bits, unless the weights' settings keep what is
    in focus. Values above 1 are clipped first. The scene's gamma counts where the settings say ``blurred-colours``.
    Where they name a ``base``, that renderer's picture is made first, on the same device if it can, as part of every
    render.
    """

    name = FULL_MODEL
    capabilities: ClassVar[Capabilities] = Capabilities()
    seconds_per_megapixel: ClassVar[float] = 6.0

    def __init__(
        self,
        name: str | None = None,
        checkpoint: str | None = None,
        variant: str = FULL_MODEL,
        *,
        tiling: str = "auto",
        tile_latents: int | None = None,
        channels_last: bool = True,
        compile: bool = False,  # noqa: A002 - torch's word for it
    ):
        super().__init__(name, checkpoint)
        if checkpoint not in (None, AUTHORS):
            checkpoint_folder(variant, checkpoint)  # a mistyped name is seen before anything runs
        self.variant = variant
        self.tiling = tiling
        self.tile_latents = tile_latents
        self.channels_last = channels_last
        self.compile = compile
        self._base: Renderer | None = None

    def find_weights(self, *, download: bool) -> SavedFiles | SdxlFiles:
        """Find the files of the variant's weights, see ``weight_files``."""
        return find_weights(self.variant, self.checkpoint, download=download)

    def label(self, files: SavedFiles | SdxlFiles) -> str:
        """Return name and hash of the weights' files, and what else they were trained as."""
        return label_weights(files, self.variant)

    def forget(self) -> None:
        """Drop what the base renderer kept of earlier scenes."""
        if self._base is not None:
            self._base.forget()

    def compile_kernels(self) -> None:
        """Compile attention, convolutions and transformer steps, the scatter, which may make the start, and the base.

        Raises MissingWeightsError where there are none: their settings name the base.
        """
        compile_attention()
        compile_rendering()
        ScatterRenderer().compile_kernels()
        base = self.find_weights(download=False).settings.base
        if base is not None:
            BASES[base]().compile_kernels()

    def _load_networks(self, files: SavedFiles | SdxlFiles) -> None:
        from .checkpoints import load_pipeline  # here: it imports diffusers, which takes seconds

        self.pipeline = load_pipeline(files, self.variant, self.dtype).to(self.device)
        self.warm_up_px = self.pipeline.size_multiple_px
        self._base = self._load_base()
        if self.pipeline.colour_encoder is not None:
            freeze(self.pipeline.colour_encoder)
        on_cpu, is_full = self.device.type == "cpu", self.dtype == torch.float32
        for network in (self.pipeline.unet, self.pipeline.vae):
            # PyTorch's group norm in bfloat16, channels last, on the CPU: off by 1000 where a mean is 300 deviations.
            freeze(network, self.channels_last and (is_full or self.compile or not on_cpu))
            if on_cpu and is_full and not self.compile:
                compile_blocks(network)
        if self.compile:
            self.pipeline.unet.compile()
            self.pipeline.vae.encoder.compile()
            self.pipeline.vae.decoder.compile()

    def _load_base(self) -> Renderer | None:
        name = self.pipeline.active_settings.base
        return None if name is None else prepare_base(name, self.device)

    def _render(self, scene: Scene, seed: int) -> Tensor:
        options = {} if self.tile_latents is None else {"tile_latents": self.tile_latents}
        output = self.pipeline(
            scene.image[None],
            scene.disparity[None],
            scene.focus_disparity,
            scene.blur_strength,
            tiling=self.tiling,
            seed=seed,
            base_image=self._render_base(scene, seed),
            gamma=scene.gamma,
            **options,
        )
        self.backend = None if output.tile_latents is None else f"tiled {output.tile_latents}"
        return output.images[0]

    def _render_base(self, scene: Scene, seed: int) -> Tensor | None:
        """Return the base's picture (1,3,H,W) on this renderer's device, None where the settings name none."""
        return None if self._base is None else self._base.render(scene, seed).to(self.device)[None]
