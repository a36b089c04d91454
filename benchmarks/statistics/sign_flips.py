"""The sign-flip test of paired differences, corrected for several pairs at once by the distribution of their maximum.

Were two renderers equal, the difference of their scores would be as likely to point one way as the other, on every
scene. Turning the signs of scenes, of all pairs together, shows what chance makes of these very differences. Pairs that
share a renderer move together under it, so that many pairs cost little: six independent scenes can tell two renderers
apart among any number of others, where Bonferroni's and Holm's corrections need one more for every doubling of pairs.
"""

import itertools

import numpy as np

from .resampling import Floats

EXACT_UNITS = 14
"""Up to so many, every turn of signs is looked at."""

FLIPS = 10_000
"""Of more units, so many turns of signs are drawn."""

ROUNDING = 1e-9
"""Sums that are equal but for the order of their terms count as equal."""


def sign_flip_test(differences: Floats, seed: int = 0) -> tuple[Floats, Floats]:
    """Return two-sided p-values, and these corrected for all pairs: (units, pairs) -> (pairs,) and (pairs,).

    The statistic is |sum d| / sqrt(sum d^2), which orders turns of signs as Student's t does. The correction is
    step-down: a pair is held against the maximum over itself and those that are no clearer than it, which keeps the
    chance of any false finding below the level. A pair without any difference has the p-value 1.
    Source: Fisher, "The Design of Experiments", 1935 (the test); Westfall & Young, "Resampling-Based Multiple Testing",
    1993, algorithm 2.8 (step-down); Winkler et al., "Permutation inference for the general linear model", 2014 (signs
    turned for all comparisons together).
    """
    units, pairs = differences.shape
    if units == 0 or pairs == 0:
        return np.ones(pairs), np.ones(pairs)
    length = np.sqrt((differences**2).sum(axis=0))
    scaled = differences / np.where(length > 0.0, length, 1.0)
    turned = np.abs(_signs(units, seed) @ scaled)
    found = turned[0] * (1.0 - ROUNDING)  # the first turn is none
    p_values = np.where(length > 0.0, (turned >= found).mean(axis=0), 1.0)
    order = np.argsort(-found, kind="stable")
    largest = np.maximum.accumulate(turned[:, order[::-1]], axis=1)[:, ::-1]  # over this pair and all less clear ones
    adjusted = np.empty(pairs)
    adjusted[order] = np.maximum.accumulate((largest >= found[order]).mean(axis=0))
    return p_values, np.where(length > 0.0, adjusted, 1.0)


def smallest_p_value(units: int) -> float:
    """Return the smallest p-value that so many independent scenes can give, however many pairs are compared."""
    return max(2.0 ** (1 - units), 1.0 / FLIPS)


def _signs(units: int, seed: int) -> Floats:
    """Return turns of signs as (turns, units) of +1 and -1, none first; turning every sign changes no statistic."""
    if units <= EXACT_UNITS:
        return np.array([(1.0, *rest) for rest in itertools.product((1.0, -1.0), repeat=units - 1)])
    drawn = np.where(np.random.default_rng(seed).random((FLIPS, units)) < 0.5, -1.0, 1.0)
    drawn[0] = 1.0
    return drawn
