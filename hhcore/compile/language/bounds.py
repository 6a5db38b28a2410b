"""The checked mode of a translation: an index outside its array ends the call, and the caller learns where.

A function that meets such an index notes it and returns at once; so do its callers, before they use the result. Nothing
outside an array is read or written. The note is one variable of the machine code, so only one thread at a time may call
a checked kernel.
"""

import ast

from hhcore.compile.language.lines import Lines
from hhcore.compile.language.values import Value

NOTE = "kernel.outside"  # three integers: place, from 1 (0: no error), index, length of the axis
DECLARED = f"@{NOTE} = global [3 x i64] zeroinitializer"
LEFT = "outside"  # the block of the early return; other labels end in a number


class Bounds:
    """Checks of the indices of a text; `places` has the location and the text of each."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str]] = []

    def check(self, function: Lines, node: ast.Subscript, index: list[Value], shape: tuple[Value, ...]) -> None:
        """Go on only if each index is at least 0 and below the length of its axis."""
        for i, length in zip(index, shape, strict=True):
            inside, outside = function.label("inside"), function.label("noted")
            below = function.new(f"icmp ult i64 {i.text}, {length.text}", "b1")  # unsigned, a negative index is large
            function.branch(below, inside, outside)
            function.begin(outside)
            self._note(function, node, i, length)
            function.jump(LEFT)
            function.begin(inside)

    def _note(self, function: Lines, node: ast.Subscript, i: Value, length: Value) -> None:
        self.places.append((f"{function.node.name}, line {node.lineno}", ast.unparse(node)))
        for k, text in enumerate((str(len(self.places)), i.text, length.text)):
            place = function.named(f"getelementptr i64, ptr @{NOTE}, i64 {k}")
            function.lines.append(f"  store i64 {text}, ptr {place}")

    def after_call(self, function: Lines) -> None:
        """Go on only if the called function met no such index."""
        inside = function.label("inside")
        place = function.new(f"load i64, ptr @{NOTE}", "i8")
        function.branch(function.new(f"icmp eq i64 {place.text}, 0", "b1"), inside, LEFT)
        function.begin(inside)

    def end(self, result_type: str) -> list[str]:
        """The last lines of a function: its early return."""
        return [f"{LEFT}:", "  ret void" if result_type == "void" else f"  ret {result_type} zeroinitializer"]
