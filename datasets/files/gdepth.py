"""The depth map in a JPEG file's XMP: Google's GDepth, in the packet itself or in extended XMP.

Sources: developers.google.com/depthmap-metadata (encoding, reference); Adobe, XMP Specification Part 3, 1.1.3: extended
XMP lies in APP1 segments of header, GUID (the MD5 of the whole), length of the whole, offset, and a piece.
"""

import base64
import hashlib
import io
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .embedded import EmbeddedMap
from .pillow_files import read_with_pillow
from .problems import Problem, refusal
from .raster import turn

MAGIC = (b"\xff\xd8\xff",)
PACKET = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
GUID_BYTES = 32
NAMESPACE = "http://ns.google.com/photos/1.0/depthmap/"
GDEPTH = f"{{{NAMESPACE}}}"
HAS_EXTENDED = "{http://ns.adobe.com/xmp/note/}HasExtendedXMP"
METRES = {"m": 1.0, "mm": 0.001}
APP1, START_OF_SCAN, END_OF_IMAGE = 0xE1, 0xDA, 0xD9


def read_gdepth(path: Path, orientation: int) -> EmbeddedMap | None:
    """Return the depth map of a JPEG file as disparity, None where it carries none.

    ``orientation``: the picture's by EXIF, which the map shares. Raises DamagedDataError for a map that is torn or
    whose description is not GDepth's.
    """
    with path.open("rb") as file:
        segments = list(_app1_segments(file))
    properties = _read_properties(path, segments)
    if f"{GDEPTH}Data" not in properties:
        return None
    try:
        content = base64.b64decode("".join(properties[f"{GDEPTH}Data"].split()), validate=True)
    except ValueError as error:
        raise refusal(path, Problem.EMBEDDED, why=f"its GDepth:Data is no base64: {error}") from error
    try:
        raster = read_with_pillow(path, io.BytesIO(content), ("PNG", "JPEG"))
    except (OSError, SyntaxError) as error:
        raise refusal(path, Problem.EMBEDDED, why="its GDepth:Data is no whole PNG or JPEG picture") from error
    values = turn(raster.scaled(path)[..., 0], orientation)
    return _as_disparity(path, values, {key.removeprefix(GDEPTH): value for key, value in properties.items()})


def _as_disparity(path: Path, values: NDArray[np.float32], described: Mapping[str, str]) -> EmbeddedMap:
    """Return 1/depth of values in [0,1]: 0 is near, 1 far, evenly in 1/depth (RangeInverse) or in depth."""
    kind, unit = described.get("Format", "RangeInverse"), described.get("Units", "m")
    measure = described.get("MeasureType", "OpticalAxis")
    near, far = (_number(described.get(name)) for name in ("Near", "Far"))
    if kind not in ("RangeInverse", "RangeLinear") or unit not in METRES or measure not in ("OpticalAxis", "OpticRay"):
        raise refusal(path, Problem.EMBEDDED, why=f"GDepth: Format {kind}, Units {unit}, MeasureType {measure}")
    if not 0.0 < near < far < math.inf:
        why = f"GDepth: expected 0 < Near < Far, got {described.get('Near')}, {described.get('Far')}"
        raise refusal(path, Problem.EMBEDDED, why=why)
    near, far = near * METRES[unit], far * METRES[unit]
    if kind == "RangeInverse":
        disparity = np.float32(1.0 / near) - values * np.float32(1.0 / near - 1.0 / far)
    else:
        disparity = 1.0 / (np.float32(near) + values * np.float32(far - near))
    return EmbeddedMap(disparity, is_metric=True, along_ray=measure == "OpticRay")


def _read_properties(path: Path, segments: list[bytes]) -> dict[str, str]:
    """Return the properties of the packet and of the extended XMP that it names."""
    if not any(NAMESPACE.encode() in segment for segment in segments):
        return {}
    packet = next((piece.removeprefix(PACKET) for piece in segments if piece.startswith(PACKET)), b"")
    properties = dict(_parse(path, packet))
    guid = properties.get(HAS_EXTENDED)
    if guid is not None:
        properties |= dict(_parse(path, _join(path, guid.upper().encode(), segments)))
    return properties


def _join(path: Path, guid: bytes, segments: list[bytes]) -> bytes:
    """Put the pieces of the extended XMP together; refused unless they are whole by length and MD5."""
    start = len(EXTENSION)
    pieces = {}
    for segment in segments:
        if segment.startswith(EXTENSION) and segment[start : start + GUID_BYTES].upper() == guid:
            at = start + GUID_BYTES
            offset = int.from_bytes(segment[at + 4 : at + 8], "big")
            pieces[offset] = segment[at + 8 :]
    joined = b"".join(piece for _, piece in sorted(pieces.items()))
    if hashlib.md5(joined, usedforsecurity=False).hexdigest().upper().encode() != guid:
        why = f"the {len(pieces)} pieces of its extended XMP are not the whole that their MD5 names"
        raise refusal(path, Problem.EMBEDDED, why=why)
    return joined


def _parse(path: Path, packet: bytes) -> Iterator[tuple[str, str]]:
    """Yield name (``{namespace}name``) and text of every attribute and simple element."""
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        raise refusal(path, Problem.EMBEDDED, why="its XMP declares entities")
    try:
        root = ET.fromstring(packet.decode("utf-8").strip("\0\ufeff \r\n"))  # noqa: S314 - no entities, see above
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise refusal(path, Problem.EMBEDDED, why=f"its XMP is damaged: {error}") from error
    for element in root.iter():
        yield from element.attrib.items()
        if element.text and not len(element):
            yield element.tag, element.text


def _app1_segments(file: BinaryIO) -> Iterator[bytes]:
    """Yield the payloads of the APP1 segments before the picture."""
    if file.read(2) != MAGIC[0][:2]:
        return
    while True:
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] in (START_OF_SCAN, END_OF_IMAGE):
            return
        size = int.from_bytes(file.read(2), "big")
        if size < 2:
            return
        payload = file.read(size - 2)
        if marker[1] == APP1:
            yield payload


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
