import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from bokehbench.core import registry as lazy_registry
from bokehbench.core.errors import InvalidOptionError, UnknownNameError
from bokehbench.core.registry import Entry, LazyRegistry
from bokehbench.renderers.identity import IdentityRenderer
from bokehbench.renderers.registry import load_renderer


def test_listing_names_imports_no_torch():
    code = (
        "import sys; from bokehbench.renderers.registry import RENDERERS; "
        "from bokehbench.datasets.catalogue import DATASETS; "
        "from bokehbench.benchmarks.metrics.registry import METRICS; "
        "print([r.entries for r in (RENDERERS, DATASETS, METRICS)]); "
        "sys.exit(1 if {'torch', 'datasets', 'numba'} & set(sys.modules) else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_name_suggests_neighbours():
    with pytest.raises(UnknownNameError, match=r"unknown renderer 'clasical'. Did you mean classical"):
        load_renderer("clasical")
    with pytest.raises(UnknownNameError, match=r"Did you mean classical .* Known: [^;]*$"):
        load_renderer("clasical@")


@pytest.mark.parametrize("name", ["identity@somewhere", "identity@"])
def test_checkpoint_for_a_renderer_without_weights(name):
    with pytest.raises(InvalidOptionError, match="has no weights to choose"):
        load_renderer(name)


def test_plugins_come_from_entry_points_and_cannot_replace_ours(monkeypatch):
    target = "bokehbench.renderers.identity:IdentityRenderer"
    points = [EntryPoint(name, target, "group") for name in ("plugin", "ours")]
    monkeypatch.setattr(lazy_registry, "entry_points", lambda group: points)
    registry = LazyRegistry("renderer", "group", {"ours": Entry("nowhere:Nothing", "ours")})
    assert registry.find("ours").target == "nowhere:Nothing"
    assert isinstance(registry.create("plugin"), IdentityRenderer)
