"""What a kernel takes, as a list of operations for the browser: the same bits as the code that it was recorded from."""

import json
import math
import struct
from collections.abc import Callable, Mapping
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.treatments import Block
from hhcore.report import tracing
from hhcore.report.payload import data
from hhcore.report.tracing import UntraceableError, kernel_program, traced
from hhcore.simulation.engine import Engine
from hhcore.simulation.stimuli import commands, kinds

MASK = 2**64 - 1


def whole(x: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def less_or_nan(x: float, y: float, smaller: bool) -> float:
    if math.isnan(x) or math.isnan(y):
        return math.nan
    return min(x, y) if smaller else max(x, y)


# The operations again, with Python's numbers.
PYTHON: Mapping[str, Callable] = {
    "constant": float,
    "constant64": int,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b if b else (math.nan if a == 0 else math.copysign(math.inf, a) * math.copysign(1, b)),
    "negative": lambda a: -a,
    "absolute": abs,
    "sqrt": lambda a: math.sqrt(a) if a >= 0 else math.nan,
    "copysign": math.copysign,
    "minimum": lambda a, b: less_or_nan(a, b, True),
    "maximum": lambda a, b: less_or_nan(a, b, False),
    "floor": lambda a: float(math.floor(a)) if math.isfinite(a) else a,
    "ceil": lambda a: float(math.ceil(a)) if math.isfinite(a) else a,
    "trunc": lambda a: float(math.trunc(a)),
    "rint": lambda a: float(round(a)) if math.isfinite(a) else a,
    "frexp_mantissa": lambda a: math.frexp(a)[0],
    "frexp_exponent": lambda a: float(math.frexp(a)[1]),
    "ldexp": lambda a, k: math.ldexp(a, int(k)),
    "isfinite": math.isfinite,
    "isnan": math.isnan,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "logical_and": lambda a, b: bool(a) and bool(b),
    "logical_or": lambda a, b: bool(a) or bool(b),
    "logical_not": lambda a: not a,
    "bitwise_and": lambda a, b: a and b,
    "bitwise_or": lambda a, b: a or b,
    "invert": lambda a: not a,
    "where": lambda condition, a, b: a if condition else b,
    "number": float,
    "number64": float,
    "bits": whole,
    "add64": lambda a, b: (a + b) & MASK,
    "multiply64": lambda a, b: (a * b) & MASK,
    "bitwise_xor64": lambda a, b: a ^ b,
    "right_shift64": lambda a, b: a >> b,
}


def carry_out(program: dict, inputs: list[float]) -> list[float]:
    """The outputs of a program as JSON."""
    slots: list = list(inputs)
    for name, *operands in program["steps"]:
        slots.append(PYTHON[name](*(operands if name.startswith("constant") else (slots[i] for i in operands))))
    return [float(slots[i]) for i in program["outputs"]]


SQUID = {
    "model": "hodgkin_huxley_1952",
    "initial_state": "rest",
    "duration": 1500,
    "solver": {"method": "tsit5", "local_error": 1e-6},
}
SEGMENTS = {
    "holding": -80,
    "segments": {"first": {"potential": -60, "to": 20, "duration": 5}, "second": {"potential": 0, "duration": 7}},
}
SUM = {
    "kind": "sum",
    "parts": {
        "pulses": {"kind": "pulse_train", "amplitude": 20, "width": 0.5, "period": 17.3},
        "hiss": {"kind": "noise", "mean": 1, "sd": 2, "correlation_time": 3, "interval": 0.1, "seed": 5},
        "slow": {"kind": "sine", "amplitude": 1, "frequency": 7.7},
    },
}
DRUGS = {
    "drugs": {
        "ttx": {"concentration": {"values": [0, "3 nM", "12 nM"]}, "targets": {"sodium.g": {"Kd": "3 nM"}}},
        "x": {
            "concentration": "2 uM",
            "targets": {"potassium.g": {"IC50": "3 uM", "hill": 1.37}, "sodium.g": {"IC50": "1 mM", "hill": 0.7}},
        },
    },
    "block": {"leak.g": {"values": [0, 30]}},
}


def read(**changes) -> Experiment:
    return read_experiments({"experiments": {"e": {**SQUID, **changes}}})["e"]


def examples() -> dict[str, Experiment]:
    """Every kind of stimulus as its page writes it, commands, a sum, drugs and blocks."""
    own = {k: yaml.safe_load(kind.example) for k, kind in kinds().items() if k not in ("file", "sum", "waveform")}
    found = {kind: read(stimulus=body) for kind, body in own.items()}
    found |= {f"noise_{word}": read(stimulus={**own["noise"], "realisation": word}) for word in ("own", "shared")}
    held = {"step": {"kind": "step", "amplitude": 40, "start": 2}, "sine": {**own["sine"]}}
    found |= {f"command_{k}": read(clamp={**body, "holding": -80}) for k, body in held.items() if k in commands()}
    protocol = {"kind": "voltage_clamp"}
    found["segments"] = read(clamp={"kind": "segments", **SEGMENTS}, protocol=protocol)
    return found | {"sum": read(stimulus=SUM), "drugs": read(stimulus=own["noise"], **DRUGS)}


def centre(e: Experiment) -> dict[str, float]:
    return dict(zip(e.quantities, e.points(np.array([e.n_points // 2]))[0].tolist(), strict=True))


def around(point: Mapping[str, float], seed: int) -> np.ndarray:
    """Rows of points: this one, then random ones."""
    rows = np.array([*point.values()]) * np.random.default_rng(seed).uniform(0.5, 2.0, (40, len(point)))
    rows[0] = [*point.values()]
    return rows


def takes(e: Experiment, rows: np.ndarray) -> np.ndarray:
    """What the kernel takes of points in a run."""
    return Engine(e.model, SimpleNamespace(), e.stimulus, ()).arguments(e.parts(rows)[0], e.duration)


@pytest.mark.parametrize("name, e", examples().items())
def test_a_program_gives_what_the_kernel_takes_to_the_bit(name, e):
    point = centre(e)
    program, fixed = kernel_program(e, point)
    assert not fixed
    rows = around(point, seed=len(name))
    recorded = json.loads(str(data(program.as_json())))
    for row, expected in zip(rows.tolist(), takes(e, rows), strict=True):
        found = np.array(carry_out(recorded, [*row, e.duration]))
        assert found.tobytes() == expected.tobytes()


def test_a_program_knows_how_long_a_run_is():
    e = read(stimulus={"kind": "pulse_train", "amplitude": 20, "width": 0.5, "period": 20})
    point = centre(e)
    program, _ = kernel_program(e, point)
    number = program.outputs[len(e.model.parameters) + e.stimulus.numbers().index("number")]
    for duration, pulses in ((1500.0, 75.0), (60.0, 3.0), (60.4, 3.0), (60.5, 4.0)):
        recorded = program.as_json() | {"outputs": [number]}
        assert carry_out(recorded, [*point.values(), duration]) == [pulses]


def test_a_waveform_is_where_its_part_of_the_table_begins(tmp_path):
    (tmp_path / "played.csv").write_text("time_ms,current_uA_cm2\n0,0\n1,5\n2,0\n")
    played = {"kind": "waveform", "file": str(tmp_path / "played.csv")}
    e = read(stimulus={"kind": "sum", "parts": {"a": played, "b": {**played, "scale": 2}}})
    program, fixed = kernel_program(e, centre(e))
    taken = carry_out(program.as_json(), [*centre(e).values(), e.duration])[len(e.model.parameters) :]
    numbers = dict(zip(e.stimulus.numbers(), taken, strict=True))
    assert not fixed and (numbers["a.first"], numbers["b.first"], numbers["b.rows"]) == (0.0, 3.0, 3.0)


class Opened(Block):
    """What no program can do: a branch on an amount, and a function of libraries."""

    def changed(self, parameters, amount):
        factor = np.exp(-amount) if amount > 0 else 1.0
        return {self.parameter: parameters[self.parameter] * factor}


def test_what_cannot_be_recorded_is_fixed_and_the_reason_known():
    e = read(stimulus={"kind": "step", "amplitude": 10}, block={"leak.g": 0.5})
    (block,) = e.treatments
    object.__setattr__(e, "treatments", (Opened(block.amount, block.parameter),))
    point = centre(e)
    program, fixed = kernel_program(e, point)
    assert [*fixed] == ["block.leak.g"] and "a branch" in fixed["block.leak.g"]
    found = carry_out(program.as_json(), [*(point | {"block.leak.g": 70.0}).values(), e.duration])
    assert found[[*e.model.parameters].index("leak.g")] == 0.3 * float(np.exp(-0.5))


def filled(column):
    """As the code of a package may do: NumPy raises ValueError."""
    table = np.zeros(1)
    table[0] = column
    return table


@pytest.mark.parametrize(
    "function",
    [
        lambda c: [np.exp(c["x"])],
        lambda c: [c["x"] ** 0.5],
        lambda c: [float(c["x"])],
        lambda c: [np.array([c["x"]])],
        lambda c: [c["x"][c["x"] > 0]],
        lambda c: [np.linspace(0, c["x"], 3)],
        lambda c: [c["x"] + np.arange(3)],
        lambda c: [c["x"].view(np.uint64) * 2.0],
        lambda c: [c["x"].astype(np.int32)],
        lambda c: [c["x"].astype(np.int64) * 3**33],
        lambda c: [(c["x"] > 0) + (c["x"] > 1)],
        lambda c: [c["x"].astype(np.int64) & 3],
        lambda c: [np.logical_not(c["x"])],
        lambda c: [np.where(c["x"], 1.0, 2.0)],
        lambda c: [np.add(c["x"], 1.0, where=c["x"] > 0)],
        lambda c: [1.0 if c["x"] > 0 else 2.0],
        lambda c: [c["x"].unknown],
        lambda c: [np.put(np.zeros(1), 0, c["x"])],
        lambda c: [filled(c["x"])],
    ],
)
def test_anything_else_is_refused_never_recorded_wrongly(function):
    with pytest.raises(UntraceableError):
        traced(function, {"x": 1.5})


def test_every_operation_is_carried_out():
    """The list of tracing.py is what an interpreter needs, no more and no less."""
    split = {"frexp": ("frexp_mantissa", "frexp_exponent")}
    own = [part for name in tracing.OPERATIONS for part in split.get(name, (name,))]
    others = {"constant", "constant64", "where", "number", "number64", "bits"}
    assert {*own, *(f"{name}64" for name in tracing.OPERATIONS_64)} | others == {*PYTHON}
