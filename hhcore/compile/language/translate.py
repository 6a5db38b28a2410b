"""From the Python in which kernels are written to LLVM's language.

A kernel's text is a small part of Python, and means what it means there: functions of numbers (f8, i8, b1) and of
arrays in C order; assignments, loops over ranges, branches, calls. Its grammar, its types and where it differs from
Python are on one page, docs/design/kernel_language.md.

Multiplications and additions are fused where the text says `fma`, nowhere else, and nothing is reordered.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hhcore.compile.language.bounds import DECLARED, Bounds
from hhcore.compile.language.expressions import INTRINSICS, Expressions, is_inline
from hhcore.compile.language.lanes import Lanes
from hhcore.compile.language.values import (
    CONSTANTS,
    LLVM,
    STORED,
    Array,
    KernelError,
    Thing,
    Value,
    constant,
    llvm_type,
)

UNROLLED = 8  # most turns of a loop that may be unrolled

LONG = 3000  # lines of a loop that fills all registers by one turn: turns in flight together would only lengthen it

REGISTER = 8  # lanes in one of AVX-512

ENTERING = re.compile(r"f8|i8|(f8|i8|b1)\[:(, :)*\]")  # types of arguments of exported functions

FIRST_MARK = 5  # of a loop; those before it are in _ATTRIBUTES

APART = ", !llvm.access.group !3"

_ATTRIBUTES = """\
attributes #0 = {{ nounwind "prefer-vector-width"="512" }}
!0 = !{{!"llvm.loop.interleave.count", i32 {interleaved}}}
!1 = !{{!"llvm.loop.unroll.disable"}}
!2 = !{{!"llvm.loop.interleave.count", i32 1}}
!3 = distinct !{{}}
!4 = !{{!"llvm.loop.parallel_accesses", !3}}"""


@dataclass(frozen=True)
class Translation:
    """LLVM's text of a kernel, and what its caller must know.

    constants : of the text, by name
    entries   : types of the arguments of exported functions, by name
    places    : of a checked translation, the location and text of each check; the machine code counts them from 1
    """

    text: str
    constants: dict[str, object]
    entries: dict[str, list[str]]
    places: list[tuple[str, str]]


def translate(text: str, checked: bool = False) -> Translation:
    """Translate the text of a kernel, `checked` with a comparison of each index with the length of its axis.

    Raises KernelError, which says where, if the text is not a kernel.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise KernelError(f"line {error.lineno}: {error.msg}") from error
    bounds = Bounds() if checked else None
    module = _Module(tree, bounds)
    return Translation(module.text(), module.constants, module.entries, bounds.places if bounds else [])


def _defined(tree: ast.Module) -> list[str]:
    """Names of functions and constants, as often as they are defined."""
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return functions + [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]


