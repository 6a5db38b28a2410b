"""Accommodation and anode break of the squid axon: the ready configs, against SciPy and steady states on paper."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from clamped_squid import E, G, steady
from scipy.optimize import brentq

from hhcore.config.file import read_config
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.model.model import load_model
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference

ROOT = Path(__file__).parents[1]
HH = load_model("hodgkin_huxley_1952")
PAGE = (ROOT / "docs/accommodation.md").read_text()
READY = read_experiments(read_config(ROOT / "config/excitability.yaml"), ".")
SOLVER = Solver("tsit5", 1e-9)
COLD, WARM = 279.45, 291.65  # K
STOPS = 500.0 ** (1 / 3), 500.0 ** (2 / 3)  # ms, of the ramps of rows 8 and 16


def measured(e: Experiment, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The features of some neurons of a ready config."""
    return e.protocol.columns(e.protocol.measure(e, SOLVER, e.points(rows)))


def steady_current(V: float) -> float:
    """The sum of the ionic currents with all gates at their steady states, uA/cm^2."""
    m, h, n = (steady(V)[gate] for gate in "mhn")
    share = {"sodium": m**3 * h, "potassium": n**4, "leak": 1.0}
    return sum(G[name] * share[name] * (V - E[name]) for name in G)


REST = brentq(steady_current, -70.0, -60.0, xtol=1e-12)
HELD = {"amplitude": 12.1844004, "holding": -12.1844004}


def test_the_current_of_the_config_holds_the_axon_30_mv_below_rest():
    e = READY["anode_break"]
    columns = dict(zip(e.quantities, e.points(np.arange(1)).T, strict=True))
    stimulus = e.stimuli(columns)
    assert np.asarray(stimulus.holding) == pytest.approx(steady_current(REST - 30.0), abs=5e-8)
    assert np.asarray(stimulus.amplitude) == pytest.approx(HELD["amplitude"], abs=0)


def test_the_axon_fires_when_hyperpolarisation_ends_if_it_is_cold():
    """112.061 mV above rest at 6.555 ms, by another program: SciPy confirms it here."""
    found = measured(READY["anode_break"], np.arange(2))
    cold, warm = (reference(HH, HELD | {"temperature.T": T}, duration=50.0) for T in (COLD, WARM))
    assert found["spike_count"].tolist() == [len(cold.spike_times), len(warm.spike_times)] == [1, 0]
    assert found["first_spike_ms"][0] == pytest.approx(cold.spike_times[0], abs=1e-5)
    assert (cold.peaks[0] - REST, cold.peak_times[0]) == pytest.approx((112.061, 6.555), abs=6e-4)
    assert found["peak_mV"][0] - REST == pytest.approx(112.061, abs=6e-4)


def test_thresholds_of_ramps_are_those_of_scipy():
    e = READY["accommodation"]
    found = measured(e, np.array([8, 16]))
    for stop, threshold in zip(STOPS, found["threshold_uA_cm2"].tolist(), strict=True):
        for factor, fires in ((1 - 2e-6, False), (1 + 2e-6, True)):
            ramp = {"amplitude": factor * threshold, "start_amplitude": 0.0, "start": 0.0, "stop": stop}
            run = reference(HH, ramp, stimulus="ramp", duration=stop + 50.0)
            assert (len(run.spike_times) > 0) == fires


def test_the_example_of_the_page_prints_what_it_says():
    code, text = (
        re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1] for language in ("python", "text")
    )
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})
    assert printed.getvalue() == text
