"""Loops over lanes whose turns share nothing, so that LLVM need not compare all their accesses with each other.

In a loop `for j in range(W)` each index is a multiple of W plus j. Two turns then meet in no element, whatever the
multiples are. LLVM's own proof takes a time that grows with the square of the length of the loop.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Lanes:
    """A text's functions and numbers, and how many turns a loop has."""

    functions: Mapping[str, ast.FunctionDef]
    constants: Mapping[str, object]
    turns: int

    def apart(self, body: list[ast.stmt], counter: str | None) -> bool:
        """Whether each index in `body`, and in what it calls, is a multiple of `turns` plus the counter of this name.

        `counter` takes `turns` values in a row.
        """
        parts = (part for statement in body for part in ast.walk(statement))
        return all(
            self._is_apart(part, counter) if isinstance(part, ast.Subscript) else self._calls_apart(part, counter)
            for part in parts
            if isinstance(part, ast.Subscript | ast.Call)
        )

    def _is_apart(self, element: ast.Subscript, counter: str | None) -> bool:
        name = element.value.id if isinstance(element.value, ast.Name) else ""
        if isinstance(self.constants.get(name), tuple):
            return True  # nobody writes there
        offset = self._offset(element.slice, counter)
        return offset is not None and offset % self.turns == 0

    def _calls_apart(self, call: ast.Call, counter: str | None) -> bool:
        name = ast.unparse(call.func)
        function = self.functions.get(name)
        if function is None:
            return name != "empty"  # an array of its own, in which all turns meet
        parameters = (parameter.arg for parameter in function.args.args)
        names = (part for part in ast.walk(function) if isinstance(part, ast.Name))
        bound = {part.id for part in names if isinstance(part.ctx, ast.Store)}
        passed = [name for name, value in zip(parameters, call.args, strict=False) if _is(value, counter)]
        return self.apart(function.body, next((name for name in passed if name not in bound), None))

    def _offset(self, index: ast.expr, counter: str | None) -> int | None:
        """The constant in an index that is constants plus the counter, else None."""
        terms, total, counters = [index], 0, 0
        while terms:
            term = terms.pop()
            number = self.constants.get(term.id) if isinstance(term, ast.Name) else None
            if isinstance(term, ast.BinOp) and isinstance(term.op, ast.Add):
                terms += [term.left, term.right]
            elif _is(term, counter):
                counters += 1
            elif isinstance(number, int):
                total += number
            else:
                return None
        return total if counters == 1 else None


def _is(node: ast.expr, name: str | None) -> bool:
    return isinstance(node, ast.Name) and node.id == name
