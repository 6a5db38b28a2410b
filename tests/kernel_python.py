"""A kernel's text run as plain Python: numbers are NumPy's float64, int64 and bool, `fma` is exact.

Nothing is shared with the translation, so that one checks the other. Slow: about 10 ms for a stage of 32 lanes.
"""

import ast
import functools
import math
import struct
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

Number = np.float64 | np.int64 | np.bool_


def fma(a: float, b: float, c: float) -> np.float64:
    """a b + c, rounded once: in integers, whose quotient Python rounds correctly."""
    a, b, c = float(a), float(b), float(c)
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)) or a == 0.0 or b == 0.0:
        return np.float64(a) * np.float64(b) + np.float64(c)  # the product is exact
    (an, ad), (bn, bd), (cn, cd) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    numerator, denominator = an * bn * cd + cn * ad * bd, ad * bd * cd
    try:
        return np.float64(numerator / denominator)
    except OverflowError:
        return np.float64(math.inf if numerator > 0 else -math.inf)


def number(x: object) -> object:
    """A number of Python as one of 64 bits, several as an array of float64."""
    if isinstance(x, tuple | list):
        return np.array([float(part) for part in x]) if all(isinstance(part, int | float) for part in x) else x
    if isinstance(x, bool):
        return np.bool_(x)
    return {int: np.int64, float: np.float64}.get(type(x), lambda same: same)(x)


def alike(a: Number, b: Number) -> tuple[Number, Number]:
    """Two numbers of one type: an integer beside a float is one."""
    return (np.float64(a), np.float64(b)) if isinstance(a, np.float64) or isinstance(b, np.float64) else (a, b)


def smaller(a: Number, b: Number) -> Number:
    """The builtin `min` of two numbers."""
    a, b = alike(a, b)
    return b if b < a else a


def larger(a: Number, b: Number) -> Number:
    """The builtin `max` of two numbers."""
    a, b = alike(a, b)
    return b if b > a else a


BUILTINS: dict[str, object] = {
    "inf": np.float64(math.inf),
    "nan": np.float64(math.nan),
    "fma": fma,
    "sqrt": lambda x: np.sqrt(np.float64(x)),
    "floor": lambda x: np.floor(np.float64(x)),
    "ceil": lambda x: np.ceil(np.float64(x)),
    "abs": np.abs,
    "min": smaller,
    "max": larger,
    "float": np.float64,
    "len": lambda array: np.int64(len(array)),
    "range": lambda *bounds: map(np.int64, range(*bounds)),
    "bits_of": lambda x: np.int64(struct.unpack("<q", struct.pack("<d", x))[0]),
    "double_of": lambda n: np.float64(struct.unpack("<d", struct.pack("<q", n))[0]),
    "empty": lambda shape: np.full([int(length) for length in shape], np.nan),
    "inline": lambda function: function,
    "shape_of": lambda array: tuple(map(np.int64, array.shape)),
}


class _Numbers(ast.NodeTransformer):
    """Literals and lengths become numbers of 64 bits."""

    def __init__(self) -> None:
        self.literals: dict[str, object] = {}

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, str):
            return node
        name = f"literal_{type(node.value).__name__}_{len(self.literals)}"
        self.literals[name] = number(node.value)
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return self.visit(ast.copy_location(ast.Constant(-node.operand.value), node))  # -2**63 has no 2**63
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        assert node.attr == "shape"
        call = ast.Call(ast.Name("shape_of", ast.Load()), [self.visit(node.value)], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if not isinstance(node.op, ast.Pow):
            return self.generic_visit(node)
        self.literals[name := f"power_{len(self.literals)}"] = number(eval(ast.unparse(node)))  # of literals
        return ast.copy_location(ast.Name(name, ast.Load()), node)


def kernel(text: str) -> SimpleNamespace:
    """What `hhcore.compile.language.machine.load` gives for a text, all of it Python."""
    tree = ast.parse(text)
    constants = _constants(tree)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names = BUILTINS | {name: number(value) for name, value in constants.items()}
    numbers = _Numbers()
    tree = ast.Module([numbers.visit(node) for node in functions], [])
    names |= numbers.literals
    exec(compile(tree, "<kernel>", "exec"), names)
    entries = {f.name: f for f in functions if f.args.args and all(a.annotation for a in f.args.args)}
    return SimpleNamespace(**constants, **{name: _entry(names[name], node) for name, node in entries.items()})


def _constants(tree: ast.Module) -> dict[str, object]:
    """Values of a text's global names, numbers of Python."""
    found: dict[str, object] = {}
    assignments: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.Assign)]
    exec(compile(ast.Module(assignments, []), "<constants>", "exec"), {"inf": math.inf, "nan": math.nan}, found)
    return found


def _entry(function: Callable, node: ast.FunctionDef) -> Callable:
    """A function to call with numbers and arrays, of the types of its annotations."""
    types = {"f8": np.float64, "i8": np.int64}
    kinds = [types.get(ast.literal_eval(argument.annotation)) for argument in node.args.args]

    @functools.wraps(function)
    def call(*arguments: object) -> object:
        with np.errstate(all="ignore"):
            return function(*(x if kind is None else kind(x) for x, kind in zip(arguments, kinds, strict=True)))

    return call
