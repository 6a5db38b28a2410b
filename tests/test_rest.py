"""Rest: the stable equilibrium of every neuron, found, checked, and said to be missing where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest

import hhcore
from hhcore.simulation.engine import engine
from hhcore.simulation.reference import derivative, rest
from hhcore.simulation.rest import _distinct, initial_states

EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
MODEL = hhcore.load_model("hodgkin_huxley_1952")


def rests(points: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    n = max(np.size(v) for v in points.values()) if points else 1
    table = np.column_stack([np.broadcast_to(points.get(k, q.value), n) for k, q in MODEL.parameters.items()])
    return initial_states(engine(MODEL, "rk4", hhcore.Step), table, "rest")


def slopes(state: np.ndarray, parameters: dict[str, float]) -> np.ndarray:
    return np.array(list(derivative(MODEL, dict(zip(MODEL.states, state, strict=True)), parameters).values()))


def test_rest_of_the_published_model():
    states, status = rests({})
    assert states[0] == pytest.approx(list(EXACT["rest"].values()), abs=2e-12)
    assert status[0] == 0


def test_rest_is_an_equilibrium_to_machine_precision_for_every_conductance():
    g_Na, g_K = (x.ravel() for x in np.meshgrid(np.linspace(80, 160, 5), np.linspace(25, 45, 5)))
    states, status = rests({"sodium.g": g_Na, "potassium.g": g_K})
    assert (status == 0).sum() > 20
    for i in range(len(g_Na)):
        parameters = {name: q.value for name, q in MODEL.parameters.items()}
        parameters |= {"sodium.g": g_Na[i], "potassium.g": g_K[i]}
        if status[i] == 0:
            slope = slopes(states[i], parameters)
            assert np.abs(slope).max() < 1e-12
            moved = [slopes(states[i] + step, parameters) - slope for step in 1e-6 * np.eye(len(slope))]
            assert np.linalg.eigvals(np.transpose(moved) / 1e-6).real.max() < 0
        else:
            assert rest(MODEL, parameters) is None


def test_neuron_that_fires_by_itself_starts_from_the_models_rest_and_says_so():
    _, status = rests({"potassium.g": np.array([36.0, 10.0]), "leak.E": np.array([-54.387, -40.0])})
    assert status.tolist() == [0, 1]
    run = hhcore.simulate("hodgkin_huxley_1952", {"potassium.g": 10.0, "leak.E": -40.0}, hhcore.Step(0), duration=100)
    assert run.features.status.tolist() == ["no_stable_rest"]


def test_steady_state_does_not_move():
    for solver in ({"method": "rk4", "dt": 0.025}, {"method": "tsit5"}):
        traced = hhcore.trace("hodgkin_huxley_1952", {}, hhcore.Step(0), duration=100, **solver)
        for state in MODEL.states:
            assert np.ptp(traced[state]) < 1e-12


@pytest.mark.parametrize("rows", [(500, 3), (5, 1), (1, 2), (0, 2)])
def test_each_distinct_parameter_set_is_found_once(rows):
    table = np.random.default_rng(3).integers(0, 3, rows).astype(float)
    table = np.column_stack([np.full(len(table), 7.0), table])
    first, which = _distinct(table)
    assert np.array_equal(table[first][which], table)
    assert len(first) == len(np.unique(table, axis=0))
