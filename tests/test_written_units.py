"""A unit is written in columns and labels as the model file writes it."""

import re

import myokit
import numpy as np
import pandas as pd
import pytest

import hhcore
from hhcore.base.errors import UserError
from hhcore.base.units import to_unit
from hhcore.config.reader import read_experiments
from hhcore.figures.context import figure_context, in_celsius

MODEL = """
[[model]]
a.V = -60
a.c = 0.001
[a]
t = 0 [ms] bind time
    in [ms]
i = 0 [pA/pF] bind pace
    in [pA/pF]
ttx = 3 [nM]
    in [ nM ]
g = 0.1 [mS/uF]
    in [mS/uF]
E = -60 [mV]
    in [mV]
leak = g * (V - E)
    in [pA/pF]
dot(V) = i - leak
    in [mV]
    label membrane_potential
dot(c) = (ttx - c) / 10 [ms]
    in [nM]
"""
WRITTEN = {"a.ttx": "nM", "a.g": "mS/uF", "a.V": "mV", "a.c": "nM", "a.leak": "pA/pF"}


BASE = ("g", "m", "s", "A", "K", "cd", "mol")


def units(model) -> dict[str, str]:
    return {name: q.unit for name, q in [*model.parameters.items(), *model.states.items(), *model.currents.items()]}


def test_a_unit_stays_as_the_file_writes_it(tmp_path):
    (tmp_path / "m.mmt").write_text(MODEL)
    model = hhcore.load_model(str(tmp_path / "m.mmt"))
    assert units(model) == WRITTEN | {"a.E": "mV"}
    assert (model.current.unit, model.time_unit) == ("pA/pF", "ms")


def test_columns_and_labels_have_the_written_unit(tmp_path):
    (tmp_path / "m.mmt").write_text(MODEL)
    config = {
        "model": "m.mmt",
        "stimulus": {"kind": "step", "amplitude": {"values": [0, 1]}},
        "parameters": {"a.ttx": {"values": [1, "2e-9 M"]}, "a.g": {"values": ["0.1 mS/uF", "0.2/ms"]}},
        "initial_state": "model",
        "duration": 10,
        "solver": {"method": "tsit5", "local_error": 1e-6},
    }
    experiment = read_experiments({"experiments": {"e": config}}, tmp_path)["e"]
    assert list(experiment.axis_fields) == ["amplitude_pA_pF", "a_ttx_nM", "a_g_mS_uF"]
    assert experiment.axes[1].values.tolist() == [1.0, 2.0] and experiment.axes[2].values.tolist() == [0.1, 0.2]
    context = figure_context(experiment)
    assert [axis.label for axis in context.axes][1:] == ["a.ttx (nM)", "a.g (mS/µF)"]
    assert [(v.column, v.label) for v in context.gates] == [("a_c_nM", "a.c (nM)")]


CELLML = """<?xml version="1.0"?><model name="m" xmlns="http://www.cellml.org/cellml/1.0#"
    xmlns:cellml="http://www.cellml.org/cellml/1.0#">
<units name="ms"><unit units="second" prefix="milli"/></units>
<units name="milli_volt"><unit units="volt" prefix="-3"/></units>
<units name="nM"><unit units="mole" prefix="nano"/><unit units="litre" exponent="-1"/></units>
<units name="nanomolar"><unit units="nM"/></units>
<units name="conductance"><unit units="siemens" prefix="milli"/>
<unit units="farad" prefix="micro" exponent="-1"/></units>
<units name="squares"><unit units="metre" prefix="centi" exponent="2"/><unit units="ms" exponent="-1"/></units>
<units name="minutes"><unit units="second" multiplier="60"/></units>
<component name="a">
<units name="local"><unit units="farad" prefix="milli"/><unit units="metre" prefix="centi" exponent="-2"/></units>
<variable name="t" units="ms"/><variable name="V" units="milli_volt" initial_value="-65"/>{variables}
<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><eq/><apply><diff/><bvar><ci>t</ci></bvar><ci>V</ci></apply>
<cn cellml:units="dimensionless">0</cn></apply></math></component></model>"""
COMPOSED = {
    "milli_volt": "mV",
    "nM": "nM",
    "nanomolar": "nmol/L",
    "conductance": "mS/uF",
    "squares": "cm^2/ms",
    "local": "mF/cm^2",
    "kelvin": "K",
    "dimensionless": "1",
}


