"""Phase response: against an adjoint and kicks by SciPy, in strange neurons, to the last bit, and wrong configs."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.integrate import solve_ivp

import hhcore
from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiment
from hhcore.figures.context import FigureContext, Variable
from hhcore.protocols.phase_response.curves import extremes, resetting, zeros
from hhcore.protocols.phase_response.cycle import repeating
from hhcore.protocols.phase_response.figures import phase_response
from hhcore.protocols.phase_response.protocol import PhaseResponse
from hhcore.schemes.solver import Solver
from hhcore.simulation.result import Ragged

FINE = {"method": "dop853", "local_error": 1e-11}
EXACT = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12}


def experiment(protocol="{kind: phase_response}", **own):
    """An experiment of one config, named `cell`."""
    body = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "duration": 500, "solver": FINE}
    body |= {"stimulus": {"kind": "step", "amplitude": 10}, "protocol": yaml.safe_load(protocol)} | own
    return read_experiment({"experiments": {"cell": body}}, "cell")


def measured(e, solver=None, rows=None, threads=1):
    """The result of its neurons, or of some of them, in this order."""
    rows = np.arange(e.n_points) if rows is None else np.array(rows)
    return e.protocol.measure(e, solver or e.solver, e.points(rows), threads=threads)


def curves(*args, **own) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Features, and the columns with a number for each phase."""
    e = experiment(*args, **own)
    result = measured(e)
    return e.protocol.columns(result), e.protocol.lists(result)


# --- the axon of Hodgkin and Huxley by SciPy, from the equations of the paper


def slope(t, y, current=10.0):
    V, m, h, n = y
    am, bm = 0.1 * (V + 40) / (1 - np.exp(-(V + 40) / 10)), 4 * np.exp(-(V + 65) / 18)
    ah, bh = 0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))
    an, bn = 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10)), 0.125 * np.exp(-(V + 65) / 80)
    ionic = 120 * m**3 * h * (V - 50) + 36 * n**4 * (V + 77) + 0.3 * (V + 54.387)
    return np.array([current - ionic, am - (am + bm) * m, ah - (ah + bh) * h, an - (an + bn) * n])


def jacobian(y):
    """By a complex step, exact to rounding."""
    return np.array([slope(0.0, y + 1e-30j * unit).imag / 1e-30 for unit in np.eye(4)]).T


def crossings(begin, time, current=10.0):
    """Upward crossings of 0 mV from a state, and the solution."""

    def rises(t, y, i):
        return y[0]

    rises.direction = 1.0
    settings = {"args": (current,), "events": rises, "dense_output": True}
    run = solve_ivp(slope, (0.0, time), begin, **settings, **EXACT)
    return run.t_events[0], run


@cache
def cycle(current=10.0):
    """Period, and the solution from phase 0 on."""
    times, run = crossings([-65, 0.05, 0.6, 0.32], 300.0, current)
    return times[-1] - times[-2], crossings(run.sol(times[-2]), 20.0, current)[1].sol


def shifted(phase: float, kick: float) -> float:
    """The shift of a cycle by a kick, in cycles, read six spikes later."""
    period, along = cycle()
    states = along(phase * period)
    plain, kicked = (crossings(states + [size, 0, 0, 0], 7 * period)[0] for size in (0.0, kick))
    return (plain[-1] - kicked[-1]) / period


def test_the_response_to_a_kick_is_that_of_an_independent_integration():
    """The numbers of another program, DOP853 at 1e-12; SciPy confirms them here."""
    features, lists = curves("{kind: phase_response, phases: 40, kick: 0.1 mV}")
    response = lists["shift"][0] / 0.1
    assert response.argmin() / 40 == 0.575 and response.min() == pytest.approx(-0.01722, abs=5e-6)
    assert response.argmax() / 40 == 0.8 and response.max() == pytest.approx(0.03426, abs=5e-6)
    assert abs(response[0]) < 1e-4
    for phase in (0.575, 0.8):
        assert response[round(40 * phase)] == pytest.approx(shifted(phase, 0.1) / 0.1, rel=1e-6)
    assert features["period_ms"][0] == pytest.approx(cycle()[0], rel=1e-9)
    assert features["response_type"][0] == "II" and features["resetting_type"][0] == 1


def test_a_large_kick_resets_as_an_independent_integration_says():
    _, lists = curves("{kind: phase_response, phases: 20, kick: -8 mV}")
    for phase in (0.1, 0.6, 0.85):
        apart = lists["shift"][0][round(20 * phase)] - shifted(phase, -8.0)
        assert abs(apart - np.round(apart)) < 1e-8


