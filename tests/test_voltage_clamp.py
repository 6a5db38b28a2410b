"""Voltage clamp of the squid axon against closed forms of its gates, from the config to the tables."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from clamped_squid import clamped, rates

import hhcore
from hhcore.base.errors import UserError
from hhcore.base.tables import read
from hhcore.compile.equations import equations
from hhcore.compile.observed import observed
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import RowBlock, analyses
from hhcore.experiments.experiment import Experiment
from hhcore.figures.context import figure_context
from hhcore.model.linearity import is_linear
from hhcore.model.model import models
from hhcore.papers.paper import Paper
from hhcore.protocols.sensitivity.noise import Errors
from hhcore.protocols.traces.figures import trace_panel
from hhcore.protocols.traces.table import write_traces
from hhcore.protocols.voltage_clamp import window
from hhcore.protocols.voltage_clamp.fits import FITTED
from hhcore.simulation.observers import COURSE
from hhcore.simulation.result import STATUSES

ROOT = Path(__file__).parents[1]
STATED = {number.name: number.value for number in Paper(ROOT / "papers/hodgkin_huxley_1952").stated}
KNOWN = ("sodium_conductance", "sodium_conductance_time", "sodium_current", "potassium_current")
# Potential, peak sodium conductance and its time, peak sodium current, final potassium current: to 7 digits.
NUMBERS = [(float(V), *(STATED[f"{name}_at_{V}"] for name in KNOWN)) for V in (-40, -20, 0, 20)]
SQUID = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "solver": {"method": "tsit5", "local_error": 1e-11}}
SHORT = (-80, 1)


def experiment(first, gap=SHORT, second=SHORT, holding=-80, protocol=(), **changes) -> Experiment:
    """Three segments, (potential, duration) each; all tests have these, so that they share a kernel."""
    pairs = {"first": first, "gap": gap, "second": second}
    segments = {name: dict(zip(("potential", "duration"), pair, strict=True)) for name, pair in pairs.items()}
    clamp = {"kind": "segments", "holding": holding, "segments": segments}
    body = {**SQUID, "clamp": clamp, "protocol": {"kind": "voltage_clamp", **dict(protocol)}, **changes}
    (found,) = read_experiments({"experiments": {"clamp": body}}).values()
    return found


def block(e: Experiment) -> RowBlock:
    """All neurons of an experiment."""
    rows = range(e.n_points)
    result = e.protocol.measure(e, e.solver, e.points(np.arange(e.n_points)))
    return RowBlock(rows, e.coordinates(rows), result, e.protocol.columns(result))


def tables(e: Experiment) -> dict[str, pa.Table]:
    made, every = block(e), [analysis for analysis in analyses(e) if analysis.source == "neurons"]
    return {name: table for analysis in every for name, table in analysis.block(made).items()}


@pytest.mark.parametrize(("V", "conductance", "time", "sodium", "potassium"), NUMBERS)
def test_the_closed_form_has_the_known_numbers(V, conductance, time, sodium, potassium):
    (segment,) = clamped(-65.0, (V, 200.0))
    found = segment.extreme(segment.conductance("sodium"), 1.0)
    assert found == pytest.approx((conductance, time), abs=1e-6)
    assert segment.extreme(segment.current("sodium"), -1.0)[0] == pytest.approx(sodium, abs=1e-3)
    assert segment.current("potassium")(200.0) == pytest.approx(potassium, abs=1e-3)


def test_the_axon_has_the_known_numbers():
    """Of Hodgkin and Huxley's equations from -65 mV; at +50 mV, the reversal potential, no sodium current flows."""
    potentials = [row[0] for row in NUMBERS] + [50.0]
    e = experiment(({"values": potentials}, 200), holding=-65)
    recorded = e.protocol.recorded(block(e).result)
    peak, time = recorded.peak(0, "conductance(sodium.i)")
    sodium, potassium = recorded.peak(0, "sodium.i")[0], recorded("last", 0, "potassium.i")
    for i, (_, *numbers) in enumerate(NUMBERS):
        assert [peak[i], time[i]] == pytest.approx(numbers[:2], abs=1e-6)
        assert [sodium[i], potassium[i]] == pytest.approx(numbers[2:], abs=1e-3)
    assert [recorded(output, 0, "sodium.i")[-1] for output in ("first", "last", "max", "min")] == [0.0] * 4


