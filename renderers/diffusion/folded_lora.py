"""A LoRA folded into the weights that it adapts: nothing is left of it, and rendering takes no longer."""

from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ...core.errors import InvalidOptionError
from .lora import LORA_SUFFIX


@torch.no_grad()
def fold_lora(
    network: nn.Module, state: Mapping[str, Tensor], layers: Collection[str], rank: int, alpha: float, source: Path
) -> None:
    """Add alpha / rank * B A to the weight of each of the network's ``layers``: convolutions and linear ones.

    ``state``: ``LAYER.lora_A.weight``, ``LAYER.lora_B.weight`` for each of them, and nothing else; ``source``: their
    file, for messages. Raises InvalidOptionError for a name that is absent, left over or of no such layer, and for
    another shape.
    """
    expected = {f"{layer}.lora_{side}.weight" for layer in layers for side in "AB"}
    for name in sorted(expected ^ state.keys()):
        problem = "lacks" if name in expected else "holds, beside its layers',"
        raise InvalidOptionError(f"{source}: the LoRA {problem} '{name}': get it again")
    modules = dict(network.named_modules())
    for layer in layers:
        module = modules.get(layer)
        if not isinstance(module, nn.Conv2d | nn.Linear):
            raise InvalidOptionError(
                f"{source}: the LoRA adapts '{layer}', which this network does not have: it is for another model"
            )
        down, up = (state[f"{layer}.lora_{side}.weight"].float() for side in "AB")
        shapes = _shapes(module, rank)
        for side, matrix in zip("AB", (down, up), strict=True):
            if tuple(matrix.shape) != shapes[side]:
                name, got = f"{layer}.lora_{side}.weight", tuple(matrix.shape)
                raise InvalidOptionError(f"{source}: '{name}': expected {shapes[side]}, got {got}: another model's?")
        change = (up.flatten(1) @ down.flatten(1)).reshape(module.weight.shape)
        module.weight += (alpha / rank) * change.to(module.weight.dtype)


def split_lora(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the LoRA's entries of a state, and all others."""
    lora = {name: tensor for name, tensor in state.items() if LORA_SUFFIX.search(name)}
    return lora, {name: tensor for name, tensor in state.items() if name not in lora}


def _shapes(module: nn.Conv2d | nn.Linear, rank: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of A, which takes the layer's place up to its channels, and of B, which has 1x1 kernels."""
    out, *rest = module.weight.shape
    return {"A": (rank, *rest), "B": (out, rank, *(1 for _ in rest[1:]))}
