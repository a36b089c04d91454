"""How the 95 % intervals of means are computed, in words that suffice to compute them again."""

from ...benchmarks.statistics.resampling import CONFIDENCE, RESAMPLES, tail_level
from .numbers import write_percent

EXAMPLE_UNITS = 9


def describe_intervals() -> str:
    """Say how ``resampling.expanded_interval`` comes by its bounds, and from where the method is."""
    tail = 100.0 * tail_level(EXAMPLE_UNITS)
    plain = 50.0 * (1.0 - CONFIDENCE)
    return (
        f"{write_percent(CONFIDENCE)} intervals are expanded percentile intervals of a paired cluster bootstrap: the n "
        f"independent units are drawn n times with replacement, each with all of its scenes, {RESAMPLES:,} times and "
        "alike for all renderers. Of the means over the scenes drawn, the bounds are the quantiles at the levels "
        "\N{GREEK CAPITAL LETTER PHI}(\N{MINUS SIGN}t\N{SQUARE ROOT}(n/(n\N{MINUS SIGN}1))) and "
        "1 \N{MINUS SIGN} \N{GREEK CAPITAL LETTER PHI}(\N{MINUS SIGN}t\N{SQUARE ROOT}(n/(n\N{MINUS SIGN}1))), where "
        "\N{GREEK CAPITAL LETTER PHI} is the normal distribution function and t the "
        f"{100 - plain:g} % quantile of the t distribution with n \N{MINUS SIGN} 1 degrees of freedom: for "
        f"n = {EXAMPLE_UNITS} at {tail:.2f} and {100 - tail:.2f} %, wider than the plain {plain:g} and "
        f"{100 - plain:g} %, which are too narrow for few units (T. Hesterberg, “What Teachers Should Know About the "
        "Bootstrap”, The American Statistician 69, 2015)."
    )
