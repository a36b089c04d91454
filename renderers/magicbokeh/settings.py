"""How MagicBokeh's compact networks are built and used; saved with them. Imports no torch."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from ...core.checks import Lengths, Within, check, check_choice, check_fields
from ...core.settings import read_settings

ATTENTIONS = ("code", "paper", "unmasked")
BASES = ("classical", "classical-occlusion")
WIDEST = 4096


@dataclass(frozen=True, kw_only=True)
class NetworkSize:
    """Sizes of the network. The defaults ship; tests use smaller ones.

    - ``widths``: channels where a latent pixel, two of them, four and so on are a token; ``blocks``: residual blocks
      there, on the way down and again on the way up.
    - ``groups`` of the norms, ``heads`` of the attentions: both divide the widths. ``rank``: of the bokeh branch's
      low-rank changes to the attentions.

    Raises InvalidOptionError on impossible values.
    """

    latent_channels: Annotated[int, Within(1, 768)] = 16
    widths: Annotated[tuple[int, ...], Lengths(2, 6), Within(1, WIDEST)] = (64, 96, 128)
    blocks: Annotated[tuple[int, ...], Lengths(2, 6), Within(1, 16)] = (2, 1, 1)
    groups: Annotated[int, Within(1, WIDEST)] = 16
    heads: Annotated[int, Within(1, 256)] = 4
    rank: Annotated[int, Within(1, 512)] = 32

    def __post_init__(self) -> None:
        check_fields(self, "size.")
        check("size.blocks", self.blocks, len(self.blocks) == len(self.widths), "as many numbers as size.widths")
        for parts, name in ((self.groups, "groups"), (self.heads, "heads")):
            fits = all(width % parts == 0 for width in self.widths)
            check("size.widths", self.widths, fits, f"multiples of {parts} ({name})")

    @property
    def multiple(self) -> int:
        """Latent pixels of the coarsest token."""
        return 2 ** (len(self.widths) - 1)


@dataclass(frozen=True, kw_only=True)
class MagicSettings:
    """How the networks of a folder are used.

    - ``attention``: what the focus mask changes, see ``focus_attention``: ``code``, ``paper``, ``unmasked`` (nothing).
    - ``radius_px``: R, the radius of blur that counts as defocus 1; larger ones are seen as 1.
    - ``in_focus``: largest share of R that still counts as in focus (the release's 0.1).
    - ``base``: the classical renderer whose picture of the low-quality scene the network starts from.
    - ``autoencoder``: digest of the autoencoder whose latents the network was trained on.

    Raises InvalidOptionError on impossible values.
    """

    size: NetworkSize = field(default_factory=NetworkSize)
    attention: str = "code"
    radius_px: Annotated[float, Within(1.0, 1e4)] = 32.0
    in_focus: Annotated[float, Within(0.0, 1.0)] = 0.1
    base: str = "classical-occlusion"
    autoencoder: str = ""

    def __post_init__(self) -> None:
        check_fields(self, "settings.")
        check_choice("settings.attention", self.attention, ATTENTIONS)
        check_choice("settings.base", self.base, BASES)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str = "settings.") -> "MagicSettings":
        """Read what ``to_json`` wrote. Raises InvalidOptionError on unknown names or impossible values."""
        return read_settings(cls, values, where)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as nested dicts, lists, strings and numbers."""
        return dataclasses.asdict(self)