def test_every_output_and_course_is_that_of_the_closed_form():
    e = experiment((-80, 3), ({"values": [-100, -35, 15, 60]}, 5), (-60, 7), holding=-70)
    result = block(e).result
    recorded, courses = e.protocol.recorded(result), e.protocol.courses(result)
    for neuron, V in enumerate([-100.0, -35.0, 15.0, 60.0]):
        begin = 0.0
        for i, segment in enumerate(clamped(-70.0, (-80.0, 3.0), (V, 5.0), (-60.0, 7.0))):
            for j, name in enumerate(e.protocol.names):
                exact = np.array(segment.outputs(name, begin))
                ours = recorded.values[neuron, i, j]
                size = np.abs(exact[[2, 3, 4, 6]]).max()
                assert ours[:2] == pytest.approx(exact[:2])
                assert ours[[2, 3]] == pytest.approx(exact[[2, 3]], abs=1e-12 * size)
                assert ours[[4, 6]] == pytest.approx(exact[[4, 6]], abs=1e-6 * size)
                assert ours[8] == pytest.approx(exact[8], abs=1e-6 * size * segment.length)
            for j, name in enumerate(e.protocol.followed):
                course = segment.course(name)(COURSE * segment.length) + 0.0 * COURSE
                assert courses[neuron, i, j] == pytest.approx(course, abs=1e-12 * np.abs(course).max())
            begin += segment.length


def test_recovery_has_the_time_constant_of_the_inactivation_gate():
    gaps = {"values": [2, 4, 8, 12, 18, 25, 40, 60]}
    recovery = {"first": "first", "gap": "gap", "second": "second"}
    e = experiment((0, 200), (-80, gaps), (0, 20), protocol={"current": "sodium.i", "recovery": recovery})
    (fit,) = tables(e)["recovery_fits"].to_pylist()
    assert fit["fit_status"] == FITTED
    assert fit["tau_ms"] == pytest.approx(1.0 / sum(rates(-80.0)["h"]), rel=1e-3)


def test_potassium_tails_fall_with_a_quarter_of_the_time_constant_of_the_gate():
    potentials = {"values": [-160, -140, -120, -100]}
    protocol = {"current": "potassium.i", "deactivation": "gap"}
    e = experiment((70, 300), (potentials, 40), protocol=protocol)
    made = tables(e)
    fits = made["deactivation"].to_pylist()
    for fit, V in zip(fits, (-160.0, -140.0, -120.0, -100.0), strict=True):
        assert fit["tau_ms"] == pytest.approx(1.0 / sum(rates(V)["n"]) / 4, rel=0.05)
    reversal = [row for row in made["iv_summary"].to_pylist() if row["current"] == "potassium.i"]
    assert [row["reversal_mV"] for row in reversal] == pytest.approx([-77.0])


def test_a_rise_to_the_power_of_activation_has_the_time_constant_of_the_gate():
    protocol = {"current": "potassium.i", "activation": "first", "power": 4, "time_constants": "first"}
    (fit,) = tables(experiment((0, 60), protocol=protocol))["time_constants"].to_pylist()
    assert (fit["phase"], fit["fit_status"]) == ("rise", FITTED)
    assert fit["tau_ms"] == pytest.approx(1.0 / sum(rates(0.0)["n"]), rel=1e-6)


