"""Random numbers of the kernels: the known answers of Philox, and the distribution of normal deviates."""

from importlib import resources

import numpy as np
import pytest
from scipy import stats

from hhcore.compile.language import machine

RUNTIME = resources.files("hhcore") / "compile" / "runtime"
ENTRIES = '''

def words(given: "i8[:]", out: "i8[:]"):
    """Philox of a counter and a key."""
    out[0], out[1], out[2], out[3] = philox(given[0], given[1], given[2], given[3], given[4], given[5])


def normals(stream: "f8", seed: "f8", out: "f8[:]"):
    """The first deviates of a stream."""
    for i in range(len(out)):
        out[i] = normal(i, stream, seed)
'''
TEXT = "".join((RUNTIME / name).read_text(encoding="utf-8") for name in ("primitives.py.in", "random.py.in")) + ENTRIES
LARGEST = 2**52 - 1


@pytest.fixture(scope="module")
def kernel():
    return machine.load(machine.compiled(TEXT))


def normals(kernel, n: int, stream: int, seed: int) -> np.ndarray:
    out = np.empty(n)
    kernel.normals(float(stream), float(seed), out)
    return out


@pytest.mark.parametrize(  # kat_vectors of Random123 1.14.0: philox4x32 10, the counter and the key, the answer
    ("given", "answer"),
    [
        ("00000000 00000000 00000000 00000000 00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_known_answers(kernel, given, answer):
    out = np.zeros(4, dtype=np.int64)
    kernel.words(np.array([int(word, 16) for word in given.split()]), out)
    assert " ".join(f"{word:08x}" for word in out) == answer


def test_deviates_are_normal_and_independent(kernel):
    """Mean, variance, distribution, and correlations with the next ones, another seed and another stream."""
    n = 100_000
    x, y, z = (normals(kernel, n, *which) for which in ((LARGEST, 7), (LARGEST, 8), (LARGEST - 2**32, 7)))
    assert abs(x.mean()) < 4 / np.sqrt(n) and abs(x.var() - 1) < 4 * np.sqrt(2 / n)
    assert stats.kstest(x, "norm").pvalue > 1e-3 and 4 < np.abs(x).max() < 6
    for other in (np.roll(x, 1), np.roll(x, 7), y, z):
        assert abs((x * other).mean()) < 4 / np.sqrt(n)


def test_a_deviate_depends_on_all_bits_of_stream_and_seed(kernel):
    seeds = {normals(kernel, 1, 0, seed)[0] for seed in (0, *(2**i for i in range(32)))}
    streams = {normals(kernel, 1, stream, 0)[0] for stream in (0, *(2**i for i in range(52)))}
    assert len(seeds) == 33 and len(streams) == 53
