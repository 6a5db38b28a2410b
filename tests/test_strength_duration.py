"""Strength and duration: thresholds of pulses, rheobase, chronaxie and charge, and the laws fitted to them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.optimize import least_squares

from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiment, read_experiments
from hhcore.experiments.analysis import analyses
from hhcore.figures.context import figure_context
from hhcore.model.model import load_model
from hhcore.protocols.strength_duration.laws import lapicque, weiss
from hhcore.protocols.strength_duration.tables import curve_columns
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference
from hhcore.simulation.stimuli import kinds
from hhcore.sweep.store import update_shard

HH = load_model("hodgkin_huxley_1952")
EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
FINE = {"method": "dop853", "local_error": 1e-11}
MIDDLE = Solver("tsit5", 1e-9)
SIX = "widths: [0.01, 0.1, 0.5, 1, 2, 5]"


def config(stimulus="{kind: pulse}", protocol=f"{{kind: strength_duration, {SIX}}}", **own) -> dict:
    """A config of one experiment, `cells`."""
    body = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "duration": 100, "solver": FINE}
    body |= {"stimulus": yaml.safe_load(stimulus), "protocol": yaml.safe_load(protocol)} | own
    return {"experiments": {"cells": body}}


def measured(*args, solver=None, threads=1, rows=None, **own) -> tuple[dict, dict]:
    """The features of neurons, or of some of them, in this order; and the rows of each width."""
    e = read_experiment(config(*args, **own), "cells")
    points = e.points(np.arange(e.n_points) if rows is None else np.array(rows))
    result = e.protocol.measure(e, solver or e.solver, points, threads=threads)
    return e.protocol.columns(result), curve_columns(e.protocol, result)


def equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether all columns hold the same, to the last bit."""
    return a.keys() == b.keys() and all(repr(a[name].tolist()) == repr(b[name].tolist()) for name in a)


def silent_and_firing(kind: str, values: dict, field: str, share: float) -> list[bool]:
    """Whether SciPy finds a spike a little below the threshold, `values[field]`, and a little above it."""
    found = []
    for factor in (1 - share, 1 + share):
        point = {"start": 0.0, "holding": 0.0, **values, field: factor * values[field]}
        run = reference(HH, point, stimulus=kinds()[kind], duration=60.0, initial_state="rest")
        found.append(len(run.spike_times) > 0)
    return found


# --- the numbers

# DOP853 at a relative tolerance of 1e-12, by another program; SciPy confirms them in test_rheobase.
PULSES = [650.5267, 65.127425, 13.275124, 6.918926, 3.859359, 2.351105]


@pytest.fixture(scope="module")
def squid() -> tuple[dict, dict]:
    return measured(protocol=f"{{kind: strength_duration, {SIX}, within: 1e-9}}", duration=400)


def test_thresholds_rheobase_and_charge_are_those_of_other_programs(squid):
    features, curve = squid
    assert curve["threshold_uA_cm2"] == pytest.approx(PULSES, rel=2e-7)
    assert curve["charge_nC_cm2"] == pytest.approx(np.array(PULSES) * [0.01, 0.1, 0.5, 1, 2, 5], rel=2e-7)
    assert features["rheobase_uA_cm2"] == pytest.approx([2.2403336], abs=6e-8)
    assert features["instant_charge_nC_cm2"] == pytest.approx([6.5050712], abs=6e-8)


def test_chronaxie_is_the_width_at_which_twice_the_rheobase_fires(squid):
    """To one part in a million, by SciPy; another program's bisection has 1.65414."""
    chronaxie = float(squid[0]["chronaxie_ms"][0])
    assert chronaxie == pytest.approx(1.65414, abs=1e-5)
    values = {"amplitude": 2 * 2.2403336, "width": chronaxie}
    assert silent_and_firing("pulse", values, "width", 1e-6) == [False, True]


ABOVE_REST = {"threshold": EXACT["rest"]["V"] + 65, "rearm": -20}


