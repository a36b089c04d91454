"""Which files are taken, and what a name without them is answered."""

import pytest

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError, UnknownNameError
from bokehbench.renderers.mpib.weight_files import NETWORKS, find_files
from bokehbench.renderers.registry import load_renderer

REMEDY = r"git clone .*/JuewenPeng/MPIB FOLDER.*drive\.google\.com.*into FOLDER/checkpoints.*mpib@FOLDER"


@pytest.mark.parametrize("place", ["checkpoints", "."])
def test_files_lie_in_checkpoints_or_in_the_folder(tmp_path, place):
    home = tmp_path / "MPIB" / place
    home.mkdir(parents=True)
    for name in NETWORKS:
        (home / f"{name}.pth").touch()
    found = find_files(str(tmp_path / "MPIB"))
    assert found.paths == [home / f"{name}.pth" for name in NETWORKS]
    assert found.name == "MPIB"


def test_what_is_absent_is_named_with_the_remedy(tmp_path):
    with pytest.raises(UnknownNameError, match=f"'mpib': no weights of it ship: .*{REMEDY}"):
        load_renderer("mpib")
    with pytest.raises(InvalidOptionError, match=f"no such folder: .*{REMEDY}"):
        load_renderer(f"mpib@{tmp_path / 'nowhere'}")
    with pytest.raises(MissingWeightsError, match=f"expected the files of three networks .*{REMEDY}"):
        load_renderer(f"mpib@{tmp_path}")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/mpinet.pth").touch()
    with pytest.raises(MissingWeightsError, match=rf"there is no aupnet\.pth and no inpnet\.pth: .*{REMEDY}"):
        load_renderer(f"mpib@{tmp_path}")
