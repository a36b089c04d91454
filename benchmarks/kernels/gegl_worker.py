"""A process that renders with GEGL's lens-blur when it is asked to: ``bench_peers`` starts it with the system's Python.

It needs nothing but the standard library and python3-gi, and is never imported. Arguments: folder, width, height,
largest radius in px, threads. The folder holds ``picture``, (H,W,4) float32 in linear light with alpha 1, and ``mask``,
(H,W) float32, the radius as a share of the largest; the last render is written beside them as ``render``. After the
version, it answers each line of its input with one line: the seconds and the processor seconds of one render.
"""

import sys
import time
from pathlib import Path
from typing import Any

COLOUR, MASK = "RGBA float", "Y float"


def main() -> None:
    """Render once for each line of the standard input."""
    import gi  # type: ignore[import-not-found]

    gi.require_version("Gegl", "0.4")
    from gi.repository import Gegl  # type: ignore[import-not-found]

    folder, (width, height) = Path(sys.argv[1]), map(int, sys.argv[2:4])
    largest_px, threads = float(sys.argv[4]), int(sys.argv[5])
    Gegl.init(None)
    Gegl.config().set_property("threads", threads)
    Gegl.config().set_property("use-opencl", False)
    version = Gegl.get_version()
    print(f"{version.major}.{version.minor}.{version.micro}", flush=True)

    area = Gegl.Rectangle.new(0, 0, width, height)
    picture, mask = Gegl.Buffer.new(COLOUR, 0, 0, width, height), Gegl.Buffer.new(MASK, 0, 0, width, height)
    picture.set(area, COLOUR, (folder / "picture").read_bytes())
    mask.set(area, MASK, (folder / "mask").read_bytes())
    for _ in sys.stdin:
        output = Gegl.Buffer.new(COLOUR, 0, 0, width, height)
        graph, writer = connect(Gegl, picture, mask, largest_px, output)
        start, processor = time.perf_counter(), time.process_time()
        writer.process()
        seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor
        (folder / "render").write_bytes(output.get(area, 1.0, COLOUR, Gegl.AbyssPolicy.NONE))
        print(seconds, processor_seconds, flush=True)
        del graph  # its nodes keep what they rendered; the next render starts without


def connect(Gegl: Any, picture: Any, mask: Any, largest_px: float, output: Any) -> tuple[Any, Any]:
    """Return a graph that blurs ``picture`` by ``mask`` into ``output``, and the node that runs it."""
    graph = Gegl.Node()
    source, radii = graph.create_child("gegl:buffer-source"), graph.create_child("gegl:buffer-source")
    blur, writer = graph.create_child("gegl:lens-blur"), graph.create_child("gegl:write-buffer")
    source.set_property("buffer", picture)
    radii.set_property("buffer", mask)
    blur.set_property("radius", largest_px)
    blur.set_property("linear-mask", True)  # read as it is, not as display-encoded
    writer.set_property("buffer", output)
    source.link(blur)
    radii.connect_to("output", blur, "aux")
    blur.link(writer)
    return graph, writer


if __name__ == "__main__":
    main()
