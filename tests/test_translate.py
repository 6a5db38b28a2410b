"""Kernels' language: compiled functions against the same text run by Python, and what is refused."""

import math
import platform

import kernel_python
import numpy as np
import pytest

from hhcore.base.errors import UserError
from hhcore.compile.language.machine import Function, compiled, load
from hhcore.compile.language.values import KernelError


def both(text: str, name: str, make) -> tuple[list, list]:
    """What a function leaves in its arguments and returns: compiled, and run by Python."""
    mine, theirs = make(), make()
    found = load(compiled(text)).__dict__[name](*mine)
    expected = kernel_python.kernel(text).__dict__[name](*theirs)
    return [found, *mine], [expected, *theirs]


def bits(x) -> bytes:
    """All of an array or a number, signs of zero included; one NaN is like another."""
    x = np.array(x)
    if x.dtype.kind == "f":
        x[np.isnan(x)] = np.nan
    return x.tobytes()


def check(text: str, name: str, make) -> None:
    found, expected = both(text, name, make)
    if expected[0] is not None:
        assert found[0] == expected[0]
    for a, b in zip(found[1:], expected[1:], strict=True):
        assert bits(a) == bits(b), (a, b)


ARITHMETIC = """
def f(x: "f8[:]", n: "i8[:]"):
    a, b = x[0], x[1]
    x[2], x[3], x[4] = a + b * 2, -a / b, (a - 3) * 0.5
    x[5] = 2.0**-24 * a + 7 // 2 + 1 / 4
    x[6] = n[0] / n[1]
    x[7] += n[0]
    n[2] = (n[0] << 3) ^ (n[1] >> 1) | (n[0] & 6)
    n[3] = -n[0] + n[1] * 5 - 1
    x[8], x[9] = min(a, b), max(a, n[1])
    x[10], x[11] = floor(a), ceil(abs(-b))
    x[12] = double_of(bits_of(a) & 0x7FF0000000000000)
    x[13] = float(n[0]) + sqrt(abs(b))
    x[14], x[15] = inf, nan
    x[16], x[17], x[18] = -a, 0.0 * a, -0.0
"""


@pytest.mark.parametrize("pair", [(1.75, -2.25), (-0.0, 3e-320), (1e300, 17.0)])
def test_arithmetic(pair):
    check(ARITHMETIC, "f", lambda: [np.array([*pair, *range(17)], float), np.array([13, -7, 0, 0])])


LOGIC = """
LIMIT = 3
EXACT = False

def f(x: "f8[:]", marks: "b1[:, :]", n: "i8"):
    count = 0
    for i in range(len(x)):
        low, high = x[i] < -1.0, x[i] > 1.0 and n > 2
        marks[i, 0], marks[i, 1] = low, not high
        marks[i, 2] = -2 < x[i] <= 2.0 and (low or x[i] != 0.5)
        if low:
            count += 1
        elif high or n == 7:
            count += 10
        if LIMIT > 2:
            count += 100
        else:
            count = undefined
        x[i] = 1.0 if low else (x[i] if marks[i, 1] else -x[i])
        if EXACT:
            x[i] = nan
    return count
"""


@pytest.mark.parametrize("n", [0, 3, 7])
def test_logic(n):
    values = [-3.0, -1.0, 0.5, 1.5, math.nan, math.inf, 0.0]
    check(LOGIC, "f", lambda: [np.array(values), np.zeros((7, 3), bool), n])


LOOPS = """
def f(x: "f8[:, :, :]", found: "i8[:]"):
    for i in range(1, x.shape[0]):
        for k in range(x.shape[2] - 1, -1, -2):
            if k == 1:
                continue
            x[i, 1, k] = x[i - 1, 0, k] + 10 * i + k
            if x[i, 1, k] > 30.0:
                break
    total = 0
    while total * total < 50 and total != found[0]:
        total += 1
        if total == found[1]:
            return -1
    found[2] = total
    return total
"""


