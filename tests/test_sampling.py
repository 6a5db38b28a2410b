"""Sampled designs: against SciPy's sequences and distributions and SALib's design, and what a config makes of them."""

import os
import subprocess
import sys

import numpy as np
import pytest
from SALib.sample import sobol as salib
from scipy import special, stats
from scipy.stats import qmc

from hhcore.base.units import to_difference
from hhcore.certify.sample import sample
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses
from hhcore.grid import normal
from hhcore.grid.designs import KINDS, unit_points
from hhcore.sweep import store
from hhcore.sweep.gather import gather
from hhcore.sweep.hashing import grid_digest

CONFIG = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": {"values": [0, 10, 20]}},
    "parameters": {"sodium.g": {"uniform": ["0.8 kS/m^2", 160]}, "potassium.g": {"scale": {"uniform": [0.5, 1.5]}}},
    "sample": {"kind": "sobol", "n": 8, "seed": 3},
    "initial_state": "model",
    "duration": 30,
    "solver": {"method": "tsit5", "local_error": 1e-6},
}


def read(**changes):
    return read_experiments({"experiments": {"e": CONFIG | changes}})["e"]


def columns(e, *names):
    points = e.points(np.arange(e.n_points))
    return points[:, [e.quantities.index(name) for name in names]]


def analyses_of(e) -> set[str]:
    return {analysis.name for analysis in analyses(e)}


# --- the normal distribution


def test_quantiles_are_those_of_scipy():
    tails = 10.0 ** -np.arange(1, 17)
    p = np.concatenate([tails, 1 - tails[:15], np.linspace(1e-6, 1 - 1e-6, 10_001), [2.0**-54, 0.075, 0.925]])
    np.testing.assert_allclose(normal.quantile(p), special.ndtri(p), rtol=3e-15, atol=3e-16)


def test_exp_and_log_are_those_of_the_library():
    x = np.linspace(-700, 700, 10_001)
    np.testing.assert_allclose(normal.exp(x), np.exp(x), rtol=1e-15)
    np.testing.assert_allclose(normal.log(np.exp(x)), np.log(np.exp(x)), rtol=1e-15, atol=1e-16)
    near = 1 + np.linspace(-1e-3, 1e-3, 1001)
    np.testing.assert_allclose(normal.log(near), np.log(near), rtol=1e-15)


# --- designs


def test_designs_are_those_of_scipy_numpy_and_salib():
    assert np.array_equal(unit_points("sobol", 64, 5, 7), qmc.Sobol(5, rng=7).random(64))
    assert np.array_equal(unit_points("latin_hypercube", 50, 4, 7), qmc.LatinHypercube(4, rng=7).random(50))
    for kind in ("uniform", "normal", "lognormal"):
        assert np.array_equal(unit_points(kind, 50, 4, 7), np.random.default_rng(7).random((50, 4)))
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    theirs = salib.sample(problem, 32, calc_second_order=False, scramble=True, seed=np.random.default_rng(7))
    assert np.array_equal(unit_points("saltelli", 32, 3, 7), theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_a_design_depends_on_its_seed_alone(kind):
    assert np.array_equal(unit_points(kind, 16, 3, 5), unit_points(kind, 16, 3, 5))
    assert not np.array_equal(unit_points(kind, 16, 3, 5), unit_points(kind, 16, 3, 6))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"latin_hypercube"}))
def test_a_larger_design_begins_with_the_smaller_one(kind):
    fewer = unit_points(kind, 16, 3, 5)
    assert np.array_equal(unit_points(kind, 64, 3, 5)[: len(fewer)], fewer)


POINTS = """
import hashlib
from hhcore.grid.designs import Distribution, unit_points
found = hashlib.sha256()
for kind in ("sobol", "saltelli", "latin_hypercube", "uniform"):
    cube = unit_points(kind, 4096, 3, 1)
    for form, first, second in (("uniform", 80, 160), ("normal", -77, 3), ("lognormal", 36, 1.2)):
        found.update(Distribution("x", "1", form, first, second, "").values(cube[:, 1]).tobytes())
print(found.hexdigest())
"""


def test_points_do_not_depend_on_the_vector_instructions_of_the_cpu():
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    without = " ".join(feature for feature in __cpu_dispatch__ if __cpu_features__[feature])
    found = [
        subprocess.run([sys.executable, "-c", POINTS], env=os.environ | env, capture_output=True, check=True).stdout
        for env in ({}, {"NPY_DISABLE_CPU_FEATURES": without})
    ]
    assert found[0] and found[0] == found[1]


# --- what a config means


def test_the_points_are_those_of_the_design_crossed_with_the_axes():
    e = read()
    u = qmc.Sobol(2, rng=3).random(8)  # dimensions in the order of the names: potassium, sodium
    assert e.shape == (8, 3) and e.swept == ("sodium.g", "potassium.g", "amplitude")
    found = columns(e, "sodium.g", "potassium.g", "amplitude").reshape(8, 3, 3)
    np.testing.assert_allclose(found[:, 0, 0], 80 + 80 * u[:, 1], rtol=1e-15)
    np.testing.assert_allclose(found[:, 0, 1], 18 + 36 * u[:, 0], rtol=1e-15)
    assert (found[:, :, :2] == found[:, :1, :2]).all() and (found[:, :, 2] == [0, 10, 20]).all()


def test_the_order_of_the_keys_does_not_move_a_point():
    other = read(parameters=dict(reversed(CONFIG["parameters"].items())))
    names = ("sodium.g", "potassium.g")
    assert np.array_equal(columns(read(), *names), columns(other, *names))


