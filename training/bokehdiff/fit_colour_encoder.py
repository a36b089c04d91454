"""Fits a colour encoder to an autoencoder: both must give one latent where a picture has no detail."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from ...core.checks import check
from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.optics import GAMMA, to_display
from ...renderers.bokehdiff.inputs.colour_encoder import REACH, ColourEncoder
from ...renderers.bokehdiff.inputs.token_colours import TokenColours, enlarge
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ..scenes.photograph_pieces import PhotographPieces
from .decoder_gains import decoder_gains
from .digests import digest_encoder

SIDE_PX = 256
CHECKED = 8
LARGEST_BLUR = 6.0
"""Of the colours, in tokens (standard deviation): as they come out of attention, sharp to smooth."""

BATCH = 2048
LEARNING_RATE = 5e-3


def fit_colour_encoder(
    pipeline: BokehDiffPipeline, photographs: Sequence[str], pictures: int = 96, steps: int = 4000, seed: int = 0
) -> ColourEncoder:
    """Return an encoder of token colours that fits ``pipeline``'s autoencoder.

    ``photographs``: folders; ``pictures`` pieces of 256 px of theirs are reduced to one colour a token, blurred, and
    enlarged. The affine part is a least-squares solution, the rest is trained on what that leaves. ``alike_db`` in the
    result's configuration is the PSNR between pictures decoded from both, to first order, over the last 8 pieces, which
    are not fitted. Depends on the seed only. Raises InvalidOptionError where no pieces are left to fit.
    """
    check("pictures", pictures, pictures > CHECKED, f"more than {CHECKED}")
    pieces = PhotographPieces(tuple(photographs), SIDE_PX, seed)
    samples = [_sample(pipeline, pieces[index]["image"], index) for index in range(pictures)]
    gains = decoder_gains(pipeline, samples[0][1][None]).flatten()
    seen = torch.stack([colours for colours, _ in samples])
    latents = torch.stack([latent for _, latent in samples]).movedim(1, -1)
    patches = _neighbourhoods(2.0 * seen - 1.0)
    fitted, checked = slice(0, -CHECKED), slice(-CHECKED, None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = ColourEncoder(latents.shape[-1], fitted_to=digest_encoder(pipeline.vae))
        _fit(encoder, patches[fitted].flatten(0, 2), latents[fitted].flatten(0, 2), gains, steps)
    encoder.requires_grad_(False).eval()
    error = encoder(seen[checked]).movedim(1, -1) - latents[checked]
    mse = float((error.square() * gains).sum(dim=-1).mean())
    encoder.register_to_config(alike_db=round(-10.0 * math.log10(mse), 1))
    return encoder


def load_colour_encoder(folder: Path, vae: nn.Module) -> ColourEncoder:
    """Load what ``fit_colour_encoder`` fitted to this autoencoder's encoder, in float32.

    Raises MissingWeightsError where it is absent or damaged, InvalidOptionError where it was fitted to another one.
    """
    if not (folder / "config.json").is_file():
        raise MissingWeightsError(f"{folder}: expected a folder with a colour encoder (config.json): fit it first")
    try:
        encoder = ColourEncoder.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MissingWeightsError(f"{folder}: damaged ({reason}): remove the folder and fit it again") from error
    if encoder.config.fitted_to != digest_encoder(vae):
        raise InvalidOptionError(f"{folder}: was fitted to another autoencoder: remove the folder and fit it again")
    return encoder


def least_squares(design: Tensor, values: Tensor) -> Tensor:
    """Return the solution (K,C) of least norm that fits ``design`` (N,K) to ``values`` (N,C), both float64.

    PyTorch's default driver (gelsy, to 2.13) starts with a pivoting order that it reads from freed memory, so its last
    bits, and the rank of a singular ``design``, differ from call to call: pytorch/pytorch issue 187411.
    """
    return torch.linalg.lstsq(design, values, driver="gelsd").solution


@torch.no_grad()
def _sample(pipeline: BokehDiffPipeline, image: Tensor, index: int) -> tuple[Tensor, Tensor]:
    """Return a picture's colours (3,h,w), display-encoded, blurred, and the latent (C,h,w) of their enlargement."""
    pitch_px = pipeline.latent_pitch_px
    linear = TokenColours.of_picture(image[None], pitch_px).linear[0]
    blur = LARGEST_BLUR * (index % 4) / 3.0
    blurred = gaussian_filter(linear.numpy(), (0.0, blur, blur), mode="nearest")
    colours = to_display(torch.from_numpy(blurred), GAMMA)
    return colours, pipeline.encode(enlarge(colours[None], pitch_px))[0]


def _neighbourhoods(colours: Tensor) -> Tensor:
    """Return (B,h,w,3,5,5), channels before rows and columns, of colours (B,3,h,w); the edge repeats."""
    padded, side = F.pad(colours, [REACH] * 4, mode="replicate"), 2 * REACH + 1
    return padded.unfold(2, side, 1).unfold(3, side, 1).movedim(1, 3)


def _fit(encoder: ColourEncoder, patches: Tensor, latents: Tensor, gains: Tensor, steps: int) -> None:
    """Set the encoder's weights. ``patches``: (N,3,5,5) in [-1,1], ``latents``: (N,C), ``gains``: (C,)."""
    flat = torch.cat([patches.flatten(1), torch.ones(len(patches), 1)], dim=1).double()
    solution = least_squares(flat, latents.double())
    rest = latents - (flat @ solution).float()
    weight = solution[:-1].T.reshape(encoder.affine.weight.shape)
    encoder.affine.load_state_dict({"weight": weight, "bias": solution[-1]})
    deviation = rest.std(dim=0)
    weights = gains * deviation.square()
    optimiser = torch.optim.Adam(encoder.rest.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps)
    for _ in range(steps):
        chosen = torch.randint(len(patches), (BATCH,))
        error = encoder.rest(patches[chosen]).flatten(1) - rest[chosen] / deviation
        optimiser.zero_grad()
        ((error.square() * weights).sum() / weights.sum() / BATCH).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        for parameter in encoder.rest[-1].parameters():
            parameter.mul_(deviation.view(-1, *[1] * (parameter.ndim - 1)))
