"""How the parts are put together, with stand-ins for the networks that make known planes."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from bokehbench.core.optics import to_linear
from bokehbench.renderers.mpib.lens import PLANES, Lens
from bokehbench.renderers.mpib.pipeline import Networks, render, working_size
from bokehbench.renderers.mpib.planes import blur
from bokehbench.renderers.resize import resize


class PlanesOfDisparity:
    """In the place of MPINet: planes are opaque in their slice of disparity, the farthest everywhere.

    ``share``: of the filled-in background in the farther half of the planes; the nearer ones are the picture.
    """

    def __init__(self, share: float):
        self.share = share
        self.sizes: list[tuple[int, int]] = []
        self.types: list[torch.dtype] = []

    def __call__(self, image, disparity):
        self.sizes.append(tuple(image.shape[-2:]))
        self.types.append(image.dtype)
        plane = (disparity * PLANES).floor().clamp(max=PLANES - 1)
        filled = [0, *sorted(set(plane.flatten().int().tolist()) - {0})]
        alphas = (plane == torch.tensor(filled).view(-1, 1, 1, 1)).float()
        alphas[0] = 1.0
        shares = torch.tensor([self.share if plane < PLANES // 2 else 0.0 for plane in filled]).view(-1, 1, 1, 1)
        nothing = torch.zeros_like(alphas[:1])
        places = [filled.index(plane) if plane in filled else len(filled) for plane in range(PLANES)]
        return torch.cat([shares.expand_as(alphas), nothing]), torch.cat([alphas, nothing]), places


class NearestDoubling:
    """In the place of AUPNet."""

    def __init__(self):
        self.sizes: list[tuple[int, int]] = []
        self.types: list[torch.dtype] = []

    def share(self, image, disparity):
        self.sizes.append(tuple(image.shape[-2:]))
        self.types.append(disparity.dtype)

    def __call__(self, alphas, shares):
        return F.interpolate(alphas, scale_factor=2, mode="nearest")


def stand_ins(share=0.0, filled=0.5):
    return Networks(PlanesOfDisparity(share), NearestDoubling(), lambda image, _: 0.0 * image + filled, torch.float32)


@pytest.fixture
def image():
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def square(height=64, width=64):
    """A near square over a far plane: planes 3 and 28."""
    disparity = torch.full((1, 1, height, width), 3.5 / PLANES)
    disparity[..., height // 4 : -height // 4, width // 4 : -width // 4] = 28.5 / PLANES
    return disparity


@pytest.mark.parametrize("scale", [0.0, 20.0])
def test_one_opaque_plane_in_focus_is_the_picture(image, scale):
    flat = torch.full_like(square(), 0.5 / PLANES)
    picture = render(stand_ins(), image, flat, Lens(0.0, 1.0, focus=0.5 / PLANES, strength=scale), 2.2)
    torch.testing.assert_close(picture, image[0])


def test_networks_get_their_type_and_the_picture_stays_float32(image):
    networks = dataclasses.replace(stand_ins(), dtype=torch.bfloat16)
    picture = render(networks, image, square(), Lens(0.0, 1.0, focus=0.5, strength=3.0), 2.2)
    assert picture.dtype == torch.float32
    assert networks.mpinet.types == networks.aupnet.types == [torch.bfloat16]


def test_one_opaque_plane_out_of_focus_is_blurred_in_linear_light(image):
    flat = torch.full_like(square(), 0.5 / PLANES)
    lens = Lens(0.0, 1.0, focus=17.0 / PLANES, strength=10.0)
    expected = blur(to_linear(image[0], 2.2), lens.radii_px[0]) ** (1 / 2.2)
    assert lens.radii_px[0] == 5
    torch.testing.assert_close(render(stand_ins(), image, flat, lens, 2.2), expected, atol=1e-4, rtol=0.0)


def test_what_a_blurred_near_square_hides_is_filled_in(image):
    """Behind its rim the filled-in background is seen: black or white it makes a difference there, and there only."""
    lens = Lens(0.0, 1.0, focus=3.5 / PLANES, strength=6.0)
    pictures = [render(stand_ins(1.0, filled), image, square(), lens, 2.2) for filled in (0.0, 1.0)]
    changed = (pictures[1] - pictures[0]).amax(dim=0) > 0.01
    assert changed[20:44, 18:22].any()
    assert not changed[:8].any()
    assert not changed[28:36, 28:36].any()


@pytest.mark.parametrize(
    ("size", "strength", "small", "doubled"),
    [
        ((64, 64), 20.0, (64, 64), [(64, 64)]),
        ((128, 160), 60.0, (64, 96), [(128, 192), (128, 160)]),
        ((129, 97), 120.0, (32, 32), [(64, 64), (128, 128), (130, 98)]),
        ((9, 40), 200.0, (32, 32), [(10, 40)]),
    ],
)
def test_sizes_at_which_the_networks_work(size, strength, small, doubled):
    networks = stand_ins()
    picture = render(networks, torch.rand(1, 3, *size), square(*size), Lens(0.0, 1.0, 0.5, strength), 2.2)
    assert picture.shape == (3, *size)
    assert networks.mpinet.sizes == [small]
    assert networks.aupnet.sizes == doubled


def test_working_sizes_are_brought_up_to_multiples():
    assert working_size(1333, 2000, 1024, 8) == (1024, 1536)  # 1536.4 columns: what is beyond a whole px is cut off
    assert working_size(500, 300, 512, 32) == (512, 320)
    assert working_size(100, 200, 40, 2) == (40, 80)


def test_an_alpha_at_the_same_size_is_left_alone():
    maps = torch.rand(1, 2, 5, 6)
    assert resize(maps, (5, 6)) is maps
