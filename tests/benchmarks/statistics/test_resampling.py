import numpy as np

from bokehbench.benchmarks.statistics.resampling import resample_quartile_widths


def test_resampled_quartiles_are_numpys_on_the_resampled_scenes():
    """Against drawing the clusters' scenes one by one, from the same multinomial draws."""
    generator = np.random.default_rng(4)
    values = generator.normal(size=(13, 2))
    members = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 4, 4, 5, 6])
    found = resample_quartile_widths(values, members, resamples=50, seed=9)
    draws = np.random.default_rng(9).multinomial(7, np.full(7, 1 / 7), size=50)
    for draw, widths in zip(draws, found, strict=True):
        low, high = np.quantile(values[np.repeat(np.arange(13), draw[members])], [0.25, 0.75], axis=0)
        np.testing.assert_allclose(widths, high - low)