def test_the_infinitesimal_response_is_the_solution_of_the_adjoint_equation():
    """dZ/dt = -J^T Z backwards along the cycle, with Z F = 1/T."""
    period, along = cycle()
    run = solve_ivp(lambda s, z: jacobian(along(-s % period)).T @ z, (0.0, 6 * period), [1, 0, 0, 0], **EXACT)
    begin = run.y[:, -1]
    begin /= begin @ slope(0.0, along(0.0)) * period
    phases = np.arange(50) / 50
    stops = (1 - phases[::-1]) * period
    back = solve_ivp(lambda s, z: jacobian(along(period - s)).T @ z, (0.0, period), begin, t_eval=stops, **EXACT)
    exact = back.y[0][::-1]
    _, lists = curves("{kind: phase_response, phases: 50}")
    largest = np.abs(exact).max()
    assert np.abs(lists["slope"][0] - exact).max() < 1e-6 * largest
    assert lists["slope_error"][0].max() < 1e-5 * largest


# --- other cells


@pytest.mark.parametrize(
    ("model", "amplitude", "duration", "kind"),
    [
        ("connor_stevens_1971", 10.0, 800, "I"),
        ("wang_buzsaki_1996", 1.0, 800, "I"),
        ("morris_lecar_1981", 100.0, 3000, "II"),
    ],
)
def test_the_mean_response_is_the_change_of_the_rate_with_the_current(model, amplitude, duration, kind):
    """A lasting current is many small kicks, so the slope of the f-I curve is the mean response over C."""
    small = 1e-3 * amplitude
    own = {"model": model, "duration": duration}
    features, lists = curves(
        "{kind: phase_response, phases: 400}", **own, stimulus={"kind": "step", "amplitude": amplitude}
    )
    beside = {"kind": "step", "amplitude": {"values": [amplitude - small, amplitude + small]}}
    rates = curves("{kind: phase_response, phases: 3}", **own, stimulus=beside)[0]["frequency_Hz"] / 1000
    capacitance = next(
        (q.value for n, q in hhcore.load_model(model).parameters.items() if n.endswith("membrane.C")), 1.0
    )
    mean = lists["slope"][0].mean() / capacitance
    assert mean == pytest.approx((rates[1] - rates[0]) / (2 * small), rel=1e-3)
    assert features["response_type"][0] == kind


def test_a_cycle_with_several_spikes_begins_after_its_longest_interval():
    own = {"model": "hindmarsh_rose_1984", "duration": 3000, "stimulus": {"kind": "step", "amplitude": 2}}
    features, lists = curves("{kind: phase_response, phases: 20, kick: 0.01}", **own)
    assert features["spikes_per_cycle"][0] == 9 and features["period_ms"][0] == pytest.approx(430.7756, abs=1e-3)
    quiet = lists["potential"][0] < -1
    assert quiet[10:].all() and not quiet[:5].all()
    assert (lists["kick_outcome"] == 0).all() and np.isfinite(lists["slope"]).all()


def test_strange_neurons_have_a_word_and_no_number():
    words = {0.0: "silent", 2.0: "silent", 7.0: "periodic"}
    own = {"stimulus": {"kind": "step", "amplitude": {"values": [*words]}}}
    features, lists = curves("{kind: phase_response, phases: 5}", **own)
    assert features["cycle"].tolist() == [*words.values()]
    assert np.isnan(lists["shift"][:2]).all() and np.isnan(features["minimum_per_mV"][:2]).all()
    assert features["response_type"].tolist() == [None, None, "II"]
    chaos = {"model": "hindmarsh_rose_1984", "duration": 3000, "stimulus": {"kind": "step", "amplitude": 3.25}}
    assert curves("{kind: phase_response, phases: 5, kick: 0.1}", **chaos)[0]["cycle"][0] == "irregular"


def test_a_pacemaker_needs_no_current():
    own = {"model": "noble_1962", "duration": 6000, "stimulus": {"kind": "step", "amplitude": 0}}
    features, lists = curves("{kind: phase_response, phases: 10, kick: 1 mV}", **own)
    assert features["cycle"][0] == "periodic" and features["status"][0] == "no_stable_rest"
    assert np.isfinite(lists["slope"]).all()


def test_the_holding_current_counts_as_the_amplitude_does():
    shared, alone = ({"kind": "step", "amplitude": a, "holding": h} for a, h in ((4, 6), (10, 0)))
    slopes = [curves("{kind: phase_response, phases: 9}", stimulus=s)[1]["slope"][0] for s in (shared, alone)]
    assert slopes[0] == pytest.approx(slopes[1], abs=1e-7)


