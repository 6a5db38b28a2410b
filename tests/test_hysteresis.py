"""Hysteresis: edges against SciPy from the equations in the paper, levels against plain runs; strange neurons."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, fsolve
from test_bad_config import refused

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.hysteresis.levels import course, firing_end, interval
from hhcore.protocols.hysteresis.ramps import onset_and_end
from hhcore.protocols.hysteresis.resting import follow
from hhcore.simulation.result import Ragged
from hhcore.simulation.threads import integrate_all

SOLVER = {"method": "tsit5", "local_error": 1e-8}
UNIT = "uA_cm2"


def experiment(amplitudes, hold=500, **changes) -> Experiment:
    body = {
        "model": "hodgkin_huxley_1952",
        "protocol": {"kind": "hysteresis", "amplitudes": amplitudes, "hold": hold},
        "stimulus": {"kind": "step"},
        "initial_state": "rest",
        "solver": SOLVER,
    }
    (found,) = read_experiments({"experiments": {"e": body | changes}}).values()
    return found


def measured(e: Experiment, **settings):
    return e.protocol.measure(e, e.solver, e.points(np.arange(e.n_points)), **settings)


def features(e: Experiment) -> dict:
    return {name: column[0] for name, column in e.protocol.columns(measured(e)).items()}


# --- the squid axon of Hodgkin and Huxley (1952), written anew: capacitance 1, potentials from rest


def rates(v):
    """(alpha, beta) of m, h, n at a potential above rest."""
    return (
        ((25 - v) / 10 / (np.exp((25 - v) / 10) - 1), 4 * np.exp(-v / 18)),
        (0.07 * np.exp(-v / 20), 1 / (np.exp((30 - v) / 10) + 1)),
        ((10 - v) / 100 / (np.exp((10 - v) / 10) - 1), np.exp(-v / 80) / 8),
    )


def slopes(y, current):
    v, m, h, n = y
    gates = [a * (1 - x) - b * x for x, (a, b) in zip((m, h, n), rates(v), strict=True)]
    ionic = 120 * m**3 * h * (v - SODIUM) + 36 * n**4 * (v - POTASSIUM) + 0.3 * (v - LEAK)
    return np.array([current - ionic, *gates])


# Reversal potentials from rest, as the model of the catalogue has them: at -65 mV the file is this model, shifted.
_model = hhcore.load_model("hodgkin_huxley_1952")
SODIUM, POTASSIUM, LEAK = (_model.parameters[name].value + 65 for name in ("sodium.E", "potassium.E", "leak.E"))


def rest(current):
    """The equilibrium, by the potential alone."""

    def gates(v):
        return [a / (a + b) for a, b in rates(v)]

    v = brentq(lambda v: slopes([v, *gates(v)], current)[0], -5.0, 9.9 if current < 20 else 60.0, xtol=1e-14)
    return np.array([v, *gates(v)])


def leading(current):
    """The eigenvalue at rest with the largest real part, by complex steps."""
    y, step = rest(current), 1e-30
    jacobian = np.array([slopes(y + 1j * step * e, current).imag / step for e in np.eye(4)]).T
    values = np.linalg.eigvals(jacobian)
    return values[values.real.argmax()]


def test_rest_ends_and_is_stable_again_where_the_eigenvalues_say_so():
    """Issue: 9.775437995393, 93.302 Hz and 154.5224337 uA/cm2 by continuation; the roots here agree."""
    until, again = (brentq(lambda i: leading(i).real, *ends, xtol=1e-13) for ends in ((9, 10.5), (150, 160)))
    assert until == pytest.approx(9.775437995393, abs=1e-9) and again == pytest.approx(154.5224337, abs=1e-6)
    ours = features(experiment([0, 100, 200], hold=20))
    assert ours["rest_ends"] == "hopf"
    assert ours[f"rest_until_{UNIT}"] == pytest.approx(until, rel=1e-9)
    assert ours[f"rest_again_from_{UNIT}"] == pytest.approx(again, rel=1e-9)
    assert ours["rest_frequency_Hz"] == pytest.approx(1000 * leading(until).imag / 2 / np.pi, abs=1e-4)


@pytest.mark.parametrize("ends", [(9.77543, 9.77545), (9.7754379, 9.7754381), (9.775437995, 9.775437996)])
def test_levels_may_be_so_close_that_doubles_between_them_run_out(ends):
    """Issue: 9.775437995393, as above."""
    e = experiment(list(ends), hold=20)
    neurons, states, _ = e.protocol.neurons(e, e.solver, e.points(np.arange(1)), 1)
    assert follow(neurons, states, *ends).until == pytest.approx(9.775437995393, abs=1e-9)


SETTINGS = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-12}


def flown(y, period, current):
    return solve_ivp(lambda t, y: slopes(y, current), (0, period), y, **SETTINGS).y[:, -1]


def upward(t, y):
    """0 where the potential rises through that of rest."""
    return y[0]


upward.direction = 1


def test_firing_ends_where_cycles_turn_round():
    """Issue: 6.2603212747 uA/cm2 and 50.263 Hz by multiple shooting.

    Here SciPy shoots for cycles of given periods, and the current of theirs is least there: a parabola through three.
    """
    ours = features(experiment({"linspace": [0, 12, 25]}))
    assert (ours["bistability"], ours["firing_ends"]) == ("bistable", "turn")

    ramp = solve_ivp(
        lambda t, y: slopes(y, max(6.3, 10 - t / 100)), (0, 400), [12.5, 0.3, 0.3, 0.5], events=upward, rtol=1e-7
    )
    guess, periods, currents = np.array([*ramp.y_events[0][-1][1:], 6.3]), np.array([19.885, 19.895, 19.905]), []
    for period in periods:

        def miss(u, period=period):
            return flown([0, *u[:3]], period, u[3]) - [0, *u[:3]]

        guess = fsolve(miss, guess, xtol=1e-9)
        assert np.abs(miss(guess)).max() < 1e-7
        currents.append(guess[3])
    a, b, c = np.polyfit(periods - 19.895, currents, 2)
    assert c - b * b / 4 / a == pytest.approx(6.2603212747, abs=2e-8)
    assert ours[f"firing_from_{UNIT}"] == pytest.approx(6.2603212747, abs=2e-8)
    assert ours["firing_frequency_Hz"] == pytest.approx(1000 / (19.895 - b / 2 / a), abs=0.01)
    assert ours[f"bistable_width_{UNIT}"] == pytest.approx(9.775437995393 - 6.2603212747, abs=1e-7)


def test_levels_are_runs_each_begun_where_the_last_one_ended():
    e = experiment([6, 8, 10], hold=200)
    result, state = measured(e), "rest"
    for number, amplitude in enumerate([6, 8, 10, 10, 8, 6]):
        window = {"duration": 200, "analysis_window": (100, 200)}
        run = hhcore.simulate(e.model, {}, hhcore.Step(float(amplitude)), initial_state=state, **window, **SOLVER)
        state, theirs = run.final, run.features.iloc[0]
        ours = {name: e.protocol.of_levels(result, name)[0, number] for name in ("rate", "spikes", "peak", "trough")}
        np.testing.assert_allclose(ours["rate"] * 1000, theirs["firing_rate_Hz"], rtol=1e-6)
        assert ours["spikes"] == theirs["spike_count"]
        assert e.protocol.of_levels(result, "fires")[0, number] == (theirs["firing_rate_Hz"] > 0)
        np.testing.assert_allclose([ours["peak"], ours["trough"]], theirs[["peak_mV", "trough_mV"]].tolist(), atol=1e-4)


def test_the_rate_is_that_of_the_second_half_and_none_of_a_single_spike():
    spikes = Ragged.of(np.array([1.0, 6.0, 7.0, 9.0, 6.0]), np.array([4, 1, 0]))
    np.testing.assert_array_equal(interval(spikes, 5.0, 10.0), [1.5, np.nan, 0.0])


def test_a_row_depends_on_its_own_point_alone():
    e = experiment([0, 7, 12], hold=100, parameters={"sodium.g": {"values": [100, 120, 135, 150]}})
    whole, points = measured(e, threads=2), e.points(np.arange(4))
    for rows in ([2], [3, 1]):
        part = e.protocol.measure(e, e.solver, points[rows])
        for name in [*e.protocol.schema.names, "steps"]:
            ours, theirs = part.record[name], whole.record[name]
            if isinstance(ours, Ragged):
                ours, theirs = (column.values.reshape(-1, 6) for column in (ours, theirs))
            np.testing.assert_array_equal(ours, theirs[rows])


def test_cycles_that_do_not_turn_are_searched():
    """Morris and Lecar's cycles grow long where they end: at 88.29 uA/cm2 (Ermentrout and Terman 2010)."""
    ours = features(experiment({"range": [80, 100, 2]}, model="morris_lecar_1981"))
    assert ours["firing_ends"] in ("searched", "turn") and ours["bistability"] == "bistable"
    assert ours[f"firing_from_{UNIT}"] == pytest.approx(88.29, abs=0.01)
    assert ours[f"firing_from_error_{UNIT}"] < 1e-2
    # Hopf: Ermentrout and Terman, 93.86
    assert ours[f"rest_until_{UNIT}"] == pytest.approx(93.86, abs=0.01)


