"""Rest: the stable equilibrium of every neuron, found, checked, and said to be missing where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest

import hhcore
from hhcore.simulation.engine import engine
from hhcore.simulation.initial import Start
from hhcore.simulation.reference import derivative, reference, rest
from hhcore.simulation.rest import distinct, initial_states

EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
MODEL = hhcore.load_model("hodgkin_huxley_1952")


def rests(points: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    n = max(np.size(v) for v in points.values()) if points else 1
    table = np.column_stack([np.broadcast_to(points.get(k, q.value), n) for k, q in MODEL.parameters.items()])
    return initial_states(engine(MODEL, "rk4", hhcore.Step), table, Start("rest", {}))


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
            assert np.abs(slopes(states[i], parameters)).max() < 1e-12
            assert growth(states[i], parameters) < 0
        else:
            assert rest(MODEL, parameters) is None


def test_neuron_that_fires_by_itself_starts_from_the_models_rest_and_says_so():
    _, status = rests({"potassium.g": np.array([36.0, 10.0]), "leak.E": np.array([-54.387, -40.0])})
    assert status.tolist() == [0, 1]
    run = hhcore.simulate("hodgkin_huxley_1952", {"potassium.g": 10.0, "leak.E": -40.0}, hhcore.Step(0), duration=100)
    assert run.features.status.tolist() == ["no_stable_rest"]


def test_without_a_stable_rest_a_held_neuron_starts_as_its_twin_does():
    """From the rest of the unchanged model at its holding level; without that too, from the state in the file."""
    g, holding = np.array([36.0, 15.0, 36.0]), np.array([5.0, 5.0, 20.0])
    settings = {"duration": 0.1, "initial_state": "rest"}
    run = hhcore.simulate(MODEL, {"potassium.g": g}, hhcore.Step(0.0, holding=holding), local_error=1e-12, **settings)
    assert run.features.status.tolist() == ["ok", "no_stable_rest", "no_stable_rest"]
    for i in range(3):
        point = {"potassium.g": g[i], "amplitude": 0.0, "holding": holding[i]}
        twin = reference(MODEL, point, **settings)
        assert run.final[i] == pytest.approx(list(twin.final.values()), abs=1e-8)
        held = rest(MODEL, {"holding": holding[i]})
        begun = held or {name: q.value for name, q in MODEL.states.items()}
        assert twin.y[:, 0] == pytest.approx(list(begun.values()), abs=1e-9)
    assert not held


@pytest.mark.parametrize(("leaks", "advised"), [([-40.0, -41.0], True), ([-54.387, -40.0], False)])
def test_a_run_without_any_stable_rest_recommends_the_state_of_the_model(leaks, advised, tmp_path, capsys):
    """With little potassium and a high leak the axon fires by itself."""
    run = hhcore.run(
        model="hodgkin_huxley_1952",
        stimulus={"kind": "step", "amplitude": 0},
        parameters={"potassium.g": 10.0 if advised else 36.0, "leak.E": {"values": leaks}},
        duration=20,
        solver={"method": "tsit5", "local_error": 1e-4},
        results=tmp_path,
    )
    words = "2 of 2 neurons have no stable rest. If the model is meant to start from the state in its file"
    assert (words in capsys.readouterr().err) == (words in (run.folder / "summary.html").read_text()) == advised


def steady_gates(potentials: np.ndarray) -> dict[str, np.ndarray]:
    """Gates at rest at each potential: a gate x follows a (1 - x) - b x, so its slopes at 0 and 1 are a and -b."""
    own, gates = {name: q.value for name, q in MODEL.parameters.items()}, list(MODEL.states)[1:]
    found = []
    for potential in potentials:
        closed, opened = (slopes(np.array([potential, x, x, x]), own)[1:] for x in (0.0, 1.0))
        found.append(closed / (closed - opened))
    return dict(zip(gates, np.transpose(found), strict=True))


def equilibria(g: dict[str, float], potentials: np.ndarray, gates: dict[str, np.ndarray]) -> list[np.ndarray]:
    """States where the current of the squid axon changes its sign as the potential grows, its gates at rest."""
    m, h, n = (gates[name] for name in ("sodium.m", "sodium.h", "potassium.n"))
    V = potentials
    current = g["sodium.g"] * m**3 * h * (V - 50) + g["potassium.g"] * n**4 * (V + 77) + g["leak.g"] * (V + 54.387)
    return [np.array([V[i], m[i], h[i], n[i]]) for i in np.flatnonzero(np.sign(current[1:]) != np.sign(current[:-1]))]


def growth(state: np.ndarray, parameters: dict[str, float]) -> float:
    """The largest real part of the eigenvalues."""
    slope = slopes(state, parameters)
    moved = [slopes(state + step, parameters) - slope for step in 1e-6 * np.eye(len(slope))]
    return np.linalg.eigvals(np.transpose(moved) / 1e-6).real.max()


def test_a_stable_equilibrium_is_found_beside_a_limit_cycle():
    """Axons with little potassium current: found from potential to potential, without a search."""
    random, count = np.random.default_rng(2), 300
    ranges = {"sodium.g": (0, 240), "potassium.g": (0, 8), "leak.g": (0, 0.6)}
    points = {name: random.uniform(*ends, count) for name, ends in ranges.items()}
    states, status = rests(points)
    potentials = np.linspace(-80, 55, 5000)
    gates, stable = steady_gates(potentials), 0
    for i in range(count):
        own = {name: column[i] for name, column in points.items()}
        parameters = {name: q.value for name, q in MODEL.parameters.items()} | own
        found = [(state, growth(state, parameters)) for state in equilibria(own, potentials, gates)]
        if any(abs(rate) < 0.01 for _, rate in found):
            continue  # too near the border of stability for the grid of potentials
        expected = [state[0] for state, rate in found if rate < 0]
        assert (status[i] == 0) == bool(expected), own
        if expected:
            stable += 1
            if stable < 4:  # SciPy takes longer
                assert rest(MODEL, parameters)["membrane.V"] == pytest.approx(states[i, 0], abs=1e-9)
            assert np.abs(np.array(expected) - states[i, 0]).min() < 0.03, own
    assert 100 < stable < 250


def test_steady_state_does_not_move():
    for solver in ({"method": "rk4", "dt": 0.025}, {"method": "tsit5"}):
        traced = hhcore.trace("hodgkin_huxley_1952", {}, hhcore.Step(0), duration=100, **solver)
        for state in MODEL.states:
            assert np.ptp(traced[state]) < 1e-12


@pytest.mark.parametrize("rows", [(500, 3), (5, 1), (1, 2), (0, 2)])
def test_each_distinct_parameter_set_is_found_once(rows):
    table = np.random.default_rng(3).integers(0, 3, rows).astype(float)
    table = np.column_stack([np.full(len(table), 7.0), table])
    first, which = distinct(table)
    assert np.array_equal(table[first][which], table)
    assert len(first) == len(np.unique(table, axis=0))
