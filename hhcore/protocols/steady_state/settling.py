"""What protocols share that pace cells before what is measured: the keys, and the cells of their neurons."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from hhcore.base.checks import Key, choice, quoted
from hhcore.base.errors import UserError
from hhcore.base.units import to_unit
from hhcore.experiments.experiment import Experiment
from hhcore.model.autonomous import check_autonomous
from hhcore.model.model import Model
from hhcore.schemes.solver import Solver
from hhcore.simulation.initial import read_start
from hhcore.simulation.rest import initial_states
from hhcore.simulation.settle import Paced, Settling

EXPECTED = {True: 100, False: 500}  # beats, by Newton's method and by pacing, to estimate what it costs
WAYS = ("newton", "pacing")
IRREGULAR = "irregular"  # the response of a cell that does not repeat
PREBEATS = Key(
    "how many beats cells are paced before what is measured",
    "prebeats: 100",
    otherwise="until the state repeats: see `tolerance`",
    elsewhere=dict.fromkeys(("nbeats", "num_stim", "beats", "preBeats"), "`prebeats: 100`")
    | {"S1": "`prebeats`, and the interval of S1 as `stimulus: {kind: pulse_train, period: 1000, ...}`"},
)


def settling_keys(way: str) -> dict[str, Key]:
    """The keys of how cells settle. `way` : one of WAYS, the default"""
    return {
        "tolerance": Key(
            "change of the state over a beat, its 1-norm in the units of the model, below which it repeats",
            "tolerance: 1e-6",
            otherwise=f"{Settling.tolerance:g}",
            elsewhere=dict.fromkeys(("norm_threshold", "tol", "eps"), "`tolerance`"),
        ),
        "most_beats": Key(
            "beats after which a cell that has not settled is given up",
            "most_beats: 10000",
            otherwise=f"{Settling.most}",
            elsewhere=dict.fromkeys(("max_paces", "max_beats"), "`most_beats`"),
        ),
        "by": Key(
            "how the state that repeats is found: by `pacing`, or by `newton`, Newton's method on the whole state "
            "after some beats",
            "by: newton",
            otherwise=f"`{way}`",
            legal=WAYS,
        ),
    }


def read_settling(body: Mapping[str, object], model: Model, way: str, where: str) -> Settling:
    """How cells settle, from `prebeats` or the keys of `settling_keys`.

    Raises UserError for values that are not legal, and for a model with a formula of time, whose beats differ.
    """
    check_autonomous(model, where)
    if "prebeats" in body:
        for name in (name for name in settling_keys(way) if name in body):
            raise UserError(
                f"{where}: `prebeats` is a number of beats, so that `{name}` has no effect; leave one of them out"
            )
        return Settling(_whole(body["prebeats"], f"{where}.prebeats"))
    tolerance = to_unit(body.get("tolerance", Settling.tolerance), "1", f"{where}.tolerance")
    if not tolerance > 0:
        raise UserError(f"{where}.tolerance: {quoted(body['tolerance'])} is not above 0; give one, like 1e-6")
    most = _whole(body.get("most_beats", Settling.most), f"{where}.most_beats")
    return Settling(None, tolerance, most, choice(body.get("by", way), WAYS, f"{where}.by") == "newton")


def _whole(value: object, where: str) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise UserError(f"{where}: {quoted(value)} is not a number of beats; give a whole number from 1 on, like 100")
    return int(value)


def settling_words(settling: Settling) -> str:
    """How long cells are paced, for the page on what was run."""
    if settling.beats is not None:
        return f"for {settling.beats:,} beats"
    way = "by Newton's method" if settling.newton else "by pacing"
    return f"until the state repeats to {settling.tolerance:g}, {way}, for {settling.most:,} beats at most"


def expected_beats(settling: Settling) -> float:
    """About how many beats cells are paced, to estimate what it costs."""
    return min(settling.most, EXPECTED[settling.newton]) if settling.beats is None else settling.beats


def response_words(stimuli: np.ndarray, fired: np.ndarray) -> np.ndarray:
    """`2:1` of stimuli and action potentials, each int64 (n,): text (n,), IRREGULAR where nothing repeats, at 0."""
    pairs = zip(stimuli.tolist(), fired.tolist(), strict=True)
    return np.array([f"{k}:{count}" if k else IRREGULAR for k, count in pairs], dtype=object)


@dataclass(frozen=True)
class Cells:
    """The neurons of `measure`: their pacing, the states in which they start, float64 (n, N), and their status."""

    paced: Paced
    states: np.ndarray
    status: np.ndarray

    @classmethod
    def of(cls, e: Experiment, solver: Solver, points: np.ndarray, threads: int) -> "Cells":
        """Those of rows of `Experiment.points`."""
        paced, (rows, start) = paced_cells(e, solver, points, threads), e.parts(points)
        table = paced.engine.arguments(rows, e.duration)
        return cls(paced, *initial_states(paced.engine, table, read_start(e.model, start)))


def paced_cells(e: Experiment, solver: Solver, points: np.ndarray, threads: int) -> Paced:
    """The pacing of rows of `Experiment.points`, whatever the states are in which it begins."""
    return Paced(e.engine(solver.method), e.parts(points)[0], solver.accuracy, threads)