def test_all_runs_are_counted_and_blocks_of_neurons_reported(monkeypatch):
    ran, done = [], []

    def counting(*args, **settings):
        record, seconds = integrate_all(*args, **settings)
        ran.append((record["steps"].sum(), seconds))
        return record, seconds

    monkeypatch.setattr("hhcore.simulation.population.integrate_all", counting)
    monkeypatch.setattr("hhcore.protocols.hysteresis.protocol.BLOCK", 2)
    e = experiment([0, 7, 12], hold=100, parameters={"sodium.g": {"values": [100, 120, 135]}})
    result = measured(e, progress=done.append)
    assert done == [2, 1]
    np.testing.assert_allclose([result.steps.sum(), result.kernel_s], np.sum(ran, axis=0))


@pytest.mark.parametrize(("end", "fires"), [(-1.5, 0.0), (-0.05, 0.0), (0.0, 2.0), (0.0, 4.0)])
def test_firing_ends_at_the_same_current_wherever_zero_is(end, fires):
    """A leak that reverses elsewhere is a constant current. Issue: 6.2603212747 uA/cm2, as above.

    From 2 above, a long step leads Newton's method away from the branch.
    """
    shift = (6.2603212747 - end) / _model.parameters["leak.g"].value
    ours = features(experiment([end - 6, fires, end + 5], parameters={"leak.E": LEAK - 65 + shift}))
    assert ours["firing_ends"] == "turn"
    assert ours[f"firing_from_{UNIT}"] == pytest.approx(end, abs=3e-8)


