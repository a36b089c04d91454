"""Maps continued beyond their borders by reflection, however far: ... c b | a b c | b a ..."""

import torch
from torch import Tensor


def mirror(maps: Tensor, margin: int, more_columns: int = 0) -> Tensor:
    """Continue maps (...,H,W) by ``margin`` pixels on each side; on the right by more columns."""
    rows = _places(maps.shape[-2], margin, 0)
    columns = _places(maps.shape[-1], margin, more_columns)
    return maps.index_select(-2, rows.to(maps.device)).index_select(-1, columns.to(maps.device))


def mirror_to(maps: Tensor, height: int, width: int) -> Tensor:
    """Continue maps (...,H,W) at the bottom and on the right until they have at least that many rows and columns."""
    rows = _places(maps.shape[-2], 0, max(height - maps.shape[-2], 0))
    columns = _places(maps.shape[-1], 0, max(width - maps.shape[-1], 0))
    return maps.index_select(-2, rows.to(maps.device)).index_select(-1, columns.to(maps.device))


def _places(size: int, margin: int, more: int) -> Tensor:
    period = max(2 * (size - 1), 1)
    index = torch.arange(-margin, size + margin + more) % period
    return torch.minimum(index, period - index)
