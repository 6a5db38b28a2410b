"""The cost of a kernel: operations counted in its text, the same on every machine."""

import ast
from collections import Counter
from functools import lru_cache

# Cost of an operation on a whole register, relative to a multiplication. Divisions and square roots are not pipelined.
WEIGHTS = {
    "add": 1.0,
    "multiply": 1.0,
    "fma": 1.0,
    "divide": 12.0,
    "sqrt": 15.0,
    "select": 1.0,
    "bits": 1.0,
    "load": 0.4,
}

_BINARY = {ast.Add: "add", ast.Sub: "add", ast.Mult: "multiply", ast.Div: "divide"}
_CALLS = {
    "fma": "fma",
    "sqrt": "sqrt",
    "abs": "bits",
    "bits_of": "bits",
    "double_of": "bits",
    "float": "bits",
} | dict.fromkeys(("floor", "ceil"), "bits")


def operations(kernel_text: str, function: str) -> Counter:
    """Count operations of one call of a function on one lane, by kind: the keys of WEIGHTS; calls of exp, log, pow."""
    functions, states = _parsed(kernel_text)
    return _Count(functions, states).of(functions[function])


@lru_cache
def cost(kernel_text: str) -> float:
    """Weighted operations of one step of one lane, to compare kernels."""
    counts = operations(kernel_text, "attempt") + operations(kernel_text, "accept")
    return sum(WEIGHTS[kind] * number for kind, number in counts.items() if kind in WEIGHTS)


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[dict[str, ast.FunctionDef], int]:
    """The functions by name, and the number of states."""
    body = ast.parse(text).body
    states = [node.value.value for node in body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "N"]
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}, (states or [1])[0]


class _Count:
    """Counts operations of a lane: loops over states count once per state, loops over lanes once."""

    def __init__(self, functions: dict[str, ast.FunctionDef], states: int):
        self.functions, self.states = functions, states
        self.counted: dict[str, Counter] = {}

    def of(self, node: ast.AST) -> Counter:
        """Operations of a node and its children."""
        counts = self.own(node)
        for child in ast.iter_child_nodes(node):
            counts += self.of(child)
        if isinstance(node, ast.For) and ast.unparse(node.iter) == "range(N)":
            counts = Counter({kind: number * self.states for kind, number in counts.items()})
        return counts

    def own(self, node: ast.AST) -> Counter:
        """Operations of the node alone."""
        if isinstance(node, ast.BinOp):
            index = any(isinstance(part, ast.Name) and part.id in ("W", "j", "i") for part in ast.walk(node))
            return Counter() if index else Counter([_BINARY.get(type(node.op), "bits")])
        if isinstance(node, ast.Compare | ast.IfExp):
            return Counter(["select"])
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            return Counter(["load"])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = node.func.id
            if called in _CALLS:
                return Counter([_CALLS[called]])
            if called in self.functions:
                return self.called(called)
        return Counter()

    def called(self, name: str) -> Counter:
        """Operations of a call of one of the functions, which is counted once."""
        if name not in self.counted:
            itself = Counter([name] if name in ("exp", "log", "pow") else [])
            self.counted[name] = self.of(self.functions[name]) + itself
        return self.counted[name]