@pytest.mark.parametrize(("spikes", "rheobase", "off"), [(ABOVE_REST, 5.494684, 6e-7), ({}, 5.49467672, 1e-8)])
def test_the_warm_axon(spikes, rheobase, off):
    """At 18.5 degC action potentials are graded: what counts as a spike decides. 65 mV above rest, or by default 0 mV.

    DOP853 at a relative tolerance of 1e-12, by other programs; SciPy confirms the second one here.
    """
    own = {"parameters": {"temperature.T": "18.5 degC"}, "spikes": spikes}
    features, _ = measured(protocol="{kind: strength_duration, widths: [0.1], within: 1e-9}", **own)
    assert features["rheobase_uA_cm2"] == pytest.approx([rheobase], abs=off)
    assert features["chronaxie_ms"] == pytest.approx([0.76470], abs=1.1e-5)
    if not spikes:
        values = {"temperature.T": 291.65, "amplitude": rheobase, "width": 60.0}
        assert silent_and_firing("pulse", values, "amplitude", 1e-6) == [False, True]


def test_the_label_of_a_gap_says_it_once():
    e = read_experiment(config("{kind: biphasic, gap: {values: [0, 0.1]}}"), "cells")
    assert figure_context(e).axes[0].label == "Interphase gap (ms)"


@pytest.mark.parametrize(("direction", "sign"), [("depolarising", 1), ("hyperpolarising", -1)])
def test_biphasic_pulses_of_both_phase_orders(direction, sign):
    protocol = f"{{kind: strength_duration, widths: [0.5, 2], within: 1e-7, direction: {direction}}}"
    features, curve = measured("{kind: biphasic, gap: 0.2, width_ratio: 2}", protocol)
    assert np.isnan(features["instant_charge_nC_cm2"][0])
    assert np.isnan(features["rheobase_uA_cm2"][0]) == (sign < 0)
    for width, threshold in zip(curve["width_ms"], curve["threshold_uA_cm2"], strict=True):
        values = {"gap": 0.2, "width_ratio": 2.0, "period": 60.0, "number": 1.0, "width": width, "amplitude": threshold}
        assert np.sign(threshold) == sign
        assert silent_and_firing("biphasic", values, "amplitude", 1e-6) == [False, True]


def test_the_charge_is_that_of_the_capacitance():
    """A displacement takes twice the charge on a membrane of twice the capacitance."""
    scaled = {"membrane.C": 2.0, **{f"{name}.g": f"{2 * g} mS/cm^2" for name, g in CONDUCTANCES.items()}}
    features, _ = measured(protocol="{kind: strength_duration, widths: [1]}", parameters=scaled, solver=MIDDLE)
    assert features["instant_charge_nC_cm2"] == pytest.approx([2 * 6.5050712], rel=1e-6)
    assert features["rheobase_uA_cm2"] == pytest.approx([2 * 2.2403336], rel=1e-6)


CONDUCTANCES = {"sodium": 120, "potassium": 36, "leak": 0.3}


# --- the laws

WIDTHS = np.array([0.02, 0.1, 0.4, 1.0, 3.0, 9.0])


def test_laws_find_the_numbers_that_made_the_thresholds():
    by_weiss = np.array([[2.5], [-0.3]]) * (1 + np.array([[0.7], [4.0]]) / WIDTHS)
    found = weiss(WIDTHS, by_weiss)
    assert found.rheobase == pytest.approx([2.5, -0.3], rel=1e-12) and found.time == pytest.approx(
        [0.7, 4.0], rel=1e-12
    )
    assert found.worst.max() < 1e-13 and found.fitted == pytest.approx(by_weiss, rel=1e-13)
    by_lapicque = 2.5 / (1 - np.exp(-WIDTHS / 0.7))
    found = lapicque(WIDTHS, by_lapicque[None])
    assert found.rheobase == pytest.approx([2.5], rel=1e-12) and found.time == pytest.approx([0.7], rel=1e-12)


