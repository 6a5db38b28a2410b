"""What the compiler makes of a model: operations, instructions and cycles of a step, and what each pass brings.

`make kernel-report` (for another model `make kernel-report MODEL=path/to/model.mmt`) prints the page; for the models of
the catalogue it is kept in docs/kernels/.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import sympy as sp

import hhcore
from hhcore.base.errors import UserError
from hhcore.compile import lower, passes
from hhcore.compile import text as kernel_text
from hhcore.compile.cost import WEIGHTS, operations
from hhcore.compile.hooks import with_arguments
from hhcore.compile.language import machine
from hhcore.compile.module import load_kernel
from hhcore.compile.text import generate
from hhcore.model.model import Model
from hhcore.schemes.solver import SCHEMES
from hhcore.simulation.engine import Engine, kernel_parts
from hhcore.simulation.integration import integrate
from hhcore.simulation.observers import Extremes, Spikes

ROOT = Path(__file__).parents[1]
PARTS = kernel_parts(hhcore.Step)  # a stimulus and the observers of every kernel here
HERE = os.environ | {"PYTHONPATH": str(ROOT)}  # of processes that measure
NEURONS, STEPS = 64, 4000
STEP_MS = 0.01  # short enough for any scheme, and of a neuron at rest: nothing but steps is timed
ADAPTIVE_MS = 1000  # a thousand steps and more of a scheme that takes its own
KINDS = ("fma", "multiply", "add", "divide", "sqrt", "select", "bits", "load")
ARITHMETIC = ("fma", "multiply", "add")  # a slot of a vector unit each, and nothing that the machine folds away

# One round of the loop of `run` (driver.py.in): a step of all lanes. Operations and instructions are those of this.
ROUND = """

def one_round(
    Z: "f8[:]", bound: "f8", inverse_bound: "f8", flat: "f8",
    TYPED_ARGUMENTS,
):
    for j in range(W):
        propose(Z, j)
    attempt(Z)
    noted = 0
    for j in range(W):
        noted |= conclude(Z, bound, inverse_bound, flat, ARGUMENTS, j)
    accept(Z)
    return noted
"""

LANES, CHAINS, LINKS = 16, 12, 64


def peak_text() -> str:
    """Independent chains of fused multiply-adds on whole registers: nothing but the vector units limits it."""
    loads = [f"c{i} = x[{LANES * i} + j]" for i in range(CHAINS)]
    links = [f"c{i} = fma(c{i}, 0.999999, 1e-9)" for i in range(CHAINS)] * LINKS
    stores = [f"x[{LANES * i} + j] = c{i}" for i in range(CHAINS)]
    body = "\n            ".join([*loads, *links, *stores])
    head = f'def peak(x: "f8[:]", rounds: "i8"):\n    for _ in range(rounds):\n        for j in range({LANES}):'
    return f"{head}\n            {body}\n"


def peak() -> float:
    """Fused multiply-adds per second that one core reaches, in registers as wide as the kernels'."""
    x, loop = np.ones(LANES * CHAINS), machine.load(machine.compiled(peak_text())).peak
    fused = LANES * CHAINS * LINKS * 5000
    return max(fused / seconds(lambda: loop(x, 5000)) for _ in range(5))


# A chain of operations of one cycle each, which wait for each other.
CLOCK = """
def chain(x: "i8[:]", rounds: "i8"):
    n = x[0]
    for _ in range(rounds):
        n = (n + 0x2545F4914F6CDD1D) ^ 0x5DEECE66D
        n = (n + 0x9E3779B97F4A7C) ^ 0x27BB2EE687B0B0
    x[0] = n
"""


def clock() -> float:
    """Cycles per second of one core, as it runs now."""
    x, loop = np.ones(1, np.int64), machine.load(machine.compiled(CLOCK)).chain
    return max(4 * 2_000_000 / seconds(lambda: loop(x, 2_000_000)) for _ in range(5))