def test_the_total_has_no_reversal_where_its_peak_jumps():
    """From the sodium current to the potassium current, between 0 and 10 mV."""
    made = tables(experiment(({"range": [-20, 70, 10]}, 20)))
    rows = [row for row in made["iv"].to_pylist() if row["current"] == "total" and row["segment"] == "first"]
    signs = [np.sign(row["peak_uA_cm2"]) for row in rows]
    exact = [clamped(-80.0, (V, 20.0))[0] for V in range(-20, 71, 10)]
    peaks = [[segment.extreme(segment.course("total"), sign)[0] for sign in (1.0, -1.0)] for segment in exact]
    assert signs == [np.sign(max(pair, key=abs)) for pair in peaks]
    assert [row["both_ways"] for row in rows] == [high > 0 > low for high, low in peaks]
    summary = {row["current"]: row for row in made["iv_summary"].to_pylist() if row["segment"] == "first"}
    assert (summary["total"]["peak_reversal_mV"], summary["total"]["reversal_mV"]) == (None, None)
    assert summary["sodium.i"]["peak_reversal_mV"] == pytest.approx(50.0)


def test_inactivation_is_that_of_the_gate():
    """With a long prepulse h is at its steady state, which is a Boltzmann function but for a per cent."""
    inactivation = {"conditioning": "first", "test": "gap"}
    protocol = {"current": "sodium.i", "inactivation": inactivation}
    e = experiment(({"range": [-110, -40, 5]}, 500), (20, 20), protocol=protocol)
    made = tables(e)
    (fit,) = made["inactivation_fits"].to_pylist()
    half = next(V for V in np.arange(-70.0, -50.0, 0.01) if rates(V)["h"][0] < rates(V)["h"][1])
    assert fit["half_mV"] == pytest.approx(half, abs=0.5)
    assert fit["slope_mV"] == pytest.approx(-6.5, abs=0.8)


def test_further_axes_give_more_curves():
    protocol = {"current": "sodium.i", "activation": "first"}
    parameters = {"sodium.g": {"values": [60, 120]}}
    e = experiment(({"range": [-80, 40, 10]}, 20), protocol=protocol, parameters=parameters)
    made = tables(e)
    low, high = made["activation_fits"].to_pylist()
    assert [low["sodium_g_mS_cm2"], high["sodium_g_mS_cm2"]] == [60.0, 120.0]
    assert low["half_mV"] == pytest.approx(high["half_mV"])  # a conductance scales the curve
    largest = "largest_peak_conductance_mS_cm2"
    assert 2 * low[largest] == pytest.approx(high[largest])


def test_zipped_potentials_and_durations_are_one_curve():
    first = {"values": [20, -40, 0, -20, 30]}, {"values": [8, 50, 10, 20, 7]}
    protocol = {"current": "sodium.i", "activation": "first"}
    made = tables(experiment(first, protocol=protocol, combine="zip"))
    points = made["activation"].to_pydict()
    assert points["first_potential_mV"] == [-40.0, -20.0, 0.0, 20.0, 30.0]
    assert points["first_duration_ms"] == [50.0, 20.0, 10.0, 8.0, 7.0]
    assert made["activation_fits"].num_rows == 1


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (
            {"activation": "frist"},
            "'frist' is not a segment of the clamp; legal: first, gap, second; did you mean 'first'?",
        ),
        ({"current": "sodium.ii"}, "did you mean 'sodium.i'"),
        ({"power": 0}, "power: 0 is not above 0"),
        ({"inactivation": {"conditioning": "first"}}, "the key 'test' is missing"),
        ({"recovery": "first"}, "is not a mapping"),
        ({"activation": ["first", "gap"]}, "is not text; write a name, like `test`"),
        ({"time_constants": ["first", 5]}, "5 is not text"),
        ({"test": "thrid"}, "'thrid' is not a choice here; legal: first, gap, second"),
    ],
)
def test_a_wrong_key_of_the_protocol_is_one_sentence(protocol, words):
    with pytest.raises(UserError) as found:
        experiment((0, 20), protocol=protocol)
    assert words in str(found.value)
    assert "\n" not in str(found.value)


def test_the_example_of_the_page_does_what_it_says(tmp_path):
    (page,) = re.findall(r"```yaml\n(experiments:.*?)```", (ROOT / "docs/voltage_clamp.md").read_text(), re.DOTALL)
    run = hhcore.run(yaml.safe_load(page), progress=False)
    fits = run["sodium_activation"].activation_fits
    assert fits.fit_status.tolist() == [FITTED]
    summary = run["sodium_activation"].iv_summary.set_index("current")
    assert summary.reversal_mV["sodium.i"] == pytest.approx(50.0)