def test_a_class_1_neuron_fires_where_it_does_not_rest():
    """Connor and Stevens's axon: rest meets a saddle, and firing begins there with any rate."""
    ours = features(experiment({"linspace": [6, 10, 9]}, model="connor_stevens_1971"))
    assert (ours["bistability"], ours["rest_ends"]) == ("one_state", "saddle_node")
    assert ours[f"bistable_width_{UNIT}"] == 0 and ours["rest_frequency_Hz"] == 0


@pytest.mark.parametrize(
    ("changes", "amplitudes", "word"),
    [
        ({"parameters": {"sodium.g": 0}}, [0, 10], "never_fires"),
        ({"parameters": {"leak.E": -15}, "initial_state": "model"}, [0, 10], "never_rests"),
        ({}, [7, 11], "fires_throughout"),
        ({}, [12, 20], "never_rests"),
    ],
)
def test_strange_neurons_have_a_word_and_no_number(changes, amplitudes, word):
    ours = features(experiment(amplitudes, hold=200, **changes))
    assert ours["bistability"] == word
    assert np.isnan(ours[f"bistable_width_{UNIT}"])


def test_a_neuron_that_fails_has_a_status_and_no_edges():
    e = experiment([0, 10], hold=50, solver={"method": "rk4", "dt": "0.5 ms"})
    columns = e.protocol.columns(measured(e))
    assert columns["status"][0] == "diverged" and columns["bistability"][0] == "failed"
    assert np.isnan([columns[f"{name}_{UNIT}"][0] for name in ("firing_from", "rest_until", "bistable_width")]).all()


