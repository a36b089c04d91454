"""Ways in which a file gets damaged or is written by somebody who errs. All randomness comes from the generator given.

A mutation takes ``(rng, path)``, changes the file or what is around it, and returns what it did in a few words.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml
from PIL import Image

Mutation = Callable[[Random, Path], str]

TEXTS = (".json", ".jsonl", ".yaml")
PICTURES = (".png", ".jpg", ".bmp", ".webp", ".tif", ".tiff")

VALUES: tuple[Any, ...] = (
    *(None, True, False, [], {}, "", "x", 0, -1, 1, 2, 0.5, 1e-5, -1e300, 1e300, float("nan"), float("inf")),
    *(10**30, 10**400, [1], [None], {"a": 1}, {"": {}}, "../../x", "/etc/passwd", "a" * 100_000, "\x1b[31m\r\n", "1"),
    *("nan", "1e-05", "\u0661", [[]] * 1000, "a\u0000b", {"0": [0] * 100}, -0.0, 2**63, "é" * 200),
)
"""What takes the place of a value in a text file."""

YAML_LINES = (
    "!!int ''",
    "!!bool x",
    "!!timestamp x",
    "!!python/object/apply:os.getcwd []",
    "&a [*a]",
    "[" * 5000,
    "\t",
)
NAMES = ("ä\u0301 \U0001f600", "a\nb", "a\x1b[31mb", "-rf", "x" * 200, " ", "a;b,c", "=1+1", "%s{}", "CON", "..a")


def flip_bits(rng: Random, path: Path) -> str:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return "bits flipped"


def truncate(rng: Random, path: Path) -> str:
    data = path.read_bytes()
    end = rng.choice((0, 1, len(data) - 1, rng.randrange(len(data)), rng.randrange(len(data))))
    path.write_bytes(data[:end])
    return "truncated"


def grow(rng: Random, path: Path) -> str:
    data = path.read_bytes()
    more = rng.choice((b"\0" * 4096, rng.randbytes(100), data, b"\n", b"{}\n", b"\xff\xfe"))
    path.write_bytes(more + data if rng.random() < 0.3 else data + more)
    return "grown"


def zero_block(rng: Random, path: Path) -> str:
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((16, 512, 4096)))
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
    return "block zeroed"


def swap_blocks(rng: Random, path: Path) -> str:
    data = path.read_bytes()
    first, second, third = sorted(rng.randrange(len(data) + 1) for _ in range(3))
    path.write_bytes(data[:first] + data[second:third] + data[first:second] + data[third:])
    return "blocks swapped"


def take_others_content(rng: Random, path: Path) -> str:
    others = sorted(p for p in path.parent.rglob("*") if p.is_file() and p != path)
    if others:
        path.write_bytes(rng.choice(others).read_bytes())
    return "another file's content"


def remove(rng: Random, path: Path) -> str:
    path.unlink()
    return "removed"


def replace_by_folder(rng: Random, path: Path) -> str:
    path.unlink()
    path.mkdir()
    return "replaced by a folder"


def replace_by_link(rng: Random, path: Path) -> str:
    siblings = sorted(p for p in path.parent.iterdir() if p != path)
    target = rng.choice(["/nowhere/at/all", path.name, "/dev/null", *siblings])
    path.unlink()
    path.symlink_to(target)
    return "replaced by a link"


def replace_by_pipe(rng: Random, path: Path) -> str:
    path.unlink()
    os.mkfifo(path)
    return "replaced by a named pipe"


def make_huge(rng: Random, path: Path) -> str:
    with path.open("r+b") as file:
        file.truncate(1 << 28)
    return "made huge"


def forbid(rng: Random, path: Path) -> str:
    path.chmod(0)
    return "permission taken"


def add_strangers(rng: Random, path: Path) -> str:
    name = rng.choice((".DS_Store", "Thumbs.db", f"._{path.name}", f"{path.name}~", "notes.txt", *NAMES[:3]))
    (path.parent / name).write_bytes(rng.choice((b"", b"\0\1\2", path.read_bytes())))
    return "a stranger beside it"


def rename_folder(rng: Random, path: Path) -> str:
    name = rng.choice((*NAMES, os.fsdecode(b"\xff\xfe")))
    path.parent.rename(path.parent.with_name(name))
    return "folder renamed"


def change_value(rng: Random, path: Path) -> str:
    return _edit(rng, path, lambda owner, key: owner.__setitem__(key, rng.choice(VALUES)), "value changed")


def remove_entry(rng: Random, path: Path) -> str:
    return _edit(rng, path, lambda owner, key: owner.__delitem__(key), "entry removed")


def rename_entry(rng: Random, path: Path) -> str:
    def rename(owner: Any, key: Any) -> None:
        value = owner.pop(key)
        owner[rng.choice(NAMES)] = value

    return _edit(rng, path, rename, "entry renamed", mappings_only=True)


def scale_number(rng: Random, path: Path) -> str:
    def scale(owner: Any, key: Any) -> None:
        if isinstance(owner[key], int | float):
            owner[key] *= rng.choice((-1, 1000, 0.001, 1.01))

    return _edit(rng, path, scale, "number scaled")


def insert_line(rng: Random, path: Path) -> str:
    lines = path.read_bytes().split(b"\n")
    line = rng.choice((*(f"gamma: {text}" for text in YAML_LINES), *YAML_LINES, "{}", "null", "\x00"))
    lines.insert(rng.randrange(len(lines) + 1), line.encode())
    if rng.random() < 0.3:
        lines = lines * 2
    path.write_bytes(b"\n".join(lines))
    return "line inserted"


def _edit(rng: Random, path: Path, change: Callable[[Any, Any], None], what: str, mappings_only: bool = False) -> str:
    """Apply ``change`` to a random entry of a text file; a line of its own for JSON lines."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines() if path.suffix == ".jsonl" else [text]
    place = rng.randrange(len(lines))
    content = yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(lines[place])
    entries = [(owner, key) for owner, key in _entries(content) if isinstance(owner, dict) or not mappings_only]
    if entries:
        change(*rng.choice(entries))
    lines[place] = yaml.safe_dump(content) if path.suffix == ".yaml" else json.dumps(content)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogatepass")
    return what