def test_a_kick_that_ends_firing_is_said():
    """At 6.5 uA/cm^2 the axon fires or rests. SciPy finds no spikes late after a kick that takes it to rest."""
    own = {"stimulus": {"kind": "step", "amplitude": 6.5}, "duration": 1000}
    features, lists = curves("{kind: phase_response, phases: 40, kick: 5 mV}", **own)
    stopped = np.flatnonzero(lists["kick_outcome"][0] == 1)
    assert len(stopped) == features["stopping_phases"][0] > 0
    assert np.isnan(lists["shift"][0][stopped]).all() and features["resetting_type"].mask[0]
    period, along = cycle(6.5)
    for index, fires in ((stopped[len(stopped) // 2], False), (stopped[0] - 5, True)):
        times, _ = crossings(along(index / 40 * period) + [5.0, 0, 0, 0], 400.0, 6.5)
        assert (times > 300.0).any() == fires


def test_rows_depend_on_their_own_point_alone():
    grid = {"values": [0, 7, 10, 15]}
    e = experiment("{kind: phase_response, phases: 7}", stimulus={"kind": "step", "amplitude": grid})
    solver = Solver("tsit5", 1e-7)
    alone = [measured(e, solver, [i]).record for i in range(4)]
    for rows, threads in (([3, 1, 0, 2], 1), ([2, 2, 1, 3, 0], 2)):
        together = measured(e, solver, rows, threads).record
        for at, row in enumerate(rows):
            for name, column in alone[row].items():
                theirs = together[name]
                if isinstance(column, Ragged):
                    theirs = theirs.values[theirs.offsets[at] : theirs.offsets[at + 1]]
                    column = column.values
                else:
                    theirs, column = theirs[at], column[0]
                assert np.asarray(theirs).tobytes() == np.asarray(column).tobytes(), name


def test_scipy_checks_the_response_of_the_model():
    e = experiment("{kind: phase_response, phases: 20, kick: 0.1 mV}")
    difference = e.protocol.check(e, e.points(np.arange(1))[0], measured(e), 0, ("DOP853", 1e-11))
    assert difference < 1e-7


# --- what curves come down to


@pytest.mark.parametrize(("unit", "words"), [("mV", "kick of 0.1 mV"), ("V", "kick of 0.1 V"), ("1", "kick of 0.1")])
def test_the_legend_gives_the_kick_in_the_unit_of_the_potential(unit, words):
    context = FigureContext("cells", Variable("i", "i", "uA/cm^2"), Variable("V", "V", unit))
    columns = ("phase", "potential_mV", "infinitesimal_per_mV", "response_per_mV")
    curve = pd.DataFrame({"neuron": [0, 0]} | dict.fromkeys(columns, [0.0, 0.5]))
    figure = phase_response(pd.DataFrame({"neuron": [0]}), curve, context, PhaseResponse(kick=0.1))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["infinitesimal", words]


def test_extremes_and_zeros_of_a_known_curve():
    phase = np.arange(50) / 50
    found = extremes(np.sin(2 * np.pi * (phase - 0.503))[None])
    assert found["maximum_phase"][0] == pytest.approx(0.753, abs=1e-5)
    assert found["minimum_phase"][0] == pytest.approx(0.253, abs=1e-5)
    assert found["maximum_per_mV"][0] == pytest.approx(1.0, abs=1e-6)
    assert zeros(np.sin(2 * np.pi * (phase - 0.503))[None])[0] == pytest.approx(0.503, abs=1e-4)


def test_resetting_is_strong_where_the_new_phase_does_not_go_round():
    """Winfree's simple clock: a kick e of a point on a circle, whose new phase goes round once or not at all."""
    phase = np.arange(60) / 60
    for kick, rounds in ((0.5, 1), (1.5, 0)):
        new = np.angle(np.exp(2j * np.pi * phase) + kick) / (2 * np.pi)
        shift = (new - phase + 0.5) % 1.0 - 0.5
        assert resetting(shift[None])[0] == rounds
    assert resetting(np.full((1, 60), np.nan)).mask[0]


def test_intervals_that_repeat_after_three_spikes():
    times = np.cumsum(np.tile([1.0, 2.0, 5.0], 8))
    spikes, last = repeating(Ragged(times, np.array([0, len(times)])))
    assert spikes[0] == 3 and np.diff(last[0])[0] == 8.0
    assert last[0, 1] == times[-1]  # the interval of 5 ends with the last spike


# --- configs


@pytest.mark.parametrize(
    ("protocol", "stimulus", "words"),
    [
        ("{kind: phase_response, phases: 2}", {}, "protocol.phases: 2 is not a whole number from 3 to 10,000"),
        ("{kind: phase_response, kick: 0}", {}, "protocol.kick: 0 does not displace the potential"),
        ("{kind: phase_response, kick: 1 nA}", {}, "protocol.kick"),
        ("{kind: phase_response, dV: 1}", {}, "write `kick: 0.1 mV`"),
        ("{kind: phase_response}", {"start": 5}, "start"),
    ],
)
def test_a_wrong_config_is_one_sentence(protocol, stimulus, words):
    with pytest.raises(UserError) as error:
        experiment(protocol, stimulus={"kind": "step", "amplitude": 10} | stimulus)
    assert words in str(error.value) and "\n" not in str(error.value)
