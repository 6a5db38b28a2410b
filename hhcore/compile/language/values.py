"""What a kernel's text works on, as LLVM's language names it: numbers, constants, arrays."""

import math
import struct
from dataclasses import dataclass

LLVM = {"f8": "double", "i8": "i64", "b1": "i1"}
STORED = LLVM | {"b1": "i8"}  # how an array holds them
CONSTANTS = {"inf": math.inf, "nan": math.nan}


class KernelError(ValueError):
    """A text that is no kernel: a mistake of whoever wrote or generated it."""


@dataclass(frozen=True)
class Value:
    """A number: its type, how LLVM's text names it, and if it is a constant, which."""

    type: str
    text: str
    known: float | int | bool | None = None


@dataclass(frozen=True)
class Array:
    """An array: the type of its elements, how the text names its first one, and its shape."""

    type: str
    text: str
    shape: tuple[Value, ...]

    @property
    def kind(self) -> str:
        """As in an annotation: `f8[:, :]`."""
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
    """Of what a function returns: None, the type of a number, or those of several."""
    if isinstance(result, tuple):
        return f"{{ {', '.join(LLVM[type] for type in result)} }}"
    return "void" if result is None else LLVM[result]
