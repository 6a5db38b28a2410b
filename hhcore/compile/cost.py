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
    functions, constants = _parsed(kernel_text)
    return _Count(functions, constants).of(functions[function])


@lru_cache
def cost(kernel_text: str) -> float:
    """Weighted operations of one step of one lane, to compare kernels."""
    functions, _ = _parsed(kernel_text)
    parts = (name for name in ("attempt", "accept", "observers_survey") if name in functions)
    counts = sum((operations(kernel_text, name) for name in parts), Counter())
    return sum(WEIGHTS[kind] * number for kind, number in counts.items() if kind in WEIGHTS)


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[dict[str, ast.FunctionDef], dict[str, int]]:
    """The functions by name, and the numbers of states, of terms of an interpolant, and of variables of observers."""
    constants: dict[str, int] = {}
    for node in (node for node in ast.parse(text).body if isinstance(node, ast.Assign)):
        names, values = (part.elts if isinstance(part, ast.Tuple) else [part] for part in (node.targets[0], node.value))
        constants |= {
            name.id: value.value
            for name, value in zip(names, values, strict=False)
            if isinstance(value, ast.Constant) and (name.id in ("N", "DEGREE") or name.id.endswith("_COUNT"))
        }
    functions = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    return functions, {"N": 1} | constants


class _Count:
    """Counts operations of a lane: loops over lanes count once, others as often as they run, branches never."""

    def __init__(self, functions: dict[str, ast.FunctionDef], constants: dict[str, int]):
        self.functions, self.constants = functions, {**constants, "W": 1}
        self.counted: dict[str, Counter] = {}

    def of(self, node: ast.AST) -> Counter:
        """Operations of a node and its children."""
        if isinstance(node, ast.If | ast.While):  # what happens now and then
            return Counter()
        counts = self.own(node)
        for child in ast.iter_child_nodes(node):
            counts += self.of(child)
        turns = self.turns(node.iter) if isinstance(node, ast.For) else 1
        return Counter({kind: number * turns for kind, number in counts.items()})

    def turns(self, loop: ast.expr) -> int:
        """How often a loop runs in a lane; once if its range is not known before."""
        if any(isinstance(n, ast.Name) and n.id != "range" and n.id not in self.constants for n in ast.walk(loop)):
            return 1
        return len(
            eval(compile(ast.Expression(loop), "loop", "eval"), {"__builtins__": {}, "range": range}, self.constants)
        )

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
