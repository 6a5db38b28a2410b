"""Columns of tables inside a page: floats as float32, whole numbers in few bytes, words as codes.

float32 has seven digits, of which a page shows six.
"""

import numpy as np
import pyarrow as pa

from hhcore.report.payload import Payload

WHOLE = ("u1", "i1", "u2", "i2", "u4", "i4")  # whole numbers take the first that holds them
DIGITS = 6


def stored(column: pa.ChunkedArray, payload: Payload) -> dict[str, object]:
    """A column (n,) kept in `payload`, as JSON that refers to it.

    Words and truth values are codes of `categories`. `missing` stands for null, but in floats, where that is NaN.
    """
    if _is_word(column.type):
        coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
        return _whole(coded.indices.to_numpy(zero_copy_only=False), payload) | {
            "categories": ["yes" if word == "true" else "no" for word in coded.dictionary.to_pylist()]
            if pa.types.is_boolean(column.type)
            else coded.dictionary.to_pylist()
        }
    values = column.to_numpy()
    if pa.types.is_integer(column.type):
        return _whole(values, payload)
    with np.errstate(over="ignore"):
        return {"values": payload.column(values.astype(np.float32)), "missing": None}


def shown(column: pa.ChunkedArray) -> list[str]:
    """The values of a column (n,) as a page shows them, null as nothing; static/tables.js writes the same."""
    if _is_word(column.type):
        words = {True: "yes", False: "no", None: ""}
        return [words.get(value, value) for value in column.to_pylist()]
    if pa.types.is_integer(column.type):
        return ["" if value is None else str(value).replace("-", "−") for value in column.to_pylist()]
    with np.errstate(over="ignore"):
        return [_float(float(value)) for value in column.to_numpy().astype(np.float32)]


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type has numbers."""
    return not _is_word(kind)


def _is_word(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)


def _float(value: float) -> str:
    if not np.isfinite(value):
        return "" if np.isnan(value) else "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.{DIGITS - 1}e}".partition("e")
    if -5 < int(exponent) < 7:
        text = repr(float(f"{value:.{DIGITS}g}")).removesuffix(".0")
    else:
        text = f"{repr(float(mantissa)).removesuffix('.0')}e{int(exponent)}"
    return text.replace("-", "−")


def _whole(values: np.ndarray, payload: Payload) -> dict[str, object]:
    """Whole numbers, NaN for null, in few bytes."""
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    low, high = (known.min(), known.max()) if known.size else (0, 0)
    for kind in WHOLE:
        missing = int(np.iinfo(kind).max)
        if np.iinfo(kind).min <= low and high < missing:
            return {"values": payload.column(np.nan_to_num(values, nan=missing).astype(kind)), "missing": missing}
    return {"values": payload.column(values.astype(np.float64)), "missing": None}
