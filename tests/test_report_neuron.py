"""The live neuron of a page: in Chromium its spikes and last states are those of the run, to the last bit."""

from pathlib import Path

import numpy as np
import pytest
import test_tracing as tracing
from browser import chromium, needs_chromium, opened

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.report import bundle
from hhcore.report.live import live, middle
from hhcore.report.payload import Payload, data
from hhcore.report.stored import Trains
from hhcore.schemes.solver import Solver

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
    """At rest of their own, with rest that must be searched for and without one; stated states; samples, zipped axes."""
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
    rows = {"grid": [0, 5, 17, 30, 53], "held": [0, 1, 2, 3, 4], "stated": [0], "sampled": [0, 3, 6]}
    found = check(browser, tmp_path, experiments, rows)
    assert sum(len(neuron["spikes"]) for neuron in found["grid"]) > 5
    assert {neuron["status"] for neuron in found["held"]} == {"ok", "no_stable_rest"}


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
    """A command whose gates follow closed forms, under a drug; a sum of a sine, noise and a waveform from a file."""
    (tmp_path / "played.csv").write_text("time_ms,current_uA_cm2\n0,0\n7,12\n9,-3\n20,0\n")
    parts = {
        "slow": {"kind": "sine", "amplitude": {"values": [0, 4]}, "frequency": 31.7},
        "hiss": {"kind": "noise", "mean": 6, "sd": 4, "correlation_time": 3, "interval": 0.5, "seed": 3},
        "played": {"kind": "waveform", "file": "played.csv", "start": 10, "period": 25},
    }
    experiments = read(
        tmp_path,
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
            "protocol": {"kind": "voltage_clamp"},
            "drugs": {"x": {"concentration": "2 uM", "targets": {"sodium.g": {"IC50": "3 uM", "hill": 1.37}}}},
        },
    )
    found = check(browser, tmp_path, experiments, {"summed": [0, 1, 2, 3], "clamped": [0, 1]})
    assert sum(len(neuron["spikes"]) for neuron in found["summed"]) > 4
