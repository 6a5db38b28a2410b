"""Restitution and steady states against Myokit, by CVODES: when beats rise, and when they repolarise."""

import json
from collections.abc import Mapping
from pathlib import Path

import myokit
import numpy as np
import pandas as pd
import pytest

import hhcore
from hhcore.config.reader import read_experiment
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.restitution.dynamic import BEATS
from hhcore.simulation.result import Result

RUNS = json.loads((Path(__file__).parent / "data" / "myokit_pacing.json").read_text())["runs"]
MODELS = Path(hhcore.__file__).parent / "models"
FEWER = 5  # beats that Myokit's potential is sampled in, at each cycle length
SAMPLED = 0.001  # ms between two samples of Myokit's potential
APART_MS = 1e-5  # of our times from Myokit's
STEADY_MS = 1e-4  # at a steady state: Newton's method keeps the charge of a cell to first order only


# --- Myokit


class Cell:
    """A model that Myokit paces."""

    def __init__(self, run: dict, tolerance: float) -> None:
        model = myokit.load_model(MODELS / f"{run['model']}.mmt")
        for name, factor in run["left"].items():
            model.get(name).set_rhs(model.get(name).eval() * factor)
        self.potential, self.pulse = model.label("membrane_potential").qname(), run["pulse"]
        self.simulation = myokit.Simulation(model)
        self.simulation.set_tolerance(tolerance, tolerance)

    @property
    def state(self) -> np.ndarray:
        return np.array(self.simulation.state())

    def pace(self, period: float, beats: int) -> None:
        """So many beats, from an onset to an onset."""
        self._run(period, beats, beats * period, log=myokit.LOG_NONE)

    def beats(self, period: float, number: int, duration: float) -> list[tuple[float, float]]:
        """Beats from an onset on; the state is that at the end."""
        slope = f"dot({self.potential})"
        log = self._run(period, number, duration, log=[self.potential, slope], log_interval=SAMPLED)
        per_beat = round(period / SAMPLED)
        v, dv = (np.array(log[name]) for name in (self.potential, slope))
        parts = [slice(k * per_beat, (k + 1) * per_beat + 1 if k < number - 1 else None) for k in range(number)]
        return [beat(v[part], dv[part], self.pulse["width"]) for part in parts]

    def _run(self, period: float, number: int, duration: float, **log) -> myokit.DataLog:
        pulses = myokit.Protocol()
        pulses.schedule(self.pulse["amplitude"], 0, self.pulse["width"], period, number)
        self.simulation.set_protocol(pulses)
        self.simulation.set_time(0)
        return self.simulation.run(duration, **log)


def beat(v: np.ndarray, slope: np.ndarray, width: float) -> tuple[float, float]:
    """When dV/dt is largest and when 90 % has repolarised [ms after the onset], by samples of one beat."""
    peak = int(v.argmax())
    level = v[0] + 0.1 * (vertex(v, peak)[1] - v[0])
    before = peak + int(np.argmax(v[peak:] < level)) - 1
    fall = before + (v[before] - level) / (v[before] - v[before + 1])
    steepest, end = int(slope[:peak].argmax()), round(width / SAMPLED)
    # The slope jumps where the pulse ends: if it is largest there, no parabola goes through it.
    rise = end if abs(steepest - end) <= 1 else vertex(slope, steepest)[0]
    return rise * SAMPLED, fall * SAMPLED


def vertex(y: np.ndarray, at: int) -> tuple[float, float]:
    """Of the parabola through the largest sample and its neighbours: where, in samples, and how high."""
    left, middle, right = y[at - 1 : at + 2]
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return at + shift, middle - 0.25 * (left - right) * shift


def s1s2(run: dict, tolerance: float) -> list[tuple[float, float]]:
    """The last beat of S1, and S2, for each interval."""
    cell = Cell(run, tolerance)
    cell.pace(run["period"], run["prebeats"])
    settled, found = cell.state, []
    for interval in run["intervals"]:
        cell.simulation.set_state(settled)
        found += cell.beats(interval, 2, interval + run["period"])
    return found


