"""Pacing until the state repeats: against plain pacing, beat by beat, and in two ways."""

from pathlib import Path

import numpy as np
import pytest

import hhcore
from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiment
from hhcore.protocols.pacing import Beats
from hhcore.protocols.steady_state.protocol import responses
from hhcore.protocols.steady_state.settling import Cells
from hhcore.schemes.solver import Solver
from hhcore.simulation.linear import solve_conserving
from hhcore.simulation.settle import Settling, settle

SOLVER = Solver("rodas5p", 1e-7)
SPIKES = {"threshold": -20, "rearm": -40}
LUO_RUDY = {
    "model": "luo_rudy_1991",
    "stimulus": {"kind": "pulse_train", "amplitude": 25.5, "width": 2, "period": {"values": [1000, 400, 310]}},
    "protocol": {"kind": "steady_state"},
    "initial_state": "model",
    "spikes": SPIKES,
    "solver": {"method": "rodas5p", "local_error": 1e-7},
}


def experiment(**changes):
    return read_experiment({"experiments": {"paced": LUO_RUDY | changes}}, "paced")


def measured(e):
    """Features of all neurons by column, and the record."""
    run = e.protocol.measure(e, SOLVER, e.points(np.arange(e.n_points)))
    return e.protocol.columns(run), run.record


@pytest.fixture(scope="module")
def paced():
    return measured(experiment(protocol={"kind": "steady_state", "by": "pacing"}))


def after_beats(model, period, beats, state=None, amplitude=25.5, width=2):
    """The states after so many beats, one run of `simulate` for each: float64 (beats + 1, N)."""
    states = [np.array([q.value for q in hhcore.load_model(model).states.values()]) if state is None else state]
    for _ in range(beats):
        train = hhcore.PulseTrain(amplitude, width, period, number=1)
        settings = {"method": SOLVER.method, "local_error": SOLVER.accuracy}
        states.append(hhcore.simulate(model, {}, train, duration=period, initial_state=states[-1], **settings).final[0])
    return np.array(states)


def test_it_is_settled_where_plain_pacing_repeats_for_the_first_time(paced):
    features, record = paced
    for row, (period, beats) in enumerate([(1000, 8), (400, 24), (310, 34)]):
        states = after_beats("luo_rudy_1991", period, beats)
        over = [np.abs(states[k:] - states[:-k]).sum(axis=1) for k in (1, 2)]
        k = int(features["repeat_beats"][row])
        first = next(k + int(i) for i in np.flatnonzero(over[k - 1] < 1e-6) if (k + i) % k == 0)
        assert features["paced_beats"][row] == first
        assert record["settled"][row] == pytest.approx(states[first], rel=1e-6, abs=1e-9)


def test_luo_and_rudy_at_310_ms_follows_every_second_stimulus_from_the_state_in_its_file(paced):
    """And every one, if it comes from 320 ms: two steady states of one cell. Newton's method finds each of them."""
    features, _ = paced
    assert list(features["response"]) == ["1:1", "1:1", "2:1"]
    assert 390 < features["apd90_ms"][2] < 410  # 400 ms in a plot of its trace
    assert features["apd90_alternans_ms"] == pytest.approx([0, 0, 0], abs=1e-3)
    carried = "model"
    for period in (400, 350, 320):
        e = experiment(stimulus={**LUO_RUDY["stimulus"], "period": period}, initial_state=carried)
        carried = dict(zip(e.model.states, measured(e)[1]["settled"][0].tolist(), strict=True))
    for by in ("pacing", "newton"):
        changes = {"stimulus": {**LUO_RUDY["stimulus"], "period": 310}, "protocol": {"kind": "steady_state", "by": by}}
        assert list(measured(experiment(**changes, initial_state=carried))[0]["response"]) == ["1:1"]
        assert list(measured(experiment(**changes))[0]["response"]) == ["2:1"]


def test_two_ways_agree(paced):
    newton, _ = measured(experiment())
    for name in ("apd90_ms", "resting_potential_mV"):
        assert newton[name][:2] == pytest.approx(paced[0][name][:2], abs=1e-4)
    for features in (newton, paced[0]):
        assert (features["settling_error_ms"][:2] < 1e-4).all()


def test_newtons_method_keeps_the_charge_and_finds_where_concentrations_stop_drifting():
    """Ten Tusscher and Panfilov's cell settles over more than a thousand beats, in which its charge stays."""
    stimulus = {"kind": "pulse_train", "amplitude": 52, "width": 1, "period": 1000}
    e = experiment(model="ten_tusscher_panfilov_2006", stimulus=stimulus)
    features, record = measured(e)
    assert features["paced_beats"][0] < 100
    assert 0.99 < features["multiplier"][0] < 1
    begun = {name: q.value for name, q in e.model.states.items()}
    settled = dict(zip(e.model.states, record["settled"][0].tolist(), strict=True))
    assert charge(settled) == pytest.approx(charge(begun), abs=1e-4)
    assert settled["sodium.c"] != pytest.approx(begun["sodium.c"], abs=0.1)
    states = after_beats("ten_tusscher_panfilov_2006", 1000, 8, record["settled"][0], 52, 1)
    assert np.abs(states[-1] - states[0]).sum() < 8e-6


def charge(state):
    """Charge that the cell of ten Tusscher and Panfilov (2006) holds, as a concentration [mM]: it enters as current.

    Their equations: C V of the membrane; sodium and potassium; calcium, free and buffered, in cytosol, subspace and
    store, each with its own volume. Capacitance 0.185 uF, volumes in pL, F = 96485.3415 C/mol.
    """
    cytosol, subspace, store, capacitance, faraday = 0.016404, 0.00005468, 0.001094, 0.185, 96485.3415

    def total(free, buffer, half):
        return free + buffer * free / (free + half)

    calcium = total(state["calcium.cytosol"], 0.2, 0.001)
    calcium += total(state["calcium.subspace"], 0.4, 0.00025) * subspace / cytosol
    calcium += total(state["calcium.store"], 10.0, 0.3) * store / cytosol
    volts = capacitance * state["membrane.V"] / (cytosol * faraday)
    return state["sodium.c"] + state["potassium.c"] + 2 * calcium - volts


