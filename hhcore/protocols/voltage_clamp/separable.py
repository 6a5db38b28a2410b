"""Least squares by variable projection: amplitudes of functions are linear, so only their shapes are searched for.

Golub and Pereyra (1973), doi:10.1137/0710036, with the Jacobian of Kaufman (1975), doi:10.1007/BF01932995.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

COMPLEX_STEP = 1e-30  # derivatives without cancellation: Squire and Trapp (1998), doi:10.1137/S003614459631241X
SINGULAR = 1e-10  # of the largest singular value: below it two functions are one
SEARCHES = 6  # a single one may end in a valley that is not the deepest

Basis = Callable[[np.ndarray], np.ndarray]  # from shapes (k,), which may be complex, to functions (n, m)


@dataclass(frozen=True)
class Fit:
    """A fit of n points.

    shape, amplitudes : what was searched for, float64 (k,), and the factors of the functions, float64 (m,)
    shape_errors, amplitude_errors : standard errors, as from independent errors of equal size in all points; infinite
                                     where the points do not tell two of the numbers apart
    rms               : root of the mean square of what is left
    """

    shape: np.ndarray
    amplitudes: np.ndarray
    shape_errors: np.ndarray
    amplitude_errors: np.ndarray
    rms: float

    def scaled(self, factor: float) -> "Fit":
        """The fit of points that are larger by a factor."""
        amplitudes, errors = factor * self.amplitudes, factor * self.amplitude_errors
        return replace(self, amplitudes=amplitudes, amplitude_errors=errors, rms=factor * self.rms)


def fits(
    basis: Basis, y: np.ndarray, starts: Iterable[Sequence[float]], low: Sequence[float], high: Sequence[float]
) -> list[Fit]:
    """Fits of float64 (n,) by a sum of the functions `basis(shape)`, the best first, from several starts.

    n is above the number of shapes and functions.

    starts    : shapes to start from; searches go on from those that fit best, each with a first number of its own
    low, high : bounds of the shapes
    """
    scale = np.abs(y).max() or 1.0
    z = y / scale

    def misfit(shape: np.ndarray) -> float:
        return float(np.sum(_residual(basis, z, shape) ** 2))

    best = {shape[0]: shape for shape in sorted(map(np.asarray, starts), key=misfit, reverse=True)}
    shapes = sorted(best.values(), key=misfit)
    found = [_search(basis, z, shape, low, high).scaled(scale) for shape in shapes[:SEARCHES]]
    return sorted(found, key=lambda fit: fit.rms)


def _search(basis: Basis, z: np.ndarray, start: np.ndarray, low: Sequence[float], high: Sequence[float]) -> Fit:
    """The fit that a search from one start ends in."""
    from scipy.optimize import least_squares  # here, since every job finds this room, and few fit

    x0 = np.clip(start, np.nextafter(low, np.inf), np.nextafter(high, -np.inf))
    settings = {"bounds": (low, high), "x_scale": "jac", "xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14, "max_nfev": 400}
    found = least_squares(lambda s: _residual(basis, z, s), x0, lambda s: _jacobian(basis, z, s), **settings)
    shape, functions = found.x, basis(found.x)
    amplitudes = _amplitudes(functions, z)
    rest = z - functions @ amplitudes
    slopes = np.column_stack([_slopes(basis, shape, i) @ amplitudes for i in range(len(shape))])
    errors = _errors(np.column_stack([slopes, functions]), rest)
    k = len(shape)
    return Fit(shape, amplitudes, errors[:k], errors[k:], float(np.sqrt(np.mean(rest**2))))


def _amplitudes(functions: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(functions, y, rcond=SINGULAR)[0]


def _residual(basis: Basis, y: np.ndarray, shape: np.ndarray) -> np.ndarray:
    functions = basis(shape)
    return y - functions @ _amplitudes(functions, y)


def _jacobian(basis: Basis, y: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Of the residual, float64 (n, k): the change of the functions, without what the amplitudes take up of it."""
    functions = basis(shape)
    amplitudes = _amplitudes(functions, y)
    change = np.column_stack([_slopes(basis, shape, i) @ amplitudes for i in range(len(shape))])
    return functions @ _amplitudes(functions, change) - change


def _slopes(basis: Basis, shape: np.ndarray, i: int) -> np.ndarray:
    """The derivative of the functions by one shape, float64 (n, m)."""
    beside = shape.astype(complex)
    beside[i] += 1j * COMPLEX_STEP
    return basis(beside).imag / COMPLEX_STEP


def _errors(jacobian: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Standard errors of all numbers of a fit, from its Jacobian, float64 (n, p), and what is left, float64 (n,)."""
    n, p = jacobian.shape
    norms = np.linalg.norm(jacobian, axis=0)
    if not norms.all():
        return np.full(p, np.inf)
    _, singular, directions = np.linalg.svd(jacobian / norms, full_matrices=False)
    if singular[-1] < SINGULAR * singular[0]:
        return np.full(p, np.inf)
    variance = np.sum((directions / singular[:, None]) ** 2, axis=0) / norms**2
    return np.sqrt(variance * np.sum(rest**2) / (n - p))
