"""The lines of a function in LLVM's language: names, labels, blocks."""

import ast

from hhcore.compile.language.values import KernelError, Value


class Lines:
    """The lines of a function so far.

    node      : the function's text
    statement : the statement under translation
    slots     : lines that allocate variables, at the start of the function
    block     : the present block; open : whether it has no end yet
    inlined   : lines of inline functions that it calls
    apart     : what accesses to arrays end with: that turns of a loop share no element, or nothing
    """

    def __init__(self, node: ast.FunctionDef):
        self.node = node
        self.statement: ast.AST = node
        self.lines: list[str] = []
        self.slots: list[str] = []
        self.block, self.open = "entry", True
        self.count = 0
        self.inlined = 0
        self.apart = ""

    @property
    def length(self) -> int:
        """Lines, with those of inline functions."""
        return len(self.lines) + self.inlined

    def fresh(self) -> str:
        """A new name."""
        self.count += 1
        return f"%.{self.count}"

    def named(self, code: str) -> str:
        """A new name for the result of an operation."""
        name = self.fresh()
        self.lines.append(f"  {name} = {code}")
        return name

    def new(self, code: str, type: str) -> Value:
        """The number that an operation returns."""
        return Value(type, self.named(code))

    def label(self, word: str) -> str:
        """A new label."""
        self.count += 1
        return f"{word}.{self.count}"

    def begin(self, label: str) -> None:
        """Start a new block; the present one falls through to it if it is open."""
        if self.open:
            self.lines.append(f"  br label %{label}")
        self.lines.append(f"{label}:")
        self.block, self.open = label, True

    def jump(self, label: str, extra: str = "") -> None:
        """End the present block with a jump, if it is open."""
        if self.open:
            self.lines.append(f"  br label %{label}{extra}")
        self.open = False

    def branch(self, condition: Value, yes: str, no: str) -> None:
        """End the present block by going one of two ways."""
        self.lines.append(f"  br i1 {condition.text}, label %{yes}, label %{no}")
        self.open = False

    def fail(self, node: ast.AST, why: str) -> Exception:
        """The error for a part of the text."""
        return KernelError(f"{self.node.name}, line {node.lineno}: {why}: {ast.unparse(node).splitlines()[0]}")
