"""What is known of a composed name before anything is imported. Imports no torch."""

from dataclasses import dataclass, field
from typing import Any

from ...core.registry import Entry


@dataclass(frozen=True)
class ComposedEntry(Entry):
    """What is known of ``NAME+STAGE`` before importing either: the entries of both."""

    renderer: Entry = field(kw_only=True)
    stage: Entry = field(kw_only=True)

    def load(self) -> Any:
        """Import both, so that an error names the part. Raises PluginError as ``Entry.load``."""
        self.stage.load()
        self.renderer.load()
        return super().load()

    def hash_code(self, plugin: object) -> dict[str, str]:
        """Return the code of what joins them, and of both."""
        code = super().hash_code(plugin)
        for what in ("renderer", "stage"):
            part = getattr(self, what).hash_code(getattr(plugin, what, None))
            # Modules have one digest wherever they are named; the other keys are a part's own.
            code |= {f"{what}: {name}" if name in ("options", "entry point") else name: part[name] for name in part}
        return code


def compose_entry(renderer: Entry, stage: Entry) -> ComposedEntry:
    """Return the entry of a renderer with a stage."""
    target = ".renderers.stages.composed:ComposedRenderer"
    return ComposedEntry(target, f"{renderer.summary}; {stage.summary}", renderer=renderer, stage=stage)
