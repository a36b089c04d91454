"""Colours brought back to the input's, channel by channel."""

from torch import Tensor

VARIANCE_FLOOR = 1e-5


def match_colours(picture: Tensor, reference: Tensor) -> Tensor:
    """Give a picture (3,H,W) the mean and the standard deviation of ``reference`` in each channel.

    Source: adaptive instance normalisation (Huang & Belongie, ICCV 2017, Eq. 8) on the picture, as the authors end.
    """
    mean, deviation = _moments(picture)
    wanted_mean, wanted_deviation = _moments(reference)
    return (picture - mean) / deviation * wanted_deviation + wanted_mean


def _moments(picture: Tensor) -> tuple[Tensor, Tensor]:
    variance = picture.var(dim=(1, 2), keepdim=True) + VARIANCE_FLOOR
    return picture.mean(dim=(1, 2), keepdim=True), variance.sqrt()