@pytest.mark.parametrize("ends", [(100, 100), (5, 100), (100, 4)])
def test_loops(ends):
    check(LOOPS, "f", lambda: [np.arange(40, dtype=float).reshape(4, 2, 5), np.array([*ends, 0])])


CALLS = """
WEIGHTS = (0.5, 0.25, 2.0)

@inline
def both(a, b):
    return a + b, a - b

def shortened(x, low):
    low = 2.0 * low
    if x < low:
        return low
    x = x - 1.0
    return x

def widened(v, i):
    v[i] = 3.0 * v[i]

def f(x: "f8[:]", out: "f8[:, :]"):
    matrix = empty((2, 3))
    for i in range(3):
        for k in range(2):
            matrix[k, i] = WEIGHTS[i] * x[k]
    for i in range(len(x)):
        s, d = both(x[i], x[0]) if x[i] > 0.0 else both(x[0], 1.0)
        out[0, i], out[1, i] = d, s
        out[1, i] += shortened(x[i], 0.75) if s > d else 0.0
        s, d = d, s
        out[2, i] = s + both(s, d)[1] + matrix[1, 2]
    widened(x, 1)
"""


def test_calls():
    check(CALLS, "f", lambda: [np.array([0.3, -1.5, 2.5, 9.0]), np.zeros((3, 4))])


def test_a_function_for_integers_and_one_for_floats():
    text = "def twice(x):\n    return x + x\n\n"
    text += 'def f(x: "f8[:]", n: "i8[:]"):\n    x[0], n[0] = twice(x[0]), twice(n[0])\n'
    check(text, "f", lambda: [np.array([1.25]), np.array([2**60])])


def test_what_python_refuses_to_divide_is_infinite_or_not_a_number():
    f = load(
        compiled('ZERO = 0.0\n\ndef f(x: "f8[:]"):\n    x[0], x[1], x[2] = 1.0 / ZERO, ZERO / 0.0, x[2] / ZERO\n')
    ).f
    x = np.full(3, -2.0)
    f(x)
    assert bits(x) == bits([np.inf, np.nan, -np.inf])


COMPARISONS = """
def f(x: "f8[:]", found: "b1[:, :, :]", chosen: "f8[:, :, :]"):
    for i in range(len(x)):
        for k in range(len(x)):
            a, b = x[i], x[k]
            found[i, k, 0], found[i, k, 1], found[i, k, 2] = a < b, a <= b, a > b
            found[i, k, 3], found[i, k, 4], found[i, k, 5] = a >= b, a == b, a != b
            chosen[i, k, 0], chosen[i, k, 1] = min(a, b), max(a, b)
"""


def test_comparisons_of_all_pairs():
    """NaN is not like anything, itself included; of zeros that differ by their sign, the first is chosen."""
    x = np.array([-1.0, -0.0, 0.0, 1.0, math.inf, math.nan])
    n = len(x)
    check(COMPARISONS, "f", lambda: [x.copy(), np.zeros((n, n, 6), bool), np.zeros((n, n, 2))])


INTEGERS = """
N, BIG = -5, 9007199254740993

def f(n: "i8[:]", x: "f8[:]"):
    n[0], n[1], n[2] = abs(n[3]), abs(N), -0x8000000000000000
    x[0], x[1] = min(N, 2.5) / 2, max(n[3], 0.5)
    x[2], x[3] = BIG / 3, BIG - 1.0
    x[4] = 1.0 if BIG == 9007199254740992.0 else 2.0
"""


def test_integers_stay_integers_and_are_floats_beside_floats():
    n, x = np.array([0, 0, 0, -7]), np.zeros(5)
    load(compiled(INTEGERS)).f(n, x)
    assert n.tolist() == [7, 5, -(2**63), -7]
    assert x.tolist() == [-2.5, 0.5, 3002399751580330.5, 9007199254740991.0, 1.0]  # 2^53 + 1 is no float, 2^53 is
    check(INTEGERS, "f", lambda: [np.array([0, 0, 0, -7]), np.zeros(5)])


