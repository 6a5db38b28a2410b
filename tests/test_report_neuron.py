"""The live neuron of a page: in Chromium its spikes and last states are those of the run, to the last bit."""

from pathlib import Path

import numpy as np
import pytest
from browser import chromium, needs_chromium, opened
from test_tracing import around, centre, examples, takes

import hhcore
from hhcore.base import tables
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.report import bundle, stored
from hhcore.report.live import live
from hhcore.report.payload import Payload, data
from hhcore.report.tracing import OPERATIONS, OPERATIONS_64, kernel_program

SCRIPTS = ("codec.js", "kernel.js", "program.js", "rest.js", "neuron.js")
TSIT5 = {"method": "tsit5", "local_error": 1e-6}
SQUID = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "duration": 60, "solver": TSIT5}


def read(base: Path | None = None, **bodies) -> dict[str, Experiment]:
    return read_experiments({"experiments": bodies}, **({"base": base} if base else {}))


def write(path: Path, payload: Payload, content: dict) -> str:
    """A page with nothing to look at; its address."""
    script = bundle.own(*SCRIPTS)
    policy = bundle.policy(bundle.harmless(script))
    head = f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
    page = f'<script type="application/json" id="page">{data(content)}</script>'
    path.write_text(f"{head}{page}{payload.elements()}{bundle.script(script, 'hhcore')}", encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


SIMULATE = """async ([name, rows]) => {
  const entry = hh.page().experiments.find((experiment) => experiment.name === name);
  const neuron = await hh.loadNeuron(entry.live);
  return rows.map((row) => {
    const values = typeof row === "number" ? neuron.point(row) : row;
    const run = neuron.simulate(values, {path: false});
    return {values: [...values], status: run.status, spikes: [...run.spikes_ms], start: [...run.start],
            final: [...run.final], steps: run.steps, said: typeof row === "number" ? neuron.compare(row, run) : null};
  });
}"""


def check(browser, folder: Path, experiments: dict[str, Experiment], rows: dict[str, list[int]]) -> dict[str, list]:
    """Simulate these neurons in a page and here, compare all bits, and return what the page found."""
    payload, kernels, found = Payload(), {}, {}
    lives = [{"name": name, "live": live(e, e.solver, None, payload, kernels)} for name, e in experiments.items()]
    url = write(folder / "page.html", payload, {"experiments": lives, "kernels": kernels})
    with opened(browser, url) as watched:
        for name, e in experiments.items():
            points = e.points(np.array(rows[name]))
            run = e.protocol.measure(e, e.solver, points)
            found[name] = watched.page.evaluate(SIMULATE, [name, rows[name]])
            for i, (neuron, point) in enumerate(zip(found[name], points, strict=True)):
                where = name, rows[name][i]
                assert neuron["values"] == point.tolist(), where
                assert neuron["status"] == hhcore.simulation.result.STATUSES[run.status[i]], where
                assert neuron["steps"] == run.steps[i] and neuron["final"] == run.final[i].tolist(), where
                if "spikes" in e.protocol.schema.names:
                    times = run.spike_times[run.offsets[i] : run.offsets[i + 1]] * e.model.ms
                    assert neuron["spikes"] == times.tolist(), where
    return found


@needs_chromium
def test_squid_axons_have_the_bits_of_the_run(browser, tmp_path):
    """With a rest of their own, with one that must be searched for, and without one; stated states; samples."""
    stated = {"membrane.V": -65, "sodium.m": 0.05, "sodium.h": 0.6, "potassium.n": 0.32}
    swept = {"kind": "step", "amplitude": {"linspace": [0, 40, 9]}, "start": 5, "stop": {"values": [30, 60]}}
    experiments = read(
        grid=SQUID | {"stimulus": swept, "parameters": {"sodium.g": {"linspace": [96, 144, 3]}}},
        held=SQUID | {"stimulus": {"kind": "step", "amplitude": 5, "holding": {"values": [-5, 7, 9.5, 30, 160]}}},
        stated=SQUID | {"stimulus": {"kind": "step", "amplitude": 10}, "initial_state": stated},
        sampled=SQUID
        | {
            "stimulus": {"kind": "step", "amplitude": {"values": [10, 20]}},
            "parameters": {"sodium.g": {"normal": [120, 5]}, "potassium.g": {"lognormal": [36, 1.1]}},
            "initial_state": {"membrane.V": {"uniform": [-80, -60]}, "from": "rest"},
            "sample": {"kind": "sobol", "n": 4, "seed": 1},
        },
    )
    # Of test_rest.py: an equilibrium beside a limit cycle, to which the highest or the lowest potential leads.
    weak = {
        "sodium.g": {"values": [183.811995, 195.414178, 214.455989, 36.8652507, 40]},
        "potassium.g": {"values": [5.53763714, 5.8276598, 6.00920206, 1.15949599, 7.5]},
        "leak.g": {"values": [0.18575193, 0.513195953, 0.0661666688, 0.280132813, 0.2]},
    }
    steps = {"kind": "step", "amplitude": 1, "start": 5}
    experiments |= read(weak=SQUID | {"stimulus": steps, "parameters": weak, "combine": "zip"})
    rows = {"grid": [0, 5, 17, 30, 53], "held": [0, 1, 2, 3, 4], "stated": [0], "sampled": [0, 3, 6]}
    rows["weak"] = [*range(5)]
    found = check(browser, tmp_path, experiments, rows)
    assert sum(len(neuron["spikes"]) for neuron in found["grid"]) > 5
    assert {neuron["status"] for neuron in (*found["held"], *found["weak"])} == {"ok", "no_stable_rest"}


@needs_chromium
def test_stiff_cells_and_cortical_ones_have_the_bits_of_the_run(browser, tmp_path):
    """A ventricular cell by rodas5p, from the state in its file; a cortical one with a threshold of its own."""
    stiff = {"method": "rodas5p", "local_error": 1e-5}
    paced = {"kind": "pulse_train", "amplitude": 52, "width": 1, "period": {"values": [250, 400]}, "start": 5}
    experiments = read(
        cell={
            "model": "ten_tusscher_panfilov_2006",
            "stimulus": paced,
            "initial_state": "model",
            "duration": 420,
            "solver": stiff,
        },
        cortex={
            "model": "pospischil_2008",
            "stimulus": {"kind": "step", "amplitude": {"values": [2, 10]}, "start": 10},
            "initial_state": "rest",
            "duration": 100,
            "spikes": {"threshold": -10, "rearm": -30},
            "solver": TSIT5,
        },
    )
    found = check(browser, tmp_path, experiments, {"cell": [0, 1], "cortex": [0, 1]})
    assert all(sum(len(neuron["spikes"]) for neuron in neurons) > 1 for neurons in found.values())


@needs_chromium
def test_clamps_and_stimuli_from_tables_have_the_bits_of_the_run(browser, tmp_path):
    """Commands whose gates follow closed forms, one of them recorded; a sum of a sine, noise and a waveform; a drug."""
    (tmp_path / "command.csv").write_text("time_ms,potential_mV\n0,-80\n10,-80\n11,20\n30,-40\n50,-80\n")
    (tmp_path / "played.csv").write_text("time_ms,current_uA_cm2\n0,0\n7,12\n9,-3\n20,0\n")
    parts = {
        "slow": {"kind": "sine", "amplitude": {"values": [0, 4]}, "frequency": 31.7},
        "hiss": {"kind": "noise", "mean": 6, "sd": 4, "correlation_time": 3, "interval": 0.5, "seed": 3},
        "played": {"kind": "waveform", "file": "played.csv", "start": 10, "period": 25},
    }
    clamp = {"kind": "voltage_clamp"}
    experiments = read(
        tmp_path,
        recorded=SQUID | {"clamp": {"kind": "waveform", "file": "command.csv", "holding": -75}, "protocol": clamp},
        summed=SQUID | {"stimulus": {"kind": "sum", "parts": parts}, "block": {"leak.g": {"values": [0, 10]}}},
        clamped=SQUID
        | {
            "clamp": {
                "kind": "segments",
                "holding": -80,
                "segments": {
                    "first": {"potential": {"values": [-40, 10]}, "duration": 20},
                    "ramp": {"potential": -90, "to": 30, "duration": 40},
                },
            },
            "protocol": clamp,
            "drugs": {"x": {"concentration": "2 uM", "targets": {"sodium.g": {"IC50": "3 uM", "hill": 1.37}}}},
        },
    )
    found = check(browser, tmp_path, experiments, {"summed": [0, 1, 2, 3], "clamped": [0, 1], "recorded": [0]})
    assert sum(len(neuron["spikes"]) for neuron in found["summed"]) > 4


@needs_chromium
def test_a_run_may_be_shorter_or_longer(browser, tmp_path):
    """What lasts to the end of the run does so in another one, and as many pulses flow as fit into that."""
    step, train = hhcore.Step(10), hhcore.PulseTrain(40, 0.5, 11)
    experiments = read(
        step=SQUID | {"stimulus": {"kind": "step", "amplitude": 10}},
        train=SQUID | {"stimulus": {"kind": "pulse_train", "amplitude": 40, "width": 0.5, "period": 11}},
    )
    payload, kernels = Payload(), {}
    lives = [{"live": live(e, e.solver, None, payload, kernels)} for e in experiments.values()]
    url = write(tmp_path / "page.html", payload, {"experiments": lives, "kernels": kernels})
    with opened(browser, url) as watched:
        found = watched.page.evaluate(
            """async (durations) => Promise.all(hh.page().experiments.map(async ({live}) => {
              const neuron = await hh.loadNeuron(live);
              return durations.map((duration) => [...neuron.simulate(neuron.middle(), {duration}).spikes_ms]);
            }))""",
            [30, 100],
        )
    for stimulus, trains in zip((step, train), found, strict=True):
        for duration, spikes in zip((30, 100), trains, strict=True):
            run = hhcore.simulate("hodgkin_huxley_1952", {}, stimulus, duration=duration, **TSIT5)
            assert len(spikes) > 1 and spikes == run.spike_times.tolist()


@needs_chromium
def test_programs_have_the_bits_of_numpy(browser, tmp_path):
    """What kernels take of random points, for every kind of stimulus, commands, sums, drugs and blocks."""
    payload, cases = Payload(), {}
    for name, e in examples().items():
        rows = around(centre(e), seed=len(name))
        program, _ = kernel_program(e, centre(e))
        inputs = np.column_stack([rows, np.full(len(rows), e.duration)])
        cases[name] = program.as_json(), payload.column(inputs.ravel()), payload.column(takes(e, rows).ravel())
    with opened(browser, write(tmp_path / "page.html", payload, {"cases": cases})) as watched:
        same = watched.page.evaluate(
            """async () => Promise.all(Object.values(hh.page().cases).map(async ([program, given, expected]) => {
              const inputs = await hh.column(given), wanted = await hh.column(expected), run = hh.program(program);
              const found = Array.from({length: inputs.length / program.inputs}, (_, i) =>
                run(inputs.subarray(i * program.inputs, (i + 1) * program.inputs)));
              return hh.sameBits(hh.joined(found), wanted);
            }))"""
        )
    assert dict(zip(cases, same, strict=True)) == dict.fromkeys(cases, True)


SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1.0, -1.0, 3.7, 1e-310, -5e-324, 2.0**-1022, 1.7976931348623157e308]
SPECIAL += [2.0**52 + 0.5, 2.0**53, -1e16, 0.49999999999999994, np.inf, -np.inf, np.nan]
COUNTS = [0, 1, -1, 52, -60, 1023, 1024, 2000, -1022, -1074, -1080, -2100]  # exponents
TRUTHS = ("logical_and", "logical_or", "logical_not", "bitwise_and", "bitwise_or", "invert")


