"""Configs that are right: what they mean, point by point, and every example that the user is shown."""

import copy
import itertools
import re
from pathlib import Path

import myokit
import numpy as np
import pytest
import yaml

from hhcore.base.errors import UserError
from hhcore.base.units import column_name, to_unit
from hhcore.config.file import read_config
from hhcore.config.keys import EXPERIMENT
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses
from hhcore.experiments.protocol import protocols
from hhcore.grid import designs as sampling
from hhcore.grid.axes import DISTRIBUTIONS, FORMS
from hhcore.protocols.fi import FI
from hhcore.schemes.solver import METHODS, Solver
from hhcore.simulation.stimuli.step import Step

CONFIG = Path(__file__).parents[1] / "config"

GRID = """
model: hodgkin_huxley_1952
stimulus: {kind: step, amplitude: {values: [5, 10]}, start: 20}
parameters:
  sodium.g: {linspace: [96, 144, 3]}
  leak.g: 0.25
  potassium.g: {scale: {values: [0.5, 1]}}
initial_state: rest
duration: 0.1 s
solver: {method: rk4, dt: 1e-2}
traces: [{amplitude: 7, sodium.g: 1 S/cm^2, potassium.g: 30, stop: 60}]
"""


def read(text, **changes):
    return read_experiments({"experiments": {"a": yaml.safe_load(text) | changes}}, ".")["a"]


UNITS = "A V S F Ohm MOhm K s ms mV mS uF nA pA pF nS mM uM mol L um cm mS/cm^2 uA/uF J/mol/K C/mol 1/mV/ms"
BASE = "g m s A K cd mol"


# --- quantities


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (3, "mV", 3.0),
        (-65.5, "mV", -65.5),
        (np.float64(2.5), "mV", 2.5),
        ("0.7 s", "ms", 700.0),
        ("12 mS/cm^2", "mS/cm^2", 12.0),
        ("120 S/m^2", "mS/cm^2", 12.0),
        ("0.07 mS/mm^2", "mS/cm^2", 7.0),
        ("10 µA/cm²", "uA/cm^2", 10.0),
        ("-0.065V", "mV", -65.0),
        ("16.3 degC", "K", 289.45),
        ("6.3 °C", "K", 279.45),
        ("5 /ms", "mS/uF", 5.0),
        ("2 kohm", "Ohm", 2000.0),
        ("30 %", "1", 0.3),
        ("0.5", "1", 0.5),
        ("1e-3", "ms", 0.001),  # PyYAML takes it for text
        ("5 odd (0.5)", "odd (0.5)", 5.0),
    ],
)
def test_a_quantity_is_converted_exactly(value, unit, expected):
    assert to_unit(value, unit, "here") == expected


@pytest.mark.parametrize(
    ("value", "unit", "message"),
    [
        (True, "ms", "True is not a number; expected a bare number in ms"),
        (None, "ms", "nothing is not a number"),
        ([1], "ms", r"\[1\] is not a number"),
        (float("nan"), "ms", "nan is not a finite number"),
        (float("-inf"), "ms", "-inf is not a finite number"),
        (10**400, "ms", "10+.*0+ is not a finite number"),
        ("1e999 s", "ms", "'1e999 s' is not a finite number"),
        ("nan ms", "ms", "'nan ms' does not begin with a number"),
        ("5", "ms", "'5' is text without a unit; .* like '1.5 ms'"),
        ("", "ms", "'' does not begin with a number"),
        ("5 sec onds", "ms", "the unit 'sec onds' of '5 sec onds' is unknown"),
        ("5 mV", "ms", "'5 mV' cannot be converted to ms; expected a bare number in ms, or text"),
        ("5 mV", "1", "'5 mV' cannot be converted to 1; .* without dimension"),
        ("5 2", "ms", "the unit '2' of '5 2' is unknown"),
        ("9**9**9**9 s", "ms", "unknown"),
        ("5 (", "ms", "unknown"),
        ("5 S", "odd (0.5)", r"pint cannot read the model's unit 'odd \(0.5\)'; give a bare number"),
    ],
)
def test_what_is_no_quantity_is_refused(value, unit, message):
    with pytest.raises(UserError, match="^here: .*" + message):
        to_unit(value, unit, "here")


@pytest.mark.parametrize("unit", UNITS.split())
def test_pint_means_the_same_by_the_units_of_myokit(unit):
    meant = myokit.parse_unit(unit)
    base = "*".join(f"{name}^{int(x)}" for name, x in zip(BASE.split(), meant.exponents(), strict=True))
    assert to_unit(f"1 {unit}", base, "here") == pytest.approx(meant.multiplier(), rel=1e-12)


