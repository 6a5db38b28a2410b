"""Python code that maps a point to the arguments of a kernel, recorded as a list of operations for the browser.

Drugs, blocks and stimuli compute with arrays: `Experiment.parameters`, `Stimulus.resolve`. Here the same code runs with
`Traced` in the place of arrays. NumPy hands each operation over, by `__array_ufunc__` and `__array_function__`, and the
list of them is the program. static/program.js carries it out. Basic operations of IEEE 754 in the same order give the
same bits. An operation that is not in the list below, or a branch on a value, raises UntraceableError.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from hhcore.experiments.experiment import Experiment

OF_TRUTHS = ("logical_and", "logical_or", "logical_not", "bitwise_and", "bitwise_or", "invert")
# What static/program.js carries out, by the names that NumPy has for it.
OPERATIONS = (
    *("add", "subtract", "multiply", "divide", "negative", "absolute", "sqrt", "copysign", "minimum", "maximum"),
    *("floor", "ceil", "trunc", "rint", "frexp", "ldexp", "isfinite", "isnan"),
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
    *OF_TRUTHS,
)
WIDER = ("multiply", "ldexp")  # of integers may need more digits than a double has
OPERATIONS_64 = ("add", "multiply", "bitwise_xor", "right_shift")  # modulo 2^64
WORD = np.dtype(np.uint64)
DURATION = "duration of the run"  # an input of programs besides the quantities, none of which has spaces in its name


class UntraceableError(TypeError):
    """What a list of operations cannot express."""


@dataclass
class Program:
    """A straight line of operations; each makes one number, which has the next slot.

    inputs  : names of the first slots
    steps   : [name of an operation, slot, slot, ...]; or ["constant", number], ["constant64", whole number as text]
    outputs : the slots of the results
    """

    inputs: tuple[str, ...]
    steps: list[list[Any]] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    known: dict[tuple[str, ...], int] = field(default_factory=dict)

    def step(self, *step: Any) -> int:
        """The slot of a step; equal steps are one."""
        key = tuple(map(repr, step))
        if key not in self.known:
            self.known[key] = len(self.inputs) + len(self.steps)
            self.steps.append([*step])
        return self.known[key]

    def slot(self, value: object) -> int:
        """The slot of an operand: a traced number or a constant."""
        if isinstance(value, Traced):
            return value.slot
        number = np.asarray(value)
        if number.size != 1 or number.dtype.kind not in "fiub":
            raise UntraceableError(f"a constant {value!r}")
        number = number.reshape(())[()]
        return self.step("constant64", str(number)) if number.dtype == WORD else self.step("constant", float(number))

    def as_json(self) -> dict[str, Any]:
        """The program as data."""
        return {"inputs": len(self.inputs), "steps": self.steps, "outputs": self.outputs}


class Traced(NDArrayOperatorsMixin):
    """In the place of a column of one neuron: notes what is done with it.

    value : float64, int, bool or uint64 (1,): what it is at the point at which the code is traced
    """

    ndim, shape = 1, (1,)

    def __init__(self, program: Program, slot: int, value: np.ndarray):
        self.program, self.slot, self.value = program, slot, value

    @property
    def dtype(self) -> np.dtype:
        """That of the value."""
        return self.value.dtype

    def __len__(self) -> int:
        return 1

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: object) -> Any:
        if method != "__call__" or options:
            raise UntraceableError(f"numpy.{ufunc.__name__} with options")
        values = [x.value if isinstance(x, Traced) else x for x in inputs]
        with np.errstate(all="ignore"):
            results = ufunc(*values)
        slots = [self.program.slot(x) for x in inputs]
        if ufunc is np.frexp:
            return tuple(
                Traced(self.program, self.program.step(f"frexp_{part}", *slots), result)
                for part, result in zip(("mantissa", "exponent"), results, strict=True)
            )
        return Traced(self.program, self.program.step(_operation(ufunc, values), *slots), results)

    def __array_function__(
        self, function: Callable, types: object, inputs: Sequence[Any], options: Mapping[str, Any]
    ) -> Any:
        own = _FUNCTIONS.get(function)
        if own is None:
            raise UntraceableError(f"numpy.{function.__name__}")
        return own(*inputs, **options)

    def astype(self, dtype: Any) -> "Traced":
        """The number as float64, or cut to an integer."""
        wanted = np.dtype(dtype)
        conversions = {("f", "i"): "trunc", ("i", "f"): "number", ("b", "f"): "number", ("u", "f"): "number64"}
        name = conversions.get((self.dtype.kind, wanted.kind))
        if name is None or wanted.itemsize != 8:
            raise UntraceableError(f"a conversion from {self.dtype} to {wanted}")
        return Traced(self.program, self.program.step(name, self.slot), self.value.astype(wanted))

    def view(self, dtype: Any) -> "Traced":
        """The bits of a float64 as uint64."""
        if (self.dtype, np.dtype(dtype)) != (np.float64, WORD):
            raise UntraceableError(f"a view of {self.dtype} as {np.dtype(dtype)}")
        return Traced(self.program, self.program.step("bits", self.slot), self.value.view(WORD))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise UntraceableError("a branch, a loop or an index that depends on a value")

    __bool__ = __float__ = __int__ = __index__ = __iter__ = __getitem__ = __array__ = _refuse
    __hash__ = None


def _operation(ufunc: np.ufunc, values: Sequence[Any]) -> str:
    """The name of an operation on these operands. Raises UntraceableError for one that programs lack."""
    kinds = {np.asarray(value).dtype for value in values}
    name = ufunc.__name__
    if WORD in kinds and name in OPERATIONS_64 and kinds == {WORD}:
        return f"{name}64"
    truths, integers = kinds == {np.dtype(bool)}, all(kind.kind in "bi" for kind in kinds)
    refused = (name in OF_TRUTHS) != truths or (integers and name in WIDER)
    if WORD in kinds or name not in OPERATIONS or refused:
        raise UntraceableError(f"numpy.{name} of {', '.join(sorted(map(str, kinds)))}")
    return name


def _where(condition: Any, x: Any, y: Any) -> Traced:
    if condition.dtype != bool:
        raise UntraceableError("numpy.where of numbers")
    program = next(part.program for part in (condition, x, y) if isinstance(part, Traced))
    values = (part.value if isinstance(part, Traced) else part for part in (condition, x, y))
    slots = (program.slot(part) for part in (condition, x, y))
    return Traced(program, program.step("where", *slots), np.atleast_1d(np.where(*values)))


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


_FUNCTIONS: dict[Any, Callable] = {
    np.where: _where,
    np.clip: _clip,
    np.ndim: lambda x: x.ndim,
    np.shape: lambda x: x.shape,
    np.full_like: lambda x, value: np.full(1, value, dtype=x.dtype),
    np.zeros_like: lambda x: np.zeros(1, dtype=x.dtype),
    np.ones_like: lambda x: np.ones(1, dtype=x.dtype),
}


Evaluate = Callable[[Mapping[str, Any]], Sequence[Any]]


@dataclass(frozen=True)
class Columns:
    """In the place of a table, float64 (1, k): its columns, in `T`."""

    T: Sequence[Any]

    def __len__(self) -> int:
        return 1


def traced(evaluate: Evaluate, point: Mapping[str, float], fixed: Collection[str] = ()) -> Program:
    """The program of a function that maps columns, float64 (1,) by name, to a list of columns.

    fixed : the columns that are constants of the program, at their value in `point`
    Raises UntraceableError for a function that does with them what a program cannot do.
    """
    program = Program(tuple(point))
    columns: dict[str, Any] = {name: np.array([float(value)]) for name, value in point.items()}
    columns |= {name: Traced(program, i, columns[name]) for i, name in enumerate(point) if name not in fixed}
    try:
        found = evaluate(columns)
    except UntraceableError:
        raise
    except Exception as error:  # code of any stimulus or treatment, that expects arrays
        raise UntraceableError(str(error)) from error
    program.outputs = [program.slot(column) for column in found]
    return program


def kernel_program(experiment: Experiment, point: Mapping[str, float]) -> tuple[Program, dict[str, str]]:
    """What the kernel takes, from all `quantities` of a point and DURATION, as `Engine.arguments` computes it.

    point : in whose neighbourhood, a value for each quantity
    Returns the program, and of the quantities that it takes as constants, why.
    """
    point = {**point, DURATION: experiment.duration}

    def arguments(columns: Mapping[str, Any]) -> list[Any]:
        parameters = [*experiment.parameters(columns).values()]
        fields = {name: columns[name] for name in experiment.stimulus.fields}
        settings = columns[DURATION], experiment.model.ms, Columns(parameters)
        numbers = experiment.stimulus.resolve(fields, *settings)
        return [*parameters, *(numbers[name] for name in experiment.stimulus.numbers())]

    whole = _reason(arguments, point, point)
    if not whole:
        return traced(arguments, point), {}
    fixed = {name: reason for name in point if (reason := _reason(arguments, point, (name,)))}
    together = _reason(arguments, point, [name for name in point if name not in fixed])
    fixed = dict.fromkeys(point, together) if together else fixed
    return traced(arguments, point, fixed), fixed


def _reason(evaluate: Evaluate, point: Mapping[str, float], free: Collection[str]) -> str:
    """Why a function cannot be traced where these columns are free; "" if it can."""
    try:
        traced(evaluate, point, [name for name in point if name not in free])
    except UntraceableError as error:
        return str(error)
    return ""