def operands(name: str) -> list[np.ndarray]:
    """Columns of special values for an operation, each with each."""
    values = np.array(SPECIAL)
    if name in TRUTHS:
        values = np.array([False, True])
    if name in OPERATIONS_64 and name not in OPERATIONS:
        values = np.array([0, 1, 2**63, 2**64 - 1, 0xBF58476D1CE4E5B9], dtype=np.uint64)
    second = {"ldexp": np.array(COUNTS), "right_shift": np.arange(0, 64, 9, dtype=np.uint64)}.get(name, values)
    pairs = np.repeat(values, len(second)), np.tile(second, len(values))
    return [*pairs] if getattr(np, name).nin == 2 else [values]


@needs_chromium
def test_every_operation_has_the_bits_of_numpy(browser, tmp_path):
    """Of special values, each with each; a NaN is any NaN, and which of two equal zeros is the lesser is left open."""
    cases = {}
    for name in OPERATIONS:
        given = operands(name)
        with np.errstate(all="ignore"):
            results = getattr(np, name)(*given)
        parts = {"frexp_mantissa": 0, "frexp_exponent": 1} if name == "frexp" else {name: None}
        for own, part in parts.items():
            expected = results if part is None else results[part]
            cases[own] = [[float(x) for x in column] for column in given], [float(x) for x in expected]
    with opened(browser, write(tmp_path / "page.html", Payload(), {"cases": cases})) as watched:
        found = watched.page.evaluate(
            """() => Object.entries(hh.page().cases).flatMap(([name, [columns, expected]]) => {
              const zeros = name === "minimum" || name === "maximum", given = columns.map((c) => c.map(Number));
              const same = (x, y) => Object.is(x, y) || (zeros && x === y);
              return expected.map(Number).flatMap((wanted, i) => {
                const x = Number(hh.operations[name](...given.map((column) => column[i])));
                return same(x, wanted) ? [] : [[name, i, x, wanted]];
              });
            })"""
        )
        own = watched.page.evaluate("() => Object.keys(hh.operations)")
    assert found == []
    assert {*own} == {*cases, *(f"{name}64" for name in OPERATIONS_64), "where", "number", "number64", "bits"}


