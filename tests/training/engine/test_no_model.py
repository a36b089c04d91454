"""The engine knows no model: it imports no family's code, no diffusion pipeline and no scenes."""

import ast
from pathlib import Path

import pytest

from bokehbench.training.engine import loop

ENGINE = Path(loop.__file__).parent
OWN = {"core", "training.engine", "training.registry"}


def imports(path):
    """Yield what a module imports, ours as seen from the project's root."""
    package = ["training", "engine"]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])]), bool(node.level)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names)


@pytest.mark.parametrize("path", sorted(ENGINE.glob("*.py")), ids=lambda path: path.name)
def test_what_the_engine_imports(path):
    for name, ours in imports(path):
        if ours:
            assert any(name == own or name.startswith(f"{own}.") for own in OWN), name
        else:
            assert name == "diffusers.training_utils" or name.partition(".")[0] not in {"diffusers", "peft"}, name
