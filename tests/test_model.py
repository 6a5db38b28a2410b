"""Loading models: what is read, what is refused, nothing is executed."""

import re

import myokit
import pytest
from myokit.formats.cellml import CellMLExporter

import hhcore
from hhcore.compile.text import generate
from hhcore.model.model import CATALOGUE
from hhcore.simulation.engine import kernel_parts

TEXT = (CATALOGUE / "hodgkin_huxley_1952.mmt").read_text()


def load(tmp_path, text: str, **names):
    path = tmp_path / "m.mmt"
    path.write_text(text)
    return hhcore.load_model(path, **names)


def test_catalogue_model_says_what_it_is():
    model = hhcore.load_model("hodgkin_huxley_1952")
    assert list(model.states) == ["membrane.V", "sodium.m", "sodium.h", "potassium.n"]
    assert model.potential == "membrane.V" and model.current.unit == "uA/cm^2" and model.time_unit == "ms"
    assert list(model.currents) == ["leak.i", "potassium.i", "sodium.i"]
    published = {"sodium.g": 120, "potassium.g": 36, "leak.g": 0.3, "sodium.E": 50, "potassium.E": -77}
    published |= {"leak.E": -54.387, "membrane.C": 1, "temperature.q10": 3}
    assert {name: model.parameters[name].value for name in published} == published
    assert "1952" in model.source and "doi:" in model.source


def test_digest_follows_the_equations_and_nothing_else(tmp_path):
    base = load(tmp_path, TEXT).digest
    assert load(tmp_path, "# a comment\n" + TEXT.replace("desc: Maximal sodium", "desc: Largest sodium")).digest == base
    assert load(tmp_path, TEXT.replace("m^3", "m^2")).digest != base
    assert load(tmp_path, TEXT.replace("g = 120", "g = 121")).digest != base
    assert load(tmp_path, TEXT.replace("sodium.m    = 0.05", "sodium.m    = 0.06")).digest != base


def test_a_file_with_a_long_name_gets_one_message(tmp_path):
    path = tmp_path / ("n" * 200 + ".mmt")
    path.write_text(TEXT)
    with pytest.raises(hhcore.UserError, match="model file n{20}…: 204 characters are too many for its name"):
        hhcore.load_model(path)


def test_scripts_in_a_model_file_are_not_run(tmp_path):
    mark = tmp_path / "mark"
    load(tmp_path, TEXT + f"\n[[script]]\nopen({str(mark)!r}, 'w').close()\n")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    label membrane_potential\n", "", "label membrane_potential.*perhaps membrane.V"),
        (" bind pace", "", "bind pace"),
        ("m^3", "m^", "cannot be read"),
        ("[[model]]", "\x00\x01[[model]]", r"line 1 holds the control character '\\x00'; take it out"),
        ("display_name: ", "display_name: \x1b[31m", r"line 3 holds the control character '\\x1b'; take it out"),
        ("mS/cm^2", "mS/cm^2" + "*s/s" * 15_000, r"a unit on line \d+ has 60,007 characters \(mS/cm"),
        ("alpha_m", "m" * 5000, r"a name on line \d+ has 5,0\d\d characters \(sodium.m"),
        ("mS/cm^2", "m" * 60_000, "Unknown unit.{1,300}$"),
        ("alpha_m * (1 - m)", "alpha_q * (1 - m)", "cannot be read"),
    ],
)
def test_broken_model_files_get_one_message(tmp_path, old, new, message):
    assert old in TEXT
    with pytest.raises(hhcore.UserError, match=message):
        load(tmp_path, TEXT.replace(old, new))


@pytest.mark.parametrize(
    "number",
    ["1 / 0", "0 / 0", "1 // 0", "1 % 0", "10^400", "(-8)^(1 / 3)", "log(-1)", "sqrt(-1)", "acos(3)", "exp(1000)"],
)
@pytest.mark.parametrize(
    ("old", "new", "variable", "defined"),
    [
        ("E = 50 [mV]", "E = {}", "sodium.E", "E = 50 [mV]"),
        ("g * m^3", "g * ({})", "sodium.i", "i = g * m^3"),
        ("sodium.m    = 0.05", "sodium.m = {}", "sodium.m", "dot(m) = "),
    ],
    ids=["constant", "equation", "initial value"],
)
def test_numbers_that_are_none_are_named_with_their_line(tmp_path, number, old, new, variable, defined):
    assert TEXT.count(old) == TEXT.count(defined) == 1
    line = TEXT[: TEXT.index(defined)].count("\n") + 1
    with pytest.raises(hhcore.UserError) as caught:
        load(tmp_path, TEXT.replace(old, new.format(number)))
    assert str(caught.value) == f"model file m.mmt: {variable} on line {line}: {number!r} is not a finite real number"


