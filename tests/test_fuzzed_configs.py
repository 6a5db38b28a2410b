"""Configs changed at random: each is experiments with tables that are full, or one sentence, never anything else."""

import copy
import math
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from test_bad_config import GOOD, SAMPLED
from test_fuzzed_models import simulated

import hhcore.config.values
from hhcore.base.errors import UserError
from hhcore.config.file import read_config
from hhcore.config.reader import read_experiments
from hhcore.config.schema import schema
from hhcore.experiments.experiment import Experiment

SCHEMA = Draft7Validator(schema())
LOAD_ONCE = cache(hhcore.config.values.load_model)  # 20 ms each


@pytest.fixture(autouse=True)
def load_once(monkeypatch):
    monkeypatch.setattr(hhcore.config.values, "load_model", LOAD_ONCE)


def read(config: dict) -> dict[str, Experiment]:
    """The experiments of a config, each with neurons; none if it ends in one sentence."""
    try:
        found = read_experiments(config, ".")
    except UserError as error:
        assert all(": " in mistake and "\n" not in mistake and len(mistake) < 2000 for mistake in error.mistakes)
        return {}
    assert found and SCHEMA.is_valid(config)
    for e in found.values():
        rows = np.unique([0, e.n_points // 2, e.n_points - 1])
        points = e.points(rows)
        assert e.n_points > 0 and points.shape == (len(rows), len(e.quantities)) and not np.isnan(points).any()
    return found


# --- trees

numbers = st.sampled_from([0, 1, -1, 3, 10**12, 10**400, 0.5, -0.0, 1e-300, 1e300, math.nan, math.inf])
words = st.sampled_from(
    [
        "",
        "rest",
        "zip",
        "model",
        "pacing",
        "rk4",
        "rodas5p",
        "0.1 s",
        "3 mV",
        "1e-3",
        "5 (",
        "9**9**9 s",
        "x.mmt",
        "\x00",
    ]
)
KEYS = (
    "model stimulus parameters amplitude start stop values linspace range logspace scale leak.g sodium.g "
    "membrane.V threshold rearm dt duration combine traces potential current x "
    "sample uniform normal lognormal kind n seed protocol"
)
keys = st.sampled_from([*KEYS.split(), None, True, 0, 2.5, (1, 2)])
leaves = st.none() | st.booleans() | numbers | words | st.text(max_size=4)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3))


def nodes(tree, path=()):
    """Paths of all nodes below the root."""
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, node in below:
        yield (*path, key)
        yield from nodes(node, (*path, key))


def mutate(tree, draw):
    path = draw(st.sampled_from(list(nodes(tree))))
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    action = draw(st.sampled_from(["delete", "replace", "insert"]))
    if action == "delete":
        del parent[path[-1]]
    elif action == "replace":
        parent[path[-1]] = draw(values)
    elif isinstance(parent, dict):
        parent[draw(keys)] = draw(values)
    else:
        parent.insert(path[-1], draw(values))


def change_and_read(data) -> None:
    config = copy.deepcopy(data.draw(st.sampled_from([GOOD, SAMPLED])))
    for _ in range(data.draw(st.integers(1, 3))):
        if config and list(nodes(config)):
            mutate(config, data.draw)
    read(config)


SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@settings(max_examples=300, **SETTINGS)
@given(st.data())
def test_a_config_changed_at_random_is_experiments_or_a_message(data):
    change_and_read(data)


@pytest.mark.slow
@settings(max_examples=3000, **SETTINGS)
@given(st.data())
def test_thousands_of_configs_changed_at_random(data):
    change_and_read(data)


# --- bytes

TEXTS = [yaml.safe_dump(tree, default_flow_style=style).encode() for tree in (GOOD, SAMPLED) for style in (None, False)]
TELLING = b"0123456789.-:[]{} \n#&*!|'"


def broken(content: bytes, rng: random.Random) -> bytes:
    """One or two bytes changed, put in or left out; or a line repeated or left out, or the end cut off."""
    for _ in range(rng.randint(1, 2)):
        at, lines = rng.randrange(len(content)), content.splitlines(keepends=True)
        i, k = rng.randrange(len(lines)), rng.randrange(len(lines))
        byte = bytes([rng.choice([rng.randrange(256), rng.choice(TELLING), rng.choice(TELLING), content[at] ^ 1])])
        changes = [
            content[:at] + byte + content[at + 1 :],
            content[:at] + byte + content[at:],
            content[:at] + content[at + rng.choice([1, 1, 2, 9]) :],
            b"".join([*lines[:i], lines[k], *lines[i:]]),
            b"".join([*lines[:i], *lines[i + 1 :]]),
            content[: at + len(content) // 2],
        ]
        content = rng.choice(changes) or content
    return content


def is_small(e: Experiment) -> bool:
    steps = e.duration / (e.solver.accuracy if e.solver and e.solver.method == "rk4" else 0.01)
    return e.n_points <= 200 and e.n_points * steps < 1e6 and e.certify != "all"


def rain(examples: int, seed: int, runs: int, folder: Path) -> tuple[int, int, int]:
    """(configs that are experiments, refusals, experiments simulated) of so many broken files, at most `runs`."""
    rng, good, ran = random.Random(seed), 0, 0
    path = folder / "mine.yaml"
    for _ in range(examples):
        path.write_bytes(broken(rng.choice(TEXTS), rng))
        try:
            found = read(read_config(path))
        except UserError as error:
            assert "mine.yaml" in str(error)
            found = {}
        good += bool(found)
        for e in found.values():
            if ran < runs and is_small(e):
                ran += simulated(e, folder)
    return good, examples - good, ran


def test_bytes_of_a_config_changed_at_random(tmp_path):
    good, refusals, ran = rain(400, seed=1, runs=10, folder=tmp_path)
    assert good > 25 and refusals > 100 and ran == 10


@pytest.mark.slow
def test_thousands_of_configs_with_bytes_changed_at_random(tmp_path):
    good, refusals, ran = rain(6000, seed=2, runs=200, folder=tmp_path)
    assert good > 300 and refusals > 2000 and ran == 200
