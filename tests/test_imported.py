"""Files by path: everything that occurs in published models, and what is said of files that are not so."""

import math
import re
import warnings

import myokit
import numpy as np
import pytest
from myokit.formats.cellml import CellML1Exporter, CellML2Exporter

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.model.model import CATALOGUE
from hhcore.simulation.engine import engine
from hhcore.simulation.integration import pack
from hhcore.simulation.reference import derivative, reference
from hhcore.sweep.estimate import notes

# A cell as one finds them: nested components and variables, aliases, constants computed from constants, piecewise rates
# with an equality guard, a chain of closed and open states, a calcium pool that must stay positive, a stimulus inside
# the model, a derivative used in another equation, a division by zero in the branch that is not taken.
EVERYTHING = """
[[model]]
membrane.V = -80
sodium.m = 0.01
sodium.h = 0.9
chain.C2 = 0.1
chain.O = 0.05
pool.Ca = 2e-4
tracker.fast = 0.1

[engine]
t = 0 [ms] bind time
    in [ms]
pace = 0 bind pace

[constants]
R = 8.314
T = 310
F = 96.485
RTF = R * T / F
    in [mV]
scaled = RTF^2 * log10(100) / RTF

[membrane]
use sodium.i as i_fast, chain.i as i_slow, pool.i as i_ca
own = if(engine.t >= 5 and engine.t < 6.5, -60, 0)
dot(V) = -(i_fast + i_slow + i_ca + i_leak + own - 30 * engine.pace) / 1.2
    in [mV]
    label membrane_potential
i_leak = 0.25 * (V + 75)

[sodium]
use membrane.V
i = 20 * m^3 * h * (V - 55)
dot(m) = a * (1 - m) - b * m
    a = if(V == -47.13, 3.2, 0.32 * (V + 47.13) / (1 - exp(-0.1 * (V + 47.13))))
    b = 0.08 * exp(-V / 11)
dot(h) = (inf - h) / tau
    inf = 1 / (1 + exp((V + 66) / 6))
    tau = piecewise(V >= -40, 0.3 + 0.1 * abs(V) / 40, V < -90, 9, 1 / (0.14 + exp(-V / 20) * 0.01))

[chain]
use membrane.V
C1 = 1 - C2 - O
up = 0.05 * exp(0.02 * V)
down = 0.02 * exp(-0.03 * V)
dot(C2) = 2 * up * C1 - (down + up) * C2 + 2 * down * O
dot(O) = up * C2 - 2 * down * O
i = 1.5 * O * (V + constants.scaled * log(145 / 5.4))

[pool]
use membrane.V
E = 0.5 * constants.RTF * log(1.8 / Ca)
gate = 1 / (1 + exp(-(V + 10) / 6))
i = 0.3 * gate * sqrt(abs(V - E)) * if(V < E, -1, 1)
uptake = 0.005 * Ca^1.6 / (Ca^1.6 + 0.0005^1.6)
jump = floor(V / 1000) + ceil(V / 1000)
ratio = if(V > 1000, Ca / (V - V), Ca / 2)
dot(Ca) = -0.0002 * i * (1 + 0 * jump) - uptake * (1 - 0 * ratio)

[tracker]
use membrane.V
dot(fast) = dot(V) / 100 - sin(fast) * cos(fast)
"""


def load(tmp_path, text: str, name="m.mmt", **names):
    path = tmp_path / name
    path.write_text(text)
    return hhcore.load_model(path, **names)