def seconds(call: Callable[[], object]) -> float:
    """Wall time of a call [s]."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


@dataclass(frozen=True)
class Compiled:
    """A kernel that no cache knows: its text, the time to generate and compile it, and to load what was kept [s]."""

    text: str
    kernel: SimpleNamespace
    compile_s: float
    load_s: float


def compiled(model: Model, method: str) -> Compiled:
    """From the equations to functions."""
    started = time.perf_counter()
    text = generate(model, method, *PARTS)
    code = machine.compiled(text)
    kept = time.perf_counter()
    kernel = machine.load(code)
    return Compiled(text, kernel, kept - started, time.perf_counter() - kept)


def runner(model: Model, kernel: SimpleNamespace) -> Callable[[int], float]:
    """A function that simulates so many times the usual duration, and returns the number of steps of all neurons."""
    used = Engine(model, kernel, hhcore.Step, (Spikes(-np.inf), Extremes(np.inf, np.inf)))
    parameters = used.undisturbed(np.tile([q.value for q in model.parameters.values()], (NEURONS, 1)))
    states = np.tile([q.value for q in model.states.values()], (NEURONS, 1))
    duration = (ADAPTIVE_MS if kernel.ADAPTIVE else STEPS * STEP_MS) / model.ms
    accuracy = 1e-9 if kernel.ADAPTIVE else STEP_MS / model.ms

    def run(times: int = 1) -> float:
        found = integrate(used, parameters, states, np.array([times * duration]), accuracy=accuracy)
        return found.record["steps"].sum()

    return run


def nanoseconds(model: Model, kernel: SimpleNamespace) -> float:
    """Time of one step of one neuron on one core, the best of several runs."""
    run = runner(model, kernel)
    return min(seconds(run) for _ in range(9)) / run() * 1e9


def lanes(text: str) -> int:
    """Lanes in a register of the machine code."""
    return 8 if "zmm" in machine.assembly(text) else 4


@contextmanager
def nothing_hoisted() -> Iterator[None]:
    """Expressions of parameters alone are computed in every step."""
    operand = lower._Lowering.operand

    def unhoisted(self, e):
        free = self.invariants is not None and not e.free_symbols & self.variables
        if e not in self.known and free and not e.is_number and not e.is_Symbol:
            if e.could_extract_minus_sign():
                return lower.negated(self.operand(-e))
            return self.assign(self.code(e), e)
        return operand(self, e)

    def split(self, e, as_Add):
        return e.as_coeff_Add() if as_Add else e.as_coeff_Mul()

    with patch.object(lower._Lowering, "operand", unhoisted), patch.object(lower._Lowering, "split", split):
        yield


@contextmanager
def nothing_shared() -> Iterator[None]:
    """Every subexpression is computed wherever it stands."""
    assign = lower._Lowering.assign

    def forgetful(self, code, e=None, name=None):
        kept = name is not None or (isinstance(e, sp.Pow) and e.exp.is_Integer and e.exp < 0)  # powers and reciprocals
        return assign(self, code, e if kept else None, name)

    with patch.object(lower._Lowering, "assign", forgetful):
        yield


@contextmanager
def quotients_anywhere() -> Iterator[None]:
    """Sums and products take what a division gives like anything else."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(lower, "FEW", 0))
        stack.enter_context(patch.object(lower._Lowering, "is_late", lambda self, e: False))
        stack.enter_context(patch.object(kernel_text, "_gate", lambda e, x: None))
        yield


PASSES = {
    "all": nullcontext,
    "without shared exponentials": lambda: patch.object(passes, "share_exponentials", lambda block, variables: block),
    "without factors out of exponents": lambda: patch.object(passes, "LARGEST_SHIFT", 0),
    "without merged divisions": lambda: patch.object(lower, "MERGED_DIVISIONS", 1),
    "without quotients last": quotients_anywhere,
    "without distribution": lambda: patch.object(passes, "distribute", lambda block, variables: block),
    "without common subexpressions": nothing_shared,
    "without hoisted invariants": nothing_hoisted,
}