def test_every_distribution_has_the_quantiles_of_scipy():
    parameters = {
        "leak.E": {"normal": ["-0.055 V", 2]},
        "leak.g": {"scale": {"lognormal": [1.5, 1.2]}},
        "potassium.E": {"scale": {"normal": [1, 0.1]}},  # -77 mV
        "sodium.g": {"lognormal": [100, 2]},
        "temperature.T": {"uniform": ["6.3 degC", "16.3 degC"]},
    }
    e = read(parameters=parameters, sample={"kind": "latin_hypercube", "n": 40, "seed": 0})
    u = qmc.LatinHypercube(5, rng=0).random(40).T
    expected = [
        stats.norm(-55, 2).ppf(u[0]),
        stats.lognorm(s=np.log(1.2), scale=0.45).ppf(u[1]),
        -77 - 7.7 * stats.norm.ppf(u[2]),
        stats.lognorm(s=np.log(2), scale=100).ppf(u[3]),
        stats.uniform(279.45, 10).ppf(u[4]),
    ]
    found = columns(e, *parameters)[::3].T
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_the_stimulus_can_be_sampled_and_any_mixture_of_forms():
    pulses = {"kind": "pulse_train", "amplitude": 20, "width": 1, "period": {"uniform": [10, 12]}}
    e = read(stimulus=pulses)
    assert e.shape == (8,) and analyses_of(e) == {"neurons", "pacing", "sampling", "certification", "spikes"}
    period = columns(e, "period")
    assert 10 <= period.min() < period.max() <= 12
    e = read(stimulus={"kind": "step", "amplitude": {"normal": [10, 2]}, "stop": {"uniform": [10, 30]}})
    assert e.shape == (8,) and "fi" not in analyses_of(e)


def test_a_saltelli_design_has_d_plus_2_points_for_each_of_n():
    e = read(sample={"kind": "saltelli", "n": 4, "seed": 1}, traces=[{"amplitude": 1, "sodium.g": 1, "potassium.g": 1}])
    assert e.shape == (16, 3) and {"fi", "sobol"} < analyses_of(e)
    design = columns(e, "potassium.g", "sodium.g")[::3].reshape(4, 4, 2)
    assert (design[:, 1, 0] == design[:, 3, 0]).all() and (design[:, 1, 1] == design[:, 0, 1]).all()
    assert (design[:, 2, 0] == design[:, 0, 0]).all() and (design[:, 2, 1] == design[:, 3, 1]).all()


def test_zipped_axes_are_crossed_with_the_sample_as_one():
    stimulus = {"kind": "step", "amplitude": {"values": [1, 2]}, "start": {"values": [3, 4]}}
    e = read(stimulus=stimulus, combine="zip")
    assert e.shape == (8, 2) and columns(e, "amplitude", "start")[:4].tolist() == [[1, 3], [2, 4], [1, 3], [2, 4]]
    assert "fi" not in analyses_of(e)  # on these curves lies one amplitude each


def test_the_digest_of_the_grid_knows_the_sample():
    digests = {grid_digest(read(sample=CONFIG["sample"] | change)) for change in ({}, {"n": 16}, {"seed": 4})}
    assert len(digests) == 3 and grid_digest(read()) in digests


def test_a_standard_deviation_is_a_difference():
    assert to_difference("2 V", "mV", "here") == 2000.0
    assert to_difference(2, "K", "here") == to_difference("2 K", "K", "here") == to_difference("2", "1", "here") == 2.0
    with pytest.raises(ValueError, match="here: '2 degC' is not a difference, since 0 degC is not 0 K; give it in K"):
        to_difference("2 degC", "K", "here")


# --- what is made of them


def update(e, folder):
    return store.update_shard(e, "all", folder / "all.parquet", progress=lambda *_: None)


def test_a_grown_design_simulates_only_its_new_points(tmp_path):
    assert update(read(), tmp_path) == 24
    assert update(read(), tmp_path) == 0
    assert update(read(sample=CONFIG["sample"] | {"n": 16}), tmp_path) == 24
    (found,) = gather(read(), [tmp_path / "all.parquet"], [range(24)])
    alone = read().protocol.measure(read(), read().solver, read().points(np.arange(24)))
    assert found.spike_times.tobytes() == alone.spike_times.tobytes() and alone.spike_times.size > 20


def test_the_certifying_sample_has_the_outermost_points_and_neighbours_of_different_counts():
    e = read(stimulus={"kind": "step", "amplitude": {"uniform": [0, 20]}}, sample=CONFIG["sample"] | {"n": 256})
    rows = sample(e)
    assert rows.tolist() == sorted(set(rows.tolist())) == sample(e).tolist() and len(rows) < 150
    points = columns(e, *e.swept)
    assert {*points.argmin(axis=0), *points.argmax(axis=0)} <= set(rows.tolist())
    counts = np.diff(e.protocol.measure(e, e.solver, e.points(np.arange(256))).offsets)
    near = points / np.ptp(points, axis=0)
    distance = np.linalg.norm(near[:, None] - near[None], axis=2) + 9 * np.eye(256)
    nearest = distance.argmin(axis=1)
    differ = np.flatnonzero(counts != counts[nearest])
    closest = differ[np.argsort(distance[differ, nearest[differ]], kind="stable")][:16]
    assert len(closest) == 16 and {*closest, *nearest[closest]} <= set(rows.tolist())


@pytest.mark.parametrize("kind", ["saltelli", "latin_hypercube"])
def test_the_certifying_sample_of_a_crossed_design_has_its_corners(kind):
    e = read(sample={"kind": kind, "n": 64, "seed": 1}, parameters={"sodium.g": {"uniform": [100, 140]}})
    rows = sample(e)
    points = columns(e, "sodium.g", "amplitude")
    for conductance in (points[:, 0].min(), points[:, 0].max()):
        for amplitude in (0, 20):
            assert np.flatnonzero((points == [conductance, amplitude]).all(axis=1)).tolist()[0] in rows
