"""The arithmetic of the kernels: fused multiply-add, exp, log and pow with the same bits on every machine.

No libm: its results differ between machines and it stops LLVM from vectorising. The text of this file is
copied into every generated kernel, so that a kernel depends on nothing but numba.
The coefficients are Chebyshev fits; tests/test_primitives.py checks every function against mpmath.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

INLINE = {"forceinline": True, "error_model": "numpy"}


@intrinsic
def fma(typing, a, b, c):
    """a * b + c with a single rounding."""

    def emit(context, builder, signature, args):
        double = ir.DoubleType()
        function = builder.module.declare_intrinsic("llvm.fma", [double], ir.FunctionType(double, [double] * 3))
        return builder.call(function, args)

    return types.float64(types.float64, types.float64, types.float64), emit


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
def exp(x):
    """e^x within 1.5 ulp for |x| <= 708; beyond, it stays at e^708 or e^-708. NaN stays NaN.

    x = n ln 2 + r with |r| <= ln 2 / 2; e^r by a polynomial, times 2^n by adding n to the exponent bits.
    """
    x = -708.0 if x < -708.0 else x
    x = 708.0 if x > 708.0 else x
    shifted = fma(x, 1.4426950408889634, 6755399441055744.0)  # 1.5 * 2^52 rounds to the nearest integer n
    n = shifted - 6755399441055744.0
    r = fma(n, -0.6931471805599453, x)
    r = fma(n, -2.3190468138462996e-17, r)
    r2 = r * r  # Estrin's scheme: the terms side by side, not one after the other
    r4 = r2 * r2
    low = fma(fma(0.008333333333330062, r, 0.04166666666662413), r2, fma(0.16666666666666669, r, 0.5))
    middle = fma(2.7557268459997064e-06, r, 2.4801521295954376e-05)
    middle = fma(middle, r2, fma(0.00019841269863053618, r, 0.0013888888917213717))
    high = fma(2.510038549551032e-08, r, 2.7620088445409746e-07)
    p = fma(fma(fma(high, r4, middle), r4, low), r2, r) + 1.0
    return double_of(bits_of(p) + (bits_of(shifted) << 52))


@njit(**INLINE)
def log(x):
    """ln x within 2 ulp for normal positive x; -inf at 0, NaN below 0.

    x = 2^k m with sqrt(1/2) <= m < sqrt(2); ln m = 2 artanh s, s = (m - 1) / (m + 1).
    """
    bits = bits_of(x)
    k = (bits - 0x3FE6A09E667F3BCD) >> 52
    m = double_of(bits - (k << 52))
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = fma(0.14616585424888623, z, 0.15331710618210773)
    p = fma(p, z, 0.18182889455674947)
    p = fma(p, z, 0.22222211130259878)
    p = fma(p, z, 0.2857142862600327)
    p = fma(p, z, 0.39999999999899444)
    p = fma(p, z, 0.666666666666667)
    exponent = float(k)
    value = fma(exponent, 0.6931471805599453, fma(s * z, p, exponent * 2.3190468138462996e-17) + 2.0 * s)
    value = double_of(0x7FF0000000000000) if x == double_of(0x7FF0000000000000) else value
    value = -double_of(0x7FF0000000000000) if x == 0.0 else value
    return value if x >= 0.0 else double_of(0x7FF8000000000000)


@njit(**INLINE)
def pow(x, y):
    """x^y for x > 0, as e^(y ln x)."""
    return exp(y * log(x))