def test_no_neuron_that_fires_has_no_end_of_firing():
    e = experiment([0, 1], hold=20)
    neurons, states, _ = e.protocol.neurons(e, e.solver, e.points(np.arange(1)), 1)
    _, fires, _ = course(neurons, states, e.protocol.levels, 20.0)
    assert np.isnan(firing_end(neurons, "tsit5", fires, 0.0, 20.0).current).all()


def test_firing_on_a_ramp_begins_and_ends_where_scipy_says():
    """A triangle of 20 uA/cm2 and 300 ms; late, above the edge of rest."""

    def current(t):
        return 20 * (t / 150 if t < 150 else 2 - t / 150)

    def spike(t, y):
        return y[0] - 65

    spike.direction = 1
    begun = rest(0.0)
    first = solve_ivp(lambda t, y: slopes(y, current(t)), (0, 150), begun, events=spike, **SETTINGS)
    then = solve_ivp(lambda t, y: slopes(y, current(t)), (150, 300), first.y[:, -1], events=spike, **SETTINGS)
    body = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "duration": 300, "solver": SOLVER}
    body["stimulus"] = {"kind": "triangle", "amplitude": {"values": [0.5, 20]}}
    (e,) = read_experiments({"experiments": {"e": body}}).values()
    fields = dict(zip(e.quantities, e.points(np.arange(2)).T, strict=True))
    onset, end = onset_and_end(measured(e), fields, e.duration)
    assert np.isnan([onset[0], end[0]]).all()
    assert onset[1] == pytest.approx(current(first.t_events[0][0]), abs=1e-4)
    assert end[1] == pytest.approx(current(then.t_events[0][-1]), abs=1e-4)


GOOD = {
    "model": "hodgkin_huxley_1952",
    "protocol": {"kind": "hysteresis", "amplitudes": [0, 12], "hold": 500},
    "stimulus": {"kind": "step"},
    "initial_state": "rest",
    "solver": SOLVER,
}


@pytest.mark.parametrize(
    ("changes", "where", "parts"),
    [
        ({"amplitudes": [5]}, ".protocol.amplitudes", ["two levels at least"]),
        ({"amplitudes": [0, 5, 5]}, ".protocol.amplitudes", ["5 occurs more than once"]),
        ({"amplitudes": {"linspaced": [0, 5, 5]}}, ".protocol.amplitudes", ["mean 'linspace'"]),
        ({"amplitudes": ["3 mV", 5]}, ".protocol.amplitudes[0]", ["mV"]),
        ({"hold": 0}, ".protocol.hold", ["is not above 0 ms"]),
        ({"hold": "3 mV"}, ".protocol.hold", ["mV"]),
        ({"holds": 3}, ".protocol", ["did you mean 'hold'?"]),
    ],
)
def test_mistakes_are_one_sentence(changes, where, parts):
    config = GOOD | {"protocol": GOOD["protocol"] | changes}
    refused({"experiments": {"e": config}}, f"experiments.e{where}", *parts)


@pytest.mark.parametrize(
    ("changes", "where", "parts"),
    [
        ({"duration": 100}, ".duration", ["each level lasts `hold`"]),
        ({"stimulus": {"kind": "step", "amplitude": 3}}, ".stimulus.amplitude", ["sets the amplitude itself"]),
        ({"stimulus": {"kind": "step", "holding": 3}}, ".stimulus.holding", ["sets the holding itself"]),
        ({"stimulus": {"kind": "ramp", "amplitude": 3}}, ".protocol.kind", ["takes"]),
    ],
)
def test_keys_beside_the_protocol_are_refused(changes, where, parts):
    refused({"experiments": {"e": GOOD | changes}}, f"experiments.e{where}", *parts)