@pytest.mark.parametrize(
    ("quantity", "unit", "name"),
    [
        ("amplitude", "uA/cm^2", "amplitude_uA_cm2"),
        ("sodium.g", "mS/cm^2", "sodium_g_mS_cm2"),
        ("start", "ms", "start_ms"),
        ("temperature.T", "K", "temperature_T_K"),
        ("temperature.q10", "1", "temperature_q10"),
        ("pump.rate", "mM*L/ms", "pump_rate_mML_ms"),
        ("odd.x", "Ohm (0.001)", "odd_x_Ohm_0.001"),
    ],
)
def test_column_names(quantity, unit, name):
    assert column_name(quantity, unit) == name


# --- what an experiment says


def test_fields():
    a = read(GRID)
    assert [(axis.name, axis.unit) for axis in a.axes] == [
        ("amplitude", "uA/cm^2"),
        ("sodium.g", "mS/cm^2"),
        ("potassium.g", "mS/cm^2"),
    ]
    assert (a.name, a.combine, a.initial_state) == ("a", "product", "rest")
    assert (a.duration, a.solver) == (100.0, Solver("rk4", 0.01))
    assert (a.analysis_window, a.threshold, a.rearm) == ((0.0, 100.0), 0.0, 0.0)
    assert (a.shape, a.n_points, a.protocol.simulated_ms(a)) == ((3, 2, 2), 12, 100.0)
    assert a.column("sodium.g") == "sodium_g_mS_cm2" and a.unit("stop") == "ms"


def test_defaults_name_every_parameter_then_the_stimulus():
    defaults = read(GRID).defaults
    assert len(defaults) == 10 + 4 and list(defaults)[-4:] == ["amplitude", "start", "stop", "holding"]
    assert (defaults["leak.g"], defaults["leak.E"], defaults["start"], defaults["stop"]) == (0.25, -54.387, 20.0, 100.0)
    assert defaults["potassium.g"] == 36.0, "an axis leaves the model's own value"
    assert np.isnan(defaults["amplitude"]), "there is none of the stimulus"


def test_a_pulse_train_has_fields_of_its_own():
    stimulus = {"kind": "pulse_train", "width": "500 us", "period": {"values": [10, 20]}, "amplitude": 4}
    a = read(GRID, stimulus=stimulus, parameters={}, traces=[{"period": 15, "number": 2}])
    assert list(a.defaults)[-6:] == ["amplitude", "width", "period", "number", "start", "holding"]
    assert a.points(np.array([1]))[0, -6:].tolist() == [4.0, 0.5, 20.0, np.inf, 0.0, 0.0]
    assert a.trace_points()[0, -6:].tolist() == [4.0, 0.5, 15.0, 2.0, 0.0, 0.0]
    assert [a.unit(name) for name in a.stimulus.fields] == ["uA/cm^2", "ms", "ms", "1", "ms", "uA/cm^2"]
    assert a.column("period") == "period_ms"


def test_the_amplitude_varies_fastest_so_that_curves_lie_together():
    a = read(GRID)
    where = [a.quantities.index(name) for name in ("sodium.g", "potassium.g", "amplitude")]
    rows = a.points(np.arange(12))
    assert rows.shape == (12, 14) and rows.dtype == np.float64 and np.isfinite(rows).all()
    assert [tuple(row) for row in rows[:, where]] == list(itertools.product([96, 120, 144], [18, 36], [5, 10]))
    assert set(rows[:, a.quantities.index("leak.g")]) == {0.25}
    np.testing.assert_array_equal(a.points(np.array([7, 2, 7])), rows[[7, 2, 7]])
    assert a.points(np.array([], dtype=np.int64)).shape == (0, 14)


def test_a_large_grid_is_expanded_row_by_row():
    axes = {name: {"linspace": [1, 2, 1000]} for name in ("sodium.g", "leak.g")}
    a = read(GRID, stimulus={"kind": "step", "amplitude": {"range": [0, 999, 1]}}, parameters=axes, traces=[])
    assert (a.n_points, FI(a).alignment) == (10**9, 1000)
    last = a.points(np.array([10**9 - 1, 10**9 - 1000]))
    names = [a.quantities.index(name) for name in ("amplitude", "sodium.g", "leak.g")]
    assert last[:, names].tolist() == [[999, 2, 2], [0, 2, 2]]


@pytest.mark.parametrize("index", [[-1], [0, 12]])
def test_points_outside_the_grid(index):
    pairs = {"sodium.g": {"values": [1, 2]}, "potassium.g": {"values": [3, 4]}}
    for found in (read(GRID), read(GRID, combine="zip", parameters=pairs)):
        with pytest.raises(IndexError):
            found.points(np.array(index))


