"""Quantiles of the normal distribution, and exp and log, from basic operations alone.

IEEE 754 fixes these to the last bit, so every machine makes the same points. The exp and log of libraries differ
between CPUs.
"""

import math

import numpy as np

# Wichura (1988), algorithm AS 241, PPND16, doi:10.2307/2347330: numerator and denominator, highest power first, in the
# middle, in the tails, and far out.
MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4)
    + (1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4)
    + (5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)
TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0)
    + (3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1)
    + (6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)
FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2)
    + (2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4)
    + (1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)
LN2 = math.log(2.0)
LN2_HIGH = float.fromhex("0x1.62e42feep-1")  # so few bits that its multiples are exact
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")  # ln 2 - LN2_HIGH


def quantile(p: np.ndarray) -> np.ndarray:
    """The standard normal quantile of each probability in (0, 1), float64 (n,), to about 1e-15 of its size."""
    q = p - 0.5
    beyond = np.sqrt(-log(np.where(q < 0, p, 1.0 - p)))
    middle = q * _ratio(MIDDLE, 0.180625 - q * q)
    outer = np.where(beyond <= 5.0, _ratio(TAIL, beyond - 1.6), _ratio(FAR, beyond - 5.0))
    return np.where(np.abs(q) <= 0.425, middle, np.copysign(outer, q))


def exp(x: np.ndarray) -> np.ndarray:
    """e to the power of x, for |x| < 700, to a few units of the last place."""
    k = np.rint(x / LN2)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    return np.ldexp(_polynomial([1.0 / math.factorial(i) for i in range(15, -1, -1)], r), k.astype(np.int64))


def log(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of x > 0, to a few units of the last place."""
    m, k = np.frexp(x)
    small = m < math.sqrt(0.5)
    m, k = np.where(small, 2.0 * m, m), k - small
    s = (m - 1.0) / (m + 1.0)
    series = _polynomial([2.0 / i for i in range(25, 0, -2)], s * s)
    return k * LN2_HIGH + (k * LN2_LOW + s * series)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: np.ndarray) -> np.ndarray:
    above, below = coefficients
    return _polynomial(above, x) / _polynomial(below, x)


def _polynomial(coefficients: tuple[float, ...] | list[float], x: np.ndarray) -> np.ndarray:
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total