PAGE = Template("""# $title: what a step costs

Written by `make kernel-report MODEL=$name` on one core of `$cpu`, which reaches $peak billion fused multiply-adds per
second in a loop of nothing else.

Operations and instructions are those of one step of one neuron: its length, all stages, the estimate of its error, the
verdict on it, and looking for spikes and extrema; not what follows where something is found. Operations are counted in
the generated text. Instructions are $counted.

Times are those of neurons at rest, the best of several runs. Cycles are times at $clock GHz, which a chain of
operations of one cycle each shows. The share of the peak is that of fused multiply-adds, multiplications and additions,
one slot of a vector unit each. Selections and operations on bits take slots too, but the machine merges some of them
with others; divisions have a unit of their own.

*Compiled* is the time from the equations to machine code, *loaded* that from the cache to a kernel. The last two
columns are the time of a process from `import hhcore` to a kernel ready to run: of the first one, whose cache is empty,
and of later ones.

$table

What each pass of the compiler brings, on one step of `$method`:

$ablation

Instructions are those in the machine code here. LLVM finds common subexpressions too, so that without this pass there
are more operations in the text, but hardly more instructions.
""")

BY_HARDWARE = "counted by the CPU (`perf stat`) in two runs of different length, whose difference is steps alone"
BY_READING = "counted in the machine code of the step, where that is a straight line, and divided by the neurons in it"
PERF = ("perf", "stat", "-x,", "-e", "instructions:u", "--")


def step_operations(text: str) -> Counter:
    """Operations of one step of one neuron."""
    return operations(text + with_arguments(ROUND, PARTS[1]), "one_round")


def read_instructions(text: str) -> float | None:
    """Machine instructions of one step of one neuron; None where the machine code has loops or cannot be read."""
    bodies: dict[str, list[str]] = {}
    for line in machine.assembly(text + with_arguments(ROUND, PARTS[1])).splitlines():
        if label := re.match(r"([A-Za-z][\w.]*):", line):
            body = bodies.setdefault(label[1], [])
        elif line.startswith("\t") and not line.startswith("\t."):
            body.append(line.strip())
    block = int(re.search(r"^W = (\d+)$", text, re.MULTILINE)[1])
    length = straight_length("one_round", bodies)
    return None if length is None else length / block


def straight_length(name: str, bodies: dict[str, list[str]]) -> int | None:
    """Instructions of a function and of those that it calls, also by a register or as its last act."""
    targets: dict[str, str] = {}
    total = len(bodies[name])
    for line in bodies[name]:
        if moved := re.match(r"mov(?:abs)?q\s+\$?([%\w.]+), (%\w+)$", line):
            targets[moved[2]] = targets.get(moved[1], moved[1])
        elif line.startswith(("call", "j")):
            callee = line.split()[-1].lstrip("*")
            callee = targets.get(callee, callee)
            inside = straight_length(callee, bodies) if callee in bodies else None
            if inside is None:
                return None
            total += inside
    return total


def hardware_instructions(name: str, method: str) -> float | None:
    """Machine instructions of one step of one neuron as the CPU counts them; None if it does not."""
    counted, steps = [], []
    for times in (1, 3):
        code = f"from benchmarks.kernel_report import steps; print(steps({name!r}, {method!r}, {times}))"
        try:
            done = subprocess.run([*PERF, sys.executable, "-c", code], env=HERE, capture_output=True, text=True)
        except OSError:
            return None
        number = done.stderr.strip().rpartition("\n")[2].split(",")[0]
        if done.returncode or not number.isdigit():
            return None
        counted.append(int(number))
        steps.append(float(done.stdout))
    return (counted[1] - counted[0]) / (steps[1] - steps[0])


def steps(name: str, method: str, times: int) -> float:
    """Simulate a model for so many times the usual duration; the number of steps of all neurons."""
    model = hhcore.load_model(name)
    return float(runner(model, load_kernel(model, method, *PARTS))(times))


