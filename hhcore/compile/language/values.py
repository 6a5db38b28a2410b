"""The values of a kernel's text, as LLVM's language writes them: numbers, constants, arrays."""

import math
import struct
from dataclasses import dataclass

LLVM = {"f8": "double", "i8": "i64", "b1": "i1"}
STORED = LLVM | {"b1": "i8"}  # in arrays
CONSTANTS = {"inf": math.inf, "nan": math.nan}


class KernelError(ValueError):
    """A text is not a kernel: a mistake of its author or generator."""


@dataclass(frozen=True)
class Value:
    """A number: its type, its name in LLVM's text, and its value if it is a constant."""

    type: str
    text: str
    known: float | int | bool | None = None


@dataclass(frozen=True)
class Array:
    """An array: the type of its elements, the name of its first one in LLVM's text, and its shape."""

    type: str
    text: str
    shape: tuple[Value, ...]

    @property
    def kind(self) -> str:
        """The type as an annotation: `f8[:, :]`."""
        return f"{self.type}[{', '.join(':' * len(self.shape))}]"


Thing = Value | Array | tuple


def constant(number: float | int | bool) -> Value:
    """A constant as LLVM writes it, doubles by their bits."""
    if isinstance(number, bool):
        return Value("b1", "true" if number else "false", number)
    if isinstance(number, int):
        return Value("i8", str(number), number)
    return Value("f8", f"0x{struct.unpack('>Q', struct.pack('>d', number))[0]:016X}", number)


def llvm_type(result: object) -> str:
    """LLVM's type of a result: None, a type, or a tuple of types."""
    if isinstance(result, tuple):
        return f"{{ {', '.join(LLVM[type] for type in result)} }}"
    return "void" if result is None else LLVM[result]
