"""One model in V, s and mA/cm², and its twin in mV, ms and µA/cm²: every column of every table says the same."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pint
import pyarrow.parquet as pq
import pytest
import yaml

import hhcore
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import provenance, resolved, write_numerics
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses
from hhcore.experiments.experiment import Experiment
from hhcore.figures.context import figure_context
from hhcore.model.model import CATALOGUE
from hhcore.protocols.fi.figures import oscillation_range
from hhcore.results.write import write_tables
from hhcore.simulation.stimuli.segments import Segments
from hhcore.sweep.store import update_shard

SQUID = (CATALOGUE / "hodgkin_huxley_1952.mmt").read_text()
UNITS = {"mV": ("V", -3), "ms": ("s", -3), "1/mV/ms": ("1/V/s", 6), "1/ms": ("1/s", 3)}
UNITS |= {"uA/cm^2": ("mA/cm^2", -3), "uF/cm^2": ("mF/cm^2", -3)}


def in_volts(text: str) -> str:
    """A model file with other units, and the same operations: numbers with a unit are converted as decimal text."""
    text = text.replace("membrane.V  = -65", "membrane.V  = -65e-3")
    for unit, (other, power) in UNITS.items():
        text = re.sub(rf"([\d.]+) \[{re.escape(unit)}\]", rf"\g<1>e{power} [{other}]", text)
        text = text.replace(f"in [{unit}]", f"in [{other}]")
    return text


COMMON = """
initial_state: rest
duration: 60 ms
analysis_window: ["10 ms", "60 ms"]
spikes: {threshold: -10 mV, rearm: -20 mV}
"""
EXPERIMENTS = {
    "fi": """
stimulus: {kind: step, amplitude: {linspace: [6 uA/cm^2, 30 uA/cm^2, 4]}, start: {values: [1 ms, 5 ms]}, stop: 58 ms}
parameters: {sodium.E: {values: [50 mV, 20 mV]}, membrane.C: {values: [1 uF/cm^2, 0.5 uF/cm^2]}}
solver: {tolerance: 0.01 us}
traces: [{amplitude: 10 uA/cm^2, start: 1 ms, sodium.E: 50 mV, membrane.C: 1 uF/cm^2}]
""",
    "fixed_step": """
stimulus: {kind: step, amplitude: {values: [0 uA/cm^2, 10 uA/cm^2]}}
solver: {method: rk4, dt: 0.0125 ms, certify: all}
traces: [{amplitude: 10 uA/cm^2}]
""",
    "pacing": """
stimulus: {kind: pulse_train, amplitude: 40 uA/cm^2, width: 0.5 ms, period: {values: [12 ms, 25 ms]}}
parameters: {sodium.g: {values: [0, 120, 1e200]}}
solver: {method: dop853, local_error: 1e-10}
""",
    "shapes": """
protocol: {kind: shapes}
stimulus: {kind: step, amplitude: {values: [-5 uA/cm^2, 10 uA/cm^2]}, start: 10 ms, stop: 45 ms}
parameters: {sodium.g: {values: [100, 120]}}
solver: {method: tsit5, local_error: 1e-8}
""",
    "sobol": """