def test_the_protocols_of_icgenealogy_are_legal():
    config = yaml.safe_load((ROOT / "config/icgenealogy.yaml").read_text())
    found = read_experiments(config)
    assert {name: e.n_points for name, e in found.items()} == {
        "kv_activation": 16,
        "kv_inactivation": 15,
        "kv_deactivation": 15,
        "na_activation": 16,
        "na_deactivation": 15,
        "na_recovery": 12 * 16,
    }
    assert [found[name].duration for name in ("kv_activation", "kv_inactivation", "kv_deactivation")] == [
        700,
        1750,
        700,
    ]
    assert [found[name].duration for name in ("na_activation", "na_deactivation", "na_recovery")] == [100, 60, 2150]


def test_every_column_is_defined_on_the_page():
    """Of the axon, with the segments and the current that the page names."""
    config = """
    model: hodgkin_huxley_1952
    clamp:
      kind: segments
      holding: -80
      segments:
        conditioning: {potential: {values: [-100, -60]}, duration: 50}
        test: {potential: {values: [-60, 0]}, duration: 50}
        gap: {potential: -80, duration: {values: [10, 20]}}
        second: {potential: 0, duration: 50}
    protocol:
      kind: voltage_clamp
      current: sodium.i
      activation: test
      inactivation: {conditioning: conditioning, test: test}
      recovery: {first: test, gap: gap, second: second}
      deactivation: gap
      time_constants: test
    initial_state: rest
    solver: {method: tsit5, local_error: 1e-6}
    """
    (e,) = read_experiments({"experiments": {"clamp": yaml.safe_load(config)}}).values()
    lines = (ROOT / "docs/results.md").read_text().splitlines()
    found = {analysis.name: analysis for analysis in analyses(e)}
    fields = [e.protocol.definitions, found["iv"].fields, found["iv"].summary_fields, found["currents"].fields]
    fields += [found[name].fields for name in ("activation", "inactivation", "recovery", "deactivation")]
    fields += [found[name].fit_fields for name in ("activation", "inactivation", "recovery")]
    fields += [window.FIELDS, window.PEAK_FIELDS]
    for name, (unit, definition) in (item for some in fields for item in some.items()):
        assert f"| `{name}` | {unit} | {definition} |" in lines
    names = {table.name for analysis in found.values() for table in analysis.tables}
    assert {name for name in names if f"`{name}.parquet`" not in "\n".join(lines)} == set()


def test_figures_show_the_current_and_the_segment_that_are_asked_for():
    """Of 500 ms, those in which sodium channels inactivate; sodium's own scale beside potassium, ten times as large."""
    e = experiment(({"values": [-20, 0]}, 500), protocol={"current": "sodium.i", "activation": "first"})
    found = {name: table.to_pandas() for name, table in tables(e).items()}
    drawn = {a.name: a.draw(found, figure_context(e)) for a in analyses(e) if a.name in ("currents", "iv")}
    family = drawn["currents"]["currents"].axes
    assert [panel.get_title() for panel in family if panel.get_title()] == ["first"]
    tau = 1 / sum(rates(-20.0)["h"])
    assert 4 * tau < family[0].get_xlim()[1] < 10 * tau
    ours, others = (panel for panel in drawn["iv"]["iv"].axes if panel.get_title())
    assert (ours.get_title(), others.get_title()) == ("segment first, sodium.i", "segment first, other currents")
    iv = found["iv"].query("segment == 'first' and current == 'sodium.i'")
    assert abs(ours.get_ylim()[0]) == pytest.approx(iv["peak_uA_cm2"].abs().max(), rel=0.1)


