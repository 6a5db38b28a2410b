"""What the compiler makes of a model: operations, instructions and cycles of a step, and what each pass brings.

`make kernel-report` (for another model `make kernel-report MODEL=path/to/model.mmt`) prints the page; for the models of
the catalogue it is kept in docs/kernels/.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np

import hhcore
from hhcore.compile import lower, machine, passes
from hhcore.compile.cost import WEIGHTS, operations
from hhcore.compile.text import generate
from hhcore.errors import UserError
from hhcore.integration import integrate
from hhcore.model import Model
from hhcore.solvers import SCHEMES
from hhcore.stimulus import Step, protocol

NEURONS, STEPS = 64, 4000
STEP_MS = 0.01  # short enough for any scheme, and of a neuron at rest: nothing but steps is timed
ADAPTIVE_MS = 1000  # a thousand steps and more of a scheme that takes its own
KINDS = ("fma", "multiply", "add", "divide", "sqrt", "select", "bits", "load")
ARITHMETIC = ("fma", "multiply", "add")  # a slot of a vector unit each, and nothing that the machine folds away

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
    text = generate(model, method)
    code = machine.compiled(text)
    kept = time.perf_counter()
    kernel = machine.load(code)
    return Compiled(text, kernel, kept - started, time.perf_counter() - kept)


def nanoseconds(model: Model, kernel: SimpleNamespace) -> float:
    """Time of one step of one neuron on one core, the best of several runs."""
    parameters = np.tile([q.value for q in model.parameters.values()], (NEURONS, 1))
    states = np.tile([q.value for q in model.states.values()], (NEURONS, 1))
    duration = (ADAPTIVE_MS if kernel.ADAPTIVE else STEPS * STEP_MS) / model.ms
    nothing = protocol(Step, np.zeros((NEURONS, 3)), duration, (np.inf, np.inf), np.empty(0))
    accuracy = 1e-9 if kernel.ADAPTIVE else STEP_MS / model.ms

    def run() -> float:
        return integrate(kernel, parameters, states, nothing, accuracy=accuracy, threshold=-np.inf).steps.sum()

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


PASSES = {
    "all passes": lambda: patch.object(lower, "MERGED_DIVISIONS", lower.MERGED_DIVISIONS),
    "without shared exponentials": lambda: patch.object(passes, "share_exponentials", lambda block, variables: block),
    "without merged divisions": lambda: patch.object(lower, "MERGED_DIVISIONS", 1),
    "without distribution": lambda: patch.object(passes, "distribute", lambda e, variables: e),
    "without hoisted invariants": nothing_hoisted,
}

PAGE = Template("""# $title: what a step costs

Written by `make kernel-report MODEL=$name` on one core of `$cpu`, which reaches $peak billion fused multiply-adds per
second in a loop of nothing else. Operations are counted in the generated text, for one step of one neuron;
instructions in the machine code of the step itself, where that is a straight line, over the neurons that it serves at
once. Times are those of neurons at rest, the best of several runs, and include what happens in every step: looking for
spikes and extrema, control of the step, bookkeeping. Cycles are times at $clock GHz, which a chain of operations of one
cycle each shows. The share of the peak is that of fused multiply-adds, multiplications and additions, one slot of a
vector unit each. Selections and operations on bits take slots too, but the machine merges some of them with others;
divisions have a unit of their own.

$table

What each pass of the compiler brings, on one step of `$method`:

$ablation
""")


def instructions(text: str) -> str:
    """Machine instructions of one step of one neuron, `attempt` and `slopes`; "" if they are no straight lines."""
    apart = text.replace("def attempt(Z):", 'def attempt(Z: "f8[:]"):')
    bodies: dict[str, list[str]] = {}
    for line in machine.assembly(apart).splitlines():
        if label := re.match(r'"?([A-Za-z]\w*)[\w.]*"?:', line):
            body = bodies.setdefault(label[1], [])
        elif line.startswith("\t") and not line.startswith("\t."):
            body.append(line.strip())
    step, slopes = bodies["attempt"], bodies.get("slopes", [])
    if any(line.startswith("j") for line in [*step, *slopes]):
        return ""  # loops
    calls = sum(line.startswith("call") for line in step)
    block = int(re.search(r"^W = (\d+)$", text, re.MULTILINE)[1])
    return f"{(len(step) + calls * len(slopes)) / block:.0f}"


def scheme_rows(model: Model, methods: list[str], best: float, clock: float) -> Iterator[str]:
    """The table's rows, one for each scheme."""
    for method in methods:
        made = compiled(model, method)
        found = sum((operations(made.text, name) for name in ("propose", "attempt", "conclude", "accept")), Counter())
        ns = nanoseconds(model, made.kernel)
        share = sum(found[kind] for kind in ARITHMETIC) / ns * 1e9 / best
        counts = " | ".join(str(found[kind]) for kind in ("exp", *KINDS))
        speed = f"{ns:.1f} | {ns * clock / 1e9:.0f} | {1e3 / ns:.1f} | {share:.0%}"
        times = f"{made.compile_s:.1f} | {1000 * made.load_s:.0f}"
        yield f"| `{method}` | {counts} | {instructions(made.text)} | {lanes(made.text)} | {speed} | {times} |"


def ablation_rows(model: Model, method: str) -> Iterator[str]:
    """One row for each pass left out."""
    base = None
    for name, without in PASSES.items():
        with without():
            made = compiled(model, method)
        found: Counter = operations(made.text, "attempt")
        ns = nanoseconds(model, made.kernel)
        base = base or ns
        counts = " | ".join(str(found[kind]) for kind in ("exp", "fma", "multiply", "add", "divide"))
        yield f"| {name} | {counts} | {ns:.1f} | {ns / base:.2f} |"


def page(model: Model) -> str:
    """The page."""
    methods = []
    for method in SCHEMES:
        try:
            generate(model, method)
            methods.append(method)
        except UserError as error:
            print(f"    {method} is left out: {error}", flush=True)
    best, cycles = peak(), clock()
    heads = ["scheme", "exp", *KINDS, "instructions", "lanes", "ns", "cycles", "M steps/s", "of peak"]
    heads += ["generated and compiled in (s)", "loaded in (ms)"]
    table = [
        f"| {' | '.join(heads)} |",
        f"|---|{'---:|' * (len(heads) - 1)}",
        *scheme_rows(model, methods, best, cycles),
    ]
    heads = ["", "exp", "fma", "multiply", "add", "divide", "ns", "times"]
    ablation = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}", *ablation_rows(model, methods[0])]
    return PAGE.substitute(
        title=model.title,
        name=model.name,
        cpu=machine.cpu()[0],
        peak=f"{best / 1e9:.1f}",
        clock=f"{cycles / 1e9:.1f}",
        table="\n".join(table),
        method=methods[0],
        ablation="\n".join(ablation),
    )


def main() -> None:
    """Print the page of the model named on the command line; keep it if the model is in the catalogue."""
    name = sys.argv[1] if len(sys.argv) > 1 else "hodgkin_huxley_1952"
    print(f"==> Kernels of {name}: about a minute, on one core", flush=True)
    try:
        text = page(hhcore.load_model(name))
    except UserError as error:
        sys.exit(f"Error. {error}")
    print(text)
    if name in hhcore.models():
        path = Path(__file__).parents[1] / "docs" / "kernels" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    assert WEIGHTS.keys() == set(KINDS)
    main()
