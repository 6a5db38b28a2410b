"""Random programs of the kernels' language, valid by construction: a Hypothesis strategy.

A program is a few functions and an entry `f(x, y, n, marks, a, k)`. Indices are masked to the length of their axis,
loops end, names have values, and bits are taken of numbers that are not NaN, whose sign and payload are nobody's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

FLOATS = ["0.0", "-0.0", "1.0", "0.5", "-1.5", "3.0", "1e-310", "1e308", "inf", "nan", "2.0**-3", "SCALE", "7 / 4"]
INTEGERS = ["0", "1", "2", "3", "-1", "5", "-7", "64", "LIMIT", "7 // 2", "len(x)", "y.shape[1]", "len(WEIGHTS)"]
PATTERNS = ["0x7FF0000000000000", "0xFFFFFFFF", "-0x8000000000000000", "9007199254740993", "0xFFFFFFFFFFFFF"]  # of bits
ARRAYS = {"f8": [("x", 1), ("y", 2)], "i8": [("n", 1)], "b1": [("marks", 1)]}
MASKS = {"x": 7, "y": 3, "n": 3, "marks": 3, "WEIGHTS": 1}
ORDER, EQUALITY = ["<", "<=", ">", ">=", "==", "!="], ["==", "!="]
AUGMENTED = {"f8": ["+", "-", "*", "/"], "i8": ["+", "-", "*", "&", "|", "^"], "b1": ["&", "|", "^"]}

HEAD = """\
LIMIT, EXACT = 3, False
SCALE = -0.25
WEIGHTS = (0.75, 3)


@inline
def clean(v):
    return v if v == v else 1.0
