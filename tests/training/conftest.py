import pytest

from bokehbench.datasets.synthetic.random_scenes import SynthesisSettings
from bokehbench.datasets.synthetic.training_scenes import SyntheticScenes
from bokehbench.renderers.bokehdiff.models.compact import CompactSize
from bokehbench.training.scenes import shards

from ..tiny_models import *  # noqa: F403 - fixtures
from ..training_pictures import pictures, settings  # noqa: F401 - fixtures
from .runs import TINY


@pytest.fixture(scope="session", autouse=True)
def _small_shards():
    """Shards of four scenes: they are stored whole, however few of their scenes a test asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD", 4)
        yield


@pytest.fixture(scope="session")
def size():
    return CompactSize(**{name: tuple(v) if isinstance(v, list) else v for name, v in TINY.items()})


@pytest.fixture
def synthesis(settings):  # noqa: F811 - a fixture
    """Return the settings as the program has them."""
    return SynthesisSettings(**{k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()})


@pytest.fixture
def scenes(synthesis):
    return SyntheticScenes(synthesis)