stimulus: {kind: step, amplitude: {values: [10 uA/cm^2, 20 uA/cm^2]}}
parameters: {leak.E: {uniform: [-55 mV, -53 mV]}, leak.g: {uniform: [0.2, 0.4]}}
sample: {kind: saltelli, n: 4, seed: 1}
solver: {method: tsit5, local_error: 1e-10}
""",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[tuple[str, str], Path]:
    """The tables of each experiment, by experiment and units."""
    made = {}
    for units, text in {"mV": SQUID, "V": in_volts(SQUID)}.items():
        base = tmp_path_factory.mktemp(units)
        (base / "m.mmt").write_text(text)
        for name, experiment in experiments(base).items():
            made[name, units] = _tables(experiment, base / name)
    return made


def experiments(base: Path) -> dict[str, Experiment]:
    configs = {name: yaml.safe_load(f"model: m.mmt\n{COMMON}{body}") for name, body in EXPERIMENTS.items()}
    return read_experiments({"experiments": configs}, base)


def _tables(experiment: Experiment, folder: Path) -> Path:
    numerics = folder / "numerics.parquet"
    write_numerics(experiment, calibrate(experiment, progress=lambda *_: None), numerics)
    experiment = resolved(experiment, numerics)
    update_shard(experiment, "all", folder / "all.shard", progress=lambda *_: None)
    write_tables(experiment, [folder / "all.shard"], numerics, folder)
    for analysis in analyses(experiment):
        if analysis.source in ("model", "tables"):
            analysis.write(folder, provenance(experiment, numerics))
    return folder


SI = pint.UnitRegistry().Quantity
TOLERANCE = {"operations_per": 0.01}  # a rate of 1/ms costs no multiplication, one of 1000/s does
POWERS = {"error": 1, "variance": 2}  # of the unit of a feature, in the Sobol indices; the gain is per current


def columns(path: Path) -> dict[str, np.ndarray]:
    """The columns of a table by the quantity, numbers in SI units, texts without the names of units."""
    table, found = pd.read_parquet(path), {}
    for field in pq.read_schema(path):
        unit, values = field.metadata[b"unit"].decode(), table[field.name]
        if pd.api.types.is_float_dtype(values):
            found[without_unit(field.name)] = SI(values.to_numpy(float), unit).to_base_units().magnitude
        else:
            found[without_unit(field.name)] = values.map(without_unit, na_action="ignore").to_numpy()
    return found


def without_unit(text: object) -> object:
    return re.sub("_(mV|V|ms|s|[um][AF]_cm2)$", "", text) if isinstance(text, str) else text


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_column_of_every_table_says_the_same_in_other_units(folders, experiment):
    names = sorted(path.name for path in folders[experiment, "mV"].glob("*.parquet"))
    assert names == sorted(path.name for path in folders[experiment, "V"].glob("*.parquet"))
    for name in names:
        ours, others = (columns(folders[experiment, unit] / name) for unit in ("mV", "V"))
        assert list(ours) == list(others)
        for column, values in ours.items():
            if values.dtype != float:
                assert others[column].tolist() == values.tolist(), (name, column)
                continue
            if column in POWERS:
                values = np.where(ours["feature"] == "onset_gain_Hz_per", values * 1e3 ** POWERS[column], values)
            rtol, atol = TOLERANCE.get(column, 1e-6), 1e-9
            other = others[column]
            if "error" in column:  # explicit steps at the limit of stability magnify the last bits
                judged = ours.get("chosen", np.ones(len(values), dtype=bool))
                values, other, atol = values[judged], other[judged], max(atol, 0.02 * np.nanmax(values, initial=0.0))
            np.testing.assert_allclose(other, values, rtol=rtol, atol=atol, err_msg=f"{name}: {column}")


def test_the_tables_have_all_that_could_differ(folders):
    """A beat, a failure, a trace, an error, and curves."""
    fi, pacing = (folders[name, "mV"] for name in ("fi", "pacing"))
    assert {"beats", "failures", "features", "numerics", "spikes"} <= {path.stem for path in pacing.glob("*.parquet")}
    assert {"fi_curves", "fi_summary", "traces"} <= {path.stem for path in fi.glob("*.parquet")}
    assert len(pd.read_parquet(pacing / "failures.parquet")) == 2
    assert pd.read_parquet(fi / "features.parquet").spike_time_error_us.notna().sum() > 0


def test_steps_are_the_same_in_other_units(tmp_path):
    """Also of a potential that starts at zero, and at a capacitance so small that steps are below 0.1 ps."""
    (tmp_path / "ours.mmt").write_text(SQUID.replace("membrane.V  = -65", "membrane.V = 0"))
    (tmp_path / "theirs.mmt").write_text(in_volts(SQUID).replace("membrane.V  = -65e-3", "membrane.V = 0"))
    settings = {"method": "rodas5p", "local_error": 1e-11, "initial_state": "model"}
    capacitance = np.array([1.0, 1e-9])
    ours = hhcore.simulate(
        str(tmp_path / "ours.mmt"), {"membrane.C": capacitance}, hhcore.Step(10, 1, 18), duration=20, **settings
    )
    stimulus = hhcore.Step(0.01, 0.001, 0.018)
    theirs = hhcore.simulate(
        str(tmp_path / "theirs.mmt"), {"membrane.C": capacitance * 1e-3}, stimulus, duration=0.02, **settings
    )
    assert theirs.features.status.tolist() == ["ok", "ok"]
    assert theirs.steps == pytest.approx(ours.steps, rel=0.01)
    assert theirs.features.peak_mV.to_numpy() == pytest.approx(ours.features.peak_mV.to_numpy(), rel=1e-9)


STIMULI = {  # others are in test_stimulus_shapes.py
    "clamp": lambda: Segments(holding="-65 mV", a=("-65 mV", "5 ms"), b=("10 mV", "20 ms")),
    "ramp clamp": lambda: Segments(holding="-65 mV", a=("-65 mV", "5 ms"), b=("-80 mV", "0.01 V", "20 ms")),
    "step clamp": lambda: hhcore.Step.command()("60 mV", start="1 ms", stop="4 ms", holding="-80 mV"),
    "sum": lambda: hhcore.Sum(
        a=hhcore.Step("5 uA/cm^2"), b=hhcore.Shock("20 mV", "2.2 ms"), c=hhcore.Sine("3 uA/cm^2", 90),
        holding="1 uA/cm^2",
    ),
    "events": lambda: hhcore.Events([{"level": "20 uA/cm^2", "start": "2 ms", "length": "1 ms", "period": "7 ms"}]),
    "waveform": lambda: hhcore.Waveform({"time_ms": [0, 10, 20], "current_uA_cm2": [0, 20, 0]}, scale=1.5),
}  # fmt: skip


@pytest.mark.parametrize("stimulus", STIMULI)
def test_a_stimulus_does_the_same_in_other_units(stimulus, tmp_path):
    found = []
    for units, text, factor in (("mV", SQUID, 1.0), ("V", in_volts(SQUID), 1000.0)):
        (tmp_path / f"{units}.mmt").write_text(text)
        given = STIMULI[stimulus]()
        run = hhcore.simulate(str(tmp_path / f"{units}.mmt"), {}, given, duration="25 ms", local_error=1e-10)
        found.append((run.final[0] * [factor, 1, 1, 1], run.spike_times * factor))
    (ours, spikes), (theirs, later) = found
    assert theirs == pytest.approx(ours, rel=1e-8, abs=1e-10) and later == pytest.approx(spikes, abs=1e-8)


def test_the_spike_threshold_is_drawn_in_mV(folders):
    folder = folders["fixed_step", "V"]
    context = figure_context(experiments(folder.parent)["fixed_step"])
    (axes,) = oscillation_range(pd.read_parquet(folder / "features.parquet"), context).axes
    (threshold,) = (line for line in axes.lines if line.get_label() == "spike threshold")
    assert axes.get_ylabel() == "Membrane potential (mV)" and list(threshold.get_ydata()) == [-10.0, -10.0]
