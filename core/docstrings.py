"""The first line of a docstring, read from a module's source: nothing is imported, so nothing of it runs."""

import ast
from pathlib import Path

from .sources import find_spec


def first_line_of_docstring(module: str, name: str) -> str:
    """Return the first line of the docstring of ``name`` in ``module``; empty where there is none to be found."""
    file = _find_file(module)
    try:
        tree = ast.parse(file.read_text(encoding="utf-8")) if file else None
    except (OSError, SyntaxError, ValueError):  # loading the plug-in says more
        return ""
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return next(iter((ast.get_docstring(node) or "").splitlines()), "")
    return ""


def _find_file(module: str) -> Path | None:
    """Find a module's source below its top-level package, which alone Python is asked for."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    homes = [Path(place).joinpath(*rest) for place in spec.submodule_search_locations or ()]
    candidates = [file for home in homes for file in (home.with_suffix(".py"), home / "__init__.py")]
    if not rest and spec.origin:
        candidates.insert(0, Path(spec.origin))
    return next((file for file in candidates if file.is_file() and file.suffix == ".py"), None)
