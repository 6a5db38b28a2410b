"""The arithmetic of the kernels: elementary functions with the same bits on every machine.

No libm: its results differ between machines, and it stops LLVM from vectorising. The text of this file is copied into
every generated kernel, so that a kernel depends on nothing but numba. Every function is straight-line code with
selections instead of branches, made of basic operations, which IEEE 754 fixes to the last bit.

Bounds are in ulp, units in the last place of the exact result; tests/test_primitives.py has them as a table and holds
the functions to them. Where a domain is not named it is everything, with infinities, NaN, signed zeros and denormal
numbers as in IEEE 754 and C.

The coefficients are least-squares fits, weighted by the size of the result, at Chebyshev points of the interval of the
argument, in 80 digits; then, from the lowest power on, one is rounded to a double and those that remain are fitted
again. `p_lo` is what a double `p` lacks.
"""

from math import inf, nan, sqrt

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

INLINE = {"forceinline": True, "error_model": "numpy"}

ROUND = 6755399441055744.0  # 1.5 * 2^52: added to a number, it leaves the nearest integer n in the lowest bits
BIASED = ROUND + 2046.0  # leaves n plus twice the bias of an exponent
INTEGER = 4503599627370496.0  # 2^52, whose lowest bits are those of an integer put there
SIGN_BIT = -0x8000000000000000  # the bit of the sign
EXPONENT_BITS = -0x10000000000000  # the bits of sign and exponent
LN2, LN2_LO = 0.6931471805599453, 2.3190468138462996e-17
LN2_SHORT, LN2_SHORT_LO = 0.6931471805598903, 5.497923018708371e-14  # 42 bits: whole multiples of it are exact
PI_4, PI_4_LO = 0.7853981633974483, 3.061616997868383e-17
PI_2, PI_2_LO, PI_2_LOWEST = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
TWO_THIRDS, TWO_THIRDS_LO = 0.6666666666666666, 3.700743415417188e-17
LOG10_E, LOG10_E_LO = 0.4342944819032518, 1.098319650216765e-17


@intrinsic
def fma(typing, a, b, c):
    """a * b + c with a single rounding."""

    def emit(context, builder, signature, args):
        double = ir.DoubleType()
        function = builder.module.declare_intrinsic("llvm.fma", [double], ir.FunctionType(double, [double] * 3))
        return builder.call(function, args)

    return types.float64(types.float64, types.float64, types.float64), emit


@intrinsic
def floor(typing, x):
    """The largest integer that is not above x, as a double."""

    def emit(context, builder, signature, args):
        return builder.call(builder.module.declare_intrinsic("llvm.floor", [ir.DoubleType()]), args)

    return types.float64(types.float64), emit


@intrinsic
def ceil(typing, x):
    """The smallest integer that is not below x, as a double."""

    def emit(context, builder, signature, args):
        return builder.call(builder.module.declare_intrinsic("llvm.ceil", [ir.DoubleType()]), args)

    return types.float64(types.float64), emit


@intrinsic
def bits_of(typing, x):
    """The 64 bits of a double as an integer."""

    def emit(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), emit


@intrinsic
def double_of(typing, bits):
    """The double with these 64 bits."""

    def emit(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), emit


@intrinsic
def prefer_widest_vectors(typing):
    """Let LLVM use 512-bit registers in the calling function; by default it stays at 256 on most targets."""

    def emit(context, builder, signature, args):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')

    return types.void(), emit


@njit(**INLINE)
def signed_like(y, x):
    """y, with the other sign if x has a minus."""
    return double_of(bits_of(y) ^ (bits_of(x) & SIGN_BIT))


# --- exponentials


@njit(**INLINE)
def exp_parts(x, tail):
    """(q, a, b) with e^(x + tail) = (1 + q) a b: q = e^r - 1 with |r| <= ln 2 / 2; a and b are powers of two.

    There are two of them because 2^n itself leaves the range of doubles before e^x does, at both ends.
    """
    x = -746.0 if x < -746.0 else x
    x = 711.0 if x > 711.0 else x
    shifted = fma(x, 1.4426950408889634, BIASED)
    n = shifted - BIASED
    r = fma(n, -LN2_LO, fma(n, -LN2, x)) + tail
    r2 = r * r
    p = fma(2.7557342900109176e-06, r, 2.4801515365839822e-05)  # pairs of terms: a chain half as long as Horner's
    p = fma(fma(2.507210041937164e-08, r, 2.762262177932407e-07), r2, p)
    p = fma(p, r2, fma(0.0001984126980052086, r, 0.0013888888921282701))
    p = fma(p, r2, fma(0.008333333333346779, r, 0.041666666666618085))
    p = fma(p, r2, fma(0.16666666666666666, r, 0.5))
    q = fma(p, r2, r)
    a = (bits_of(shifted) << 51) & EXPONENT_BITS
    b = (bits_of(shifted) << 52) - a
    return q, double_of(a), double_of(b)


