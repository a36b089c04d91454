"""What the compiled kernels are given, by name.

R counts the tokens of all pictures (row b * N + token), P pairs, G teams of sixteen anchors.
"""

from typing import NamedTuple

import numpy as np


class TokenGrid(NamedTuple):
    """The grid of tokens of one picture.

    ``height``, ``width`` in tokens; ``pitch_y_px``, ``pitch_x_px``: distance of neighbours; ``places``: row and column
    of each token, (N,2) float64.
    """

    height: int
    width: int
    pitch_y_px: float
    pitch_x_px: float
    places: np.ndarray


class Lists(NamedTuple):
    """Partners of each team, nearest first.

    ``teams``: rows of the anchors, (G,16) int64; ``starts``: (G+1,) int64, where each team's list begins in
    ``partners``, (P,) int32 rows; ``by_keys``: whether anchors are keys.
    """

    teams: np.ndarray
    starts: np.ndarray
    partners: np.ndarray
    by_keys: bool


class Lens(NamedTuple):
    """The soft circle of confusion (Eq. 6): ``slope_per_px``, and ``radius_px`` of each token, (R,) float64."""

    slope_per_px: float
    radius_px: np.ndarray


class Occluders(NamedTuple):
    """What rays may hit (Eq. 7-8), float64.

    ``odds``: d / (1 - d) of each token, (B,N); ``thresholds``: disparity of each ray's points, (B,N,segments);
    ``ratios``: (1 - threshold) / threshold; ``idle``: how many of them no surface in reach exceeds, (B,N) int64;
    ``surfaces``: disparity map, (B,h,w); ``highest``: of the four samples around each point between samples,
    (B,h+1,w+1); ``around``: the same of all points that jitter could put in its place; ``shifts``: of the rays' sources
    in tokens, (B,N,rays,2); ``oversampling``: samples per token and axis.
    """

    odds: np.ndarray
    thresholds: np.ndarray
    ratios: np.ndarray
    idle: np.ndarray
    surfaces: np.ndarray
    highest: np.ndarray
    around: np.ndarray
    shifts: np.ndarray
    oversampling: int


class Rays(NamedTuple):
    """How rays are drawn: ``seed``, how many ``per_pair``, places ``from_query``, ``jitter_samples`` on their way."""

    seed: int
    per_pair: int
    from_query: bool
    jitter_samples: bool


class Tracing(NamedTuple):
    """What rays are traced with. ``reach_px``: (R,), of each key; pairs out of reach count as visible."""

    lists: Lists
    grid: TokenGrid
    reach_px: np.ndarray
    scene: Occluders
    rays: Rays


class Pairs(NamedTuple):
    """The pairs as the attention visits them, lists of sixteen anchors; numbers are of the features' type.

    ``teams`` (G,16), ``sizes`` (G,) 1 to 16: a smaller team repeats its last anchor, and the repetition weighs nothing.
    ``starts`` (G+1,), ``partners`` (P,). ``log_circle`` (P,16) or (0,16); ``visible`` (P,16) or (0,16), visible rays;
    ``log_rest`` (P,) or (0,): what the circles of this partner and all later ones of its list add up to. Light of one
    visible ray, light of none, ``scale`` 1/sqrt(d); ``longest``: partners in the longest list; ``by_keys``: whether
    anchors are keys.
    """

    teams: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    partners: np.ndarray
    log_circle: np.ndarray
    visible: np.ndarray
    log_rest: np.ndarray
    light_of_ray: float
    least_light: float
    scale: float
    longest: int
    by_keys: bool


class Features(NamedTuple):
    """Rows of the forward pass, (R,heads,d) contiguous, d a multiple of 16: (K,Q,V) by keys, (Q,K,V) by queries."""

    anchors: np.ndarray
    others: np.ndarray
    values: np.ndarray


class BackwardFeatures(NamedTuple):
    """Rows of the backward pass, (R,heads,d): (K,Q,V,dO) by keys, (Q,K,dO,V) by queries."""

    anchors: np.ndarray
    others: np.ndarray
    of_anchors: np.ndarray
    of_others: np.ndarray


class Gradients(NamedTuple):
    """Where gradients are added up, (R,heads,d) each."""

    anchors: np.ndarray
    others: np.ndarray
    values: np.ndarray


class Scratch(NamedTuple):
    """What a thread works in.

    ``numbers``: 0, 1, ... int32; ``A``, ``G``: (n,16), weights of a team's pairs; ``X``, ``V``: (16,d), features of a
    team; ``columns``: (d,16), the same the other way round.
    """

    numbers: np.ndarray
    A: np.ndarray
    G: np.ndarray
    X: np.ndarray
    V: np.ndarray
    columns: np.ndarray
