"""Data inside a page: columns of numbers, compressed, in elements that a browser reads and never runs.

A column is `{"blob": "b3", "type": "f8", "length": 161}` in the JSON of the page; its bytes are the text of the element
with that id: zlib, then base64, which has no character that HTML could take for its own. static/codec.js reads them.
"""

import base64
import json
import zlib
from collections.abc import Mapping

import numpy as np
from markupsafe import Markup

LEVEL = 6  # of zlib; 9 takes four times as long for two per cent
Reference = Mapping[str, str | int]


class Payload:
    """The columns of a page; equal bytes are kept once."""

    def __init__(self) -> None:
        self.blobs: dict[bytes, str] = {}

    def column(self, values: np.ndarray) -> Reference:
        """Keep a column; the answer stands for it in the JSON of the page. values : (n,) of 1, 2, 4 or 8 bytes each."""
        values = np.ascontiguousarray(values)
        little = values.astype(values.dtype.newbyteorder("<"), copy=False)
        name = f"{little.dtype.kind}{little.dtype.itemsize}"  # f8, f4, i8, i4, u4, u2, u1
        return {"blob": self._kept(little.tobytes()), "type": name, "length": len(values)}

    def code(self, content: bytes) -> Reference:
        """Keep bytes of any kind."""
        return {"blob": self._kept(content), "type": "u1", "length": len(content)}

    def _kept(self, content: bytes) -> str:
        return self.blobs.setdefault(content, f"b{len(self.blobs)}")

    def elements(self) -> Markup:
        """The elements that hold the columns."""
        return Markup("\n").join(
            Markup('<script type="text/plain" id="{}">{}</script>').format(
                name, base64.b64encode(zlib.compress(content, LEVEL)).decode()
            )
            for content, name in self.blobs.items()
        )


def data(value: object) -> Markup:
    """A value as JSON for an element of a page. Nothing in it ends the element: `<` is written as an escape.

    Numbers that JSON lacks become the texts "NaN", "Infinity" and "-Infinity", which Number() reads.
    """
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
