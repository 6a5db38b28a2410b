"""The schemes by name, and solvers: a scheme and its accuracy."""

from dataclasses import dataclass

from hhcore.base.errors import UserError, closest
from hhcore.schemes.explicit import DOP853, RK4, TSIT5
from hhcore.schemes.rosenbrock import RODAS5P
from hhcore.schemes.scheme import Scheme

SCHEMES = {scheme.name: scheme for scheme in (RK4, TSIT5, DOP853, RODAS5P)}
METHODS = tuple(SCHEMES)
DEFAULT_ERROR = 1e-6
LARGEST_ERROR = 1e-3  # with 1e-2 a tenth of the spike counts of the squid axon are wrong, and peaks by tens of mV


@dataclass(frozen=True)
class Solver:
    """A scheme and its accuracy.

    accuracy : with a fixed step, the largest step `dt`, in the model's unit of time; of an adaptive scheme, the largest
               `local_error` of a step, relative to the size of the states
    """

    method: str
    accuracy: float

    @property
    def scheme(self) -> Scheme:
        """The scheme by its name."""
        return SCHEMES[self.method]

    @property
    def setting(self) -> str:
        """The name of `accuracy`: `dt` or `local_error`."""
        return setting_of(self.method)

    @property
    def finer(self) -> "Solver":
        """The same scheme with a much smaller error: the standard that this solver is judged by."""
        return Solver(self.method, self.accuracy / (100.0 if self.scheme.adaptive else 3.0))


def setting_of(method: str) -> str:
    """The setting that a scheme takes: `dt`, or `local_error` if it is adaptive."""
    return "local_error" if SCHEMES[method].adaptive else "dt"


def check_method(method: str) -> str:
    """The method itself. Raises UserError if there is no such scheme."""
    if method not in METHODS:
        raise UserError(f"solver method {method!r} does not exist; " + closest(method, METHODS))
    return method


def solver(method: str, dt: float | None, local_error: float | None) -> Solver:
    """Make a solver of the scheme `method` and its one setting. `local_error` defaults to 1e-6.

    Raises UserError for a scheme that does not exist, and for a wrong or missing setting.
    """
    check_method(method)
    if SCHEMES[method].adaptive:
        if dt is not None:
            raise UserError(f"solver method {method!r} chooses its own steps: give local_error, not dt")
        local_error = DEFAULT_ERROR if local_error is None else local_error
        if not 0.0 < local_error <= LARGEST_ERROR:
            raise UserError(
                f"local_error {local_error!r} is not above 0 and at most {LARGEST_ERROR:g}; larger ones lose spikes"
            )
        return Solver(method, float(local_error))
    if local_error is not None:
        raise UserError(f"solver method {method!r} takes steps of equal length: give dt, not local_error")
    if dt is None:
        raise UserError(f"solver method {method!r} needs dt")
    if not dt > 0.0:
        raise UserError(f"dt {dt!r} must lie above 0")
    return Solver(method, float(dt))
