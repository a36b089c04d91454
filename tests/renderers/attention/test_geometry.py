import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, InvalidSceneError
from bokehbench.renderers.attention.geometry import DISPARITY_MARGIN, TokenGeometry
from bokehbench.renderers.attention.physics import PisaPhysics


def test_tokens_average_their_pixels_on_any_aspect_ratio():
    disparity = torch.linspace(0.1, 0.9, 8 * 24).reshape(1, 1, 8, 24)
    geometry = TokenGeometry.from_maps(disparity, 10 * disparity, grid=(2, 3))
    assert geometry.pitch_px == (4.0, 8.0)
    torch.testing.assert_close(geometry.disparity[0, 4], disparity[0, 0, 4:8, 8:16].mean())
    torch.testing.assert_close(geometry.radius_px, 10 * geometry.disparity)
    assert geometry.ray_map.shape == (1, 6, 9)
    torch.testing.assert_close(geometry.positions_px[4], torch.tensor([6.0, 12.0]))


def test_a_token_across_the_focal_plane_is_as_blurred_as_its_pixels():
    defocus_px = torch.tensor([[-3.0, 5.0], [-3.0, 5.0]])[None, None]
    geometry = TokenGeometry.from_maps(torch.full((1, 1, 2, 2), 0.5), defocus_px, grid=(1, 1))
    assert float(geometry.radius_px) == 4.0


def test_bilinear_pooling_reads_the_centre():
    disparity = torch.arange(16.0).reshape(1, 1, 4, 4) / 20
    geometry = TokenGeometry.from_maps(disparity, disparity, grid=(1, 1), pooling="bilinear")
    torch.testing.assert_close(geometry.disparity[0, 0], disparity[0, 0, 1:3, 1:3].mean())


def test_disparity_keeps_away_from_the_lens_and_from_infinity():
    disparity = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    geometry = TokenGeometry.from_maps(disparity, disparity, grid=(1, 2))
    torch.testing.assert_close(geometry.disparity[0], torch.tensor([DISPARITY_MARGIN, 1 - DISPARITY_MARGIN]))


def test_the_released_pitch_spans_512_px_from_the_first_token_to_the_last():
    disparity = torch.full((1, 1, 512, 512), 0.5)
    geometry = TokenGeometry.from_maps(disparity, disparity, grid=(32, 32)).with_released_pitch()
    assert geometry.pitch_px == (512 / 31, 512 / 31)


@pytest.mark.parametrize(
    ("disparity", "radius_px", "grid", "pooling", "error", "words"),
    [
        (torch.ones(1, 1, 4, 4) * 2, torch.ones(1, 1, 4, 4), (2, 2), "area", InvalidSceneError, "normalise"),
        (torch.full((1, 1, 4, 4), torch.nan), torch.ones(1, 1, 4, 4), (2, 2), "area", InvalidSceneError, "normalise"),
        (torch.ones(1, 1, 4, 4), torch.full((1, 1, 4, 4), torch.inf), (2, 2), "area", InvalidSceneError, "infinite"),
        (torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 5), (2, 2), "area", InvalidSceneError, "one shape"),
        (torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), (5, 2), "area", InvalidOptionError, "1 to 4 rows"),
        (torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), (2, 2), "cubic", InvalidOptionError, "bilinear"),
    ],
)
def test_impossible_maps_are_named(disparity, radius_px, grid, pooling, error, words):
    with pytest.raises(error, match=words):
        TokenGeometry.from_maps(disparity, radius_px, grid, pooling)


@pytest.mark.parametrize(
    "setting",
    [
        {"hardness": 1.0},
        {"rays": 0},
        {"segments": 0},
        {"ray_range": (0.5, 1.0)},
        {"jitter": "none"},
        {"rays_from": "q"},
    ],
)
def test_impossible_physics_is_named(setting):
    with pytest.raises(InvalidOptionError, match=next(iter(setting))):
        PisaPhysics(**setting)


def test_profiles():
    assert PisaPhysics.from_profile("paper") == PisaPhysics()
    released = PisaPhysics.from_profile("code", coc=False)
    assert (released.rays_from, released.jitter, released.coc) == ("mixed", "sample", False)
    assert (released.rays, released.segments, released.min_visibility) == (5, 7, 0.0)
    training = PisaPhysics.from_profile("code", hardness=3.0)
    assert (training.rays, training.segments, training.min_visibility) == (4, 5, 0.01)
    assert PisaPhysics().ray_weights == pytest.approx((0.1, 0.2333333, 0.3666667, 0.5, 0.6333333, 0.7666667, 0.9))
    with pytest.raises(InvalidOptionError, match="paper"):
        PisaPhysics.from_profile("thesis")
