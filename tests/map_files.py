"""Files with maps, put together byte by byte as their descriptions say: portable float maps, JPEG with GDepth."""

import base64
import hashlib
import io
import struct

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 32
LEVELS = np.add.outer(np.arange(HEIGHT) * 1500, np.arange(WIDTH) * 800).astype(np.uint16)
SHARES = LEVELS / 65535.0
NEAR, FAR = 0.5, 8.0
DESCRIPTION = {"Format": "RangeInverse", "Near": NEAR, "Far": FAR, "Mime": "image/png"}
CHUNK = 150
"""Bytes of a piece of extended XMP: several pieces even for a small map."""


def png(levels=LEVELS) -> bytes:
    return cv2.imencode(".png", levels)[1].tobytes()


def packet(attributes: str, namespaces: str = "") -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" {namespaces} {attributes}/></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def segment(payload: bytes) -> bytes:
    return b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload


def attributes(described) -> str:
    return " ".join(f'GDepth:{name}="{value}"' for name, value in described.items())


def write_gdepth(
    path, described=DESCRIPTION, data=None, extended=True, in_extended=(), tear=None, size=(WIDTH, HEIGHT), exif=None
) -> None:
    """Write a photograph with a map; ``tear``: changes the pieces of the extended XMP, a list of segments."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (90, 120, 30)).save(buffer, "JPEG", **({"exif": exif} if exif else {}))
    coded = base64.b64encode(png() if data is None else data).decode()
    if not extended:
        segments = [segment(b"http://ns.adobe.com/xap/1.0/\0" + packet(attributes({**described, "Data": coded})))]
    else:
        whole = packet(attributes({**dict(in_extended), "Data": coded}))
        guid = hashlib.md5(whole, usedforsecurity=False).hexdigest().upper()
        main = packet(
            f'{attributes(described)} xmpNote:HasExtendedXMP="{guid}"', 'xmlns:xmpNote="http://ns.adobe.com/xmp/note/"'
        )
        pieces = [
            segment(
                b"http://ns.adobe.com/xmp/extension/\0"
                + guid.encode()
                + len(whole).to_bytes(4, "big")
                + start.to_bytes(4, "big")
                + whole[start : start + CHUNK]
            )
            for start in range(0, len(whole), CHUNK)
        ]
        assert len(pieces) > 2
        segments = [segment(b"http://ns.adobe.com/xap/1.0/\0" + main), *(tear(pieces) if tear else pieces)]
    jpeg = buffer.getvalue()
    path.write_bytes(jpeg[:2] + b"".join(segments) + jpeg[2:])


def write_pfm(path, values, scale="-1.0", magic=b"Pf", newline=b"\n") -> None:
    order = "<" if scale.startswith("-") else ">"
    rows = b"".join(struct.pack(f"{order}{row.size}f", *row.ravel()) for row in values[::-1])
    size = f"{values.shape[1]} {values.shape[0]}".encode()
    path.write_bytes(newline.join([magic, size, scale.encode(), b""]) + rows)