def process_seconds(name: str, method: str) -> tuple[float, float]:
    """From `import hhcore` to a kernel, in a process with an empty cache and, the best of three, in later ones [s]."""
    code = (
        "import time; started = time.perf_counter(); import hhcore; from hhcore.simulation.engine import engine; "
        f"engine(hhcore.load_model({name!r}), {method!r}, hhcore.Step); print(time.perf_counter() - started)"
    )
    with tempfile.TemporaryDirectory() as cache:
        settings = {"env": HERE | {"HHCORE_CACHE": cache}, "check": True}
        first, *later = (
            float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **settings).stdout)
            for _ in range(4)
        )
    return first, min(later)


def scheme_rows(
    name: str, methods: list[str], instructions: Callable[[str, str], float | None], best: float, clock: float
) -> Iterator[str]:
    """The table's rows, one for each scheme. `instructions` : of a method and its text"""
    model = hhcore.load_model(name)
    for method in methods:
        made = compiled(model, method)
        found = step_operations(made.text)
        ns = nanoseconds(model, made.kernel)
        share = sum(found[kind] for kind in ARITHMETIC) / ns * 1e9 / best
        counts = " | ".join(str(found[kind]) for kind in ("exp", *KINDS))
        number = quoted(instructions(method, made.text))
        speed = f"{ns:.1f} | {ns * clock / 1e9:.0f} | {1e3 / ns:.1f} | {share:.0%}"
        first, later = process_seconds(name, method)
        times = f"{made.compile_s:.1f} | {1000 * made.load_s:.0f} | {first:.1f} | {later:.2f}"
        yield f"| `{method}` | {counts} | {number} | {lanes(made.text)} | {speed} | {times} |"


def quoted(number: float | None) -> str:
    return "" if number is None else f"{number:.0f}"


def ablation_rows(model: Model, method: str) -> Iterator[str]:
    """One row for each pass left out."""
    base = None
    for name, without in PASSES.items():
        with without():
            made = compiled(model, method)
        found = step_operations(made.text)
        ns = nanoseconds(model, made.kernel)
        base = base or ns
        counts = " | ".join(str(found[kind]) for kind in ("exp", "fma", "multiply", "add", "divide"))
        yield f"| {name} | {counts} | {quoted(read_instructions(made.text))} | {ns:.1f} | {ns / base:.2f} |"


def page(name: str) -> str:
    """The page of a model, by its name or path."""
    model, methods = hhcore.load_model(name), []
    for method in SCHEMES:
        try:
            generate(model, method, *PARTS)
            methods.append(method)
        except UserError as error:
            print(f"    {method} is left out: {error}", flush=True)
    best, cycles = peak(), clock()
    by_hardware = hardware_instructions(name, methods[0]) is not None
    instructions = (
        (lambda method, text: hardware_instructions(name, method))
        if by_hardware
        else (lambda method, text: read_instructions(text))
    )
    heads = ["scheme", "exp", *KINDS, "instructions", "lanes", "ns", "cycles", "M steps/s", "of peak"]
    heads += ["compiled (s)", "loaded (ms)", "first process (s)", "later (s)"]
    table = [
        f"| {' | '.join(heads)} |",
        f"|---|{'---:|' * (len(heads) - 1)}",
        *scheme_rows(name, methods, instructions, best, cycles),
    ]
    heads = ["passes", "exp", "fma", "multiply", "add", "divide", "instructions", "ns", "times"]
    ablation = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}", *ablation_rows(model, methods[0])]
    return PAGE.substitute(
        title=model.title,
        name=model.name,
        cpu=machine.cpu()[0],
        peak=f"{best / 1e9:.1f}",
        clock=f"{cycles / 1e9:.1f}",
        counted=BY_HARDWARE if by_hardware else BY_READING,
        table="\n".join(table),
        method=methods[0],
        ablation="\n".join(ablation),
    )


def main() -> None:
    """Print the page of the model named on the command line; keep it if the model is in the catalogue."""
    name = sys.argv[1] if len(sys.argv) > 1 else "hodgkin_huxley_1952"
    print(f"==> Kernels of {name}: about a minute, on one core", flush=True)
    try:
        text = page(name)
    except UserError as error:
        sys.exit(f"Error. {error}")
    print(text)
    if name in hhcore.models():
        path = ROOT / "docs" / "kernels" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    assert WEIGHTS.keys() == set(KINDS)
    main()
