"""Cardiac models of the catalogue against other implementations of them, published numbers and SciPy."""

import json
from pathlib import Path

import numpy as np
import pytest
from verified import verified

import hhcore
from hhcore.simulation.reference import derivative, reference

OTHERS = json.loads((Path(__file__).parent / "data" / "cardiac_derivatives.json").read_text())["points"]

# The parameters in which the published sets of a model differ, from their sources, not from the model files.
EPI = {"ito.g": 0.294, "ito.V_s": -20, "ito.tau_bell": 85, "ito.V_bell": -45, "ito.width_bell": 320, "ito.tau_step": 5}
EPI |= {"ito.tau_floor": 3, "iks.g": 0.392}
ENDO = {"ito.g": 0.073, "ito.V_s": -28, "ito.tau_bell": 1000, "ito.V_bell": -67, "ito.width_bell": 1000}
ENDO |= {"ito.tau_step": 0, "ito.tau_floor": 8, "iks.g": 0.392}
PAPER = {"sodium.g": 23, "sodium.E": 54.4, "calcium.c_unit": 1, "concentrations.Na_i": 18, "temperature.F": 96.485}
RUDY = {"sodium.g": 16, "sodium.E": 70.484, "calcium.c_unit": 1.8, "concentrations.Na_i": 10, "temperature.F": 96.5}
VARIANTS = {
    "ten_tusscher_panfilov_2006": {"epi": EPI, "endo": ENDO, "mid": EPI | {"iks.g": 0.098}},
    "luo_rudy_1991": {"paper": PAPER, "rudy_lab": RUDY},
}


@pytest.mark.parametrize("other", OTHERS, ids=lambda o: f"{o['model']}-{o['variant']}-{o['state']['membrane.V']}")
def test_right_hand_sides_are_those_of_other_implementations(other):
    parameters = VARIANTS[other["model"]][other["variant"]] if other["variant"] else {}
    found = derivative(hhcore.load_model(other["model"]), other["state"], parameters)
    # rudy_lab rounds its sodium reversal potential (70.4844 mV), and its conditions replace sigmoids of 0.24 mV.
    accuracy = 1e-4 if other["variant"] == "rudy_lab" else 1e-10
    assert found == pytest.approx(other["derivative"], rel=accuracy, abs=1e-20)


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_in_the_file_are_the_published_sets_and_the_first_is_the_file_itself(name):
    model = hhcore.load_model(name)
    written: list[tuple[str, dict[str, float]]] = []
    for line in model.myokit.meta["variants"].strip().splitlines():
        if line.startswith(" "):
            parameter, value = line.split("=")
            written[-1][1][parameter.strip()] = float(value)
        else:
            written.append((line.split(":")[0], {}))
    assert dict(written) == VARIANTS[name]
    first = written[0][1]
    assert {parameter: model.parameters[parameter].value for parameter in first} == first


def test_noble_1962_paces_itself_every_564_ms():
    run = hhcore.simulate(
        "noble_1962", {}, hhcore.Step(0), duration=3000, method="rodas5p", local_error=1e-8, initial_state="model"
    )
    periods = np.diff(run.spike_times)[1:]
    assert [periods.min(), periods.max()] == [verified("noble_1962", "period")] * 2


def test_luo_rudy_1991_has_the_known_duration_of_the_20th_action_potential():
    """378.76 ms from 0 mV to 90 % repolarisation, with 80 uA/cm2 for 0.5 ms every 1000 ms.

    The number belongs to the parameters of rudy_lab. From the stimulus it is 379.51 ms, and from the paper's own
    parameters comes 361.67 ms.
    """
    stimulus = hhcore.Step(80, start=0, stop=0.5)
    scheme = {"method": "rodas5p", "local_error": 1e-7, "duration": 1000}
    state = "model"
    for _ in range(19):
        run = hhcore.simulate("luo_rudy_1991", RUDY, stimulus, initial_state=state, **scheme)
        state = dict(zip(hhcore.load_model("luo_rudy_1991").states, run.final[0].tolist(), strict=True))
    beat = hhcore.trace("luo_rudy_1991", RUDY, stimulus, initial_state=state, **scheme)
    time, v = beat["time"], beat["membrane.V"]
    peak = v.argmax()
    repolarised = v[peak] - 0.9 * (v[peak] - v[0])
    start = np.interp(0.0, v[:peak], time[:peak])
    stop = np.interp(-repolarised, -v[peak:], time[peak:])
    assert stop - start == verified("luo_rudy_1991", "apd90")


@pytest.mark.parametrize("variant", ["epi", "endo", "mid"])
def test_ten_tusscher_panfilov_2006_runs_as_with_scipy(beats, variant):
    model = hhcore.load_model("ten_tusscher_panfilov_2006")
    point = VARIANTS[model.name][variant] | {"amplitude": 52.0, "stop": 1.0}
    tight = reference(
        model, point, duration=350, initial_state="model", method="LSODA", rtol=1e-9, atol=1e-12, threshold=-40
    )
    lane = list(VARIANTS[model.name]).index(variant)
    found = dict(zip(model.states, beats.final[lane].tolist(), strict=True))
    assert found == pytest.approx(tight.final, rel=1e-4)


@pytest.fixture(scope="module")
def beats() -> hhcore.Result:
    """One action potential of each cell type, 350 ms: the M cell is still on its plateau, the others are at rest."""
    sets = VARIANTS["ten_tusscher_panfilov_2006"].values()
    points = {name: np.array([float(values[name]) for values in sets]) for name in EPI}
    scheme = {"method": "rodas5p", "local_error": 1e-7}
    return hhcore.simulate(
        "ten_tusscher_panfilov_2006",
        points,
        hhcore.Step(52, start=0, stop=1),
        duration=350,
        initial_state="model",
        **scheme,
    )
