"""What a notebook shows of a model: equations that mean what the file says, units, sources; and nothing that runs."""

import math
import xml.etree.ElementTree as ET

import myokit
import pytest

import hhcore
from hhcore.model.mathml import Typesetter

SIGNS = {"·": "*", "−": "-", "=": "==", "≠": "!=", "≤": "<=", "≥": ">=", "mod": "%", "{": "", ",": ","}
SIGNS |= {word: f" {word} " for word in ("and", "or", "not")}
SIDES = {"|": "abs", "⌊": "floor", "⌈": "ceil"}
NAMES = {name: getattr(math, name) for name in ("exp", "sqrt", "sin", "cos", "tan", "floor", "ceil")}
NAMES |= {"ln": math.log, "log": math.log, "log10": math.log10, "abs": abs}

ODD = """
[[model]]
display_name: Odd <b>name</b>
a.V = -60
[a]
t = 0 [ms] bind time
    in [ms]
i = 0 [pA/pF] bind pace
    in [pA/pF]
E = -60 [mV]
    in [mV]
    desc: A & B <script>alert(1)</script>
g = 0.1 [mS/uF]
    in [mS/uF]
x = if(V > -1e-3 [mV] and not (V == 5 [mV]), abs(V / 1 [mV]) ^ (2 + 1), -(2 ^ 3) ^ 2 + floor(7.5) // 2 % 3)
y = piecewise(x < 1, log10(4), x <= 2 or x != 3, log(8, 2), sqrt(16)) - (3 - 1 - 5) - (1 / (2 / 3))
dot(V) = i - g * (V - E)
    in [mV]
    label membrane_potential
"""


def python(element: ET.Element) -> str:
    """An expression of Python that means what a browser draws."""
    parts = [python(child) for child in element]
    tag, text = element.tag, element.text or ""
    if tag == "mi":
        return f"values[{element.get('title')!r}]" if element.get("title") else text.replace("log₁₀", "log10")
    if tag == "mn":
        return text.replace("−", "-")
    if tag == "mo":
        return SIGNS.get(text, text)
    if tag in ("mtext", "mspace"):
        return ""  # units, if, otherwise
    if tag == "mfrac":
        return f"(({parts[0]})/({parts[1]}))"
    if tag == "msup":
        return f"({parts[0]})**({parts[1]})"
    if tag == "msub":
        return parts[0]
    if tag == "msqrt":
        return f"sqrt({''.join(parts)})"
    if tag == "mtable":
        *cases, (otherwise, _) = [[python(cell) for cell in row] for row in element]
        return "".join(f"({value}) if ({when}) else " for value, when in cases) + otherwise
    if tag == "mrow" and len(element) and (element[0].text or "") in SIDES:
        return f"{SIDES[element[0].text]}({''.join(parts[1:-1])})"
    return f"({''.join(parts)})" if tag == "mrow" else "".join(parts)


def value(variable: myokit.Variable) -> float:
    return variable.initial_value(as_float=True) if variable.is_state() else variable.eval()


def check(model: myokit.Model) -> None:
    values = {v.qname(): value(v) for v in model.variables(deep=True)}
    typesetter = Typesetter(model)
    for v in model.variables(deep=True):
        drawn = python(ET.fromstring(f"<mrow>{typesetter.expression(v.rhs())}</mrow>"))
        assert eval(drawn, NAMES, {"values": values}) == pytest.approx(v.rhs().eval(), rel=1e-12), (v.qname(), drawn)


@pytest.mark.parametrize("name", hhcore.models())
def test_drawn_equations_mean_what_the_model_says(name):
    model = hhcore.load_model(name)
    check(model.myokit)
    page = model._repr_html_()
    ET.fromstring(page)  # raises ParseError if a bracket is missing
    assert all(f">{q.name}</td>" in page for q in [*model.states.values(), *model.parameters.values()])
    assert "http" not in page and "<script" not in page and "mfenced" not in page


@pytest.fixture
def odd(tmp_path) -> hhcore.Model:
    (tmp_path / "odd.mmt").write_text(ODD)
    return hhcore.load_model(str(tmp_path / "odd.mmt"))


def test_every_kind_of_expression_is_drawn_with_the_brackets_that_it_needs(odd):
    check(odd.myokit)


@pytest.mark.parametrize("base", ["1e-5", "2e-5", "1e20"])
def test_a_power_of_a_power_of_ten_has_brackets(odd, base):
    drawn = Typesetter(odd.myokit).expression(myokit.parse_expression(f"{base}^2"))
    assert "".join(ET.fromstring(drawn).itertext()).startswith("(") and drawn.count("<mo>(</mo>") == 1


def test_texts_of_a_file_are_escaped(odd):
    page = odd._repr_html_()
    assert "Odd &lt;b&gt;name" in page and "A &amp; B &lt;script&gt;" in page and "<script" not in page


def test_values_units_and_sources_are_shown():
    page = hhcore.load_model("hodgkin_huxley_1952")._repr_html_()
    assert '<td>sodium.g</td><td class="number">120</td><td>mS/cm²</td>' in page and "Table 3" in page
    assert "<mfrac><mrow><mi>d</mi>" in page and "doi:10.1113/jphysiol.1952.sp004764" in page