def test_zip_goes_along_all_axes_at_once():
    stimulus = {"kind": "step", "start": {"values": [1, 2, 95]}, "amplitude": 3, "stop": {"values": [2, 3, 96]}}
    parameters = {"sodium.E": {"values": [50, "0.06 V", 70]}}
    a = read(GRID, combine="zip", stimulus=stimulus, parameters=parameters, traces=[])
    assert (a.shape, a.n_points) == ((3,), 3)
    assert [axis.name for axis in a.axes] == ["start", "stop", "sodium.E"], "in the order of the config"
    where = [a.quantities.index(axis.name) for axis in a.axes]
    assert a.points(np.arange(3))[:, where].tolist() == [[1, 2, 50], [2, 3, 60], [95, 96, 70]]
    assert FI(a).alignment == 1, "the amplitude is not among them"
    zipped = read(GRID, combine="zip", stimulus={"kind": "step", "amplitude": {"values": [1, 2, 3]}}, traces=[],
                  parameters={"sodium.g": {"values": [1, 2, 3]}})  # fmt: skip
    assert FI(zipped).alignment == 3, "curves may lie anywhere"


@pytest.mark.parametrize("combine", ["product", "zip"])
def test_without_axes_there_is_one_neuron(combine):
    a = read(GRID, stimulus={"kind": "step", "amplitude": 4}, parameters={}, combine=combine, traces=[{}])
    assert (a.axes, a.shape, a.n_points) == ((), (), 1)
    np.testing.assert_array_equal(a.points(np.array([0])), [list(a.defaults.values())])
    np.testing.assert_array_equal(a.trace_points(), a.points(np.array([0])))


def test_sixteen_axes_are_possible():
    parameters = {name: {"values": [x + 301.0]} for x, name in enumerate(sorted(read(GRID).model.parameters))}
    stimulus = {"kind": "step", **{name: {"values": [x + 1.0]} for x, name in enumerate(Step.fields)}}
    stimulus["stop"] = {"values": [50, 60]}
    a = read(GRID, parameters=parameters, stimulus=stimulus, traces=[])
    assert a.shape == (1, 2) + (1,) * 12


def test_a_trace_is_a_full_point():
    (trace,) = read(GRID).traces
    assert list(trace) == list(read(GRID).quantities)
    assert (trace["amplitude"], trace["sodium.g"], trace["potassium.g"]) == (7.0, 1000.0, 30.0)
    assert (trace["start"], trace["stop"], trace["leak.g"]) == (20.0, 60.0, 0.25)
    assert read(GRID).trace_points().shape == (1, 14) and read(GRID, traces=[]).trace_points().shape == (0, 14)


def test_an_initial_state_is_in_the_order_of_the_model():
    state = {"potassium.n": 0.32, "sodium.h": 0.6, "sodium.m": 0.05, "membrane.V": "-0.065 V"}
    a = read(GRID, initial_state=state)
    assert a.start(a.defaults) == {"from": "model"} | {
        "membrane.V": -65.0,
        "sodium.m": 0.05,
        "sodium.h": 0.6,
        "potassium.n": 0.32,
    }
    assert a.quantities[-4:] == tuple(f"initial.{name}" for name in a.model.states)


def test_the_rearm_level_is_the_threshold_if_not_given():
    assert read(GRID, spikes={"threshold": "-20 mV"}).rearm == -20.0
    assert read(GRID, spikes={"rearm": -30}).threshold == 0.0


def test_a_model_file_is_found_from_the_base_folder(tmp_path):
    source = Path(__file__).parents[1] / "hhcore" / "models" / "hodgkin_huxley_1952.mmt"
    (tmp_path / "mine.mmt").write_text(source.read_text().replace("= 120 [mS/cm^2]", "= 99 [mS/cm^2]"))
    config = {"experiments": {"a": yaml.safe_load(GRID) | {"model": "mine.mmt"}}}
    assert read_experiments(config, tmp_path)["a"].defaults["sodium.g"] == 99.0


def test_reading_does_not_change_the_config():
    config = {"experiments": {"a": yaml.safe_load(GRID)}}
    before = copy.deepcopy(config)
    read_experiments(config, ".")
    assert config == before


# --- the configs and the page that come with the project