def test_a_clamp_without_names_has_no_analysis_of_segments():
    clamp = {"kind": "step", "holding": -65, "amplitude": {"values": [20, 60]}}
    body = {**SQUID, "duration": 20, "clamp": clamp}
    (e,) = read_experiments({"experiments": {"clamp": body}}).values()
    made = tables(e)
    assert "currents" not in made
    rows = [row for row in made["iv"].to_pylist() if row["current"] == "sodium.i"]
    assert [row["potential_mV"] for row in rows] == [-45.0, -5.0]
    segments = [clamped(-65.0, (V, 20.0))[0] for V in (-45.0, -5.0)]
    exact = [segment.extreme(segment.current("sodium"), -1.0)[0] for segment in segments]
    assert [row["peak_uA_cm2"] for row in rows] == pytest.approx(exact, rel=1e-6)
    with pytest.raises(UserError, match="which has no names for them"):
        read_experiments({"experiments": {"clamp": {**body, "protocol": {"kind": "voltage_clamp", "activation": "a"}}}})


def test_the_error_of_a_peak_current_is_a_share_of_it():
    peaks = np.array([[-900.0, 20.0], [-1200.0, 40.0]])
    errors = Errors(np.nan, {}, 1e-6)
    assert errors.of("peak_current_uA_cm2", "uA/cm^2", peaks, np.nan).tolist() == [[1.2e-3] * 2] * 2
    assert np.isnan(errors.of("last_current_uA_cm2", "uA/cm^2", peaks, np.nan)).all()


def test_a_failed_neuron_has_nulls():
    protocol = {"current": "sodium.i", "activation": "first", "time_constants": "first"}
    e = experiment(({"values": [-20, 10]}, 5), protocol=protocol)
    result = block(e).result
    for name in ("outputs", "courses"):
        part = result.record[name].values
        part[: len(part) // 2] = np.nan
    result.record["status"][0] = STATUSES.index("diverged")
    made = RowBlock(range(2), e.coordinates(range(2)), result, e.protocol.columns(result))
    features, curves = made.columns, [a for a in analyses(e) if a.source == "neurons" and a.name != "neurons"]
    assert np.isnan(features["peak_current_uA_cm2"]).tolist() == [True, False]
    assert e.protocol.outcome(result).tolist() == [0, 3]
    (fit,) = next(a for a in curves if a.name == "activation").block(made)["activation_fits"].to_pylist()
    assert (fit["fit_status"], fit["half_mV"]) == ("few", None)
    for analysis in curves:
        analysis.block(made)


def test_traces_of_a_clamp_have_its_command(tmp_path):
    e = experiment(({"values": [-20, 10]}, 5), traces=[{"first.potential": 0}])
    write_traces(e, {}, tmp_path / "traces.parquet")
    table = read(tmp_path / "traces.parquet").to_pandas()
    assert table["stimulus_mV"].tolist() == table["membrane_V_mV"].tolist()
    assert sorted(set(table["stimulus_mV"])) == [-80.0, 0.0]
    figure = trace_panel(table, figure_context(e))
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["first.potential = 0 mV"]


def test_a_segment_may_have_the_potential_of_another_one():
    twice = experiment(({"values": [-20, 10]}, 5), (-80, 3), ("first", 7))
    recorded = twice.protocol.recorded(block(twice).result)
    assert recorded("first", 2, "membrane.V").tolist() == [-20.0, 10.0]
    with pytest.raises(UserError, match="'second' has none of its own; name 'first'"):
        experiment((0, 5), ("second", 3), ("first", 7))


def test_a_tolerance_in_another_unit_is_one_sentence():
    with pytest.raises(UserError, match="'1 us' is not a number between 0.1 ppm and 0.1; it is the largest error of a"):
        experiment((0, 5), solver={"tolerance": "1 us"})


@pytest.mark.parametrize("name", models())
def test_a_linear_current_has_a_conductance_in_the_kernel(name):
    """What the text of a model says of its currents, the compiler finds in its expressions."""
    model = hhcore.load_model(name)
    text = hhcore.Step.text()
    symbols = equations(model, text, tuple(model.currents))
    for current in model.currents:
        if is_linear(model, current):
            assert observed(f"conductance({current})", model, symbols) is not None