def test_units_of_cellml_are_written_as_the_file_composes_them(tmp_path):
    names = [*COMPOSED, "minutes"]
    variables = "".join(f"<variable name='x_{name}' units='{name}' initial_value='1'/>" for name in names)
    (tmp_path / "m.cellml").write_text(CELLML.replace("{variables}", variables))
    model = hhcore.load_model(str(tmp_path / "m.cellml"), potential="a.V", current="none")
    found = {name.removeprefix("a.x_"): q.unit for name, q in model.parameters.items()}
    assert {name: found[name] for name in COMPOSED} == COMPOSED
    assert myokit.parse_unit(found["minutes"]) == 60 * myokit.units.s  # a factor: Myokit's name


@pytest.mark.parametrize("name", hhcore.models())
def test_a_config_may_use_every_unit_of_the_catalogue(name):
    """Pint reads it, and means what Myokit means."""
    for quantity in [*hhcore.load_model(name).parameters.values(), *hhcore.load_model(name).states.values()]:
        unit = myokit.parse_unit(quantity.unit)
        base = "*".join(f"{s}^{x:g}" for s, x in zip(BASE, unit.exponents(), strict=True) if x)
        assert to_unit(f"1 {quantity.unit} ", base or "1", quantity.name) == pytest.approx(unit.multiplier(), rel=1e-12)


WARM = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": 10},
    "parameters": {"temperature.T": {"values": ["6.3 degC", "16.3 °C", 289.0]}, "sodium.g": {"values": [110, 120]}},
    "initial_state": "rest",
    "duration": 10,
    "solver": {"method": "tsit5", "local_error": 1e-6},
    "traces": [{"temperature.T": "11.3 degC", "sodium.g": 120}],
}


def test_temperatures_written_in_degrees_celsius_are_drawn_so():
    experiment = read_experiments({"experiments": {"e": WARM}})["e"]
    assert experiment.column("temperature.T") == "temperature_T_K" and experiment.axes[0].values[0] == 279.45
    kelvin = figure_context(experiment)
    table = pd.DataFrame({"temperature_T_K": experiment.points(np.arange(6))[:, 7], "rate": 1.0})
    assert table["temperature_T_K"].tolist()[::2] == [279.45, 289.45, 289.0]
    context, tables = in_celsius(experiment, kelvin, {"features": table})
    axis = context.axes[0]
    assert axis.label.endswith("temperature.T (°C)") and axis.at(axis.values[0]) == "temperature.T = 6.3 °C"
    assert tables["features"]["temperature_T_K"].tolist() == pytest.approx([6.3, 6.3, 16.3, 16.3, 15.85, 15.85])
    assert np.isin(tables["features"]["temperature_T_K"], axis.values).all()
    assert (axis.values + axis.zero).tolist() == kelvin.axes[0].values.tolist()
    assert context.traces[0].endswith("temperature.T = 11.3 °C")


def test_temperatures_written_in_kelvin_are_drawn_so():
    warm = WARM | {"parameters": {"temperature.T": {"values": ["279.45 K", 289.45]}}, "traces": []}
    experiment = read_experiments({"experiments": {"e": warm}})["e"]
    context, _ = in_celsius(experiment, figure_context(experiment), {})
    assert context.axes[0].label.endswith("temperature.T (K)")


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("5 uA/cm2", "uA/cm^2", 5),
        ("0.12 S/cm2", "mS/cm^2", 120),
        ("1 uF/cm2", "uF/cm^2", 1),
        ("2 uA*cm-2", "uA/cm^2", 2),
    ],
)
def test_powers_may_be_written_as_in_names_of_columns(text, unit, number):
    assert to_unit(text, unit, "here") == number


@pytest.mark.parametrize(
    ("text", "unit", "sentence"),
    [
        ("37 C", "K", "write '37 degC' for a temperature"),
        ("100 Hz", "ms", "1 / (100 Hz) is 10 ms"),
        ("0.5 Hz", "s", "1 / (0.5 Hz) is 2 s"),
        ("10 nA", "uA/cm^2", "divide by the area of the cell"),
        ("120 mS", "mS/cm^2", "divide by the area of the cell"),
        ("0,2 s", "ms", "write a decimal point, like '0.2 s'"),
        ("1,000,000 ms", "ms", "nothing between thousands"),
    ],
)
def test_a_unit_of_another_kind_gets_what_is_meant(text, unit, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        to_unit(text, unit, "here")