"""


@dataclass
class Function:
    """A function that later ones may call: what it takes besides the array x, and returns."""

    name: str
    takes: list[str]
    returns: list[str]


@dataclass
class Names:
    """The names of a function that have a value: those to assign to, and those bound once, of the open blocks."""

    variables: dict[str, list[str]]
    bound: dict[str, list[str]] = field(default_factory=lambda: {"f8": [], "i8": [], "b1": []})
    counters: list[str] = field(default_factory=list)  # of open loops, 0 to 3


class Writer:
    """Writes one function line by line. `earlier` are those that it may call; `returns` types, none for nothing."""

    def __init__(self, draw: Callable, names: Names, earlier: list[Function], returns: list[str], entry: bool):
        self.draw, self.names, self.earlier, self.returns, self.entry = draw, names, earlier, returns, entry
        self.lines: list[str] = []
        self.loops = self.count = 0
        self.arrays = ARRAYS if entry else {"f8": [("x", 1)], "i8": [], "b1": []}

    # -- choices

    def pick(self, options: list):
        return self.draw(st.sampled_from(options))

    def upto(self, most: int) -> int:
        return self.draw(st.integers(0, most))

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    # -- expressions

    def expression(self, type: str, fuel: int) -> str:
        if fuel <= 0 or self.upto(4) == 0:
            return self.leaf(type)
        makers = [{"f8": self.floating, "i8": self.integer, "b1": self.condition}[type], self.choice]
        makers += [self.call] if any(type in function.returns for function in self.earlier) else []
        return self.pick([makers[0], *makers])(type, fuel - 1)

    def leaf(self, type: str) -> str:
        names = [*self.names.variables[type], *self.names.bound[type], *(self.names.counters if type == "i8" else [])]
        options = [lambda: self.pick(names)] * 3 if names else []
        options += [lambda: self.element(type)] * (2 if self.arrays[type] else 0)
        literals = {"f8": FLOATS, "i8": INTEGERS if self.entry else INTEGERS[:10], "b1": ["True", "EXACT", "not EXACT"]}
        literal = self.pick([*options, lambda: self.pick(literals[type])])()
        return f"({literal})" if " " in literal else literal

    def element(self, type: str) -> str:
        name, axes = self.pick([*self.arrays[type], *([("WEIGHTS", 1)] if type == "f8" else [])])
        return self.place(name, axes, 0)

    def place(self, name: str, axes: int, fuel: int) -> str:
        return f"{name}[{', '.join(self.index(MASKS[name], fuel) for _ in range(axes))}]"

    def index(self, mask: int, fuel: int) -> str:
        if fuel:
            return f"{self.expression('i8', fuel)} & {mask}"
        options = [str(self.upto(mask)), f"{self.pick(self.names.variables['i8'])} & {mask}"]
        return self.pick([*options, *(self.names.counters * 2 if mask >= 3 else [])])

    def floating(self, type: str, fuel: int) -> str:
        def number() -> str:  # an integer beside a float is one
            return self.expression("f8", fuel)

        def other() -> str:
            return self.expression(self.pick(["f8", "f8", "i8"]), fuel)

        return self.pick(
            [
                lambda: f"({number()} {self.pick(['+', '-', '*', '/'])} {other()})",
                lambda: f"({other()} {self.pick(['+', '-', '*', '/'])} {number()})",
                lambda: f"({self.expression('i8', fuel)} / {other()})",
                lambda: f"fma({number()}, {other()}, {number()})",
                lambda: f"{self.pick(['min', 'max'])}({number()}, {other()})",
                lambda: f"{self.pick(['min', 'max'])}({other()}, {number()})",
                lambda: f"{self.pick(['abs', 'sqrt', 'floor', 'ceil'])}({number()})",
                lambda: f"{self.pick(['sqrt', 'floor', 'float'])}({self.expression('i8', fuel)})",
                lambda: f"float({self.leaf('i8')} if {self.expression('b1', fuel)} else {self.leaf('f8')})",
                lambda: f"{self.pick(['min', 'max'])}({self.leaf('f8')} * 0.0, {self.pick(['0.0', '-0.0'])})",
                lambda: f"double_of({self.expression('i8', fuel)})",
                lambda: f"(-{number()})",
            ]
        )()

    def integer(self, type: str, fuel: int) -> str:
        def number() -> str:
            return self.expression("i8", fuel)

        def variable() -> str:  # a constant that leaves 64 bits would be refused
            return f"({self.pick(self.names.variables['i8'])} {self.pick(['+', '^'])} {number()})"

        return self.pick(
            [
                lambda: f"({number()} {self.pick(['+', '-', '*'])} {number()})",
                lambda: f"({number()} {self.pick(['&', '|', '^'])} {self.pick([number(), self.pick(PATTERNS)])})",
                lambda: (
                    f"({number()} {self.pick(['<<', '>>'])} {self.pick([str(self.upto(63)), f'({number()} & 63)'])})"
                ),
                lambda: f"{self.pick(['min', 'max'])}({number()}, {number()})",
                lambda: f"bits_of(clean({self.expression('f8', fuel)}))",
                lambda: f"abs({number()})",
                lambda: f"(-{number()})",
            ]
        )()

    def condition(self, type: str, fuel: int) -> str:
        def operand() -> str:
            return self.expression("b1", fuel)

        def numbers() -> list[str]:
            first = [self.expression(self.pick(["f8", "i8"]), fuel) for _ in range(2)]
            if self.upto(2) == 0:
                first = [self.leaf(self.pick(["f8", "f8", "i8"]))] * 2  # equal, or NaN
            return first + [self.leaf(self.pick(["f8", "i8"])) for _ in range(self.upto(1))]  # a call might be left out

        return self.pick(
            [
                lambda: self.compared(numbers()),
                lambda: self.compared(numbers()),
                lambda: f"({operand()} {self.pick(['and', 'or', '&', '|', '^', *EQUALITY])} {operand()})",
                lambda: f"({operand()} {self.pick(['and', 'or'])} {operand()} {self.pick(['and', 'or'])} {operand()})",
                lambda: f"(not {operand()})",
            ]
        )()

    def compared(self, numbers: list[str]) -> str:
        links = [f" {self.pick(ORDER)} {number}" for number in numbers[1:]]
        return f"({numbers[0]}{''.join(links)})"

    def choice(self, type: str, fuel: int) -> str:
        a, b = self.expression(type, fuel), self.expression(type, fuel)
        return f"({a} if {self.expression('b1', fuel)} else {b})"

    def call(self, type: str, fuel: int) -> str:
        function = self.pick([function for function in self.earlier if type in function.returns])
        several = f"[{function.returns.index(type)}]" if len(function.returns) > 1 else ""
        return self.called(function, fuel) + several

    def called(self, function: Function, fuel: int) -> str:
        return f"{function.name}({', '.join(['x', *(self.expression(kind, fuel) for kind in function.takes)])})"

    # -- statements

    def block(self, depth: int, fuel: int) -> None:
        """One to four statements; names that are bound once in them end with them."""
        kept = {type: list(names) for type, names in self.names.bound.items()}
        for _ in range(1 + self.upto(3)):
            self.statement(depth, fuel)
        self.names.bound = kept

    def statement(self, depth: int, fuel: int) -> None:
        simple = [self.assign, self.bind, self.bind, self.store, self.store, self.augment, self.pair]
        simple += [self.call_alone] if self.earlier else []
        nested = [self.branch, self.loop, self.repeat, self.constant_branch, self.leave]
        self.pick(simple + nested if fuel > 0 else simple)(depth, fuel)

    def a_type(self) -> str:
        return self.pick(["f8", "f8", "i8", "b1"])

    def assign(self, depth: int, fuel: int) -> None:
        type = self.a_type()
        self.line(depth, f"{self.pick(self.names.variables[type])} = {self.expression(type, 3)}")

    def bind(self, depth: int, fuel: int) -> None:
        type = self.a_type()
        value = self.expression(type, 3)
        self.count += 1
        self.line(depth, f"once{self.count} = {value}")
        self.names.bound[type].append(f"once{self.count}")

    def store(self, depth: int, fuel: int) -> None:
        type = self.pick([type for type, arrays in self.arrays.items() if arrays])
        name, axes = self.pick(self.arrays[type])
        self.line(depth, f"{self.place(name, axes, self.upto(1))} = {self.expression(type, 3)}")

    def augment(self, depth: int, fuel: int) -> None:
        type = self.a_type()
        targets = [self.pick(self.names.variables[type])]
        targets += [self.place(name, axes, 0) for name, axes in self.arrays[type]]
        self.line(depth, f"{self.pick(targets)} {self.pick(AUGMENTED[type])}= {self.expression(type, 2)}")

    def pair(self, depth: int, fuel: int) -> None:
        types = [self.a_type(), self.a_type()]
        names = [self.pick(self.names.variables[type]) for type in types]
        functions = [function for function in self.earlier if function.returns == types]
        values = ", ".join(self.expression(type, 2) for type in types)
        self.line(depth, f"{', '.join(names)} = {self.called(functions[0], 1) if functions else values}")

    def call_alone(self, depth: int, fuel: int) -> None:
        self.line(depth, self.called(self.pick(self.earlier), 2))

    def branch(self, depth: int, fuel: int) -> None:
        self.line(depth, f"if {self.expression('b1', 3)}:")
        self.block(depth + 1, fuel - 1)
        if self.upto(1):
            self.line(depth, f"elif {self.expression('b1', 2)}:")
            self.block(depth + 1, fuel - 1)
        if self.upto(1):
            self.line(depth, "else:")
            self.block(depth + 1, fuel - 1)

    def constant_branch(self, depth: int, fuel: int) -> None:
        self.line(depth, f"if {self.pick(['EXACT', 'not EXACT', 'LIMIT > 2', 'True and LIMIT != 3'])}:")
        self.block(depth + 1, fuel - 1)
        self.line(depth, "else:")
        self.block(depth + 1, fuel - 1)

    def loop(self, depth: int, fuel: int) -> None:
        self.count += 1
        counter = f"j{self.count}"
        bounds = ["4", "1, 4", "3, -1, -1", "0, 4, 2", "2, 2"]
        bounds += [f"{self.expression('i8', 1)} & 3", f"{self.expression('i8', 1)} & 3, -1, -1"]
        bounds += [f"{self.expression('i8', 1)} & 3, {self.expression('i8', 1)} & 3"]
        self.line(depth, f"for {counter} in range({self.pick(bounds)}):")
        self.names.counters.append(counter)
        self.body(depth + 1, fuel)
        self.names.counters.remove(counter)

    def repeat(self, depth: int, fuel: int) -> None:
        self.count += 1
        counter = f"turns{self.count}"
        self.line(depth, f"{counter} = 0")
        self.line(depth, f"while {counter} < {1 + self.upto(3)} and {self.expression('b1', 2)}:")
        self.line(depth + 1, f"{counter} += 1")
        self.body(depth + 1, fuel)

    def body(self, depth: int, fuel: int) -> None:
        """Of a loop, which may be left or go on early."""
        self.block(depth, fuel - 1)
        if self.upto(2) == 0:
            self.line(depth, f"if {self.expression('b1', 2)}:")
            self.line(depth + 1, self.pick(["break", "continue"]))
            self.block(depth, fuel - 1)

    def leave(self, depth: int, fuel: int) -> None:
        self.line(depth, f"if {self.expression('b1', 2)}:")
        self.end(depth + 1)

    def end(self, depth: int) -> None:
        self.line(depth, f"return {', '.join(self.expression(type, 2) for type in self.returns)}".rstrip())


def _helper(draw: Callable, number: int, earlier: list[Function]) -> tuple[str, Function]:
    """A function that takes x and numbers."""
    types = st.sampled_from(["f8", "i8", "b1"])
    takes, returns = draw(st.lists(types, max_size=3)), draw(st.lists(types, min_size=1, max_size=2))
    variables: dict[str, list[str]] = {type: [f"{type}_own"] for type in ARRAYS}
    for i, type in enumerate(takes):
        variables[type].append(f"p{i}")
    writer = Writer(draw, Names(variables), earlier, returns, entry=False)
    _begin(writer, draw(st.integers(0, 1)))
    head = "@inline\n" if draw(st.booleans()) else ""
    head += f"def h{number}({', '.join(['x', *(f'p{i}' for i in range(len(takes)))])}):\n"
    return head + "\n".join(writer.lines) + "\n", Function(f"h{number}", takes, returns)


def _begin(writer: Writer, fuel: int) -> None:
    """The whole body of a function."""
    for line in ("f8_own = x[1] * 0.5", "i8_own = LIMIT", "b1_own = x[0] > 0.0"):
        writer.line(1, line)
    for _ in range(1 + writer.upto(2 + 2 * fuel)):
        writer.statement(1, fuel)
    writer.end(1)


@st.composite
def programs(draw: Callable) -> str:
    """The text of a program."""
    texts, functions = [HEAD], []
    for number in range(draw(st.integers(0, 3))):
        text, function = _helper(draw, number, functions)
        texts.append(text)
        functions.append(function)
    names = Names({"f8": ["f8_own", "a"], "i8": ["i8_own", "k"], "b1": ["b1_own"]})
    writer = Writer(draw, names, functions, draw(st.sampled_from([["i8"], []])), entry=True)
    _begin(writer, 3)
    head = 'def f(x: "f8[:]", y: "f8[:, :]", n: "i8[:]", marks: "b1[:]", a: "f8", k: "i8"):\n'
    return "\n\n".join([*texts, head + "\n".join(writer.lines) + "\n"])
