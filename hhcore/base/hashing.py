"""Numbers that look random and are the same on every machine."""

import numpy as np


def mix64(x: np.ndarray) -> np.ndarray:
    """Mix the bits of x, uint64, so that each reaches every bit of the result: Stafford's variant 13 of MurmurHash3."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