def test_a_singular_system_is_solved_without_a_change_of_what_it_conserves():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(6, 6))
    kept, left = rng.normal(size=(2, 6)), None
    matrix -= np.linalg.pinv(kept) @ (kept @ matrix)  # kept @ matrix is 0
    right = matrix @ rng.normal(size=6)
    x = solve_conserving(matrix, right, 1e-10)
    assert left is None and matrix @ x == pytest.approx(right, abs=1e-12)
    assert kept @ x == pytest.approx(np.zeros(2), abs=1e-12)
    regular = rng.normal(size=(6, 6))
    assert solve_conserving(regular, right, 1e-10) == pytest.approx(np.linalg.solve(regular, right))


def test_a_response_counts_the_action_potentials_of_the_beats_after_which_the_state_repeats():
    status = np.array(["ok", "ok", "ok", "ok", "no_action_potential", "ok", "ok", "ok", "no_action_potential"])
    offsets, failed = np.array([0, 2, 6, 9]), np.array([False, False, False])
    words = responses(np.array([1, 2, 0]), {"beat_status": status}, offsets, failed)
    assert list(words) == ["1:1", "2:2", "irregular"]
    words = responses(np.array([2, 4, 1]), {"beat_status": status}, offsets, np.array([False, False, True]))
    assert list(words) == ["2:2", "4:3", None]


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({"tolerance": 0}, "tolerance: 0 is not above 0"),
        ({"most_beats": 2.5}, "most_beats: 2.5 is not a number of beats"),
        ({"by": "shooting"}, "newton"),
        ({"prebeats": 100}, "most_beats"),
    ],
)
def test_wrong_keys(protocol, words):
    with pytest.raises(UserError, match=words):
        experiment(protocol={"kind": "steady_state", **protocol})


def test_a_model_with_a_formula_of_time_has_no_beats_that_repeat(tmp_path):
    text = (Path(hhcore.__file__).parent / "models/luo_rudy_1991.mmt").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("dot(V) ="))
    wave = "wave = 0.1 [uA/cm^2] * sin(engine.time / 1 [ms])\n    in [uA/cm^2]\n"
    text = text.replace(line, wave + line.replace("stimulus.amplitude", "stimulus.amplitude + wave"))
    (tmp_path / "waves.mmt").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"membrane\.wave follows a formula of time"):
        experiment(model=str(tmp_path / "waves.mmt"))


def test_it_keeps_five_beats_of_the_longest_period_or_what_fits_into_the_duration():
    assert experiment().duration == 5000
    e = experiment(stimulus={**LUO_RUDY["stimulus"], "period": 310}, duration=310)
    assert e.duration == 310 and list(measured(e)[0]["response"]) == [None]  # one beat of two
    with pytest.raises(UserError, match="leave it out"):
        experiment(stimulus={**LUO_RUDY["stimulus"], "number": 5})


def test_restitution_is_drawn_along_a_swept_period_alone():
    once = {"period": 400, "amplitude": {"values": [20, 30]}}
    drawn = [
        [file.name for file in Beats(e).figures]
        for e in (experiment(), experiment(stimulus=LUO_RUDY["stimulus"] | once))
    ]
    assert drawn == [["restitution", "apd_map"], ["apd_map"]]


@pytest.mark.parametrize("beats", [5, 9, 30])
def test_a_cell_is_paced_as_many_beats_as_are_asked_for_though_it_repeats_before(beats):
    e = experiment()
    cells = Cells.of(e, SOLVER, e.points(np.arange(1)), 1)
    found = settle(cells.paced, cells.states, Settling(beats))
    assert found.beats.tolist() == [beats] and found.repeat.tolist() == [1 if beats > 4 else 0]
    assert found.states[0] == pytest.approx(after_beats("luo_rudy_1991", 1000, beats)[-1], rel=1e-6, abs=1e-9)


def test_no_more_beats_than_the_most():
    e = experiment(protocol={"kind": "steady_state", "most_beats": 7}, stimulus={**LUO_RUDY["stimulus"], "period": 310})
    features, _ = measured(e)
    assert (features["paced_beats"][0], features["response"][0]) == (7, "irregular")


def test_how_many_cells_are_solved_at_once_does_not_show(monkeypatch):
    def settled():
        return measured(experiment(stimulus={**LUO_RUDY["stimulus"], "period": {"values": [1000, 400, 350, 330, 310]}}))

    features, record = settled()
    monkeypatch.setattr("hhcore.simulation.beat_map.AT_ONCE", 2)
    monkeypatch.setattr("hhcore.simulation.settle.AT_ONCE", 3)
    others, other = settled()
    assert all(np.array_equal(record[name], other[name], equal_nan=True) for name in ("settled", "paced", "multiplier"))
    assert list(features["response"]) == list(others["response"]) == ["1:1", "1:1", "1:1", "2:2", "2:1"]


def test_a_reference_paces_on_however_long():
    """A step has to be short where rates jump at -40 mV: too short for a kernel that counts from a minute ago."""
    e = experiment()
    cells = Cells.of(e, Solver("rodas5p", 1e-11), e.points(np.arange(1)), 1)
    found = settle(cells.paced, cells.states, Settling(120))
    assert (found.outcome[0], found.beats[0]) == (0, 120)