@njit(**INLINE)
def exp(x):
    """e^x, within 1.25 ulp."""
    q, a, b = exp_parts(x, -0.0)  # a tail of -0 costs nothing: adding it changes no number
    return fma(q, a, a) * b


@njit(**INLINE)
def expm1(x):
    """e^x - 1, also where e^x is nearly 1, within 2.5 ulp."""
    q, a, b = exp_parts(x, -0.0)
    y = fma(q * a, b, fma(a, b, -1.0)) if x < 40.0 else fma(q, a, a) * b
    return x if x == 0.0 else y  # keeps the sign of -0


@njit(**INLINE)
def sinh(x):
    """The hyperbolic sine, (e^x - e^-x) / 2, within 3 ulp."""
    e = expm1(abs(x))
    q, a, b = exp_parts(abs(x), -0.0)
    return signed_like(0.5 * (e + e / (e + 1.0)) if e < 1e17 else fma(q, a, a) * (0.5 * b), x)


@njit(**INLINE)
def cosh(x):
    """The hyperbolic cosine, (e^x + e^-x) / 2, within 1.75 ulp."""
    q, a, b = exp_parts(abs(x), -0.0)
    half = fma(q, a, a) * (0.5 * b)
    return half + 0.25 / half


@njit(**INLINE)
def tanh(x):
    """The hyperbolic tangent, (e^2x - 1) / (e^2x + 1), within 3 ulp."""
    size = abs(x)
    e = expm1(2.0 * (30.0 if size > 30.0 else size))
    return signed_like(e / (e + 2.0), x)


# --- logarithms and powers