def test_the_default_config_is_the_71001_neurons_and_the_textbook_script():
    found = read_experiments(read_config(CONFIG / "config.yaml"), ".")
    assert {name: a.n_points for name, a in found.items()} == {"squid_conductances": 71_001, "textbook": 1}
    grid, textbook = found.values()
    assert [float(axis.values[axis.values.size // 2]) for axis in grid.axes] == [20.0, 120.0, 36.0]
    assert (textbook.defaults["amplitude"], textbook.duration) == (10.0, 50.0)
    assert [textbook.defaults[f"initial.{name}"] for name in textbook.model.states] == [-65.0, 0.05, 0.6, 0.32]


def test_the_test_config_uses_every_key_and_every_axis():
    text = (CONFIG / "test.yaml").read_text()
    found = read_experiments(read_config(CONFIG / "test.yaml"), ".")
    shapes = [(3, 2, 9), (4,), (), (3, 5), (32, 3), (3, 5), (16,), (6, 2), (2, 3), (2,), (3,)]
    assert [a.shape for a in found.values()] == shapes
    assert {a.solver and a.solver.method for a in found.values()} == {None, "rk4", "tsit5"}
    kinds = [*FORMS, "scale", *DISTRIBUTIONS]
    words = [*EXPERIMENT, "tolerance", "certify", *kinds]
    for word in words:
        assert re.search(rf"\b{word}:|: {word}\b", text), word


def test_the_sensitivity_config_has_an_f_i_curve_for_each_point_of_a_saltelli_design():
    (found,) = read_experiments(read_config(CONFIG / "sensitivity.yaml"), ".").values()
    assert found.shape == (256 * 6, 21) and found.sample.kind == "saltelli"
    assert {"fi", "sobol"} < {analysis.name for analysis in analyses(found)}


PAGE = (CONFIG / "README.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0])
def test_every_example_of_the_page_is_a_config(block):
    example = yaml.safe_load(block)
    if "experiments" not in example:  # the keys replace those of the first example, as the page says
        (first,) = yaml.safe_load(BLOCKS[0])["experiments"].values()
        kind = protocols().get(example.get("protocol", {}).get("kind"))
        timed = kind is not None and kind.self_timed
        example = {
            "experiments": {"first_try": {k: v for k, v in first.items() if k != "duration" or not timed} | example}
        }
    for found in read_experiments(example, ".").values():
        assert found.points(np.arange(found.n_points)).shape == (found.n_points, len(found.quantities))


def test_the_page_explains_every_key_and_every_method():
    headings = "\n".join(line for line in PAGE.splitlines() if line.startswith(("## ", "| [")))
    for key in EXPERIMENT:
        assert f"`{key}`" in headings, key
    for word in [*METHODS, *DISTRIBUTIONS, *sampling.KINDS, *read(GRID).model.parameters]:
        assert f"`{word}`" in PAGE or f"`{word}:" in PAGE, word


def test_the_page_lists_the_keys_as_they_are_declared():
    rows = re.findall(r"^\| \[`(\w+)`\]\(#\S+\) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(name, key.meaning, key.otherwise or "required") for name, key in EXPERIMENT.items()]


@pytest.mark.parametrize(
    ("block", "expected"), [(block, note) for block in BLOCKS for note in re.findall(r"\}\}.*# ([\d., ]+[\d])$", block)]
)
def test_the_values_in_the_comments_of_the_page_are_right(block, expected):
    (first,) = yaml.safe_load(BLOCKS[0])["experiments"].values()
    found = read_experiments({"experiments": {"a": first | yaml.safe_load(block)}}, ".")["a"].axes[0].values.tolist()
    written = [float(x) for x in expected.replace("..., ", "").split(", ")]
    assert written[:-1] == found[: len(written) - 1] and written[-1] == found[-1]


@pytest.mark.parametrize(("written", "multiple"), [(0.5, 0.5), ("50 %", 0.5), ("150%", 1.5)])
def test_one_multiple_holds_for_all_neurons(written, multiple):
    """Of 0.3 mS/cm^2: Hodgkin and Huxley 1952, table 3."""
    e = read(GRID, parameters={"leak.g": {"scale": written}}, traces=[])
    assert e.defaults["leak.g"] == float(f"{0.3 * multiple:.12g}") and e.swept == ("amplitude",)
    assert e.notes == ()


@pytest.mark.parametrize(
    ("parameters", "note"),
    [
        ({"sodium.g": {"scale": {"linspace": [0, 100, 3]}}}, "sodium.g is scaled by up to 100; .* '100 %'"),
        ({"sodium.g": {"scale": 50}}, "sodium.g is scaled by up to 50; "),
        ({"sodium.g": {"values": [-120, 120]}}, "sodium.g is a conductance, and as low as -120 mS/cm"),
    ],
)
def test_what_is_seldom_meant_is_noted(parameters, note):
    (found,) = read(GRID, parameters=parameters, traces=[]).notes
    assert re.match(note, found)
