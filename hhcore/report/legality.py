"""The checks of a stimulus, recorded for a page, where sliders and typed numbers change its fields.

`Stimulus.check` runs with objects in the place of columns, as in hhcore.report.tracing. It branches on values, so it
runs once for each way that the branches can go: this makes a tree, whose leaves are the sentences of its mistakes. A
number in a sentence is at first a marker; the page puts the value there.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from hhcore.base.errors import UserError
from hhcore.experiments.experiment import Experiment
from hhcore.report.tracing import Program, Traced, UntraceableError

MOST_WAYS = 500  # through the checks of a stimulus
MARKER = re.compile(r"1e-1(\d\d)")  # as any format writes the float 1e-100 / 10^k
MOST_NUMBERS = 100
Tree = list[Any] | dict[str, Any] | None


class Way:
    """One way through a check. taken : how its branches go; those beyond it go where the condition does not hold."""

    def __init__(self, taken: list[bool]):
        self.taken = taken
        self.conditions: list[int] = []
        self.numbers: list[int] = []

    def branch(self, slot: int) -> bool:
        """Whether a condition holds."""
        self.conditions.append(slot)
        if len(self.conditions) > len(self.taken):
            self.taken.append(False)
        return self.taken[len(self.conditions) - 1]

    def number(self, slot: int) -> float:
        """The marker of a number in a sentence."""
        if len(self.numbers) == MOST_NUMBERS:
            raise UntraceableError("a long sentence")
        self.numbers.append(slot)
        return float(f"1e-{99 + len(self.numbers)}")


class Checked(Traced):
    """A column of one neuron in a check: it is its own minimum and maximum, and its first number."""

    way: Way

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: object) -> Any:
        if ufunc is np.isinf:
            return abs(self) == np.inf
        return self._checked(super().__array_ufunc__(ufunc, method, *inputs, **options))

    def __array_function__(self, function: Any, types: object, inputs: Any, options: Mapping[str, Any]) -> Any:
        return self._checked(super().__array_function__(function, types, inputs, options))

    def astype(self, dtype: Any) -> "Checked":
        """The number as float64, or cut to an integer."""
        return self if self.dtype == dtype else self._checked(super().astype(dtype))

    def _checked(self, found: Any) -> Any:
        if not isinstance(found, Traced):
            return found
        return checked(self.way, found.program, found.slot, found.value)

    def _itself(self, *_: object) -> "Checked":
        return self

    min = max = any = all = __getitem__ = _itself

    def argmax(self) -> int:
        """The first of one."""
        return 0

    argmin = argmax

    def __bool__(self) -> bool:
        return self.way.branch(self.slot)

    def __float__(self) -> float:
        return self.way.number(self.slot)

    def __format__(self, spec: str) -> str:
        return format(float(self), spec)


def checked(way: Way, program: Program, slot: int, value: np.ndarray) -> Checked:
    """A column on a way through a check."""
    column = Checked(program, slot, value)
    column.way = way
    return column


def legality(e: Experiment, point: Mapping[str, float]) -> dict[str, Any] | None:
    """The checks of an experiment's stimulus: {program, tree}; None if they cannot be recorded.

    program : from all `quantities` to the conditions and numbers of the tree
    tree    : [output that is a condition, tree where it holds, tree where it does not]; at the ends {"words": texts
              and outputs in turn} of a mistake, or null where all is well
    """
    program = Program(tuple(point))

    def follow(taken: list[bool]) -> tuple[Way, Tree]:
        way = Way(taken)
        columns = {name: checked(way, program, i, np.array([point[name]])) for i, name in enumerate(point)}
        try:
            e.stimulus.check({name: columns[name] for name in e.stimulus.fields}, e.duration, "")
        except UserError as error:
            return way, {"words": _words(error.mistakes[0], way, program)}
        if way.numbers:
            raise UntraceableError("a number outside of a sentence, with which a branch may have been chosen")
        return way, None

    try:
        tree = _tree(follow, program)
    except Exception:  # code of any stimulus, that expects arrays
        return None
    return {"program": program.as_json(), "tree": tree}


def _tree(follow: Any, program: Program) -> Tree:
    """All ways through a check."""
    waiting: list[tuple[list[bool], list[Any] | None, int]] = [([], None, 0)]
    root: Tree = None
    ways = 0
    while waiting:
        taken, parent, place = waiting.pop()
        first = len(taken)
        way, leaf = follow(taken)
        ways += 1
        if ways > MOST_WAYS:
            raise UntraceableError("too many ways")
        node: Tree = leaf
        for depth in range(len(way.conditions) - 1, first - 1, -1):
            branch = [_output(program, way.conditions[depth]), None, node]
            waiting.append(([*way.taken[:depth], True], branch, 1))
            node = branch
        if parent is None:
            root = node
        else:
            parent[place] = node
    return root


def _output(program: Program, slot: int) -> int:
    """The number of an output."""
    if slot not in program.outputs:
        program.outputs.append(slot)
    return program.outputs.index(slot)


def _words(sentence: str, way: Way, program: Program) -> list[str | int]:
    """A sentence as texts and, between them, numbers of outputs."""
    texts = MARKER.split(sentence.lstrip(".: "))
    if {int(k) for k in texts[1::2]} != set(range(len(way.numbers))):
        raise UntraceableError("a number that is not in the sentence, or not to be found there")
    parts: list[str | int] = [*texts]
    parts[1::2] = [_output(program, way.numbers[int(k)]) for k in texts[1::2]]
    return parts