def test_a_number_that_no_branch_needs_may_be_none(tmp_path):
    text = TEXT.replace("E = 50 [mV]", "E = if(1 > 2, 1 / 0, 50 [mV])")
    assert load(tmp_path, text).parameters["sodium.E"].value == 50


def test_an_infinite_number_is_none_wherever_it_stands(tmp_path):
    with pytest.raises(hhcore.UserError, match="sodium.E on line .*'infinity' is not a finite real number"):
        load(tmp_path, TEXT.replace("E = 50 [mV]", "E = 50 [mV] + 5 // 1e999"))


@pytest.mark.parametrize(
    ("factor", "reason"),
    [
        ("V / (V - V)", "a constant is not a finite real number: zoo"),
        ("exp(V * 10^200 * 10^200)", "a constant is not a finite real number: 1.00000E+400"),
        ("V % 0", "Modulo by zero"),
        ("V * 9^-(9^9)", "binary digits"),
    ],
)
def test_numbers_that_come_up_in_the_compiler_are_named_with_model_and_variable(tmp_path, factor, reason):
    model = load(tmp_path, TEXT.replace("m^3", f"m^3 * {factor}", 1))
    with pytest.raises(hhcore.UserError, match=rf"^model m: sodium\.i: cannot compile '.*': .*{re.escape(reason)}"):
        generate(model, "tsit5", *kernel_parts(hhcore.Step))


def test_a_branch_that_divides_by_zero_may_be_left_out_but_not_be_compiled(tmp_path):
    """Of an equation that is part of another, that one is named: only there it shows whether the branch stays."""
    factor = "m^3 * {} * if(V > 1000 [mV], V / (V - V), 1)"
    generate(load(tmp_path, TEXT.replace("m^3", factor.format(0), 1)), "tsit5", *kernel_parts(hhcore.Step))
    model = load(tmp_path, TEXT.replace("m^3", factor.format(2), 1))
    with pytest.raises(hhcore.UserError, match=r"^model m: membrane\.V: cannot compile '.*': .*number: zoo"):
        generate(model, "tsit5", *kernel_parts(hhcore.Step))


def test_catalogue_has_a_unit_on_every_number_and_other_files_need_not(tmp_path):
    for name in hhcore.models():
        hhcore.load_model(name).myokit.check_units(myokit.UNIT_STRICT)
    bare = load(tmp_path, TEXT.replace("(V + 40 [mV])", "(V + 40)"))
    with pytest.raises(myokit.IncompatibleUnitError):
        bare.myokit.check_units(myokit.UNIT_STRICT)


def test_names_are_closest_matches():
    with pytest.raises(hhcore.UserError, match="did you mean 'hodgkin_huxley_1952'"):
        hhcore.load_model("hodgkin_huxley")


def test_cellml_runs_through_the_same_compiler(tmp_path):
    path = tmp_path / "exported.cellml"
    CellMLExporter().model(str(path), myokit.parse_model(TEXT))
    with pytest.raises(hhcore.UserError, match="potential"):
        hhcore.load_model(path)
    model = hhcore.load_model(path, potential="membrane.V", current="stimulus.amplitude")
    settings = {"duration": 50, "initial_state": "model"}
    imported = hhcore.simulate(model, {}, hhcore.Step(10), **settings)
    own = hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step(10), **settings)
    assert imported.spike_times == pytest.approx(own.spike_times, abs=1e-9)


HOSTILE = """
[[model]]
a.class = -65
a.lambda = 0.5

[a]
t = 0 [ms] bind time
    in [ms]
I = 0 [uA/cm^2] bind pace
    in [uA/cm^2]
C = 1 [uF/cm^2]
    in [uF/cm^2]
g = 0.1 [mS/cm^2]
    in [mS/cm^2]
dot(class) = (I - g * lambda * (class + 65 [mV])) / C
    in [mV]
    label membrane_potential
dot(lambda) = (0.5 - lambda) / 10 [ms]
    in [1]
"""


def test_names_that_are_words_of_python_do_no_harm(tmp_path):
    model = load(tmp_path, HOSTILE)
    found = hhcore.trace(model, {}, hhcore.Step(1.0), duration=400.0, method="rk4", dt=0.025)
    assert found["a.class"][-1] == pytest.approx(-65 + 1 / 0.05, abs=1e-6)
