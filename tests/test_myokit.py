"""Protocols against Myokit's own simulation, by CVODES: events, and a waveform."""

import json
from pathlib import Path

import myokit
import numpy as np
import pytest

import hhcore

RUNS = json.loads((Path(__file__).parent / "data" / "myokit_protocols.json").read_text())["runs"]
MODELS = Path(hhcore.__file__).parent / "models"
ZERO = {"period": 0, "multiplier": 0}


def stimulus(kind: str, **settings):
    return hhcore.Events(settings["events"]) if kind == "events" else hhcore.Waveform(settings["samples"])


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_spikes_and_potentials_are_those_of_myokit(run):
    settings = {"duration": run["duration"], "initial_state": "model", "local_error": 1e-10, "method": "tsit5"}
    found = hhcore.simulate(run["model"], {}, stimulus(**run["stimulus"]), threshold=run["threshold"], **settings)
    assert found.spike_times == pytest.approx(run["crossings"], abs=1e-6)
    course = hhcore.trace(run["model"], {}, stimulus(**run["stimulus"]), interval=0.5, **settings)
    rows = np.searchsorted(course["time"], run["times"])
    assert course["membrane.V"][rows] == pytest.approx(run["potentials"], abs=1e-5)


def protocol(kind: str, **settings) -> myokit.Protocol | myokit.TimeSeriesProtocol:
    if kind == "waveform":
        return myokit.TimeSeriesProtocol(*settings["samples"].values())
    made = myokit.Protocol()
    for event in settings["events"]:
        made.schedule(*({**ZERO, **event}[key] for key in ("level", "start", "length", "period", "multiplier")))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_the_recorded_numbers_are_those_of_myokit(run):
    """Where there are a compiler and the headers of Sundials."""
    try:
        simulation = myokit.Simulation(myokit.load_model(MODELS / f"{run['model']}.mmt"), protocol(**run["stimulus"]))
    except myokit.CompilationError:
        pytest.skip("Myokit cannot compile: no Sundials (libsundials-dev)")
    simulation.set_tolerance(1e-12, 1e-12)
    apd = {"apd_variable": "membrane.V", "apd_threshold": run["threshold"]}
    log, durations = simulation.run(run["duration"], log=["membrane.V"], log_times=run["times"], **apd)
    assert list(durations["start"]) == pytest.approx(run["crossings"], abs=1e-8)
    assert list(log["membrane.V"]) == pytest.approx(run["potentials"], abs=1e-8)
