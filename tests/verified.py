"""Numbers that are not ours, to which the models are held: tests/data/verified_numbers.yaml."""

from pathlib import Path

import numpy as np
import pytest
import yaml

NUMBERS = yaml.safe_load((Path(__file__).parent / "data" / "verified_numbers.yaml").read_text())


def number(model: str, key: str) -> float | np.ndarray:
    """A verified number, or several."""
    value = NUMBERS[model][key]["value"]
    return np.array(value) if isinstance(value, list) else value


def verified(model: str, key: str):
    """What a found number must equal: the verified one to within the bound that stands beside it."""
    return pytest.approx(number(model, key), abs=NUMBERS[model][key]["within"])
