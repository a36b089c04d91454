"""The two sizes of the compact models' recipe."""

from dataclasses import dataclass

from ...renderers.bokehdiff.models.compact import CompactSize


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What differs between a CPU's and a GPU's training."""

    scenes: int
    degraded_scenes: int
    autoencoder_steps: int
    decoder_steps: int
    first_steps: int
    second_steps: int
    third_steps: int
    plus_steps: int
    low_quality_steps: int
    batch: int
    crop_px: int
    size: CompactSize


SCALES = {
    "cpu": Scale(
        scenes=2400,
        degraded_scenes=1200,
        autoencoder_steps=850,
        decoder_steps=450,
        first_steps=1600,
        second_steps=1200,
        third_steps=2400,
        plus_steps=2000,
        low_quality_steps=1000,
        batch=4,
        crop_px=128,
        size=CompactSize(unet_widths=(64, 96, 144)),
    ),
    "gpu": Scale(
        scenes=12000,
        degraded_scenes=12000,
        autoencoder_steps=6000,
        decoder_steps=2000,
        first_steps=3000,
        second_steps=3000,
        third_steps=3000,
        plus_steps=6000,
        low_quality_steps=3000,
        batch=32,
        crop_px=192,
        size=CompactSize(unet_widths=(64, 96, 144)),
    ),
}