def matrix(rng: np.random.Generator, parts: np.ndarray) -> np.ndarray:
    """A matrix with eigenvalues of these real parts, complex in pairs, in a random basis that is not orthogonal."""
    n = len(parts)
    blocks = np.diag(parts)
    for i in range(0, n - 1, 2):
        blocks[i + 1, i + 1] = blocks[i, i]
        blocks[i, i + 1], blocks[i + 1, i] = (turn := rng.uniform(0, 3) * abs(blocks[i, i])), -turn
    basis = rng.normal(size=(n, n)) + 2 * np.eye(n)
    return basis @ blocks @ np.linalg.inv(basis)


@needs_chromium
def test_stable_matrices_are_told_from_others(browser, tmp_path):
    """Rates from 1e-5 to 1e3, as of gates and concentrations; one pair or one eigenvalue may be unstable."""
    rng = np.random.default_rng(3)
    cases = []
    for n in (1, 2, 3, 4, 7, 19, 40):
        for unstable in (False, True):
            for _ in range(4):
                parts = -(10.0 ** rng.uniform(-5, 3, n))
                if unstable:
                    parts[2 * (rng.integers(0, n) // 2)] *= -1
                cases.append((matrix(rng, parts).ravel().tolist(), n, not unstable))
    singular = [([0.0], 1, False), ([-1.0, 1.0, 1.0, -1.0], 2, False), ([0.0, 1.0, -1.0, 0.0], 2, False)]
    with opened(browser, write(tmp_path / "page.html", Payload(), {})) as watched:
        found = watched.page.evaluate(
            "(cases) => cases.map(([matrix, n]) => hh.isStable(Float64Array.from(matrix), n))",
            [[*case] for case in (*cases, *singular)],
        )
    assert found == [stable for *_, stable in (*cases, *singular)]


@needs_chromium
@pytest.mark.parametrize("most", [stored.MOST_TIMES, 0], ids=["times", "digests"])
def test_a_page_says_whether_its_spikes_are_those_of_the_tables(browser, tmp_path, monkeypatch, most):
    monkeypatch.setattr(stored, "MOST_TIMES", most)
    steps = {"kind": "step", "amplitude": {"values": [0, 7, 20]}}
    clamp = {"kind": "step", "amplitude": 60, "start": 5, "holding": -80}
    config = {
        "experiments": {
            "squid": SQUID | {"stimulus": steps, "initial_state": "model"},
            "clamped": SQUID | {"clamp": clamp, "protocol": {"kind": "voltage_clamp"}},
            "settled": {k: v for k, v in SQUID.items() if k != "duration"}
            | {
                "stimulus": {"kind": "pulse_train", "amplitude": 40, "width": 0.5, "period": 20},
                "protocol": {"kind": "steady_state"},
            },
            "traced": {k: v for k, v in SQUID.items() if k != "duration"}
            | {
                "stimulus": {"kind": "pulse_train", "amplitude": {"values": [30, 40]}, "width": 0.5, "period": 20},
                "protocol": {"kind": "steady_state"},
                "traces": [{"amplitude": 40}],
            },
        }
    }
    hhcore.run(config, results=tmp_path, threads=1, progress=False)
    payload, kernels = Payload(), {}
    experiments = [
        {"name": name, "live": live(e, e.solver, tmp_path / name, payload, kernels)}
        for name, e in read_experiments(config).items()
    ]
    url = write(tmp_path / "page.html", payload, {"experiments": experiments, "kernels": kernels})
    with opened(browser, url) as watched:
        said = watched.page.evaluate(
            """async () => {
              const lives = hh.page().experiments.map((experiment) => experiment.live);
              const [squid, clamped, settled, traced] = await Promise.all(lives.map(hh.loadNeuron));
              const found = [0, 1, 2].map((i) => squid.compare(i, squid.simulate(squid.point(i))));
              const other = squid.middle();
              found.push(squid.compare(2, squid.simulate(other)));
              other[0] += 1e-9;
              found.push(squid.compare(1, squid.simulate(other)));
              for (const neuron of [clamped, settled]) found.push(neuron.compare(0, neuron.simulate(neuron.point(0))));
              found.push(traced.compare(1, traced.simulate(traced.point(1))));
              return [...found, squid.storedSpikes(2)?.length ?? null];
            }"""
        )
    features = tables.read(tmp_path / "squid" / "features.parquet")
    counts = features["spike_count"].to_pylist()
    assert counts[0] == 0 and counts[1] > 1
    assert [answer["agrees"] for answer in said[:-1]] == [True, True, True, False, False, None, None, True]
    sentences = [answer["sentence"] for answer in said[:-1]]
    assert sentences[0] == "It does not fire, and neither does the neuron of the run."
    assert sentences[2] == f"All {counts[2]} spikes are those of the run, to the last bit."
    assert sentences[3] == f"{counts[1]} spikes here, {counts[2]} in the run."
    assert "differ" in sentences[4] and " ms" in sentences[4]
    assert "no spikes to compare" in sentences[5] and "into another state first" in sentences[6]
    assert sentences[7].startswith("All ")
    assert said[-1] == (counts[2] if most else None)