def _entries(content: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    if isinstance(content, dict | list):
        for key, value in list(content.items() if isinstance(content, dict) else enumerate(content)):
            found += [(content, key), *_entries(value)]
    return found


def change_size(rng: Random, path: Path) -> str:
    with Image.open(path) as picture:
        size = rng.choice(((1, 1), (picture.width + 1, picture.height), (picture.height, picture.width), (300, 2)))
        changed = picture.resize(size)
    changed.save(path)
    return "size changed"


def change_mode(rng: Random, path: Path) -> str:
    other = path.with_name(f"other{rng.choice(('.png', '.tif', '.webp'))}")
    with Image.open(path) as picture:
        mode = (
            rng.choice(("L", "RGBA", "P", "1", "LA", "CMYK")) if other.suffix == ".tif" else rng.choice(("L", "RGBA"))
        )
        changed = picture.convert("RGB").convert(mode)
    changed.save(other)
    shutil.move(other, path)
    return "kind of picture changed"


def change_map(rng: Random, path: Path) -> str:
    """Change the values, the type or the shape of a numpy array."""
    array = np.load(path)
    changes = (
        lambda a: a * 1e30,
        lambda a: -a,
        lambda a: np.where(a > a.mean(), np.nan, a),
        lambda a: np.where(a > a.mean(), np.inf, a),
        lambda a: np.zeros_like(a),
        lambda a: a[None],
        lambda a: a[..., None],
        lambda a: a.T,
        lambda a: a[:0],
        lambda a: a.astype("f2"),
        lambda a: a.astype(">f8"),
        lambda a: a.astype("c8"),
        lambda a: a.astype("U5"),
        lambda a: (a * 255).astype("u1"),
        lambda a: a.astype([("x", "f4")]),
    )
    np.save(path, rng.choice(changes)(array))
    return "map changed"


BYTES: tuple[Mutation, ...] = (flip_bits, truncate, grow, zero_block, swap_blocks, take_others_content)
FILES: tuple[Mutation, ...] = (remove, replace_by_folder, replace_by_link, replace_by_pipe, make_huge, forbid)
CONTENT: tuple[Mutation, ...] = (change_value, change_value, remove_entry, rename_entry, scale_number, insert_line)


def choose(rng: Random, path: Path, inputs: bool) -> Mutation:
    """Return a mutation that suits the file; ``inputs``: of a user's folder of scenes."""
    fitting = [*BYTES, rng.choice(FILES), rng.choice(FILES)]
    if path.suffix in TEXTS:
        fitting += [*CONTENT, *CONTENT]
    if inputs:
        fitting += [add_strangers, rename_folder]
        if path.suffix in PICTURES:
            fitting += [change_size, change_mode] * 2
        if path.suffix == ".npy":
            fitting += [change_map] * 6
    return rng.choice(fitting)
