"""The `solver` of a config: a tolerance, so that the solver is chosen, or a scheme and its setting."""

from dataclasses import replace
from math import inf

from hhcore.base.checks import Key, choice, fields, present, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import to_unit
from hhcore.experiments.protocol import Accuracy
from hhcore.schemes.solver import LARGEST_ERROR, METHODS, Solver, setting_of

MAX_STEPS = 10**10
SMALLEST_ERROR = 1e-11
KEYS = {
    "tolerance": Key(
        "how far off spike times, or what else the protocol measures, may be; a solver that meets it is chosen",
        "tolerance: 1 us",
    ),
    "method": Key("the scheme", "method: tsit5", otherwise="chosen by the tolerance", legal=METHODS),
    "dt": Key("the largest step of `rk4`", "dt: 0.025", unit="time", elsewhere={"timestep": "`dt: 0.025`"}),
    "local_error": Key(
        f"the largest error of a step relative to the states, {SMALLEST_ERROR:g} to {LARGEST_ERROR:g}; of all schemes "
        "but `rk4`",
        "local_error: 1e-6",
        unit="1",
        elsewhere=dict.fromkeys(("rtol", "atol", "reltol", "abstol"), "`local_error: 1e-6`"),
    ),
    "certify": Key(
        "the neurons whose error is estimated: a sample or all", otherwise="`sample`", legal=("sample", "all")
    ),
}
CHOOSES = replace(
    KEYS["tolerance"],
    elsewhere=dict.fromkeys(("dt", "local_error"), "either `tolerance`, which chooses it, or `method` and it"),
)


def check_solver(settings: dict[str, object], where: str) -> None:
    """Raise UserError for what is wrong whatever the model: keys, words, the local error."""
    with collected() as noted:
        with noted():
            _check_keys(settings, where)
        for key in ("method", "certify"):
            with noted():
                choice(settings.get(key, KEYS[key].legal[0]), KEYS[key].legal, f"{where}.{key}")
        if "local_error" in settings:
            with noted():
                _check_error(settings["local_error"], f"{where}.local_error")


def _check_keys(settings: dict, where: str) -> None:
    """Raise UserError unless the keys are a tolerance, perhaps with a method, or a method and its setting."""
    fields(settings, where, KEYS)
    if "tolerance" in settings:
        fields(settings, where, {"tolerance": CHOOSES} | {key: KEYS[key] for key in ("method", "certify")})
    elif "method" not in settings:
        raise UserError(
            f"{where}: {quoted(settings)} does not say how accurate; give `tolerance: 1 us`, or a method and its "
            f"setting"
        )
    elif settings["method"] in METHODS:
        setting = setting_of(settings["method"])
        legal = {key: KEYS[key] for key in ("method", setting, "certify")}
        fields(settings, where, legal)
        present(settings, setting, where, legal)


def _check_error(value: object, where: str) -> None:
    error = to_unit(value, "1", where)
    if not SMALLEST_ERROR <= error <= LARGEST_ERROR:
        raise UserError(
            f"{where}: {quoted(value)} is not between {SMALLEST_ERROR:g} and {LARGEST_ERROR:g}; a smaller one no finer "
            f"run could check, a larger one loses spikes"
        )


def read_tolerance(body: dict, accuracy: Accuracy, where: str) -> float | None:
    """The largest error, in the unit of `accuracy.tolerance`; None if a method is given.

    Raises UserError for one that is not legal.
    """
    if "tolerance" not in body:
        return None
    unit, least, most, words = accuracy.tolerance
    try:
        tolerance = to_unit(body["tolerance"], unit, f"{where}.tolerance")
    except UserError as error:
        if unit != "1":
            raise
        raise UserError(f"{where}.tolerance: {quoted(body['tolerance'])} is not a number {words}") from error
    if not least <= tolerance <= most:
        raise UserError(f"{where}.tolerance: {quoted(body['tolerance'])} is not {words}")
    return tolerance


def read_solver(body: dict, dt: float | None, where: str) -> Solver | None:
    """The scheme and its setting; None if a tolerance is given. `body` is checked, and so is `dt`."""
    if "tolerance" in body:
        return None
    if dt is not None:
        return Solver(body["method"], dt)
    return Solver(body["method"], to_unit(body["local_error"], "1", f"{where}.local_error"))


def read_dt(body: dict, unit: str, duration: float, where: str) -> float | None:
    """The largest step, None if there is none. `unit` is that of `duration`, inf if it is not known, and `dt`.

    Raises UserError for one that is not legal.
    """
    if "dt" not in body:
        return None
    dt = to_unit(body["dt"], unit, f"{where}.dt")
    if dt <= 0 or dt > duration:
        longest = f", {duration!r} {unit}" if duration < inf else ""
        raise UserError(
            f"{where}.dt: {quoted(body['dt'])} is not above 0 and at most the duration{longest}; give one in between"
        )
    if MAX_STEPS < duration / dt < inf:
        raise UserError(
            f"{where}.dt: {quoted(body['dt'])} makes {duration / dt:.3g} steps in {duration!r} {unit}; "
            f"at most {MAX_STEPS:.0e} are legal, give a larger dt"
        )
    return dt