def slopes(model, states: np.ndarray) -> np.ndarray:
    """dy/dt by the kernel at states (k, N), k at most 16."""
    kernel = engine(model, "rodas5p", hhcore.Step).kernel
    parameters = np.array([[q.value for q in model.parameters.values()]] * kernel.W)
    Z = pack(kernel, parameters, states[np.minimum(np.arange(kernel.W), len(states) - 1)])
    rows = Z.reshape(kernel.ROWS, kernel.W)
    for j in range(len(states)):
        kernel.stage(Z, 0.0, j)
    return rows[kernel.SLOPE // kernel.W :][: kernel.N, : len(states)].T.copy()


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return load(tmp_path_factory.mktemp("everything"), EVERYTHING)


def test_all_that_occurs_in_published_files_has_the_derivatives_of_myokit(everything):
    own = np.array([q.value for q in everything.states.values()])
    rng = np.random.default_rng(5)
    states = own * rng.uniform(0.5, 1.5, (16, len(own)))
    states[:, 0] = [*rng.uniform(-100, 60, 13), -47.13, -40.0, -90.0]
    found = slopes(everything, states)
    for y, ours in zip(states, found, strict=True):
        exact = np.array(list(derivative(everything, dict(zip(everything.states, y, strict=True)), {}).values()))
        scale = np.maximum(np.abs(exact), [20, 1, 1, 0.1, 0.1, 1e-4, 1])  # terms of this size cancel
        assert np.abs(ours - exact).max() < 1e300 and (np.abs(ours - exact) / scale).max() < 1e-12


@pytest.mark.parametrize(("method", "local_error"), [("rodas5p", 1e-8), ("tsit5", 1e-8)])
def test_it_runs_as_with_scipy_also_through_the_stimulus_inside_the_model(everything, method, local_error):
    settings = {"duration": 60.0, "initial_state": "model", "threshold": -30.0}
    run = hhcore.simulate(everything, {}, hhcore.Step(0.0), method=method, local_error=local_error, **settings)
    exact = reference(everything, {}, method="Radau", rtol=1e-10, atol=1e-12, **settings)
    assert len(exact.spike_times) == len(run.spike_times) == 1
    assert run.spike_times == pytest.approx(exact.spike_times, abs=1e-5)
    assert run.final[0] == pytest.approx(list(exact.final.values()), rel=1e-5)


def test_the_terms_of_the_potentials_equation_are_the_membrane_currents(everything):
    assert {"sodium.i", "chain.i", "pool.i", "membrane.i_leak"} <= set(everything.currents)


def test_removable_singularities_and_guards_keep_the_jacobian_finite(everything):
    """rodas5p across the very value of an equality guard: as accurate as tsit5, which needs no Jacobian."""
    state = {name: q.value for name, q in everything.states.items()} | {"membrane.V": -47.13}
    runs = [
        hhcore.simulate(
            everything, {}, hhcore.Step(0.0), duration=4.0, initial_state=state, method=method, local_error=1e-9
        ).final
        for method in ("rodas5p", "tsit5")
    ]
    assert runs[0] == pytest.approx(runs[1], rel=1e-6)


@pytest.mark.parametrize("exporter", [CellML1Exporter, CellML2Exporter])
def test_cellml_1_and_2(tmp_path, exporter):
    path = tmp_path / "exported.cellml"
    source = myokit.parse_model((CATALOGUE / "hodgkin_huxley_1952.mmt").read_text())
    exporter().model(str(path), source)
    model = hhcore.load_model(path, potential="membrane.V", current="stimulus.amplitude")
    own = hhcore.load_model("hodgkin_huxley_1952")
    state = {name: q.value for name, q in own.states.items()}
    assert derivative(model, state, {}, 7.0) == pytest.approx(derivative(own, state, {}, 7.0), rel=1e-14)


# Functions of CellML that Myokit's language has not: as MathML, as a .mmt file has to write them, and what they are.
X = "<apply><divide/><ci>V</ci><cn cellml:units='mV'>10</cn></apply>"
TWO = "<cn cellml:units='dimensionless'>2</cn>"
WRITTEN = {
    f"<apply><tanh/>{X}</apply>": ("(exp(2 * V / 10) - 1) / (exp(2 * V / 10) + 1)", math.tanh),
    f"<apply><coth/>{X}</apply>": ("(exp(V / 5) + 1) / (exp(V / 5) - 1)", lambda x: 1 / math.tanh(x)),
    f"<apply><sinh/>{X}</apply>": ("0.5 * (exp(V / 10) - exp(-(V / 10)))", math.sinh),
    f"<apply><cosh/>{X}</apply>": ("0.5 * (exp(V / 10) + exp(-(V / 10)))", math.cosh),
    f"<apply><sech/>{X}</apply>": ("2 / (exp(V / 10) + exp(-(V / 10)))", lambda x: 1 / math.cosh(x)),
    f"<apply><min/>{X}{TWO}</apply>": ("if(V / 10 < 2, V / 10, 2)", lambda x: min(x, 2)),
    f"<apply><max/>{X}{TWO}</apply>": ("if(V / 10 > 2, V / 10, 2)", lambda x: max(x, 2)),
    f"<apply><abs/>{X}</apply>": ("abs(V / 10)", abs),
}
OTHERS = {
    "((exp(-V / 5) - 1) / (1 + exp(-V / 5)))^2": lambda x: math.tanh(x) ** 2,
    "3 * (exp(V / 10) - exp(-V / 10)) / (exp(-V / 10) + exp(V / 10))": lambda x: 3 * math.tanh(x),
    "0.5 * (1 + (1 - exp(-V / 5)) / (exp(-V / 5) + 1))": lambda x: 0.5 * (1 + math.tanh(x)),
}


def in_cellml(functions) -> str:
    names = [f"x{i}" for i in range(len(functions))]
    slope = "<apply><eq/><apply><diff/><bvar><ci>t</ci></bvar><ci>{}</ci></apply>{}</apply>"
    variables = "".join(f"<variable name='{x}' units='dimensionless' initial_value='0'/>" for x in names)
    zero = "<cn cellml:units='dimensionless'>0</cn>"
    equations = "".join(slope.format(*pair) for pair in zip(["V", *names], [zero, *functions], strict=True))
    return f"""<?xml version="1.0"?><model name="m" xmlns="http://www.cellml.org/cellml/1.0#"
        xmlns:cellml="http://www.cellml.org/cellml/1.0#">
        <units name="ms"><unit units="second" prefix="milli"/></units>
        <units name="mV"><unit units="volt" prefix="milli"/></units>
        <component name="a"><variable name="t" units="ms"/><variable name="V" units="mV" initial_value="-65"/>
        {variables}<math xmlns="http://www.w3.org/1998/Math/MathML">{equations}</math></component></model>"""


def in_mmt(functions) -> str:
    states = "\n".join(f"a.x{i} = 0" for i in range(len(functions)))
    equations = "\n".join(f"dot(x{i}) = {f}" for i, f in enumerate(functions))
    return f"[[model]]\na.V = -65\n{states}\n[a]\nt = 0 bind time\ndot(V) = 0\n{equations}\n"


@pytest.mark.parametrize("potential", [4e3, -4e3, 400.0, 37.0, -12.0, 1e-7])
@pytest.mark.parametrize("language", ["cellml", "mmt"])
def test_functions_that_are_written_with_exponentials(tmp_path, language, potential):
    """Also where e^2x overflows, and where e^x - e^-x would lose half of the digits."""
    if language == "cellml":
        text, functions = in_cellml(WRITTEN), [f for _, f in WRITTEN.values()]
    else:
        text = in_mmt([written for written, _ in WRITTEN.values()] + [*OTHERS])
        functions = [f for _, f in WRITTEN.values()] + [*OTHERS.values()]
    model = load(tmp_path, text, f"m.{language}", potential="a.V", current="none")
    state = dict.fromkeys(model.states, 0.0) | {"a.V": potential}
    found = slopes(model, np.array([list(state.values())]))[0]
    assert found[1:] == pytest.approx([f(potential / 10) for f in functions], rel=2e-15, abs=0)


@pytest.mark.parametrize("method", ["rodas5p", "tsit5"])
def test_a_model_with_tangents_runs_where_their_exponentials_overflow(tmp_path, method):
    model = load(tmp_path, in_mmt(OTHERS), potential="a.V", current="none")
    state = dict.fromkeys(model.states, 0.0) | {"a.V": 4000.0}
    run = hhcore.simulate(model, {}, hhcore.Step(0.0), duration=1.0, initial_state=state, method=method)
    assert run.final[0] == pytest.approx([4000, 1, 3, 1], rel=1e-12)


PACEMAKER = """
[[model]]
desc: Van der Pol
a.x = 2
a.y = 0
[a]
t = 0 bind time
dot(x) = y
dot(y) = 5 * (1 - x^2) * y - x
"""


def test_a_model_without_a_stimulus(tmp_path):
    with pytest.raises(hhcore.UserError, match=r"no state has `label membrane_potential`.*legal: a\.x, a\.y"):
        load(tmp_path, PACEMAKER)
    with pytest.raises(hhcore.UserError, match=r"`current: none` if nothing is injected"):
        load(tmp_path, PACEMAKER, potential="a.x")
    model = load(tmp_path, PACEMAKER, potential="a.x", current="none")
    settings = {"duration": 30.0, "initial_state": "model"}
    run = hhcore.simulate(model, {}, hhcore.Step(0.0), local_error=1e-9, **settings)
    exact = reference(model, {}, **settings)
    assert run.spike_times == pytest.approx(exact.spike_times, abs=1e-6) and len(exact.spike_times) >= 2
    with pytest.raises(hhcore.UserError, match="takes no injected current"):
        hhcore.simulate(model, {}, hhcore.Step(1.0), **settings)


@pytest.mark.parametrize("method", ["rodas5p", "tsit5"])
def test_a_model_whose_jacobian_is_zero(tmp_path, method):
    text = "[[model]]\na.x = 2\n[a]\nt = 0 bind time\nI = 0 bind pace\ndot(x) = I\n"
    model = load(tmp_path, text, potential="a.x")
    run = hhcore.simulate(model, {}, hhcore.Step(2.0), duration=3.0, initial_state="model", method=method)
    assert run.final[0] == pytest.approx([2 + 2 * 3], rel=1e-12)


def test_candidates_for_potential_and_current_are_proposed(tmp_path):
    text = EVERYTHING.replace("    label membrane_potential\n", "").replace(" bind pace", "")
    with pytest.raises(hhcore.UserError, match=r"potential: \.\.\.`; perhaps membrane\.V"):
        load(tmp_path, text)
    with pytest.raises(hhcore.UserError, match="current: ..."):
        load(tmp_path, text, potential="membrane.V")
    with pytest.raises(hhcore.UserError, match=r"perhaps .*membrane\.i_stim"):
        load(tmp_path, text.replace("own", "i_stim"), potential="membrane.V")


def test_units_that_do_not_match_are_noted_with_their_line(tmp_path):
    text = (CATALOGUE / "hodgkin_huxley_1952.mmt").read_text()
    line = text[: text.index("i = g * m^3 * h * (V - E)")].count("\n") + 1
    model = load(tmp_path, text.replace("i = g * m^3 * h * (V - E)", "i = g * m^3 * h * V * (V - E)"))
    assert len(model.notes) == 1 and f"sodium.i on line {line}" in model.notes[0]
    assert hhcore.load_model("hodgkin_huxley_1952").notes == ()


@pytest.mark.parametrize("unit, written", [("", "no unit"), ("    in [A/m^2]\n", "A/m^2")])
def test_a_current_that_traces_leave_out_is_noted_and_warned_of(tmp_path, unit, written):
    text = (CATALOGUE / "hodgkin_huxley_1952.mmt").read_text()
    i = "i = g * n^4 * (V - E)\n"
    model = load(tmp_path, text.replace(f"{i}    in [uA/cm^2]\n", i + unit))
    assert "potassium.i" not in model.currents
    said = f"traces leave out potassium.i ({written}), since they show currents in uA/cm^2; give it that unit"
    assert said in model.notes
    with pytest.warns(UserWarning, match=re.escape(said)) as found:
        course = hhcore.trace(model, {}, hhcore.Step(10), duration=1)
    assert found[0].filename == __file__ and "potassium.i" not in course


def nested(depth: int) -> str:
    return "(" * depth + "1" + ")" * depth


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("deep.mmt", PACEMAKER.replace("dot(x) = y", f"dot(x) = y * {nested(100_000)}"), "more than 200 deep"),
        ("large.mmt", PACEMAKER + "\n".join(f"v{i} = {i}" for i in range(500_000)), "bytes are too many"),
        ("minus.mmt", PACEMAKER.replace("dot(x) = y", f"dot(x) = {'-' * 100_000}y"), "cannot be read"),
        ("power.mmt", PACEMAKER.replace("dot(x) = y", "dot(x) = y * 9^9^9^9"), "not a finite real number"),
        ("powers.mmt", PACEMAKER.replace("dot(x) = y", "dot(x) = y * 9^-(9^9)"), "binary digits"),
        ("cycle.mmt", PACEMAKER + "b = c\nc = b\n", "cannot be read"),
        ("bytes.mmt", None, "not text in UTF-8"),
        ("bomb.cellml", '<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aa">]><model>&a;</model>', "DOCTYPE"),
        ("other.cellml", "<html><body>404</body></html>", "cannot be read"),
    ],
)
def test_hostile_files_get_one_message(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(b"\xff\xfe\x00\x81" if text is None else text.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(hhcore.UserError, match=message):
            model = hhcore.load_model(path, potential="a.x", current="none")
            engine(model, "tsit5", hhcore.Step)


@pytest.mark.parametrize(
    ("encoding", "bytes_of"),
    [
        ("UTF-8", str.encode),
        ("UTF-16LE", lambda text: text.encode("utf-16-le")),
        ("UTF-16BE", lambda text: text.encode("utf-16-be")),
        ("UTF-16", lambda text: text.encode("utf-16")),
        ("UTF-7", lambda text: text.replace("<!", "+ADwAIQ-").encode()),
        ("IBM037", lambda text: text.encode("cp037")),
    ],
)
def test_no_encoding_hides_an_entity(tmp_path, encoding, bytes_of):
    path = tmp_path / "exported.cellml"
    CellML2Exporter().model(str(path), myokit.parse_model((CATALOGUE / "fitzhugh_nagumo_1961.mmt").read_text()))
    body = path.read_text().partition("?>")[2]
    (value,) = re.findall('initial_value="(.*?)"', body)[:1]
    hidden = f'<!DOCTYPE model [<!ENTITY x "{value}">]>{body.replace(value, "&x;")}'
    path.write_bytes(bytes_of(f'<?xml version="1.0" encoding="{encoding}"?>{hidden}'))
    with pytest.raises(hhcore.UserError, match="model file exported.cellml"):
        hhcore.load_model(path)


def test_an_entity_that_grows_is_not_expanded(tmp_path):
    """A billion laughs: 10^9 words from ten lines, in a text and in an attribute."""
    lines = [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10)]
    for root in ("<model>&a9;</model>", '<model name="&a9;"/>'):
        path = tmp_path / "bomb.cellml"
        path.write_text(f'<!DOCTYPE model [<!ENTITY a0 "ha">{"".join(lines)}]>{root}')
        with pytest.raises(hhcore.UserError, match="model file bomb.cellml"):
            hhcore.load_model(path)


def test_many_states_are_no_harm(tmp_path):
    """A chain of 300 states, each pulled to the one before."""
    states = "\n".join(f"b.s{i} = 0" for i in range(300))
    chain = "\n".join(f"dot(s{i}) = {'a.x' if i == 0 else f's{i - 1}'} - s{i}" for i in range(300))
    text = PACEMAKER.replace("[a]", f"{states}\n[a]") + f"\n[b]\n{chain}\n"
    model = load(tmp_path, text, potential="a.x", current="none")
    run = hhcore.simulate(model, {}, hhcore.Step(0.0), duration=1.0, initial_state="model", method="rk4", dt=0.01)
    assert run.final.shape == (1, 302) and np.isfinite(run.final).all()


def config(model: str, **changes) -> dict:
    body = {"model": model, "stimulus": {"kind": "step", "amplitude": 0}, "initial_state": "model", "duration": 20}
    return {"experiments": {"x": body | {"solver": {"tolerance": "1 us"}} | changes}}


def test_a_config_says_before_anything_runs_that_nothing_is_injected(tmp_path):
    (tmp_path / "m.mmt").write_text(PACEMAKER)
    names = {"potential": "a.x", "current": "none"}
    read = read_experiments(config("m.mmt", **names), tmp_path)["x"]
    assert read.model.ms == 1.0  # time without a unit counts as ms
    with pytest.raises(hhcore.UserError, match=r"x\.stimulus\.amplitude: nothing is injected into 'm'; give 0"):
        read_experiments(config("m.mmt", **names, stimulus={"kind": "step", "amplitude": 1}), tmp_path)


def test_notes_on_units_are_shown_once_for_each_model(tmp_path):
    text = (CATALOGUE / "hodgkin_huxley_1952.mmt").read_text().replace("i = g * m^3 * h", "i = g * m^3 * h * V")
    (tmp_path / "m.mmt").write_text(text)
    read = read_experiments(
        {"experiments": config("m.mmt")["experiments"] | {"y": config("m.mmt")["experiments"]["x"]}}, tmp_path
    )
    assert notes(read.values()).count("\n") == 0 and "sodium.i on line" in notes(read.values())
    assert notes(read_experiments(config("hodgkin_huxley_1952")).values()) == ""