def dynamic(run: dict, tolerance: float) -> list[tuple[float, float]]:
    """The last two of some beats after pacing at each cycle length; the state is carried over."""
    cell, found = Cell(run, tolerance), []
    for length in run["cycle_lengths"]:
        cell.pace(length, run["prebeats"])
        found += cell.beats(length, FEWER, FEWER * length)[-2:]
    return found


def steady_state(run: dict, tolerance: float) -> list[tuple[float, float]]:
    """The beat after pacing until nothing changes any more."""
    cell = Cell(run, tolerance)
    cell.pace(run["period"], run["beats_of_myokit"])
    return cell.beats(run["period"], 1, run["period"])


KINDS = {"s1s2": s1s2, "dynamic_restitution": dynamic, "steady_state": steady_state}


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_the_recorded_beats_are_those_of_myokit(run):
    """Where there are a compiler and the headers of Sundials."""
    try:
        found = KINDS[run["kind"]](run, 1e-12)
    except myokit.CompilationError:
        pytest.skip("Myokit cannot compile: no Sundials (libsundials-dev)")
    np.testing.assert_allclose(found, run["beats"], rtol=0, atol=1e-6)


# --- hhcore


def measured(run: dict, local_error: float) -> tuple[Experiment, Result]:
    """The same protocol of ours."""
    own = {key: run[key] for key in ("prebeats", "intervals", "cycle_lengths", "carry_over") if key in run}
    if "cycle_lengths" in run:  # as many beats at each, of which more are recorded
        own["prebeats"] += FEWER - BEATS
    period = {key: run[key] for key in ("period",) if key in run}
    body = {
        "model": run["model"],
        "protocol": {"kind": run["kind"], **own},
        "stimulus": {"kind": "pulse_train", **run["pulse"], **period},
        "initial_state": "model",
        "solver": {"method": "rodas5p", "local_error": local_error},
    }
    if run["left"]:
        body["block"] = {name: 100 * (1 - share) for name, share in run["left"].items()}
    e = read_experiment({"experiments": {"e": body}}, "e")
    return e, e.protocol.measure(e, e.solver, e.points(np.arange(1)))


def times(beats: Mapping[str, np.ndarray], rows: object) -> np.ndarray:
    """As Myokit's beats, from columns of ours."""
    rise = beats["upstroke_ms"] - beats["onset_ms"]
    return np.column_stack([rise, rise + beats["apd90_ms"]])[rows]


@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if run["kind"] != "steady_state"])
def test_beats_of_restitution_are_those_of_myokit(name):
    run = RUNS[name]
    e, result = measured(run, 1e-10)
    last = np.arange(e.protocol.run_beats) >= e.protocol.run_beats - 2
    theirs = np.array(run["beats"]).reshape(-1, 2, 2)
    runs, _ = e.protocol.runs(result)
    ours = times(runs.beat_columns, np.tile(last, len(theirs))).reshape(theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=APART_MS)
    before, beat = theirs[:, 0], theirs[:, 1]
    table = pd.DataFrame(e.protocol.points(result)).drop_duplicates("point", keep="last")
    np.testing.assert_allclose(table["apd90_ms"], beat[:, 1] - beat[:, 0], rtol=0, atol=APART_MS)
    np.testing.assert_allclose(
        table["diastolic_interval_ms"], table["interval_ms"] - before[:, 1], rtol=0, atol=APART_MS
    )


@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if run["kind"] == "steady_state"])
def test_steady_states_under_block_are_those_of_myokit(name):
    run = RUNS[name]
    _, result = measured(run, 1e-9)
    np.testing.assert_allclose(times(result.beat_columns, slice(1)), run["beats"], rtol=0, atol=STEADY_MS)