LEFT_OUT = """
@inline
def count(x):
    x[0] += 1.0
    return x[0]

@inline
def counted(x):
    return count(x)

def f(x: "f8[:]"):
    x[1] = count(x) if x[1] > 0.0 else counted(x) + 10.0
    x[2] = 1.0 if x[1] > 100.0 and counted(x) > 0.0 else 2.0
"""


@pytest.mark.parametrize("second, left", [(1.0, [1.0, 1.0, 2.0]), (0.0, [1.0, 11.0, 2.0])])
def test_a_call_that_writes_happens_only_where_it_is_chosen(second, left):
    x = np.array([0.0, second, 0.0])
    load(compiled(LEFT_OUT)).f(x)
    assert x.tolist() == left


def test_a_name_bound_in_the_only_branch_that_goes_on_has_its_value():
    text = 'def f(x: "f8[:]"):\n    if x[0] > 0.0:\n        return\n    else:\n        a = 7.0\n    x[0] = a\n'
    check(text, "f", lambda: [np.array([1.0])])
    check(text, "f", lambda: [np.array([-1.0])])


ENTRIES_THAT_CALL = """
def low(x: "f8[:]", i: "i8"):
    return high(x, i) + 1

def high(x: "f8[:]", i: "i8"):
    x[i] = 2.0 * x[i]
    return i
"""


@pytest.mark.parametrize("name", ["low", "high"])
def test_what_can_be_called_may_call_another_in_any_order(name):
    check(ENTRIES_THAT_CALL, name, lambda: [np.array([1.5, -0.0]), 1])


LANGUAGE = "not part of the kernel language"


