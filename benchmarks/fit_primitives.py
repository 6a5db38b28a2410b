"""Coefficients of the polynomials in hhcore/compile/runtime/primitives.py.in.

Least squares at Chebyshev points, weighted so that the error is relative to the function's result, in 80 digits. From
the lowest power on, one coefficient is rounded to a double and those that remain are fitted again.
"""

import mpmath as mp

mp.mp.dps = 80
POINTS = 160


def least_squares(values, weights, points, powers):
    rows = [[w * x**p for p in powers] for x, w in zip(points, weights, strict=True)]
    n = len(powers)
    normal, right = mp.matrix(n, n), mp.matrix(n, 1)
    for i in range(n):
        right[i] = mp.fsum(row[i] * w * v for row, w, v in zip(rows, weights, values, strict=True))
        for k in range(n):
            normal[i, k] = mp.fsum(row[i] * row[k] for row in rows)
    return list(mp.lu_solve(normal, right))


def fit(name, function, weight, terms, low, high, given=()):
    """Doubles c with function(x) ~ c0 + c1 x + ... on [low, high]; the first ones may be given."""
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * POINTS)) for i in range(POINTS)]
    values, weights = [function(x) for x in points], [weight(x) for x in points]
    found = list(given)
    while len(found) < terms:
        rest = [v - mp.polyval(found[::-1] or [0], x) for x, v in zip(points, values, strict=True)]
        found.append(float(least_squares(rest, weights, points, range(len(found), terms))[0]))
    error = max(
        abs(w * (v - mp.polyval([mp.mpf(c) for c in found[::-1]], x)))
        for x, v, w in zip(points, values, weights, strict=True)
    )
    print(f"{name}: error {float(error * 2**53):.2g} half ulp", *map(repr, found), sep="\n    ")
    return found


def even(function):
    """A function of x as one of z = x^2."""
    return lambda z: function(mp.sqrt(z))


LN2, SIXTH = mp.log(2), 0.16666666666666666
WIDTH, EIGHTH_TURN = LN2 / 2 * mp.mpf("1.001"), (mp.pi / 4 * mp.mpf("1.0001")) ** 2
S2 = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.0001")
T2 = (mp.sqrt(2) - 1) ** 2 * mp.mpf("1.0001")

if __name__ == "__main__":
    fit("exp", lambda r: (mp.expm1(r) - r) / r**2, lambda r: r**2 / mp.expm1(r), 10, -WIDTH, WIDTH, (0.5, SIXTH))
    tail = even(lambda s: ((2 * mp.atanh(s) / s - 2) / s**2 - mp.mpf(2) / 3) / s**2)
    fit("artanh", tail, lambda z: z * z / 2, 8, 0, S2)
    fit("sin", even(lambda r: (mp.sin(r) / r - 1) / r**2), lambda z: z, 6, 0, EIGHTH_TURN)
    fit("cos", even(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4), lambda z: z * z, 6, 0, EIGHTH_TURN)
    fit("atan", even(lambda t: (mp.atan(t) / t - 1) / t**2), lambda z: z, 11, 0, T2)
    fit("asin", even(lambda s: (mp.asin(s) / s - 1) / s**2), lambda z: z, 13, 0, mp.mpf(1) / 4)
