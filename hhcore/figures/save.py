"""How a figure becomes files: an SVG whose text is text, and a PNG, each drawn once.

hhcore.figures.files reads from an SVG what a figure in words says.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from hhcore.base.files import atomic_write
from hhcore.base.seals import RECIPE, SEAL, UNSEALED, seal
from hhcore.figures.files import TEXT
from hhcore.figures.style import DPI, look

UP, COMPRESSION = 2, 3  # filter of a row, and zlib's level: a third of the time of matplotlib's PNG, a tenth larger


def save(figure: Figure, stem: str | Path, recipe: str = "") -> tuple[Path, Path]:
    """Write `<stem>.svg` and `<stem>.png` (300 dpi), each whole or not at all; equal figures give equal bytes.

    recipe : see hhcore.results.recipes; none outside a workflow
    """
    svg, png = Path(f"{stem}.svg"), Path(f"{stem}.png")
    # matplotlib's savefig draws twice for each file: once to lay out, which is done.
    with look():
        with atomic_write(png) as temporary:
            _write_png(figure, temporary, recipe)
        with atomic_write(svg) as temporary:
            _write_svg(figure, temporary, recipe)
    return svg, png


def _write_png(figure: Figure, path: Path, recipe: str) -> None:
    """A PNG of opaque pixels, each row as its difference from the row above, which is quick and still small."""
    canvas = figure.canvas  # it knows the sizes of all texts from the layout
    canvas.draw()
    width, height = canvas.get_width_height()
    rows = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]).reshape(height, 3 * width)
    lines = np.full((height, 1 + 3 * width), UP, np.uint8)
    lines[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    per_metre = round(DPI / 0.0254)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
        # A point ends the recipe: the checksum that follows in the file may look like digits.
        + _chunk(b"tEXt", f"{RECIPE}\0{recipe}.".encode())
        + _chunk(b"IDAT", zlib.compress(lines, COMPRESSION))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _write_svg(figure: Figure, path: Path, recipe: str) -> None:
    marks = {"Date": None, "Creator": None, "Description": f"{RECIPE}: {recipe}, {SEAL}: {UNSEALED}"}
    if words := figure.get_label():
        marks |= {"Type": TEXT, "Title": words}
    canvas, dpi = figure.canvas, figure.dpi
    FigureCanvasSVG(figure).print_svg(path, metadata=marks)
    figure.set_canvas(canvas)
    figure.set_dpi(dpi)
    seal(path)