@pytest.mark.parametrize(
    "body, why",
    [
        ("x[0] = y", "a name without a value"),
        ("x[0] = tan(x[0])", "no such function"),
        ("x[0] = tan(x[0]) if x[1] > 0.0 else 1.0", "no such function"),
        ("x[0] = [1.0][0]", LANGUAGE),
        ("try:\n        pass\n    finally:\n        pass", LANGUAGE),
        ("for v in x:\n        pass", "not a range"),
        ("a = 1\n    a = x[0]", "a is i8, then f8"),
        ("if x[0] > 1.0:\n        return 1\n    return x[0]", "returns i8, then f8"),
        ("return x[0]", "returns i8 or nothing, not f8"),
        ("return x[0] > 1.0", "returns i8 or nothing, not b1"),
        ("return 1, 2", "returns i8 or nothing"),
        ("return x", "returns what is not a number"),
        ("x[0] = x[0] << 2", "no such operation on f8"),
        ("x[0] = x[0] % 2.0", LANGUAGE),
        ("x[0] = 1.0 if x is x else 2.0", LANGUAGE),
        ("x[0] = 1.0 if not x[0] else 2.0", "not a condition"),
        ("x[0] = 1.0 if x[0] else 2.0", "not a condition"),
        ("if len(x):\n        x[0] = 1.0", "not a condition"),
        ("while len(x):\n        x[0] = 1.0", "not a condition"),
        ("x[0] = 1.0 if x[0] > 1.0 and len(x) else 2.0", "not a condition"),
        ("x[0] = 1.0 if (x[0] > 1.0) < (x[0] > 2.0) else 2.0", "no order"),
        ("x[0] = 1.0 << 2", "no such operation on f8"),
        ("x[0] = float(True + True)", "no such operation on b1"),
        ("x[0] = x[0] ** 2", "an operation on constants only"),
        ("x[0] = float(7 // 0)", "an operation on constants only"),
        ("x[0] = float(abs(-0x8000000000000000))", "not a number of 64 bits"),
        ("x[0] = 1.0 if 0.0 < x[1] < scaled(x, 2.0) else 2.0", "a call that Python may leave out"),
        ("if x[0] > 1.0:\n        a = 7.0\n    x[0] = a", "a name without a value"),
        ("if x[0] > 1.0:\n        x[0] = 3.0\n    else:\n        a = x[1]\n    x[0] = a", "a name without a value"),
        ("for k in range(2):\n        a = x[k]\n    x[0] = a", "a name without a value"),
        ("while x[0] > 1.0:\n        a = x[1]\n        x[0] = a\n    x[0] = a", "a name without a value"),
        ("x[0] = +x[0]", LANGUAGE),
        ("x[0] = float(~5)", LANGUAGE),
        ("x[0] = -(x[0] > 1.0)", "b1 where i8 is needed"),
        ("x[0] = x[0] > 1.0", "b1 where f8 is needed"),
        ("x[0] = float(1 << 64)", "not a shift within 64 bits"),
        ("x[0] = float(2**63)", "not a number of 64 bits"),
        ("x[0] = 'a'", "not a number of 64 bits"),
        ("x[0] = (-8.0) ** 0.5", "not a number of 64 bits"),
        ("x[0] = x + 1.0", "not a number"),
        ("x[0] = x", "not a number"),
        ("x[0.5] = 1.0", "not an integer"),
        ("x[0, 0] = 1.0", "not an element of an array"),
        ("x[0][0] = 1.0", "not an element of an array"),
        ("x.shape = 3", "cannot assign to this"),
        ("T[0] = 1.0", "or the array is constant"),
        ("x[0] = x.shape[len(x)]", "not an index of these values"),
        ("x[0] = x[1] = 7.0", "several assignments in one"),
        ("a, b = x[0]", "the numbers of values and names differ"),
        ("a, b = 1.0, 2.0, 3.0", "the numbers of values and names differ"),
        ("a = x\n    if x[0] > 1.0:\n        a = T", "a is already an array"),
        ("x = T", "x is already an array"),
        ("T = 1.0\n    x[0] = T", "T is already an array, several numbers or a constant"),
        ("for T in range(2):\n        x[0] = 1.0", "the name of the counter is taken"),
        ("k = 3\n    for k in range(2):\n        x[k] = 1.0", "the name of the counter is taken"),
        ("for k in range(2):\n        x[k] = 1.0\n    x[0] = k", "a name without a value"),
        ("for k in range(2):\n        x[k] = 1.0\n    else:\n        x[0] = 7.0", "an `else` of a loop"),
        ("while x[0] > 1.0:\n        x[0] = 1.0\n    else:\n        x[0] = 7.0", "an `else` of a loop"),
        ("for k in range(0, 2, 0):\n        x[k] = 1.0", "not a range of constant steps"),
        ("for k in range(0, 2, len(x)):\n        x[k] = 1.0", "not a range of constant steps"),
        ("for k in range(x[0]):\n        x[k] = 1.0", "not an integer"),
        ("break", "outside of a loop"),
        ("x[0] = min(x[0], x[1], x[2])", "min takes 2 arguments"),
        ("x[0] = abs(x=1.0)", "abs takes 1 arguments, by position"),
        ("x[0] = scaled(x, x[0], factor=2.0)", "scaled takes 2 arguments, by position"),
        ("x[0] = scaled(x)", "scaled takes 2 arguments"),
        ("x[0] = paired(x, x)", "an array passed twice"),
        ("x[0] = paired(x, T)", "or a constant array"),
        ("x[0] = scaled(x, (1.0, 2.0))", "several numbers as one argument"),
        ("x[len(x) - 1] += 1.0", "would call a function twice"),
        ("x[0] = WORDS[0]", "not a number of 64 bits"),
        ("x[0] = len(x[0])", "not for these arguments"),
        ("x[0] = sqrt(x)", "not for these arguments"),
        ("a = empty(3)", "not a constant shape"),
        ("a = empty((len(x),))", "not a constant shape"),
        ("x[0] = scaled(x, 2.0) if x[0] > 1.0 else 1", "numbers of two types"),
        ("x[0] = (1.0, 2.0) if x[0] > 1.0 else 1.0", "values of two kinds"),
        ("x[0] = endless(x)", "endless calls itself"),
        ("x[0] = = 1.0", "line 16: invalid syntax"),
    ],
)
def test_what_is_no_kernel_is_refused(body, why):
    with pytest.raises(KernelError, match=why):
        compiled(f'{HELPERS}def f(x: "f8[:]"):\n    {body}\n')


