"""Hodgkin's classes: of models whose class is known, of strange ones, and of rows by themselves."""

import numpy as np
import pytest

from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiment
from hhcore.schemes.solver import Solver

SOLVER = Solver("tsit5", 1e-7)


def measured(model: str, rows: list[int] | None = None, threads: int = 1, **own) -> dict[str, np.ndarray]:
    """The features of the neurons of a grid, or of some of them."""
    body = {"model": model, "stimulus": {"kind": "step"}, "protocol": {"kind": "excitability", "within": 1e-4}}
    body |= {"initial_state": "rest", "duration": 500, "analysis_window": [250, 500], "solver": {"tolerance": 1e-3}}
    e = read_experiment({"experiments": {"cells": body | own}}, "cells")
    points = e.points(np.arange(e.n_points) if rows is None else np.array(rows))
    return e.protocol.columns(e.protocol.measure(e, SOLVER, points, threads=threads))


@pytest.mark.parametrize(
    ("model", "number"),
    [
        ("hodgkin_huxley_1952", 2),  # cycles from a saddle-node of cycles: Rinzel & Miller (1980), Math. Biosci. 49:27
        ("connor_stevens_1971", 1),  # low rates by the A current: Connor, Walter & McKown (1977), Biophys. J. 18:81
        ("wang_buzsaki_1996", 1),  # a saddle-node on the limit cycle: Wang & Buzsaki (1996), J. Neurosci. 16:6402
        ("morris_lecar_1981:snic", 1),  # as its name: Rinzel & Ermentrout (1989)
        ("morris_lecar_1981:hopf", 2),
    ],
)
def test_classes_are_those_of_the_literature(model, number):
    long = {"duration": 2000, "analysis_window": [1000, 2000]}
    assert measured(model, **long)["excitability_class"].tolist() == [number]


def test_an_axon_with_little_sodium_is_of_class_3_and_one_between_has_a_rate_inside_its_range():
    """Just below 86 mS/cm^2 firing goes on in a range that ends before 10 % above its beginning."""
    found = measured("hodgkin_huxley_1952", parameters={"sodium.g": {"values": [70, 85.6]}}, duration=1000)
    assert found["excitability_class"].tolist() == [3, 2]
    assert np.isfinite(found["rheobase_uA_cm2"]).all() and np.isnan(found["sustained_from_uA_cm2"][0])
    assert found["sustained_to_uA_cm2"][1] < 1.1 * found["sustained_from_uA_cm2"][1]


def test_pacemakers_and_membranes_without_channels_have_no_class():
    assert measured("noble_1962")["excitability_class"].mask.all()
    passive = measured("hodgkin_huxley_1952", parameters={"sodium.g": 0.0})
    assert passive["excitability_class"].mask.all() and passive["rheobase_search"].tolist() == ["driven"]


def test_a_row_depends_on_its_own_point_alone():
    grid = {"potassium.g": {"values": [20, 30, 36, 50]}, "sodium.g": {"values": [80, 120]}}
    everyone = measured("hodgkin_huxley_1952", parameters=grid, threads=2)
    some = measured("hodgkin_huxley_1952", [6, 1], parameters=grid)
    for name, column in everyone.items():
        assert repr(column[[6, 1]].tolist()) == repr(some[name].tolist()), name


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"stimulus": {"kind": "step", "amplitude": 3}}, "sets the amplitude itself"),
        ({"stimulus": {"kind": "ramp"}}, "takes"),
        ({"protocol": {"kind": "excitability", "firing": "spike"}}, "firing"),
        ({"protocol": {"kind": "excitability", "within": 1}}, "between 1e-14 and 0.1"),
    ],
)
def test_a_wrong_config_is_one_sentence(own, message):
    with pytest.raises(UserError, match=message) as caught:
        measured("hodgkin_huxley_1952", **own)
    assert "\n" not in str(caught.value)
