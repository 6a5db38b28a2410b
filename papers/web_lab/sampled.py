"""What the Web Lab measures, as it does: on samples, and of steady-state restitution after a pulse 10 ms early.

Their protocols leave a cell 10 ms before the onset of a pulse. S1-S2 and block begin there. Steady-state restitution
begins at an onset, though: so the first of its two beats is premature by 10 ms.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hhcore import PulseTrain, simulate, trace
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.steady_state.settling import Cells
from hhcore.simulation.beat_map import settled_cells

from .cells import Cell
from .definitions import action_potentials
from .experiments import CYCLE_LENGTHS, INTERVALS, PERIOD, PREBEATS, SOLVER, body

EARLY = 10.0  # ms
FINE, COARSE = 0.1, 1.0  # ms between samples, at steady state and of S1-S2
LONG = 3000.0  # ms that are sampled of S1-S2
# Beats at most. Their protocol of restitution has 10,000, but their tables are those of 1000: see README.md.
MOST_OF_RESTITUTION = 1000
MOST, MOST_WITH = 10_000, {"IK1": 1000, "Ito": 1000, "NCX": 1000}  # usually, and under block of a current
State = dict[str, float]


class Bench(NamedTuple):
    """A cell, and the pulses that pace it. All times are in ms, whatever the model counts in."""

    experiment: Experiment
    parameters: dict[str, float]

    @classmethod
    def of(cls, cell: Cell) -> "Bench":
        """That of a cell of the paper."""
        config = body(cell, PERIOD) | {"duration": f"{PERIOD} ms"}
        (experiment,) = read_experiments({"experiments": {"bench": config}}).values()
        return cls(experiment, {name: experiment.defaults[name] for name in experiment.model.parameters})

    @property
    def start(self) -> State:
        """Its initial state."""
        e = self.experiment
        own = {name: quantity.value for name, quantity in e.model.states.items()}
        return {name: e.defaults.get(f"initial.{name}", value) for name, value in own.items()}

    def named(self, states: np.ndarray) -> State:
        """States by name."""
        return dict(zip(self.experiment.model.states, states.tolist(), strict=True))

    def pulses(self, period: float, number: int, start: float) -> PulseTrain:
        """So many pulses, the first at `start`."""
        own, ms = self.experiment.defaults, self.experiment.model.ms
        return PulseTrain(own["amplitude"], own["width"], period / ms, number, start / ms)

    def after(self, state: State, pulses: PulseTrain, duration: float) -> State:
        """The state after so many ms of pulses."""
        model = self.experiment.model
        run = simulate(model, self.parameters, pulses, duration=duration / model.ms, initial_state=state, **SOLVER)
        return self.named(run.final[0])

    def course(
        self, state: State, period: float, start: float, duration: float, interval: float
    ) -> tuple[np.ndarray, np.ndarray, State]:
        """Two pulses, as far as they fit: times (ms) and potential (mV) of samples, and the last state."""
        model, number = self.experiment.model, 1 + (start + period < duration)
        found = trace(
            model,
            self.parameters,
            self.pulses(period, number, start),
            duration=duration / model.ms,
            initial_state=state,
            interval=interval / model.ms,
            **SOLVER,
        )
        time = found["time"] * model.ms
        wanted = np.arange(round(duration / interval) + 1) * interval
        rows = np.searchsorted(time, wanted - 1e-6)
        return wanted, found[model.potential][rows] * model.mV, {name: found[name][-1] for name in model.states}


def steady(experiment: Experiment, count: int) -> Iterator[tuple[np.ndarray, float]]:
    """Of the first so many cycle lengths: two durations, and the diastolic interval between them.

    A cell whose concentrations drift is not at steady state after so many beats, so they are paced one by one.
    """
    e = experiment
    cells = Cells.of(e, e.solver, e.points(np.arange(1)), threads=1)
    bench, states = Bench(e, {name: e.defaults[name] for name in e.model.parameters}), cells.states
    settling = replace(e.protocol.settling, newton=False, most=MOST_OF_RESTITUTION)
    for period in CYCLE_LENGTHS[:count]:
        paced = cells.paced.with_fields(period=period / e.model.ms, start=0.0)
        states = settled_cells(paced, states, settling).states
        state = bench.after(bench.named(states[0]), bench.pulses(period, 2, 0.0), 2 * period - EARLY)
        time, potential, state = bench.course(state, period, 0.0, 2.0 * period, FINE)
        states = np.array([[state[name] for name in e.model.states]])
        yield measured(time, potential)


def premature(cell: Cell, count: int) -> Iterator[tuple[float, float]]:
    """Of the first so many intervals: the duration of S2, and the diastolic interval before."""
    bench = Bench.of(cell)
    settled = bench.after(bench.start, bench.pulses(PERIOD, PREBEATS, EARLY), PREBEATS * PERIOD)
    for interval in INTERVALS[:count]:
        time, potential, _ = bench.course(settled, interval, EARLY, LONG, COARSE)
        durations, between = measured(time, potential)
        yield durations[1], between


def blocked(experiment: Experiment, current: str) -> Iterator[float]:
    """The duration at each level of block, at steady state."""
    e = experiment
    points = e.points(np.arange(e.n_points))
    cells = Cells.of(e, e.solver, points, threads=1)
    settling = replace(e.protocol.settling, most=MOST_WITH.get(current, MOST))
    settled = settled_cells(cells.paced, cells.states, settling)
    for point, states in zip(points, settled.states, strict=True):
        values = dict(zip(e.quantities, point.tolist(), strict=True))
        bench = Bench(e, {name: values[name] for name in e.model.parameters})
        state = bench.after(bench.named(states), bench.pulses(PERIOD, 2, 0.0), 2 * PERIOD - EARLY)
        time, potential, _ = bench.course(state, PERIOD, EARLY, PERIOD, COARSE)
        durations, _ = measured(time, potential)
        yield durations[0]


def measured(time: np.ndarray, potential: np.ndarray) -> tuple[np.ndarray, float]:
    """Two durations and the interval between them, NaN for one that is not there."""
    starts, ends = action_potentials(time, potential)
    starts, ends = (np.r_[times, np.nan, np.nan][:2] for times in (starts, ends))
    return ends - starts, starts[1] - ends[0]