HELPERS = """T = (1.0, 2.0)
WORDS = ("a", "b")

def scaled(v, factor):
    v[0] = factor
    return factor

def paired(v, w):
    v[0] = w[0]
    return w[0]

def endless(v):
    return endless(v)

"""


def test_what_is_refused_is_told_with_its_line():
    for line in ("x[0] = +x[0]", "x[0] = x[0] > 1.0", "a, b = x[0]", "x[0] = min(1.0)", "x[0] = y\n    x[1] = y"):
        with pytest.raises(KernelError, match=r"^f, line 3: "):
            compiled(f'def f(x: "f8[:]"):\n    x[0] = 1.0\n    {line}\n')


@pytest.mark.parametrize(
    "text",
    [
        "import math",
        "N = 1\nN += 1",
        "@cache\ndef f(x):\n    return x",
        'def f(x: "b1"):\n    return 1',
        "def f(x: int):\n    return 1",
    ],
)
def test_what_belongs_into_no_kernel_is_refused(text):
    with pytest.raises(KernelError, match=r"^line \d"):
        compiled(f"{text}\n")


@pytest.mark.parametrize("text", ["N = 1\nN = 2", "N, M = 1, 2\nM = 3", "def f(x):\n    return x\nf = 1"])
def test_a_name_has_one_meaning(text):
    """A row of an observer had the name of a constant of the driver, and the kernel wrote beyond its array."""
    with pytest.raises(KernelError, match="[NMf] is defined twice"):
        compiled(f"{text}\n")


@pytest.mark.parametrize("value", ["M", "open('x')", "__import__('os')", "print(1)"])
def test_constants_are_made_of_numbers_alone(value):
    with pytest.raises(KernelError, match="a constant without a value"):
        compiled(f"N = {value}\n")


def test_arguments_of_another_type_are_refused():
    f = load(compiled('def f(x: "f8[:, :]"):\n    x[0, 0] = 1.0\n')).f
    unaligned = np.zeros(33, np.uint8)[1:].view(np.float64).reshape(2, 2)
    for wrong in (np.zeros((2, 2), np.float32), np.zeros(2), np.zeros((4, 4))[:, ::2], unaligned):
        with pytest.raises(TypeError, match="2 axes in C order"):
            f(wrong)


def test_damaged_machine_code_is_noticed():
    """In every byte before the object code, in some of the rest, by an end that is missing, by an edit."""
    made = compiled('N = 71\n\ndef f(x: "f8[:]"):\n    x[0] = 1.0\n')
    head = made.index(b"\n", made.index(b"\n") + 1) + 2
    flipped = [made[:i] + bytes([made[i] ^ 1]) + made[i + 1 :] for i in (*range(head), *range(head, len(made), 29))]
    cut = [made[:n] for n in (0, 1, 32, 33, head - 1, len(made) // 2, len(made) - 1)]
    edited = [made.replace(a, b) for a, b in ((b"71", b"11"), (b"f8[:]", b"i8[:]"), (b'"f"', b'"g"'))]
    for damaged in (*flipped, *cut, *edited, b"\n", b"5\n", b"null\n", b"{}\n" + made, made + b"\n"):
        assert damaged != made
        with pytest.raises(ValueError, match="the machine code is damaged"):
            load(damaged)
    assert load(made).N == 71


def test_a_function_that_is_not_there_is_not_called():
    f = load(compiled('def f(x: "f8[:]"):\n    x[0] = 1.0\n')).f
    with pytest.raises(ValueError, match="no function 'g'"):
        Function(f.engine, "g", ["f8[:]"])


@pytest.mark.parametrize("name, why", [("haswel", "did you mean 'haswell'"), ("pentium3", "'pentium3' has no 64 bits")])
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of x86")
def test_a_cpu_that_cannot_be_compiled_for_is_a_mistake_of_the_user(name, why, monkeypatch):
    monkeypatch.setenv("HHCORE_CPU", name)
    with pytest.raises(UserError, match=f"^HHCORE_CPU: .*{why}"):
        compiled('def f(x: "f8[:]"):\n    x[0] = 1.0\n')
