"""BokehDiff and its ablations as renderers of the benchmark."""

from typing import ClassVar

import torch
from torch import Tensor

from ...core.errors import MissingWeightsError
from ...core.scene import Scene
from ..interface import Capabilities, Renderer
from ..registry import load_renderer
from .variants import FULL_MODEL
from .weight_files import describe_training, find_weights, label_weights


class BokehDiffRenderer(Renderer):
    """One-step latent diffusion with physics-inspired self-attention.

    - ``variant``: a name in ``variants.VARIANTS``.
    - ``checkpoint``: None for the shipped weights, ``sdxl`` or a folder: see ``checkpoints.load_checkpoint``.
    - ``tiling``, ``tile_latents``: see ``BokehDiffPipeline``.
    - ``channels_last``: memory layout of the networks.
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
    takes_checkpoint = True
    capabilities: ClassVar[Capabilities] = Capabilities(
        needs_disparity=True, deterministic=True, differentiable=False, hdr=False, size_multiple=32
    )

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
        super().__init__(name)
        self.variant = variant
        self.checkpoint = checkpoint
        self.tiling = tiling
        self.tile_latents = tile_latents
        self.channels_last = channels_last
        self.compile = compile
        self._label: str | None = None
        self._base: Renderer | None = None

    @property
    def weights(self) -> str | None:  # type: ignore[override]
        """Name and hash of the weights' files, and what they were trained as; None while they are not at hand.

        Known before anything is loaded, so that a plan of cases can tell retrained weights apart.
        """
        if self._label is None:
            try:
                files = find_weights(self.variant, self.checkpoint, download=False)
            except MissingWeightsError:  # ``prepare`` looks further and says what is missing
                return None
            self._label = label_weights(files, self.variant)
        return self._label

    @property
    def training(self) -> str | None:  # type: ignore[override]
        """What the weights' folder says of their training."""
        try:
            return describe_training(find_weights(self.variant, self.checkpoint, download=False))
        except MissingWeightsError:
            return None

    def fetch(self) -> None:
        """Ask the hub for what the checkpoint lacks."""
        if self.checkpoint is not None:
            find_weights(self.variant, self.checkpoint, download=True)

    def forget(self) -> None:
        """Drop what the base renderer kept of earlier scenes."""
        if self._base is not None:
            self._base.forget()

    def _load(self) -> None:
        if self.checkpoint is None:
            find_weights(self.variant, None, download=False)
        from .checkpoints import load_checkpoint  # here: it imports diffusers, which takes seconds

        loaded = load_checkpoint(self.variant, self.checkpoint, self.dtype)
        self._label = loaded.label
        self.pipeline = loaded.pipeline.to(self.device)
        self._base = self._load_base()
        if self.pipeline.colour_encoder is not None:
            self.pipeline.colour_encoder.requires_grad_(False).eval()
        for network in (self.pipeline.unet, self.pipeline.vae):
            network.requires_grad_(False).eval()
            if self.channels_last:
                network.to(memory_format=torch.channels_last)
        if self.compile:
            self.pipeline.unet.compile()
            self.pipeline.vae.encoder.compile()
            self.pipeline.vae.decoder.compile()
        self._warm_up()

    def _load_base(self) -> Renderer | None:
        name = self.pipeline.active_settings.base
        if name is None:
            return None
        base = load_renderer(name)
        base.prepare(self.device if self.device.type in base.capabilities.devices else "cpu")
        return base

    def _warm_up(self) -> None:
        """Render a few px: PISA's kernels are compiled on first use."""
        side_px = self.pipeline.size_multiple_px
        disparity = torch.linspace(0.0, 1.0, side_px**2, device=self.device).reshape(1, side_px, side_px)
        image = disparity.expand(3, -1, -1)
        self._render(
            Scene(name="tiny", image=image, disparity=disparity, focus_disparity=0.5, blur_strength=10.0), seed=0
        )

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
