"""What a kernel costs: its operations, counted in its own text, the same on every machine."""

import ast
from collections import Counter
from functools import lru_cache

# Cost of an operation on a whole register, in that of a multiplication. Divisions and square roots are not pipelined.
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
    """Operations of one call of a function of a kernel on one lane, by kind: the keys of WEIGHTS, and calls of exp."""
    return _count(_functions(kernel_text), function)


def cost(kernel_text: str) -> float:
    """Operations of one step of one lane, weighted: what a step costs, relative to that of another kernel."""
    found = operations(kernel_text, "attempt") + operations(kernel_text, "accept")
    return sum(WEIGHTS[kind] * number for kind, number in found.items() if kind in WEIGHTS)


@lru_cache(maxsize=8)
def _functions(text: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def _count(functions: dict[str, ast.FunctionDef], name: str) -> Counter:
    found: Counter = Counter()
    for node in ast.walk(functions[name]):
        if isinstance(node, ast.BinOp):
            index = any(isinstance(part, ast.Name) and part.id in ("W", "j") for part in ast.walk(node))
            found["" if index else _BINARY.get(type(node.op), "bits")] += 1
        elif isinstance(node, ast.Compare | ast.IfExp):
            found["select"] += 1
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            found["load"] += 1
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = node.func.id
            if called in _CALLS:
                found[_CALLS[called]] += 1
            elif called in functions:
                found += _count(functions, called)
                found[called] += called in ("exp", "log", "pow")
    del found[""]
    return found
