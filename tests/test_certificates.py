"""What a certificate promises: most neurons keep the tolerance, heights too, and irregular neurons are named."""

import re
from dataclasses import replace

import numpy as np
import pytest
from test_beats import scipy_beat

import hhcore
from hhcore.base import tables
from hhcore.certify import calibration, certificate
from hhcore.certify.calibration import calibrate
from hhcore.certify.evidence import QUANTILE, Evidence, quantile
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference

AXON = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 60, 601]}},
    "initial_state": "rest",
    "duration": 50,
    "solver": {"tolerance": "1 ms", "method": "dop853"},
}
REGULAR, IRREGULAR = 2.0, 3.25  # currents at which the bursts of Hindmarsh and Rose (1984) are so
BURSTS = {
    "model": "hindmarsh_rose_1984",
    "stimulus": {"kind": "step", "amplitude": {"values": [REGULAR, IRREGULAR]}},
    "parameters": {"slow.r": 0.005},
    "initial_state": "model",
    "duration": 3000,
    "spikes": {"threshold": 0.5},
    "solver": {"tolerance": "1 ms"},
}


def certified(config: dict) -> tuple[Experiment, Evidence]:
    e = read_experiments({"experiments": {"e": config}})["e"]
    return e, calibrate(e, progress=lambda *_: None)


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 112])
def test_the_quantile_is_an_error_that_occurred(count):
    errors = np.random.default_rng(count).exponential(size=count)
    assert quantile(np.r_[errors, np.nan]) == np.quantile(errors, QUANTILE, method="higher")


def test_one_failure_in_a_hundred_neurons_is_too_many_and_none_has_no_error():
    assert quantile(np.r_[np.zeros(99), np.inf]) == np.inf and quantile(np.r_[np.zeros(100), np.inf]) == 0.0
    assert quantile(np.full(3, np.nan)) == 0.0


def test_a_tolerance_of_times_keeps_heights_too():
    e, found = certified(AXON)
    rows = np.array([120, 300, 600])
    run = e.protocol.measure(e, found.chosen, e.points(rows))
    for i, row in enumerate(rows):
        exact = reference(e.model, {"amplitude": row / 10}, duration=50, initial_state="rest")
        assert run.peak[i] == pytest.approx(exact.peaks.max(), abs=0.12)  # 0.1 % of the swing, 119 mV
    assert 110 < found.trial.heights["peak_error_mV"][1] < 125


def test_errors_of_heights_are_those_against_scipy(tmp_path):
    one = {"stimulus": {"kind": "step", "amplitude": 20}, "solver": {"method": "rk4", "dt": 0.04}}
    e, found = certified(AXON | one)
    run = e.protocol.measure(e, found.chosen, e.points(np.arange(1)))
    exact = reference(e.model, {"amplitude": 20.0}, duration=50, initial_state="rest")
    error = abs(run.peak[0] - exact.peaks.max())
    path = tmp_path / "numerics.parquet"
    certificate.write_numerics(e, found, path)
    table = tables.read(path)
    table = table.filter(table["chosen"])
    assert table["peak_error_mV"].to_pylist() == pytest.approx([error], abs=1e-6) and error > 1e-3
    assert float(certificate.certificate(path)["peak_error_worst_mV"]) == pytest.approx(error, rel=0.01)


def test_errors_of_action_potentials_are_certified():
    train = {"kind": "pulse_train", "amplitude": 20, "start": 5, "width": 1, "period": 25}
    e, found = certified(AXON | {"stimulus": train, "solver": {"method": "tsit5", "local_error": 1e-4}})
    point = {name: e.defaults[name] for name in ("amplitude", "start", "width", "period")}
    scipy = reference(e.model, point, duration=50, stimulus="pulse_train", initial_state="rest")
    ours = e.protocol.measure(e, found.chosen, e.points(np.arange(1))).beats
    beats = [scipy_beat(scipy, onset, end, 1.0, 20.0) for onset, end in ((5.0, 30.0), (30.0, 50.0))]
    _, peak, upstroke, _, apd50, apd90 = np.array(beats).T
    exact = {"ap_peak_mV": peak, "max_upstroke_V_s": upstroke, "apd50_ms": apd50, "apd90_ms": apd90}
    for name, values in exact.items():
        (error,), size = found.trial.heights[re.sub("_(mV|V_s|ms)$", r"_error_\1", name)]
        difference = np.abs(ours[name].to_numpy() - values).max()
        assert error == pytest.approx(difference, rel=0.05, abs=2e-5) and 0 < error < 1e-2 * size, name


def test_an_irregular_neuron_is_left_out_and_named(tmp_path):
    e, found = certified(BURSTS)
    assert found.uncertain.tolist() == [False, True] == found.fragile.tolist()
    assert found.trial.worst <= 1.0 < found.trial.error[1]
    assert certificate.uncertainty(found).startswith("1 of 2 neurons of the sample cannot be certified: two references")
    path = tmp_path / "numerics.parquet"
    certificate.write_numerics(e, found, path)
    says = certificate.certificate(path)
    assert says["uncertain_in_sample"] == says["fragile_in_sample"] == "1"
    assert says["spike_time_error_99_percent_us"] == says["spike_time_error_worst_us"]
    _, error, fragile = certificate.sampled(path, e.protocol.accuracy)
    assert np.isnan(error).tolist() == fragile.tolist() == [False, True]


def test_a_grid_of_irregular_neurons_is_simulated_unjudged(tmp_path):
    e, found = certified(BURSTS | {"stimulus": {"kind": "step", "amplitude": IRREGULAR}})
    path = tmp_path / "numerics.parquet"
    certificate.write_numerics(e, found, path)
    assert certificate.certificate(path)["spike_time_error_worst_us"] == "none is certain"
    assert found.chosen.accuracy == 1e-6 and found.checked == []


def test_one_neuron_at_the_edge_among_irregular_ones_refuses_no_tolerance(monkeypatch):
    """99 irregular neurons, 10 ms apart, and one whose references differ by half of the tolerance."""
    e = read_experiments({"experiments": {"e": AXON | {"solver": {"tolerance": "1 us"}}}})["e"]
    run = e.protocol.measure(e, Solver("tsit5", 1e-6), e.points(np.arange(100)))
    monkeypatch.setattr(type(e.protocol), "errors", lambda *_: np.r_[np.full(99, 10.0), 5e-4])
    assert not calibration.certain(e, run, run).any()


def test_a_tolerance_below_what_references_agree_on_is_refused(monkeypatch):
    """Not the neurons are to blame, but the tolerance."""
    monkeypatch.setattr(calibration, "PRECISE", replace(calibration.PRECISE, rival=Solver("dop853", 1e-6)))
    with pytest.raises(hhcore.UserError, match=r"two references differ by .* us in half of the neurons, so that 0.001"):
        certified(AXON | {"solver": {"tolerance": "1 ns"}})


def test_a_neuron_that_needs_too_many_steps_for_the_reference_has_one_of_higher_order(monkeypatch):
    """As under a stimulus of many kHz: order 5 at 1e-12 stalled there, and every neuron was called fragile."""
    monkeypatch.setattr("hhcore.simulation.integration.MOST_STEPS", 100.0)
    few = {"stimulus": {"kind": "step", "amplitude": {"values": [20, 30]}}, "solver": {"tolerance": "10 us"}}
    _, found = certified(AXON | few)
    assert found.exact.method == "dop853" and not found.uncertain.any() and not found.fragile.any()
