import subprocess
import sys

import pytest

from bokehbench.benchmarks.metrics.registry import DEFAULT_METRICS, METRICS, load_metric
from bokehbench.core.errors import UnknownNameError


def test_listing_names_imports_no_torch():
    code = (
        "import sys; from bokehbench.benchmarks.metrics.registry import METRICS; list(METRICS.entries);"
        "print([name for name in ('torch', 'numpy', 'lpips', 'pyiqa') if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"


def test_an_unknown_metric_suggests_its_neighbour():
    with pytest.raises(UnknownNameError, match=r"unknown metric 'lpips'.*Did you mean lpips-"):
        load_metric("lpips")


def test_the_default_metrics_are_registered():
    assert set(DEFAULT_METRICS) <= set(METRICS.entries)
