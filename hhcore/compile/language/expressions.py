"""Expressions of a kernel's text in LLVM's language: see hhcore.compile.language.translate."""

import ast
import math
import operator
from collections.abc import Callable
from contextlib import suppress

from hhcore.compile.language.lines import Lines
from hhcore.compile.language.values import (
    CONSTANTS,
    LLVM,
    STORED,
    Array,
    Thing,
    Value,
    constant,
    llvm_type,
)

_FOLDED = ""  # on constants only: computed here

_OPERATORS = {
    ast.Add: ("fadd", "add", operator.add),
    ast.Sub: ("fsub", "sub", operator.sub),
    ast.Mult: ("fmul", "mul", operator.mul),
    ast.Div: ("fdiv", None, operator.truediv),
    ast.FloorDiv: (_FOLDED, _FOLDED, operator.floordiv),
    ast.Pow: (_FOLDED, _FOLDED, operator.pow),
    ast.LShift: (None, "shl", operator.lshift),
    ast.RShift: (None, "ashr", operator.rshift),
    ast.BitAnd: (None, "and", operator.and_),
    ast.BitOr: (None, "or", operator.or_),
    ast.BitXor: (None, "xor", operator.xor),
}
_COMPARISONS = {
    ast.Lt: ("olt", "slt", operator.lt),
    ast.LtE: ("ole", "sle", operator.le),
    ast.Gt: ("ogt", "sgt", operator.gt),
    ast.GtE: ("oge", "sge", operator.ge),
    ast.Eq: ("oeq", "eq", operator.eq),
    ast.NotEq: ("une", "ne", operator.ne),
}

INTRINSICS = {"fma": 3, "floor": 1, "ceil": 1, "sqrt": 1, "fabs": 1}  # of LLVM, on doubles: number of arguments
_BUILTINS = {"abs": 1, "min": 2, "max": 2, "float": 1, "len": 1, "bits_of": 1, "double_of": 1, "empty": 1} | {
    name: n for name, n in INTRINSICS.items() if name != "fabs"
}

_WORDS = {None: "a number", "b1": "a condition", "i8": "an integer"}


