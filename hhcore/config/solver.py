"""The `solver` of a config: a tolerance, so that the solver is chosen, or a scheme and its setting."""

from hhcore.base.checks import choice, fields, quoted
from hhcore.base.errors import UserError
from hhcore.base.units import to_unit
from hhcore.experiments.protocol import Accuracy
from hhcore.schemes.solver import LARGEST_ERROR, METHODS, Solver, setting_of

MAX_STEPS = 10**10
SMALLEST_ERROR = 1e-11
SETTINGS = {"dt": "dt: 0.025", "local_error": "local_error: 1e-6"}


def check_solver(body: object, where: str) -> None:
    """Raise UserError unless `body` is a tolerance, perhaps with a method, or a method and its setting."""
    settings = fields(body, where, optional=["tolerance", "method", "dt", "local_error", "certify"])
    if "method" in settings:
        choice(settings["method"], METHODS, f"{where}.method")
    choice(settings.get("certify", "sample"), ["sample", "all"], f"{where}.certify")
    if "tolerance" in settings:
        fields(body, where, {"tolerance": "tolerance: 1 us"}, ["method", "certify"])
    elif "method" in settings:
        setting = setting_of(settings["method"])
        fields(body, where, {"method": "method: tsit5", setting: SETTINGS[setting]}, ["certify"])
    else:
        raise UserError(
            f"{where}: {quoted(body)} does not say how accurate; give `tolerance: 1 us`, or a method and its setting"
        )


def read_tolerance(body: dict, accuracy: Accuracy, where: str) -> float | None:
    """The largest error, in the unit of `accuracy.tolerance`; None if a method is given. `body` is checked.

    Raises UserError for one that is not legal.
    """
    if "tolerance" not in body:
        return None
    unit, least, most, words = accuracy.tolerance
    tolerance = to_unit(body["tolerance"], unit, f"{where}.tolerance")
    if not least <= tolerance <= most:
        raise UserError(f"{where}.tolerance: {quoted(body['tolerance'])} is not {words}")
    return tolerance


def read_solver(body: dict, unit: str, duration: float, where: str) -> Solver | None:
    """The scheme and its setting; None if a tolerance is given. `unit` is that of `duration` and `dt`.

    Raises UserError for a setting that is not legal.
    """
    if "tolerance" in body:
        return None
    if "local_error" in body:
        error = to_unit(body["local_error"], "1", f"{where}.local_error")
        if not SMALLEST_ERROR <= error <= LARGEST_ERROR:
            raise UserError(
                f"{where}.local_error: {quoted(body['local_error'])} is not between {SMALLEST_ERROR:g} and "
                f"{LARGEST_ERROR:g}; a smaller one no finer run could check, a larger one loses spikes"
            )
        return Solver(body["method"], error)
    dt = to_unit(body["dt"], unit, f"{where}.dt")
    if not 0 < dt <= duration:
        raise UserError(
            f"{where}.dt: {quoted(body['dt'])} is not above 0 and at most the duration, "
            f"{duration!r} {unit}; give one in between"
        )
    if duration / dt > MAX_STEPS:
        raise UserError(
            f"{where}.dt: {quoted(body['dt'])} makes {duration / dt:.3g} steps in {duration!r} {unit}; "
            f"at most {MAX_STEPS:.0e} are legal, give a larger dt"
        )
    return Solver(body["method"], dt)
