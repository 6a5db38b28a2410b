"""What published files bring along: the train of pulses that paces them, and what their variables are annotated as."""

import pytest
import yaml
from test_clock import PULSES, TEXT

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.simulation.simulate import simulate

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:bqbiol="http://biomodels.net/biology-qualifiers/">
<rdf:Description rdf:about="#{name}"><bqbiol:is
rdf:resource="https://chaste.comlab.ox.ac.uk/cellml/ns/oxford-metadata#{term}"/></rdf:Description></rdf:RDF>"""


def variable(name: str, unit: str, value: float | None = None, term: str = "") -> str:
    initial = "" if value is None else f' initial_value="{value}"'
    mark = RDF.format(name=f"id_{name}", term=term) if term else ""
    return f'<variable name="{name}" units="{unit}" cmeta:id="id_{name}"{initial}>{mark}</variable>'


def density(name: str, unit: str, prefix: str) -> str:
    return f"""<units name="{name}"><unit units="{unit}" prefix="{prefix}"/><unit units="metre" prefix="centi"
        exponent="-2"/></units>"""


# C dV/dt = -(g (V - E) + i), where i is `amplitude` for 2 ms from 100 ms on, each 1000 ms.
CELLML = f"""<?xml version="1.0"?><model name="m" xmlns="http://www.cellml.org/cellml/1.0#"
    xmlns:cellml="http://www.cellml.org/cellml/1.0#" xmlns:cmeta="http://www.cellml.org/metadata/1.0#">
    <units name="ms"><unit units="second" prefix="milli"/></units>
    <units name="mV"><unit units="volt" prefix="milli"/></units>
    {density("density", "ampere", "micro")}{density("conductance", "siemens", "milli")}
    {density("per_area", "farad", "micro")}
    <component name="cell">
    {variable("t", "ms", term="time")}{variable("V", "mV", -80, "membrane_voltage")}
    {variable("i", "density", term="membrane_stimulus_current")}{variable("C", "per_area", 1)}
    {variable("g", "conductance", 0.1, "membrane_potassium_current_conductance")}{variable("E", "mV", -80)}
    {variable("amplitude", "density", -25.5)}{variable("period", "ms", 1000)}
    <math xmlns="http://www.w3.org/1998/Math/MathML">
    <apply><eq/><apply><diff/><bvar><ci>t</ci></bvar><ci>V</ci></apply>
    <apply><divide/><apply><minus/><apply><plus/>
    <apply><times/><ci>g</ci><apply><minus/><ci>V</ci><ci>E</ci></apply></apply><ci>i</ci></apply></apply><ci>C</ci>
    </apply></apply>
    <apply><eq/><ci>i</ci><piecewise><piece><ci>amplitude</ci><apply><and/>
    <apply><geq/><ci>t</ci><cn cellml:units="ms">100</cn></apply>
    <apply><leq/><apply><minus/><apply><minus/><ci>t</ci><cn cellml:units="ms">100</cn></apply><apply><times/>
    <apply><floor/><apply><divide/><apply><minus/><ci>t</ci><cn cellml:units="ms">100</cn></apply>
    <ci>period</ci></apply></apply><ci>period</ci></apply></apply><cn cellml:units="ms">2</cn></apply></apply></piece>
    <otherwise><cn cellml:units="density">0</cn></otherwise></piecewise></apply></math></component></model>"""
BODY = {
    "stimulus": {"kind": "pulse_train", "from": "file"},
    "initial_state": "model",
    "duration": 2000,
    "solver": {"method": "tsit5", "local_error": 1e-9},
}


def paced(tmp_path, formula: str):
    """A model whose current `a.i_stim` follows a formula."""
    path = tmp_path / "own.mmt"
    text = TEXT.replace("\np = ", "\ni_stim = ").replace("(p - V)", "(i_stim - V)").replace("= p\n", "= i_stim\n")
    path.write_text(text.format(formula=formula))
    return hhcore.load_model(path, potential="a.V", current="a.i_stim")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cell.cellml"
    path.write_text(CELLML)
    return path


def experiment(path, **changes):
    text = yaml.safe_dump({"experiments": {"e": BODY | {"model": str(path)} | changes}}, sort_keys=False)
    return read_experiments(yaml.safe_load(text))["e"]


@pytest.mark.parametrize("formula", [f for name, f in PULSES.items() if name != "no instant"])
def test_the_pulses_of_a_file_are_read_however_they_are_written(tmp_path, formula):
    assert paced(tmp_path, formula).pulses == (40.0, 0.5, 30.0, 20.0)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("0 * t", "is 0 at all times in the file; write `amplitude`, `width` and `period` yourself"),
        ("if(t > 20, height, 0)", "is 0 at all times in the file"),
        ("if(beat >= 0 and t % 30 < width, height * t, 0)", "changes between its jumps, so that it is no train"),
        ("if(t > 20 and t < 21 or t > 50 and t < 52, height, 0)", "is not a train of equal pulses; keep its formula"),
        ("if(t > 1 and t < 2 or t > 5 and t < 6 or t > 7 and t < 8, height, 0)", "is not a train of equal pulses"),
        ("if(sin(t) > 0.9, height, 0)", "when a.i_stim jumps cannot be told from its formula"),
        ("height", "a.i_stim of 'own' follows no formula of time in the file"),
    ],
)
def test_a_formula_that_is_no_train_of_equal_pulses(tmp_path, formula, message):
    with pytest.raises(hhcore.UserError, match=message):
        _ = paced(tmp_path, formula).pulses


def test_a_train_of_the_file_does_what_its_formula_does(file):
    """The train begins at 0, the formula at 100 ms; V relaxes to E within 10 ms."""
    own = hhcore.load_model(file, current="file")
    assert own.potential == "cell.V" and own.current.name == "cell.i"
    train = hhcore.PulseTrain.from_file(own)
    assert (train.amplitude, train.width, train.period, train.start) == (-25.5, 2.0, 1000.0, 0.0)
    settings = {"initial_state": "model", "method": "tsit5", "local_error": 1e-10, "threshold": -50.0}
    by_train = simulate(own, {}, train, duration=1950, **settings).spike_times
    by_formula = simulate(own, {}, hhcore.FromFile(), duration=2050, **settings).spike_times
    assert len(by_train) == 2
    assert by_train + 100 == pytest.approx(by_formula, abs=1e-6)
    assert hhcore.PulseTrain.from_file(own, period=[300, 500]).period == [300, 500]


def test_a_single_pulse_needs_a_period(tmp_path):
    own = paced(tmp_path, "if(t >= 20 and t < 21, height, 0)")
    with pytest.raises(hhcore.UserError, match="the file states one pulse and no period; give one, like period=1000"):
        hhcore.PulseTrain.from_file(own)
    assert hhcore.PulseTrain.from_file(own, period=500).width == 1.0


def test_a_config_takes_the_train_of_the_file(file):
    fields = ("amplitude", "width", "period", "start")
    assert [experiment(file).defaults[name] for name in fields] == [-25.5, 2.0, 1000.0, 0.0]
    written = BODY["stimulus"] | {"period": {"values": [300, 500]}, "amplitude": {"scale": 2}}
    found = experiment(file, stimulus=written, current="file")
    assert found.defaults["amplitude"] == -51.0 and found.axes[0].values.tolist() == [300.0, 500.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"stimulus": {"kind": "pulse_train", "from": "fil"}},
            "stimulus.from: 'fil' is not a choice here; legal: file",
        ),
        ({"current": "none"}, "e.stimulus.from: nothing is injected into 'cell'; name cell.i as `current`"),
        ({"model": "luo_rudy_1991"}, "e.model: luo_rudy_1991.mmt: current: file: no current follows a formula of time"),
        ({"parameters": {"oxmeta:membrane_potassium": 1}}, "no variable is annotated as 'membrane_potassium'; legal: "),
        (
            {"parameters": {"cell.g": 1, "oxmeta:membrane_potassium_current_conductance": 1}},
            "current_conductance' is 'cell.g', which stands there too; leave one out",
        ),
    ],
)
def test_mistakes_in_what_comes_from_the_file_are_one_sentence(file, changes, message):
    with pytest.raises(hhcore.UserError) as raised:
        experiment(file, **changes)
    (mistake,) = raised.value.mistakes
    assert message in mistake


def test_a_parameter_may_be_named_by_its_annotation(file):
    own, term = hhcore.load_model(file), "oxmeta:membrane_potassium_current_conductance"
    assert own.annotated(term) == own.annotated(term.removeprefix("oxmeta:")) == "cell.g"
    found = experiment(file, parameters={term: {"values": [0.05, 0.1]}}, traces=[{term: 0.07}])
    assert found.swept == ("cell.g",) and found.column("cell.g") == "cell_g_mS_cm2"
    assert found.traces[0]["cell.g"] == 0.07


def test_a_mmt_file_is_annotated_in_its_metadata(tmp_path):
    own = paced(tmp_path, "0")
    with pytest.raises(hhcore.UserError, match="it has no annotations, so write the name of a variable"):
        own.annotated("membrane_capacitance")
    path = tmp_path / "own.mmt"
    path.write_text(path.read_text().replace("tau = 0.5", "tau = 0.5\n    oxmeta: membrane_time_constant"))
    marked = hhcore.load_model(path, potential="a.V", current="a.i_stim")
    assert marked.annotated("membrane_time_constant") == "a.tau" and marked.digest == own.digest
