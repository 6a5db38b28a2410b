"""The keys that both restitution protocols have in a config, and how they are read."""

from collections.abc import Mapping
from math import nan
from numbers import Integral

from hhcore.base.checks import Key, choice, items, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import to_unit
from hhcore.grid.axes import read_axis
from hhcore.model.model import Model
from hhcore.protocols.pacing.protocol import Pacing, read_durations
from hhcore.simulation.settle import Settling

TOLERANCE, MOST_BEATS = 1e-6, 10_000
SETTLING_KEYS = {
    "prebeats": Key(
        "how many beats cells are paced before what is measured",
        "prebeats: 100",
        otherwise="until the state repeats: see `tolerance`",
        elsewhere=dict.fromkeys(("nbeats", "num_stim", "beats", "preBeats"), "`prebeats: 100`"),
    ),
    "tolerance": Key(
        "in the place of `prebeats`: the state repeats if the 1-norm of its change is below, in the model's own units",
        "tolerance: 1e-6",
        otherwise=f"{TOLERANCE:g}",
    ),
    "most_beats": Key(
        "beats after which a cell that does not settle is given up", "most_beats: 10000", otherwise=f"{MOST_BEATS}"
    ),
    "by": Key(
        "how the state that repeats is found: by `pacing`, or by `newton`, which is faster where concentrations drift, "
        "and may find another one where there are several",
        "by: newton",
        otherwise="`pacing`",
        legal=("pacing", "newton"),
    ),
}


def read_common(body: Mapping[str, object], model: Model, where: str) -> tuple[Settling, Pacing]:
    """How cells are paced, and what is measured of beats. Raises UserError for values that are not legal."""
    with collected() as noted:
        with noted():
            settling = read_settling(body, where)
        with noted():
            pacing = Pacing(**read_durations(body, model, where))
    return settling, pacing


def read_settling(body: Mapping[str, object], where: str) -> Settling:
    """How cells are paced, from the keys SETTLING_KEYS. Raises UserError for values that are not legal."""
    if "prebeats" in body:
        for name in ("tolerance", "most_beats", "by"):
            if name in body:
                raise UserError(
                    f"{where}: `prebeats` is a number of beats, so that `{name}` has no effect; leave one of them out"
                )
        return Settling(_whole(body["prebeats"], f"{where}.prebeats"))
    tolerance = to_unit(body.get("tolerance", TOLERANCE), "1", f"{where}.tolerance")
    if tolerance <= 0:
        raise UserError(f"{where}.tolerance: {tolerance:g} is not above 0; give one, like {TOLERANCE:g}")
    by = choice(body.get("by", "pacing"), SETTLING_KEYS["by"].legal, f"{where}.by")
    return Settling(None, tolerance, _whole(body.get("most_beats", MOST_BEATS), f"{where}.most_beats"), by == "newton")


def _whole(value: object, where: str) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise UserError(f"{where}: {quoted(value)} is not a number of beats; give a whole number from 1 on, like 100")
    return int(value)


def read_time(value: object, model: Model, where: str) -> float:
    """A time above 0, in the model's unit. Raises UserError for any other."""
    time = to_unit(value, model.time_unit, where)
    if time <= 0:
        raise UserError(f"{where}: {quoted(value)} is not above 0 {model.time_unit}; give a time, like 5")
    return time


def read_times(value: object, model: Model, where: str) -> tuple[float, ...]:
    """A list of times above 0, or an axis of them, in the model's unit, in the order written.

    Raises UserError for anything else.
    """
    if isinstance(value, dict):
        axis = read_axis(value, where.rpartition(".")[2], model.time_unit, nan, where).expand()
        return tuple(read_time(time, model, where) for time in axis.values.tolist())
    if not value:
        raise UserError(
            f"{where}: {quoted(value)} has no times; give a list, or an axis like {{range: [1000, 300, -10]}}"
        )
    written = items(value, where, "[time, ...]")
    return tuple(read_time(time, model, f"{where}[{i}]") for i, time in enumerate(written))
