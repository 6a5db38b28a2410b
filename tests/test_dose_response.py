"""Dose-response curves: Hill fits against SciPy's curve_fit, effects whose IC50 is known, what has none."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

import hhcore
from hhcore.base.errors import UserError
from hhcore.protocols.dose_response.hill import hill
from hhcore.simulation.reference import reference

DOSES = np.array([0, 0.1, 0.3, 1, 3, 10, 30, 100])


def curve(c, half, slope, at_infinity, at_zero=1.0):
    return at_zero + (at_infinity - at_zero) / (1.0 + (half / np.maximum(c, 1e-30)) ** slope)


def test_a_hill_curve_is_found_exactly():
    for half, slope, end in [(3.0, 1.0, 0.0), (7.0, 0.6, 0.2), (1.3, 2.5, -4.0), (5.0, 1.2, 1.4)]:
        found = hill(DOSES, curve(DOSES, half, slope, end))
        assert found.status == "fitted" and found.at_zero == 1.0 and found.at_zero_error == 0.0
        np.testing.assert_allclose(
            (found.half, found.slope, found.at_infinity), (half, slope, end), rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(found(DOSES), curve(DOSES, half, slope, end), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("controlled", [True, False])
def test_numbers_and_standard_errors_are_those_of_scipy(controlled):
    noise = 0.02 * np.random.default_rng(7).standard_normal(len(DOSES))
    y = 5.0 * (curve(DOSES, 4.0, 1.3, 0.1) + np.where(DOSES > 0, noise, 0.0))
    c, y = (DOSES, y) if controlled else (DOSES[1:], y[1:])
    fixed = (lambda c, h, n, b: curve(c, h, n, b, 5.0)) if controlled else curve
    start = [3.0, 1.0, 0.0] + ([] if controlled else [5.0])
    best, covariance = curve_fit(fixed, DOSES[1:], y[c > 0], start)
    found = hill(c, y)
    theirs = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((found.half, found.slope, found.at_infinity), best[:3], rtol=1e-5)
    np.testing.assert_allclose((found.half_error, found.slope_error, found.at_infinity_error), theirs[:3], rtol=1e-3)
    if not controlled:
        np.testing.assert_allclose((found.at_zero, found.at_zero_error), (best[3], theirs[3]), rtol=1e-3)


def test_errors_of_the_points_make_the_errors_of_the_fit_larger():
    """Fits of data with errors of 0.01 spread about as the fit of one without residuals says that knows the errors."""
    exact, spread = curve(DOSES, 3.0, 1.0, 0.0), 0.01
    rng = np.random.default_rng(1)
    halves = [hill(DOSES, exact + spread * rng.standard_normal(len(DOSES))).half for _ in range(60)]
    ours = hill(DOSES, exact + 1e-6 * rng.standard_normal(len(DOSES)), spread).half_error
    assert 0.7 < ours / np.std(halves) < 2.0


@pytest.mark.parametrize(
    "y, error, status",
    [
        ([1, 0.9, np.nan, np.nan, np.nan, np.nan, 0.1, 0], 0, "few"),
        (np.ones(8), 0, "flat"),
        (curve(DOSES, 3, 1, 0.99), 1e-3, "flat"),
        (curve(DOSES, 3e3, 1, 0), 0, "outside"),
        ([1, 0.9, 0.6, 0.2, 0.6, 0.9, 1, 1.1], 0, "poor"),
    ],
)
def test_what_has_no_fit_says_why(y, error, status):
    found = hill(DOSES, np.asarray(y, dtype=float), error)
    assert found.status == status and np.isnan(found.half)


CLAMPED = {
    "model": "hodgkin_huxley_1952",
    "clamp": {"kind": "segments", "holding": -80, "segments": {"test": {"potential": 0, "duration": 10}}},
    "protocol": {"kind": "voltage_clamp", "current": "sodium.i"},
    "solver": {"method": "tsit5", "local_error": 1e-8},
}


def test_the_effect_on_a_clamped_current_has_the_kd_of_the_drug():
    """A clamped current is proportional to its conductance, so that its dose-response is the drug's Hill curve."""
    doses = {"values": ["100 nM", 0, *(f"{c} nM" for c in DOSES[1:-1])]}
    drugs = {"ttx": {"concentration": doses, "targets": {"INa": {"Kd": "3 nM", "hill": 1.4}}}}
    run = hhcore.run(**CLAMPED, drugs=drugs, progress=False, threads=1)
    points, fits = run.dose_response, run.dose_response_fits
    assert points.ttx_nM.tolist() == DOSES.tolist() and points.relative.iloc[0] == 1.0
    np.testing.assert_allclose(points.relative, 1.0 / (1.0 + (DOSES / 3.0) ** 1.4), rtol=1e-6)
    np.testing.assert_allclose(fits[["ic50", "hill"]].iloc[0].astype(float), [3.0, 1.4], rtol=1e-5)
    assert fits.unit_of_dose.iloc[0] == "nM" and fits.fit_status.iloc[0] == "fitted"
    (panel,) = run.figure("dose_response").axes
    assert panel.get_xscale() == "log" and panel.get_xlabel() == "Concentration of ttx (nM)"
    assert panel.xaxis.get_major_formatter().seq[0] == "0" and panel.get_ylabel() == "Peak current (% of control)"


SQUID = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": 10},
    "solver": {"method": "tsit5", "local_error": 1e-6},
}