@pytest.mark.parametrize("law", ["lapicque", "weiss"])
def test_fits_are_those_of_scipy(squid, law):
    widths, thresholds = squid[1]["width_ms"], squid[1]["threshold_uA_cm2"]
    shapes = {"lapicque": lambda w, time: 1 / (1 - np.exp(-w / time)), "weiss": lambda w, time: 1 + time / w}

    def off(numbers: np.ndarray) -> np.ndarray:
        return numbers[0] + np.log(shapes[law](widths, np.exp(numbers[1])) / thresholds)

    scipy = least_squares(off, [0.0, 0.0], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    rheobase, time = np.exp(scipy.x)
    share = np.exp(scipy.fun) - 1
    name = {"lapicque": "lapicque_tau_ms", "weiss": "weiss_chronaxie_ms"}[law]
    assert squid[0][f"{law}_rheobase_uA_cm2"] == pytest.approx([rheobase], rel=1e-6)
    assert squid[0][name] == pytest.approx([time], rel=1e-6)
    assert squid[0][f"{law}_rms"] == pytest.approx([np.sqrt(np.mean(share**2))], rel=1e-5)
    assert squid[0][f"{law}_worst"] == pytest.approx([np.abs(share).max()], rel=1e-5)


def test_laws_of_thresholds_that_do_not_determine_them():
    few, alike = [np.nan, np.nan, 3.0, np.nan, 2.0, 0.0], 1 / WIDTHS
    for law in (lapicque, weiss):
        found = law(WIDTHS, np.array([few, alike]))
        for own in (found.rheobase, found.time, found.fitted, found.rms, found.worst):
            assert np.isnan(own).all()


def legends(stimulus: str, lacking: str = " ") -> list[list[str]]:
    """The legends of both figures; `lacking` : how features begin that are set to null."""
    e = replace(read_experiment(config(stimulus, duration=60), "cells"), solver=Solver("tsit5", 1e-6))
    [analysis] = [a for a in analyses(e) if a.name == "strength_duration"]
    result = e.protocol.measure(e, e.solver, e.points(np.arange(e.n_points)))
    features = pd.DataFrame(e.protocol.columns(result))
    features.loc[:, features.columns.str.startswith(lacking)] = np.nan
    found = {"features": features, "strength_duration": pd.DataFrame(curve_columns(e.protocol, result))}
    figures = analysis.draw(found, figure_context(e)).values()
    return [[text.get_text() for own in f.legends for text in own.get_texts()] for f in figures]


def test_legends_name_what_is_drawn():
    """Without a gap, the second phase takes so much of the charge back that neither law has numbers."""
    marks, none = ["rheobase", "chronaxie, at twice the rheobase"], "no threshold above 0"
    assert legends("{kind: biphasic}") == [["searched", *marks, none], ["searched", none]]
    laws = ["searched", "Lapicque's law", "Weiss's law"]
    assert legends("{kind: pulse}") == [[*laws, *marks], [*laws, "an instant pulse"]]
    assert legends("{kind: pulse}", "lapicque") == [
        ["searched", "Weiss's law", *marks],
        ["searched", "Weiss's law", "an instant pulse"],
    ]
    assert legends("{kind: pulse}", "chronaxie")[0] == [*laws, "rheobase"]


# --- strange neurons, its own point alone, and the store


def test_strange_neurons_have_a_word_and_no_wrong_number():
    """A pacemaker, a membrane without sodium channels, an axon."""
    axes = {"sodium.g": {"values": [121, 0, 120]}, "potassium.g": {"values": [12, 35, 36]}}
    protocol = "{kind: strength_duration, widths: [0.1, 1, 5]}"
    features, curve = measured(protocol=protocol, parameters=axes, combine="zip", duration=300, solver=MIDDLE)
    assert features["rheobase_search"].tolist() == ["spontaneous", "driven", "found"]
    assert curve["search"].reshape(3, 3)[:, 0].tolist() == ["spontaneous", "driven", "found"]
    assert features["rheobase_uA_cm2"][0] == 0 and curve["threshold_uA_cm2"][:3].tolist() == [0, 0, 0]
    assert np.isnan(features["rheobase_uA_cm2"][1]) and np.isnan(curve["threshold_uA_cm2"][3:6]).all()
    for name in ("chronaxie_ms", "weiss_rheobase_uA_cm2", "lapicque_tau_ms", "weiss_rms"):
        assert np.isnan(features[name][:2]).all() and np.isfinite(features[name][2])


def test_a_run_that_diverges_is_a_row():
    own = {"parameters": {"membrane.C": {"values": [1, 1e-300]}}, "solver": MIDDLE}
    features, _ = measured(protocol="{kind: strength_duration, widths: [1]}", **own)
    assert features["status"][0] == "ok" and features["status"][1] != "ok"
    assert np.isnan(features["rheobase_uA_cm2"][1]) and np.isnan(features["chronaxie_ms"][1])


GRID = {"sodium.g": {"linspace": [100, 140, 3]}, "potassium.g": {"values": [30, 42]}}
TWO = "{kind: strength_duration, widths: [0.2, 2]}"


def test_a_row_depends_on_its_own_point_alone():
    everyone, _ = measured(protocol=TWO, parameters=GRID, solver=MIDDLE, threads=2)
    some, _ = measured(protocol=TWO, parameters=GRID, solver=MIDDLE, rows=[5, 2])
    assert equal({name: column[[5, 2]] for name, column in everyone.items()}, some)


def updated(folder: Path, within: float) -> tuple[int, dict[str, np.ndarray]]:
    """How many neurons the store was missing, and the features in it."""
    from hhcore.base import tables
    from hhcore.simulation.result import Result
    from hhcore.sweep.columns import record_of

    e = read_experiment(config(protocol=f"{TWO[:-1]}, within: {within}}}", parameters=GRID), "cells")
    e = replace(e, solver=MIDDLE)
    new = update_shard(e, "all", folder / "all.parquet", progress=lambda done, total: None)
    record = record_of(tables.read(folder / "all.parquet"), e.protocol, len(HH.states))
    found = e.protocol.columns(Result(record, e.analysis_window, 1.0, mV=1.0))
    order = np.argsort(found["rheobase_uA_cm2"])
    return new, {name: column[order] for name, column in found.items()}


def test_a_finer_search_goes_on_from_the_brackets_in_the_store(tmp_path):
    (tmp_path / "once").mkdir()
    assert updated(tmp_path, 1e-3)[0] == 6
    again, finer = updated(tmp_path, 1e-8)
    assert again == 6 and equal(finer, updated(tmp_path / "once", 1e-8)[1])  # the bits of a search from the beginning
    (tmp_path / "coarse").mkdir()
    back, coarse = updated(tmp_path, 1e-3)
    assert back == 0 and equal(coarse, updated(tmp_path / "coarse", 1e-3)[1])


# --- configs


@pytest.mark.parametrize(
    ("stimulus", "protocol", "message"),
    [
        ("{kind: pulse, width: 1}", "{kind: strength_duration, widths: [1]}", "sets the width itself"),
        ("{kind: pulse, amplitude: 1}", "{kind: strength_duration, widths: [1]}", "sets the amplitude itself"),
        ("{kind: pulse}", "{kind: strength_duration}", "widths: "),
        ("{kind: pulse}", "{kind: strength_duration, widths: []}", "has no times"),
        ("{kind: pulse}", "{kind: strength_duration, widths: [1, 1]}", "more than once"),
        ("{kind: pulse}", "{kind: strength_duration, widths: [0]}", "not above 0"),
        ("{kind: pulse, start: 50}", "{kind: strength_duration, widths: [60]}", "ends at 110.0, after the end"),
        ("{kind: pulse}", "{kind: strength_duration, widths: [500]}", "longer than the duration"),
        ("{kind: pulse, start: 50}", "{kind: strength_duration, widths: [1e-9, 1]}", "too short for a pulse at 50"),
        ("{kind: pulse}", "{kind: strength_duration, durations: [1]}", "widths"),
        ("{kind: pulse}", "{kind: strength_duration, widths: [1], direction: up}", "depolarising"),
        ("{kind: step}", "{kind: strength_duration, widths: [1]}", "of kind .* or pulse or .*, not a 'step'"),
    ],
)
def test_a_wrong_config_is_one_sentence(stimulus, protocol, message):
    with pytest.raises(UserError, match=message) as caught:
        read_experiments(config(stimulus, protocol), ".")
    assert "\n" not in str(caught.value)