@njit(**INLINE)
def exponent_and_mantissa(x):
    """(k, m) with x = 2^k m and sqrt(1/2) <= m < sqrt(2), for a positive x."""
    tiny = x < 2.2250738585072014e-308
    bits = bits_of(x * 18014398509481984.0 if tiny else x) - 0x3FE6A09E667F3BCD
    m = double_of((bits & 0xFFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD)
    k = double_of((((bits >> 52) + 1100) & 0xFFF) | bits_of(INTEGER)) - INTEGER
    return k - (1154.0 if tiny else 1100.0), m


@njit(**INLINE)
def artanh_tail(z):
    """(2 artanh s - 2 s - 2/3 s^3) / s^3 for z = s^2."""
    p = fma(0.11998571964593452, z, 0.11673558209672513)
    p = fma(p, z, 0.1333638627497979)
    p = fma(p, z, 0.15384554861591845)
    p = fma(p, z, 0.18181818903899385)
    p = fma(p, z, 0.2222222221721801)
    p = fma(p, z, 0.2857142857144668)
    return fma(p, z, 0.39999999999999974) * z


@njit(**INLINE)
def log_ends(value, x):
    """`value`, the logarithm of x, corrected where x is not a positive number."""
    value = value if x < inf else inf
    return value if x > 0.0 else (-inf if x == 0.0 else nan)


@njit(**INLINE)
def log(x):
    """The natural logarithm, within 1 ulp.

    x = 2^k m; ln m = 2 artanh s with s = f / (2 + f) and f = m - 1, where 2 s = f - s f, and f is exact.
    """
    k, m = exponent_and_mantissa(x)
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    tail = fma(s, fma(z, TWO_THIRDS + artanh_tail(z), -f), k * LN2_LO)
    return log_ends(fma(k, LN2, f + tail), x)


@njit(**INLINE)
def log_parts(x):
    """(hi, lo) whose sum is ln x for a positive finite x, to about 65 bits."""
    k, m = exponent_and_mantissa(x)
    f, d = m - 1.0, m + 1.0
    inverse = 1.0 / d
    s = f * inverse
    s_lo = (fma(-s, d, f) - s * (m - (d - 1.0))) * inverse
    z = s * s
    z_lo = fma(s, s, -z) + 2.0 * s * s_lo
    cube = z * s
    cube_lo = fma(z, s, -cube) + fma(z, s_lo, z_lo * s)
    tail = artanh_tail(z)
    p = TWO_THIRDS + tail
    p_lo = (TWO_THIRDS - p) + tail + TWO_THIRDS_LO
    t = cube * p
    t_lo = fma(cube, p, -t) + fma(cube, p_lo, cube_lo * p)
    whole = k * LN2_SHORT
    first = whole + 2.0 * s
    hi = first + t
    lo = (2.0 * s - (first - whole)) + (t - (hi - first))
    return hi, lo + fma(k, LN2_SHORT_LO, fma(2.0, s_lo, t_lo))


@njit(**INLINE)
def log10(x):
    """The decimal logarithm, within 0.55 ulp."""
    hi, lo = log_parts(x)
    y = hi * LOG10_E
    return log_ends(y + (fma(hi, LOG10_E, -y) + fma(lo, LOG10_E, hi * LOG10_E_LO)), x)


@njit(**INLINE)
def pow(x, y):
    """x^y, within 1.5 ulp: e^(y ln |x|) with the exponent in two doubles.

    For a negative x an even or odd power of |x| where y is an integer, else NaN.
    """
    size = abs(x)
    hi, lo = log_parts(size)
    hi = log_ends(hi, size)
    exponent = y * hi
    tail = fma(y, hi, -exponent) + y * lo
    q, a, b = exp_parts(exponent, tail if abs(exponent) < 1000.0 else -0.0)
    value = fma(q, a, a) * b
    whole = floor(y) == y
    odd = whole & (2.0 * floor(0.5 * y) != y)
    value = signed_like(value, x) if odd else value
    value = value if whole | (x >= 0.0) | (size == inf) else nan
    return 1.0 if (y == 0.0) | (x == 1.0) | ((size == 1.0) & (abs(y) == inf)) else value


# --- circular functions


@njit(**INLINE)
def quarter_turns(x):
    """(n, r, tail): |x| = n pi/2 + r + tail with |r| <= pi/4, and n in the lowest bits; NaN beyond 2^30.

    |x| - n (pi/2) is exact in a fused multiply-add; what pi/2 lacks is taken off in two further pieces.
    """
    size = abs(x)
    size = size if size <= 1073741824.0 else nan
    shifted = fma(size, 0.6366197723675814, ROUND)
    n = shifted - ROUND
    rest = fma(n, -PI_2, size)
    low = n * PI_2_LO
    r = rest - low
    lost = (rest - r) - low  # exact: `rest` is a multiple of the last place of `low`
    return bits_of(shifted), r, fma(n, -PI_2_LOWEST, lost - fma(n, PI_2_LO, -low))


@njit(**INLINE)
def sin_near_zero(r, tail):
    """sin(r + tail) for |r| <= pi/4."""
    z = r * r
    p = fma(1.589618977343222e-10, z, -2.5050746453348854e-08)
    p = fma(p, z, 2.7557313607067274e-06)
    p = fma(p, z, -0.00019841269829520692)
    p = fma(p, z, 0.008333333333321973)
    p = fma(p, z, -0.1666666666666663)
    return r + fma(r * z, p, tail)


@njit(**INLINE)
def cos_near_zero(r, tail):
    """cos(r + tail) for |r| <= pi/4."""
    z = r * r
    p = fma(-1.1359087310084711e-11, z, 2.0875711542211635e-09)
    p = fma(p, z, -2.755731425770238e-07)
    p = fma(p, z, 2.4801587289117357e-05)
    p = fma(p, z, -0.001388888888887346)
    p = fma(p, z, 0.041666666666666595)
    high = fma(z, -0.5, 1.0)
    return high + fma(z * z, p, fma(-r, tail, fma(z, -0.5, 1.0 - high)))


@njit(**INLINE)
def sin(x):
    """The sine of x radians, within 1 ulp for |x| <= 2^30, NaN beyond."""
    n, r, tail = quarter_turns(x)
    y = cos_near_zero(r, tail) if n & 1 == 1 else sin_near_zero(r, tail)
    return signed_like(double_of(bits_of(y) ^ ((n & 2) << 62)), x)


@njit(**INLINE)
def cos(x):
    """The cosine of x radians, within 1 ulp for |x| <= 2^30, NaN beyond."""
    n, r, tail = quarter_turns(x)
    y = sin_near_zero(r, tail) if n & 1 == 1 else cos_near_zero(r, tail)
    return double_of(bits_of(y) ^ (((n + 1) & 2) << 62))


@njit(**INLINE)
def tan(x):
    """The tangent of x radians, within 2.5 ulp for |x| <= 2^30, NaN beyond."""
    n, r, tail = quarter_turns(x)
    s, c = sin_near_zero(r, tail), cos_near_zero(r, tail)
    odd = n & 1 == 1
    return signed_like((-c if odd else s) / (s if odd else c), x)


@njit(**INLINE)
def asin_parts(size):
    """(s, tail): asin s = s + tail; s is `size` up to 1/2, beyond sqrt((1 - size) / 2): asin x = pi/2 - 2 asin s."""
    outer = size > 0.5
    z = fma(size, -0.5, 0.5) if outer else size * size
    s = sqrt(z) if outer else size
    p = fma(0.03256583927490458, z, -0.020898809490814328)
    p = fma(p, z, 0.021636856974466507)
    p = fma(p, z, 0.0037352343200085705)
    p = fma(p, z, 0.01077270078341017)
    p = fma(p, z, 0.011400238094136402)
    p = fma(p, z, 0.013980662389073067)
    p = fma(p, z, 0.017351624732641444)
    p = fma(p, z, 0.022372214318213676)
    p = fma(p, z, 0.03038194272950777)
    p = fma(p, z, 0.044642857174224136)
    p = fma(p, z, 0.07499999999971095)
    p = fma(p, z, 0.1666666666666676)
    return s, s * z * p


@njit(**INLINE)
def asin(x):
    """The angle in [-pi/2, pi/2] with the sine x, within 1.25 ulp; NaN for |x| > 1."""
    s, tail = asin_parts(abs(x))
    outer = PI_2 - 2.0 * s
    outer += fma(-2.0, tail, ((PI_2 - outer) - 2.0 * s) + PI_2_LO)
    return signed_like(outer if abs(x) > 0.5 else s + tail, x)


@njit(**INLINE)
def acos(x):
    """The angle in [0, pi] with the cosine x, within 1.25 ulp; NaN for |x| > 1."""
    s, tail = asin_parts(abs(x))
    s, tail = signed_like(s, x), signed_like(tail, x)
    inner = PI_2 - s
    inner += ((PI_2 - inner) - s) + (PI_2_LO - tail)
    outer = 2.0 * s if x > 0.0 else 2.0 * PI_2 + 2.0 * s
    outer += 2.0 * tail if x > 0.0 else ((2.0 * PI_2 - outer) + 2.0 * s) + 2.0 * (PI_2_LO + tail)
    return outer if abs(x) > 0.5 else inner


@njit(**INLINE)
def atan(x):
    """The angle in [-pi/2, pi/2] with the tangent x, within 1 ulp.

    That with the tangent t = x, (x - 1) / (x + 1) or -1 / x, plus 0, pi/4 or pi/2.
    """
    size = abs(x)
    size = 1e300 if size > 1e300 else size
    far = size > 2.414213562373095
    middle = (size > 0.41421356237309503) & (size <= 2.414213562373095)
    numerator = -1.0 if far else (size - 1.0 if middle else size)
    denominator = size if far else (size + 1.0 if middle else 1.0)
    lost = size - (numerator + 1.0) if middle else 0.0
    lost_below = size - (denominator - 1.0) if middle else 0.0
    inverse = 1.0 / denominator
    t = numerator * inverse
    t_lo = (fma(-t, denominator, numerator) + (lost - t * lost_below)) * inverse
    z = t * t
    p = fma(-0.017880855586546687, z, 0.03803891545435764)
    p = fma(p, z, -0.05038224365861292)
    p = fma(p, z, 0.058476313278459605)
    p = fma(p, z, -0.06663065650544724)
    p = fma(p, z, 0.07692056526049987)
    p = fma(p, z, -0.090908975288639)
    p = fma(p, z, 0.11111110774550974)
    p = fma(p, z, -0.14285714279992967)
    p = fma(p, z, 0.199999999999512)
    p = fma(p, z, -0.33333333333333187)
    base = PI_2 if far else (PI_4 if middle else 0.0)
    base_lo = PI_2_LO if far else (PI_4_LO if middle else 0.0)
    y = base + t
    return signed_like(y + fma(t * z, p, (t - (y - base)) + (t_lo + base_lo)), x)