class Expressions(Lines):
    """The names of a function, and the lines of its expressions.

    module : the functions of the text, its constants and translations
    """

    def __init__(self, module, node: ast.FunctionDef):
        super().__init__(node)
        self.module = module
        self.names: dict[str, Thing] = {}
        self.variables: dict[str, tuple[str, str]] = {}  # assigned more than once: type and slot

    def _lookup(self, node: ast.Name) -> Thing:
        name = node.id
        if name in self.variables:
            type, slot = self.variables[name]
            return self.new(f"load {LLVM[type]}, ptr {slot}", type)
        if name in self.names:
            return self.names[name]
        constants = self.module.constants
        if name in constants and isinstance(constants[name], (tuple, list)):
            return self.module.table(name, [self._known(node, number) for number in constants[name]])
        if name in constants or name in CONSTANTS:
            return self._known(node, constants.get(name, CONSTANTS.get(name)))
        raise self.fail(node, "a name without a value")

    def expression(self, node: ast.expr) -> Thing:
        """The value of an expression."""
        method = self._EXPRESSIONS.get(type(node))
        if method is None:
            raise self.fail(node, "not part of the kernel language")
        return method(self, node)

    def number(self, node: ast.expr, type: str | None = None) -> Value:
        """The value of an expression that must be a number, of `type` unless it is None."""
        value = self.expression(node)
        if not isinstance(value, Value) or type not in (None, value.type):
            raise self.fail(node, f"not {_WORDS[type]}")
        return value

    def _literal(self, node: ast.Constant) -> Value:
        return self._known(node, node.value)

    def _known(self, node: ast.expr, number: object) -> Value:
        """A constant, from the text or computed from constants."""
        if not isinstance(number, int | float) or (isinstance(number, int) and not -(2**63) <= number < 2**63):
            raise self.fail(node, "not a number of 64 bits")
        return constant(number)

    def _several(self, node: ast.Tuple) -> tuple:
        return tuple(self.expression(part) for part in node.elts)

    def coerce(self, value: Value, type: str) -> Value:
        """A number of another type with the same value."""
        if value.type == type:
            return value
        if (value.type, type) != ("i8", "f8"):
            raise self.fail(self.statement, f"{value.type} where {type} is needed")
        if value.known is not None:
            return constant(float(value.known))
        return self.new(f"sitofp i64 {value.text} to double", "f8")

    def _binary(self, node: ast.BinOp) -> Value:
        if type(node.op) not in _OPERATORS:
            raise self.fail(node, "not part of the kernel language")
        a, b = self.number(node.left), self.number(node.right)
        if isinstance(node.op, ast.LShift | ast.RShift) and b.known is not None and not 0 <= b.known < 64:
            raise self.fail(node, "not a shift within 64 bits")
        type_, operation = self._operation(node, a, b)
        a, b = self.coerce(a, type_), self.coerce(b, type_)
        if a.known is not None and b.known is not None:
            with suppress(ArithmeticError):  # left to the machine, where 1 / 0 is infinite
                return self._known(node, _OPERATORS[type(node.op)][2](a.known, b.known))
        if operation == _FOLDED:
            raise self.fail(node, "an operation on constants only")
        return self.new(f"{operation} {LLVM[type_]} {a.text}, {b.text}", type_)

    def _operation(self, node: ast.BinOp, a: Value, b: Value) -> tuple[str, str]:
        """The common type of two numbers, and LLVM's name of the operation on it."""
        on_floats, on_integers, _ = _OPERATORS[type(node.op)]
        floats = "f8" in (a.type, b.type) or isinstance(node.op, ast.Div)
        type_, operation = ("f8", on_floats) if floats else (a.type, on_integers)
        if operation is None or (type_ == "b1" and operation not in ("and", "or", "xor")):
            raise self.fail(node, f"no such operation on {type_}")
        return type_, operation

    def _unary(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            value = self.number(node.operand, "b1")
            return self.new(f"xor i1 {value.text}, true", "b1") if value.known is None else constant(not value.known)
        if not isinstance(node.op, ast.USub):
            raise self.fail(node, "not part of the kernel language")
        if isinstance(node.operand, ast.Constant) and type(node.operand.value) is int:
            return self._known(node, -node.operand.value)  # -2**63 has 64 bits, 2**63 has not
        value = self.number(node.operand)
        if value.known is not None:
            return self._known(node, -value.known)
        if value.type == "f8":
            return self.new(f"fneg double {value.text}", "f8")
        return self.new(f"sub i64 0, {self.coerce(value, 'i8').text}", "i8")

    def _compare(self, node: ast.Compare) -> Value:
        if not all(type(op) in _COMPARISONS for op in node.ops):
            raise self.fail(node, "not part of the kernel language")
        functions = self.module.functions
        if any(writes(functions, name) for part in node.comparators[1:] for name in called(functions, part)):
            raise self.fail(node, "a call that Python may leave out")
        values = [self.number(part) for part in (node.left, *node.comparators)]
        condition = None
        for op, a, b in zip(node.ops, values, values[1:], strict=False):
            link = self._comparison(op, a, b)
            condition = link if condition is None else self.new(f"and i1 {condition.text}, {link.text}", "b1")
        return condition

    def _comparison(self, op: ast.cmpop, a: Value, b: Value) -> Value:
        on_floats, on_integers, python = _COMPARISONS[type(op)]
        a, b = self._alike(a, b)
        if a.type == "b1" and not isinstance(op, ast.Eq | ast.NotEq):
            raise self.fail(self.statement, "conditions have no order")
        if a.known is not None and b.known is not None:
            return constant(python(a.known, b.known))
        if a.type == "f8":
            return self.new(f"fcmp {on_floats} double {a.text}, {b.text}", "b1")
        return self.new(f"icmp {on_integers} {LLVM[a.type]} {a.text}, {b.text}", "b1")

    def _logical(self, node: ast.BoolOp) -> Value:
        """`and`, `or`: later parts are computed only if they matter."""
        decided = isinstance(node.op, ast.Or)  # the value that ends it
        done, ways = self.label("known"), []
        for part in node.values[:-1]:
            value = self.number(part, "b1")
            if value.known is not None:
                if value.known == decided:
                    return constant(decided) if not ways else self._joined(done, [*ways, (value, self.block)])
                continue
            following = self.label("further")
            ways.append((constant(decided), self.block))
            self.branch(value, *((done, following) if decided else (following, done)))
            self.begin(following)
        last = self.number(node.values[-1], "b1")
        return self._joined(done, [*ways, (last, self.block)]) if ways else last

    def _joined(self, label: str, ways: list[tuple[Value, str]]) -> Value:
        """The value from whichever of several branches was taken."""
        self.begin(label)
        type = ways[0][0].type
        if any(value.type != type for value, _ in ways):
            raise self.fail(self.statement, "a choice between numbers of two types")
        choices = ", ".join(f"[ {value.text}, %{block} ]" for value, block in ways)
        return self.new(f"phi {LLVM[type]} {choices}", type)

    def _choose(self, node: ast.IfExp) -> Value:
        condition = self.number(node.test, "b1")
        if condition.known is not None:
            return self.expression(node.body if condition.known else node.orelse)
        if any(self._is_work(part) for part in (node.body, node.orelse)):
            return self._choose_by_branching(node, condition)
        return self._chosen(condition, self.expression(node.body), self.expression(node.orelse))

    def _chosen(self, condition: Value, a: Thing, b: Thing) -> Thing:
        """One of two numbers, or of two rows of numbers."""
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
            return tuple(self._chosen(condition, x, y) for x, y in zip(a, b, strict=True))
        if not (isinstance(a, Value) and isinstance(b, Value)):
            raise self.fail(self.statement, "a choice between values of two kinds, or arrays")
        return self._select(condition, *self._alike(a, b))

    def _is_work(self, node: ast.expr) -> bool:
        """Whether it has calls that should, or must, not run if they are not chosen."""
        functions = self.module.functions
        return any(not is_inline(functions[name]) or writes(functions, name) for name in called(functions, node))

    def _choose_by_branching(self, node: ast.IfExp, condition: Value) -> Value:
        yes, no, after = self.label("then"), self.label("else"), self.label("after")
        self.branch(condition, yes, no)
        ways = []
        for label, part in ((yes, node.body), (no, node.orelse)):
            self.begin(label)
            ways.append((self.number(part), self.block))
            self.jump(after)
        return self._joined(after, ways)

    def _alike(self, a: Value, b: Value) -> tuple[Value, Value]:
        type = "f8" if "f8" in (a.type, b.type) else a.type
        return self.coerce(a, type), self.coerce(b, type)

    def _select(self, condition: Value, a: Value, b: Value) -> Value:
        kind = LLVM[a.type]
        return self.new(f"select i1 {condition.text}, {kind} {a.text}, {kind} {b.text}", a.type)

    def _subscript(self, node: ast.Subscript) -> Thing:
        array = self.expression(node.value)
        if isinstance(array, tuple):
            index = self.number(node.slice, "i8").known
            if index is None or not -len(array) <= index < len(array):
                raise self.fail(node, "not an index of these values")
            return array[index]
        element = self.new(f"load {STORED[array.type]}, ptr {self.element(array, node)}{self.apart}", array.type)
        return self.new(f"trunc i8 {element.text} to i1", "b1") if array.type == "b1" else element

    def element(self, array: Thing, node: ast.Subscript) -> str:
        """The address of an element."""
        index = [self.number(i, "i8") for i in (node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])]
        if not isinstance(array, Array) or len(index) != len(array.shape):
            raise self.fail(node, "not an element of an array")
        if self.module.bounds:
            self.module.bounds.check(self, node, index, array.shape)
        place = index[0]
        for length, i in zip(array.shape[1:], index[1:], strict=True):
            row = self._arithmetic("mul", place, length)
            place = self._arithmetic("add", row, i)
        return self.named(f"getelementptr inbounds {STORED[array.type]}, ptr {array.text}, i64 {place.text}")

    def _arithmetic(self, operation: str, a: Value, b: Value) -> Value:
        return self.new(f"{operation} nsw i64 {a.text}, {b.text}", "i8")

    def _attribute(self, node: ast.Attribute) -> tuple:
        array = self.expression(node.value)
        if node.attr != "shape" or not isinstance(array, Array):
            raise self.fail(node, "only arrays have an attribute, their shape")
        return array.shape

    def _call(self, node: ast.Call) -> Thing:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        function = self.module.functions.get(name)
        if function is None and name not in _BUILTINS:
            raise self.fail(node, "no such function")
        wanted = len(function.args.args) if function else _BUILTINS[name]
        if len(node.args) != wanted or node.keywords:
            raise self.fail(node, f"{name} takes {wanted} arguments, by position")
        arguments = [self.expression(a) for a in node.args]
        return self._call_function(node, arguments) if function else self._builtin(node, arguments)

    def _empty(self, node: ast.Call, shape: Thing) -> Array:
        """A new array of constant shape."""
        if not isinstance(shape, tuple) or not all(isinstance(n, Value) and n.known is not None for n in shape):
            raise self.fail(node, "not a constant shape")
        place = f"{self.fresh()}.array"
        self.slots.append(f"  {place} = alloca [{math.prod(length.known for length in shape)} x double], align 64")
        return Array("f8", place, shape)

    def _builtin(self, node: ast.Call, arguments: list[Thing]) -> Thing:
        name, first = node.func.id, arguments[0]
        if name == "empty":
            return self._empty(node, first)
        if name == "len" and isinstance(first, Array):
            return first.shape[0]
        if name == "len" or not all(isinstance(a, Value) for a in arguments):
            raise self.fail(node, "not for these arguments")
        if name == "float":
            return self.coerce(first, "f8")
        if name == "bits_of":
            return self.new(f"bitcast double {self.coerce(first, 'f8').text} to i64", "i8")
        if name == "double_of":
            return self.new(f"bitcast i64 {self.coerce(first, 'i8').text} to double", "f8")
        if name in ("min", "max"):
            return self._extreme(*self._alike(*arguments), ast.Lt() if name == "min" else ast.Gt())
        if name == "abs" and first.known is not None:
            return self._known(node, abs(first.known))
        if name == "abs" and first.type == "i8":
            negated = self.new(f"sub i64 0, {first.text}", "i8")
            return self._select(self._comparison(ast.Lt(), first, constant(0)), negated, first)
        numbers = ", ".join(f"double {self.coerce(a, 'f8').text}" for a in arguments)
        return self.new(f"call double @llvm.{'fabs' if name == 'abs' else name}.f64({numbers})", "f8")

    def _extreme(self, a: Value, b: Value, before: ast.cmpop) -> Value:
        """The second of two numbers if it comes before the first, as in Python's `min` and `max`."""
        swapped = self._comparison(before, b, a)
        if swapped.known is not None:
            return b if swapped.known else a
        return self._select(swapped, b, a)

    def _call_function(self, node: ast.Call, arguments: list[Thing]) -> Thing:
        arrays = [a.text for a in arguments if isinstance(a, Array)]
        if len(set(arrays)) < len(arrays) or any(text.startswith("@") for text in arrays):
            raise self.fail(node, "an array passed twice, or a constant array")
        if any(isinstance(a, tuple) for a in arguments):
            raise self.fail(node, "several numbers as one argument")
        kinds = [a.kind if isinstance(a, Array) else a.type for a in arguments]
        label, result = self.module.function(node.func.id, kinds)
        passed = []
        for a in arguments:
            passed += [f"ptr {a.text}", *(f"i64 {n.text}" for n in a.shape)] if isinstance(a, Array) else []
            passed += [] if isinstance(a, Array) else [f"{LLVM[a.type]} {a.text}"]
        kind = llvm_type(result)
        code = f"call {kind} @{label}({', '.join(passed)}){self.apart}"
        self.inlined += self.module.lengths[label] if is_inline(self.module.functions[node.func.id]) else 0
        if result is None:
            self.lines.append(f"  {code}")
        else:
            whole = self.named(code)
        if self.module.bounds:
            self.module.bounds.after_call(self)
        return () if result is None else self._parts(whole, result)

    def _parts(self, whole: str, result: str | tuple[str, ...]) -> Thing:
        """The result of a call: one number, or several."""
        if isinstance(result, str):
            return Value(result, whole)
        return tuple(self.new(f"extractvalue {llvm_type(result)} {whole}, {i}", type) for i, type in enumerate(result))

    _EXPRESSIONS: dict[type, Callable] = {
        ast.Constant: _literal,
        ast.Name: _lookup,
        ast.Tuple: _several,
        ast.BinOp: _binary,
        ast.UnaryOp: _unary,
        ast.Compare: _compare,
        ast.BoolOp: _logical,
        ast.IfExp: _choose,
        ast.Subscript: _subscript,
        ast.Attribute: _attribute,
        ast.Call: _call,
    }


def is_inline(node: ast.FunctionDef) -> bool:
    """Whether LLVM must inline the function."""
    return bool(node.decorator_list)


def called(functions: dict[str, ast.FunctionDef], node: ast.AST) -> set[str]:
    """The functions of the text that `node` calls."""
    calls = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
    return {function.id for function in calls if isinstance(function, ast.Name)} & functions.keys()


def writes(functions: dict[str, ast.FunctionDef], name: str) -> bool:
    """Whether a function, or one that it calls, writes to an array."""
    seen, waiting = set(), {name}
    while waiting:
        seen |= waiting
        waiting = set().union(*(called(functions, functions[each]) for each in waiting)) - seen
    parts = (part for each in seen for part in ast.walk(functions[each]))
    return any(isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store) for part in parts)
