"""Which source files a module consists of: its own and those that it imports. Read as text: nothing is imported.

What counts of the imports: modules of the same package, of bokehbench, and whatever lies outside Python's own library
and its folders of installed packages, which is source that somebody works on. Installed packages of other people count
by their versions, which the environment of a run names. A string that names a module of the same package or of
bokehbench, as a registry's does, counts as an import of it. Where a plug-in imports what its text does not name
(``import_module(f"mine.{name}")``, ``pkgutil.iter_modules``), every module of its package counts.
"""

import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

OWN = "bokehbench"
IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]*import\b[ \t]*(\((?:[^)#]|#.*+)*+\)|[^\n#;]+)"
    r"|import[ \t]+([^\n#;]+))",
    re.MULTILINE,
)
NAMED = re.compile(r"""["'](\.?)(\w+(?:\.\w+)+|\w+(?=:\w))(?::\w+)?["']""")
"""A string that may name a module: ``"package.module"``, ``".package.module:Class"``, ``"module:Class"``."""

CALL = re.compile(r"""\b(?:import_module|__import__)\(\s*(?:name\s*=\s*)?(?:["'](\.*)([\w.:]+)["']\s*[,)])?""")
LOADER = re.compile(
    r"\b(?:iter_modules|walk_packages|spec_from_file_location|SourceFileLoader|run_path|run_module|lazy_loader)\b"
)
WHOLE_PACKAGE = "**"
"""Stands for every module of a package."""

COMMENT = re.compile("#.*")
INSTALLED = frozenset({"site-packages", "dist-packages"})
SUFFIXES = importlib.machinery.all_suffixes()
"""Of modules; compiled extensions are among them."""

Matches = list[tuple[str, ...]]


@dataclass(frozen=True)
class _Text:
    """What the expressions above find in a file, and its hash."""

    imports: Matches = field(default_factory=list)
    strings: Matches = field(default_factory=list)
    calls: Matches = field(default_factory=list)
    loads: bool = False
    digest: str = "unreadable"


def hash_sources(module: str, file: Path | None = None, packages: Iterable[str] = ()) -> dict[str, str]:
    """Return twelve hexadecimal digits of the SHA-256 of each file of ``find_sources``, by dotted name."""
    found = find_sources(module, file, packages)
    return {name: _scan(path).digest for name, path in sorted(found.items())}


def find_sources(module: str, file: Path | None = None, packages: Iterable[str] = ()) -> dict[str, Path]:
    """Return the files of ``module`` and of all that it imports, directly or through others, by dotted name.

    ``file``: where the module lies, if that is known; ``packages``: other top-level names that count wherever they lie.
    Empty where there is no such file.
    """
    walk = _Walk({module.partition(".")[0], OWN, *packages})
    found: dict[str, Path] = {}
    pending = [module]
    if file is not None and file.is_file():
        walk.homes[module.partition(".")[0]] = _home(module, file)
        found[module] = file
        pending += imports_of(module, file, walk.counted)
    seen: set[str] = set()
    while pending:
        wanted = pending.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        for name, path in walk.locate(wanted):
            if name not in found:
                found[name] = path
                pending += imports_of(name, path, walk.counted)
    return found


def imports_of(module: str, file: Path, counted: Collection[str]) -> list[str]:
    """Return the dotted names of what a module imports; some are no modules but things inside one.

    ``counted``: top-level packages whose modules count where a string names them.
    """
    text = _scan(file)
    parts = module.split(".")
    package = parts if file.stem == "__init__" else parts[:-1]
    named = (name for name in _named(text.strings, package) if name.partition(".")[0] in {*counted, *parts[:1]})
    called = [_absolute(dots, name, package) for dots, name in text.calls if name]
    unnamed = text.loads or len(called) < len(text.calls)
    whole = [f"{parts[0]}.{WHOLE_PACKAGE}"] if unnamed and parts[0] != OWN else []
    return list(dict.fromkeys([*_imported(text.imports, package), *named, *called, *whole]))


class _Walk:
    """Where modules lie. ``counted``: top-level names that count wherever that is."""

    def __init__(self, counted: set[str]):
        self.counted = counted
        self.homes: dict[str, Path | None] = {OWN: Path(__file__).parents[1]}
        self._names: dict[Path, set[str]] = {}

    def locate(self, wanted: str) -> Iterator[tuple[str, Path]]:
        """Yield a module and the packages that it lies in, by name, as far as there are such files and they count."""
        top, *rest = wanted.split(".")
        if top not in self.homes:
            self.homes[top] = _find_home(top, anywhere=top in self.counted)
        home = self.homes[top]
        if home is None:
            return
        if home.is_file():
            yield top, home
            return
        if rest == [WHOLE_PACKAGE]:
            yield from self._modules_in(home, [top])
            return
        for depth in range(len(rest) + 1):
            path = self._file_of(home, rest[:depth])
            if path is not None:
                yield ".".join([top, *rest[:depth]]), path

    def _file_of(self, home: Path, parts: list[str]) -> Path | None:
        if parts:
            folder = home.joinpath(*parts[:-1])
            names = self._names_in(folder)
            name = next((parts[-1] + suffix for suffix in SUFFIXES if parts[-1] + suffix in names), None)
            if name is not None:
                return folder / name
            if parts[-1] not in names:
                return None
        package = home.joinpath(*parts)
        return package / "__init__.py" if "__init__.py" in self._names_in(package) else None

    def _modules_in(self, folder: Path, parts: list[str]) -> Iterator[tuple[str, Path]]:
        for name in sorted(self._names_in(folder)):
            stem = name.partition(".")[0]
            if stem == name and stem.isidentifier():
                yield from self._modules_in(folder / name, [*parts, name])
            elif stem.isidentifier() and name[len(stem) :] in SUFFIXES:
                yield ".".join(parts if stem == "__init__" else [*parts, stem]), folder / name

    def _names_in(self, folder: Path) -> set[str]:
        if folder not in self._names:
            try:
                self._names[folder] = set(os.listdir(folder))
            except OSError:
                self._names[folder] = set()
        return self._names[folder]


def _imported(imports: Matches, package: list[str]) -> Iterator[str]:
    for dots, source, names, modules in imports:
        prefix = _absolute(dots, source, package)
        if not modules:
            yield prefix
        for part in COMMENT.sub("", names or modules).strip("() \t\r\n").split(","):
            name = part.split()  # without what follows "as"
            if name:
                yield name[0] if modules else f"{prefix}.{name[0]}"


def _absolute(dots: str, name: str, package: list[str]) -> str:
    return ".".join(filter(None, [*package[: len(package) - len(dots) + 1], name] if dots else [name]))


def _named(strings: Matches, package: list[str]) -> Iterator[str]:
    """Yield what strings may name: after a dot a module beside this one, or one in bokehbench or the same package."""
    for dot, name in strings:
        if dot:
            yield from (f"{base}.{name}" for base in dict.fromkeys((".".join(package), *package[:1])))
        else:
            yield name


def _home(module: str, file: Path) -> Path | None:
    """Return what a module's top-level package is: the folder of its modules, whatever its name, or the one file."""
    depth = module.count(".") - (file.stem != "__init__")
    return file if depth < 0 else file.parents[depth]


def find_spec(top: str) -> importlib.machinery.ModuleSpec | None:
    """Return where Python would import a top-level module from; None where it cannot."""
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None


def _find_home(top: str, *, anywhere: bool) -> Path | None:
    """Find a top-level module as an import would; None unless it counts."""
    if top in sys.stdlib_module_names:
        return None
    spec = find_spec(top)
    if spec is None:
        return None
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]
    home = next((path for path in map(Path, places) if path.exists()), None)
    return home if home is not None and (anywhere or not INSTALLED.intersection(home.parts)) else None


def _scan(path: Path) -> _Text:
    """Look through a file; one that did not change is read once a process."""
    try:
        status = path.stat()
        return _read(path, status.st_mtime_ns, status.st_size)
    except OSError:  # whoever imports it says more
        return _Text()


@functools.cache
def _read(path: Path, *_: int) -> _Text:
    content = path.read_bytes()
    text = content.decode("utf-8", "replace").replace("\\\n", " ") if path.suffix == ".py" else ""
    return _Text(
        imports=IMPORT.findall(text),
        strings=NAMED.findall(text),
        calls=CALL.findall(text),
        loads=LOADER.search(text) is not None,
        digest=hashlib.sha256(content).hexdigest()[:12],
    )