def test_two_treatments_and_further_axes_have_a_curve_for_each_combination():
    drugs = {"ttx": {"concentration": {"values": [0, "1 nM"]}, "targets": {"sodium.g": {"Kd": "3 nM"}}}}
    grid = {"drugs": drugs, "block": {"IK": [0, 10, 20]}, "parameters": {"leak.g": {"values": [0.2, 0.3]}}}
    run = hhcore.run(**SQUID, **grid, duration=20, dose_response=["peak_mV", "spike_count"], progress=False, threads=1)
    fits, points = run.dose_response_fits, run.dose_response
    assert len(fits) == 2 * (2 * 3 + 2 * 2) and set(fits.fit_status) == {"few"}
    along = fits.groupby("along").size()
    assert along["ttx"] == 12 and along["block.IK"] == 8 and fits.ttx_nM.isna().sum() == 12
    own = points[(points.along == "block.IK") & (points.feature == "peak_mV")]
    features = run.features.sort_values(["leak_g_mS_cm2", "ttx_nM", "block_IK_percent"])
    ours = own.sort_values(["leak_g_mS_cm2", "ttx_nM", "block_IK_percent"])
    assert ours.value.tolist() == features.peak_mV.tolist()
    assert points[points.feature == "peak_mV"].relative.isna().all()


def test_a_curve_beside_another_block_is_relative_to_the_same_block():
    """Clamped currents are proportional to conductances: half of the channels have the curve of all, from 100 % on."""
    doses = {"values": [0, *(f"{c} nM" for c in (1, 3, 10, 30))]}
    drugs = {"ttx": {"concentration": doses, "targets": {"INa": {"Kd": "3 nM"}}}}
    run = hhcore.run(**CLAMPED, drugs=drugs, block={"sodium.g": [0, 50]}, progress=False, threads=1)
    own = run.dose_response[run.dose_response.along == "ttx"]
    for _, curve in own.groupby("block_sodium_g_percent"):
        np.testing.assert_allclose(curve.relative, 1 / (1 + curve.ttx_nM / 3), rtol=1e-6)
    figure = run.figure("dose_response")
    assert figure.axes[0].get_ylabel() == "Peak current (% of that without ttx)"


def test_the_figure_says_why_there_is_no_hill_curve():
    def legend(levels):
        block, leak = {"IK": [0, 10, 20]}, {"leak.g": {"values": levels}}
        run = hhcore.run(**SQUID, duration=20, block=block, parameters=leak, progress=False, threads=1)
        (below,) = run.figure("dose_response").legends
        return [text.get_text() for text in below.get_texts()]

    assert legend([0.3, 0.4]) == [f"{g} mS/cm²: no Hill curve: fewer than four doses" for g in (0.3, 0.4)]
    assert legend([0.3, 0.32, 0.34, 0.36, 0.4]) == ["5 of 5 without a Hill curve: fewer than four doses"]


def test_zipped_doses_are_one_curve_and_a_sampled_one_is_none():
    doses = {name: {"concentration": {"values": [0, "1 nM", "2 nM"]}} for name in ("a", "b")}
    drugs = {
        "a": doses["a"] | {"targets": {"sodium.g": {"Kd": "3 nM"}}},
        "b": doses["b"] | {"targets": {"potassium.g": {"Kd": "3 nM"}}},
    }
    run = hhcore.run(**SQUID, duration=20, drugs=drugs, combine="zip", progress=False, threads=1)
    assert run.dose_response.along.unique().tolist() == ["a"] and len(run.dose_response_fits) == 1
    drugs = {"a": drugs["a"] | {"concentration": {"lognormal": ["1 nM", 2]}}}
    sample = {"kind": "sobol", "n": 4, "seed": 1}
    sampled = hhcore.run(**SQUID, duration=20, drugs=drugs, sample=sample, progress=False, threads=1)
    assert "dose_response" not in sampled.tables
    spread = {"block": {"IK": {"values": [0, 50]}}, "parameters": {"leak.g": {"uniform": [0.2, 0.4]}}}
    crossed = hhcore.run(**SQUID, duration=20, **spread, sample=sample, progress=False, threads=1)
    assert crossed.dose_response_fits.leak_g_mS_cm2.nunique() == 4 and crossed.figure("dose_response").axes


def test_the_squid_axon_stops_firing_at_12_43_percent_sodium_block():
    """At 10 uA/cm2: it fires on at 12.43 %, and is silent after a while from 12.44 % on, by SciPy too."""
    block = {"sodium.g": {"range": [12.4, 12.47, 0.01]}}
    run = hhcore.run(**SQUID, duration=2000, analysis_window=[1800, 2000], block=block, progress=False, threads=1)
    fires = run.features[run.features.firing_rate_Hz > 0].block_sodium_g_percent
    assert fires.tolist() == [12.4, 12.41, 12.42, 12.43]
    for percent, fires in ((12.43, True), (12.44, False)):
        point = {"sodium.g": 120.0 * (1.0 - percent / 100.0), "amplitude": 10.0}
        assert (reference(run.experiment.model, point, duration=600).spike_times[-1] > 550.0) == fires


@pytest.mark.parametrize(
    "changes, part",
    [
        ({"dose_response": ["apd90_ms"], "block": {"IK": {"values": [0, 10]}}}, "[0]: 'apd90_ms' is not a choice here"),
        ({"dose_response": ["status"], "block": {"IK": {"values": [0, 10]}}}, "[0]: 'status' is not a choice here"),
        ({"dose_response": [], "block": {"IK": {"values": [0, 10]}}}, "[] is empty; name a column"),
        ({"dose_response": "peak_mV", "block": {"IK": {"values": [0, 10]}}}, "'peak_mV' does not have the form"),
        ({"dose_response": ["peak_mV"], "block": {"IK": 10}}, "no concentration or block is an axis"),
    ],
)
def test_mistakes(changes, part):
    with pytest.raises(UserError, match="experiments.experiment.dose_response") as caught:
        hhcore.run(**SQUID, duration=20, **changes, progress=False)
    assert part in str(caught.value)