class _Module:
    """The functions of a text, and their translations."""

    def __init__(self, tree: ast.Module, bounds: Bounds | None):
        self.bounds = bounds
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.constants: dict[str, object] = {}
        assignments = [node for node in tree.body if isinstance(node, ast.Assign)]
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.Assign) and not _is_comment(node):
                raise KernelError(f"line {node.lineno}: neither a function nor a constant")
            if any(ast.unparse(decorator) != "inline" for decorator in getattr(node, "decorator_list", ())):
                raise KernelError(f"line {node.lineno}: the only decorator is @inline")
        for name, count in Counter(_defined(tree)).items():
            if count > 1:  # in two parts of a kernel, which would use each other's
                raise KernelError(f"{name} is defined twice")
        known = {"__builtins__": {}} | CONSTANTS
        try:
            exec(compile(ast.Module(assignments, []), "<constants>", "exec"), known, self.constants)
        except Exception as error:
            raise KernelError(f"a constant without a value: {error}") from error
        self.entries = {
            name: [self.entering(argument.annotation) for argument in node.args.args]
            for name, node in self.functions.items()
            if node.args.args and all(argument.annotation for argument in node.args.args)
        }
        self.translated: dict[tuple, tuple[str, object]] = {}
        self.lengths: dict[str, int] = {}  # lines of the functions translated
        self.texts: list[str] = []
        self.tables: dict[str, str] = {}  # constant tuples
        self.marks: list[str] = []  # of loops
        self.begun: set[tuple] = set()  # functions whose translation has begun

    @staticmethod
    def entering(annotation: ast.expr) -> str:
        """The type of an argument, from its annotation."""
        kind = getattr(annotation, "value", None)
        if not (isinstance(kind, str) and ENTERING.fullmatch(kind)):
            raise KernelError(f"line {annotation.lineno}: not the type of an argument: {ast.unparse(annotation)}")
        return kind

    def text(self) -> str:
        """The whole module."""
        for name, kinds in self.entries.items():
            self.function(name, kinds)
        declared = [f"declare double @llvm.{name}.f64({', '.join(['double'] * n)})" for name, n in INTRINSICS.items()]
        loops = [f"!{i} = distinct !{{!{i}, {hints}}}" for i, hints in enumerate(self.marks, start=FIRST_MARK)]
        attributes = _ATTRIBUTES.format(interleaved=max(2, self.constants.get("W", 0) // REGISTER))
        noted = [DECLARED] if self.bounds else []
        parts = [*self.tables.values(), *noted, *declared, *self.texts, attributes, *loops]
        return "\n".join(parts) + "\n"

    def loop(self, turns: int | None, lines: int, independent: bool) -> str:
        """Mark a loop of so many turns, None if unknown, and so many lines.

        The registers of a block, in flight together, hide each other's latency; loops over lanes become vector
        operations, not copies of their body. Of `independent` turns LLVM need not compare all accesses to memory.
        """
        hints = ["!0" if lines < LONG else "!2"]
        hints += [] if turns is None or turns <= UNROLLED else ["!1"]
        hints += ["!4"] if independent else []
        self.marks.append(", ".join(hints))
        return f", !llvm.loop !{len(self.marks) - 1 + FIRST_MARK}"

    def function(self, name: str, kinds: Sequence[str]) -> tuple[str, object]:
        """Translate a function for arguments of these types: (LLVM's name, types of the result)."""
        key = (name, *kinds)
        if key not in self.translated:
            if key in self.begun:
                raise KernelError(f"{name} calls itself")
            self.begun.add(key)
            number, exported = len(self.translated), list(kinds) == self.entries.get(name)
            body = _Function(self, self.functions[name], kinds)
            if exported and body.result not in (None, "i8"):
                raise KernelError(f"{name}: an exported function returns i8 or nothing, not {body.result}")
            label = name if exported else f"{name}.{number}"
            self.translated[key] = label, body.result
            self.lengths[label] = body.length
            self.texts.append(body.define(label, exported))
        return self.translated[key]

    def table(self, name: str, numbers: list[Value]) -> Array:
        """A constant tuple of numbers as an array of floats."""
        values = ", ".join(f"double {constant(float(x.known)).text}" for x in numbers)
        self.tables[name] = f"@{name} = private unnamed_addr constant [{len(numbers)} x double] [{values}]"
        return Array("f8", f"@{name}", (constant(len(numbers)),))


class _Function(Expressions):
    """The translation of one function for one set of argument types."""

    def __init__(self, module: _Module, node: ast.FunctionDef, kinds: Sequence[str]):
        super().__init__(module, node)
        self.loops: list[tuple[str, str]] = []  # labels for continue and break
        self.result: object = None
        self.returned = False
        self.assigned = _assignments(node)
        self.arguments = [self.argument(a.arg, kind) for a, kind in zip(node.args.args, kinds, strict=True)]
        self.statements(node.body)
        if self.open:
            self.leave(None)

    def argument(self, name: str, kind: str) -> str:
        """Declare an argument; arrays come as a pointer and the length of each axis."""
        if "[" not in kind:
            if name in self.assigned:
                self.assign(name, Value(kind, f"%{name}"), initial=True)
            else:
                self.names[name] = Value(kind, f"%{name}")
            return f"{LLVM[kind]} %{name}"
        shape = tuple(Value("i8", f"%{name}.{axis}") for axis in range(kind.count(":")))
        self.names[name] = Array(kind.split("[")[0], f"%{name}", shape)
        return ", ".join([f"ptr noalias %{name}", *(f"i64 {length.text}" for length in shape)])

    def define(self, label: str, exported: bool) -> str:
        """The finished function."""
        linkage, inlined = "" if exported else "internal ", "alwaysinline " if is_inline(self.node) else ""
        head = f"define {linkage}{llvm_type(self.result)} @{label}({', '.join(self.arguments)}) {inlined}#0 {{"
        outside = self.module.bounds.end(llvm_type(self.result)) if self.module.bounds else []
        return "\n".join([head, "entry:", *self.slots, *self.lines, *outside, "}"])

    def assign(self, name: str, value: Thing, initial: bool = False) -> None:
        """Bind a name. A name bound once stands for its value; others are stored in a slot."""
        if name not in self.variables:
            if name in self.names or name in self.module.constants:
                raise self.fail(self.statement, f"{name} is already an array, several numbers or a constant")
            if not isinstance(value, Value) or (self.assigned[name] == 1 and not initial):
                self.names[name] = value
                return
            self.variables[name] = value.type, f"%{name}.slot"
            self.slots.append(f"  %{name}.slot = alloca {LLVM[value.type]}")
        type, slot = self.variables[name]
        if not isinstance(value, Value) or value.type != type:
            other = value.type if isinstance(value, Value) else "not a number"
            raise self.fail(self.statement, f"{name} is {type}, then {other}")
        self.lines.append(f"  store {LLVM[type]} {value.text}, ptr {slot}")

    # -- statements

    def statements(self, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if not self.open:
                return  # unreachable
            self.statement = node
            method = self._STATEMENTS.get(type(node))
            if method is None:
                raise self.fail(node, "not part of the kernel language")
            method(self, node)

    def do_assign(self, node: ast.Assign) -> None:
        if len(node.targets) > 1:
            raise self.fail(node, "several assignments in one")
        target, value = node.targets[0], self.expression(node.value)
        if not isinstance(target, ast.Tuple):
            self.store(target, value)
            return
        if not isinstance(value, tuple) or len(value) != len(target.elts):
            raise self.fail(node, "the numbers of values and names differ")
        for part, one in zip(target.elts, value, strict=True):
            self.store(part, one)

    def store(self, target: ast.expr, value: Thing) -> None:
        if isinstance(target, ast.Name):
            self.assign(target.id, value)
            return
        if not isinstance(target, ast.Subscript):
            raise self.fail(target, "cannot assign to this")
        array = self.expression(target.value)
        place = self.element(array, target)
        if not isinstance(value, Value) or array.text.startswith("@"):
            raise self.fail(self.statement, "not a number, or the array is constant")
        text = self.coerce(value, array.type).text
        if array.type == "b1":
            text = self.named(f"zext i1 {text} to i8")
        self.lines.append(f"  store {STORED[array.type]} {text}, ptr {place}{self.apart}")

    def do_augmented(self, node: ast.AugAssign) -> None:
        if any(isinstance(part, ast.Call) for part in ast.walk(node.target)):
            raise self.fail(node, "would call a function twice")
        changed = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
        self.store(node.target, self.expression(changed))

    def do_if(self, node: ast.If) -> None:
        condition = self.number(node.test, "b1")
        if condition.known is not None:
            self.statements(node.body if condition.known else node.orelse)
            return
        yes, no, after = self.label("then"), self.label("else"), self.label("after")
        self.branch(condition, yes, no)
        outer, reaching = self.names, []
        for label, body in ((yes, node.body), (no, node.orelse)):
            self.begin(label)
            self.names = dict(outer)
            self.statements(body)
            reaching += [self.names] if self.open else []
            self.jump(after)
        self.names = reaching[0] if len(reaching) == 1 else outer  # the other branch may not have bound a name
        if reaching:
            self.begin(after)

    def do_while(self, node: ast.While) -> None:
        if node.orelse:
            raise self.fail(node, "an `else` of a loop")
        head, body, after = self.label("while"), self.label("do"), self.label("after")
        self.begin(head)
        self.branch(self.number(node.test, "b1"), body, after)
        self.begin(body)
        self.loop_body(node.body, head, after)
        self.jump(head)
        self.begin(after)

    def do_for(self, node: ast.For) -> None:
        if node.orelse:
            raise self.fail(node, "an `else` of a loop")
        first, last, step = self.bounds(node.iter)
        name = ast.unparse(node.target)
        if not name.isidentifier() or any(name in x for x in (self.assigned, self.names, self.module.constants)):
            raise self.fail(node.target, "the name of the counter is taken")
        head, body, following, after = (self.label(word) for word in ("for", "do", "next", "after"))
        before = self.block
        turns = None if None in (first.known, last.known) else len(range(first.known, last.known, step.known))
        independent, outer, length = self.independent(node, turns, step), self.apart, self.length
        counter = Value("i8", self.fresh())
        advanced = f"{counter.text}.next"
        self.jump(head)
        self.begin(head)
        self.lines.append(f"  {counter.text} = phi i64 [ {first.text}, %{before} ], [ {advanced}, %{following} ]")
        comparison = "slt" if step.known > 0 else "sgt"
        self.branch(self.new(f"icmp {comparison} i64 {counter.text}, {last.text}", "b1"), body, after)
        self.begin(body)
        self.names[name] = counter
        self.apart = APART if independent else outer
        self.loop_body(node.body, following, after)
        self.apart = outer
        self.begin(following)
        self.lines.append(f"  {advanced} = add nsw i64 {counter.text}, {step.text}")
        self.jump(head, self.module.loop(turns, self.length - length, independent))
        del self.names[name]
        self.begin(after)

    def independent(self, node: ast.For, turns: int | None, step: Value) -> bool:
        """Whether surely no turn of a loop uses an element of an array that another one uses."""
        if not turns or step.known != 1 or self.module.bounds:  # turns of a checked loop share its note
            return False
        constants = {name: value for name, value in self.module.constants.items() if name not in self.names}
        return Lanes(self.module.functions, constants, turns).apart(node.body, ast.unparse(node.target))

    def bounds(self, node: ast.expr) -> tuple[Value, Value, Value]:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"):
            raise self.fail(node, "not a range")
        values = [self.number(a, "i8") for a in node.args]
        if len(values) == 1:
            values = [constant(0), *values]
        if len(values) == 2:
            values = [*values, constant(1)]
        if len(values) != 3 or not values[2].known or node.keywords:
            raise self.fail(node, "not a range of constant steps")
        return tuple(values)

    def loop_body(self, body: list[ast.stmt], following: str, after: str) -> None:
        outer, self.names = self.names, dict(self.names)
        self.loops.append((following, after))
        self.statements(body)
        self.loops.pop()
        self.names = outer

    def do_leap(self, node: ast.Continue | ast.Break) -> None:
        if not self.loops:
            raise self.fail(node, "outside of a loop")
        following, after = self.loops[-1]
        self.jump(following if isinstance(node, ast.Continue) else after)

    def do_return(self, node: ast.Return) -> None:
        self.leave(None if node.value is None else self.expression(node.value))

    def leave(self, value: Thing | None) -> None:
        """Return a value; all returns of a function have one type."""
        value = value or None  # () came from a function without a value
        parts = value if isinstance(value, tuple) else (() if value is None else (value,))
        if not all(isinstance(part, Value) for part in parts):
            raise self.fail(self.statement, "returns what is not a number")
        types = tuple(part.type for part in parts)
        result = types if isinstance(value, tuple) else (types[0] if types else None)
        if self.returned and result != self.result:
            raise self.fail(self.statement, f"returns {self.result}, then {result}")
        self.result, self.returned = result, True
        if isinstance(value, tuple):
            whole, kind = "poison", llvm_type(result)
            for i, part in enumerate(parts):
                whole = self.named(f"insertvalue {kind} {whole}, {LLVM[part.type]} {part.text}, {i}")
            self.lines.append(f"  ret {kind} {whole}")
        else:
            self.lines.append(f"  ret {LLVM[value.type]} {value.text}" if value else "  ret void")
        self.open = False

    def do_expression(self, node: ast.Expr) -> None:
        if not _is_comment(node):
            self.expression(node.value)

    _STATEMENTS: dict[type, Callable] = {
        ast.Assign: do_assign,
        ast.AugAssign: do_augmented,
        ast.If: do_if,
        ast.While: do_while,
        ast.For: do_for,
        ast.Continue: do_leap,
        ast.Break: do_leap,
        ast.Return: do_return,
        ast.Expr: do_expression,
        ast.Pass: lambda self, node: None,
    }


def _is_comment(node: ast.stmt) -> bool:
    """Whether it is a bare constant, like a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _assignments(node: ast.FunctionDef) -> dict[str, int]:
    """How often each name of a function is assigned to, except counters of loops."""
    counts: dict[str, int] = {}
    for part in ast.walk(node):
        if isinstance(part, ast.Assign | ast.AugAssign):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target, part.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                        counts[name.id] = counts.get(name.id, 0) + 1
    return counts
