"""The generated kernel: rates exact at and around their singularities, readable text, safe names."""

import json
import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from hhcore import Step, load_model, trace
from hhcore.compile import module
from hhcore.compile.cost import operations
from hhcore.compile.text import generate
from hhcore.simulation.engine import engine, kernel_parts
from hhcore.simulation.integration import pack
from hhcore.simulation.reference import derivative

EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
MODEL = load_model("hodgkin_huxley_1952")
KERNEL = engine(MODEL, "rk4", Step).kernel


def derivatives(states: np.ndarray, parameters: dict[str, float] | None = None, current: float = 0.0) -> np.ndarray:
    """dy/dt by the kernel for states (N, up to W), in columns."""
    Z = np.zeros(KERNEL.ROWS * KERNEL.W)
    rows = Z.reshape(KERNEL.ROWS, KERNEL.W)
    for i, (name, q) in enumerate(MODEL.parameters.items()):
        rows[KERNEL.PARAMETER // KERNEL.W + i] = (parameters or {}).get(name, q.value)
    rows[KERNEL.STATE // KERNEL.W :][: KERNEL.N, : states.shape[1]] = states
    KERNEL.prepare(Z)
    rows[KERNEL.HELD // KERNEL.W] = current
    for j in range(states.shape[1]):
        KERNEL.stage(Z, 0.0, j)
    return rows[KERNEL.SLOPE // KERNEL.W :][: KERNEL.N, : states.shape[1]].copy()


def rates(potential: float) -> dict[str, float]:
    """Opening and closing rates by the kernel: the slopes of a gate that is shut and of one that is open."""
    slopes = derivatives(np.array([[potential, potential], [0, 1], [0, 1], [0, 1]]))
    gates = zip("mhn", slopes[1:], strict=True)
    return {
        f"{rate}_{gate}": abs(value)
        for gate, pair in gates
        for rate, value in zip(("alpha", "beta"), pair, strict=True)
    }


def exact_rates(potential: float) -> dict[str, mpmath.mpf]:
    V, exp = mpmath.mpf(potential), mpmath.exp

    def linoid(x):  # x / (1 - e^-x)
        return mpmath.mpf(1) if x == 0 else x / -mpmath.expm1(-x)

    return {
        "alpha_m": linoid((V + 40) / 10),
        "beta_m": 4 * exp(-(V + 65) / 18),
        "alpha_h": mpmath.mpf("0.07") * exp(-(V + 65) / 20),
        "beta_h": 1 / (1 + exp(-(V + 35) / 10)),
        "alpha_n": linoid((V + 55) / 10) / 10,
        "beta_n": mpmath.mpf("0.125") * exp(-(V + 65) / 80),
    }


@pytest.mark.parametrize("row", EXACT["rate_values"]["rows"])
def test_published_rates(row):
    found = rates(row[0])
    for name, value in zip(EXACT["rate_values"]["columns"][1:], row[1:], strict=True):
        assert found[name] == pytest.approx(value, rel=2e-12), name


@pytest.mark.parametrize("centre", [-40.0, -55.0])
@pytest.mark.parametrize("offset", [0.0, "ulp", 1e-9, 1e-6, 1e-3, 0.1, 0.6249, 0.6251, 3.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_rates_around_their_removable_singularities(centre, offset, sign):
    potential = centre + sign * (math.ulp(centre) if offset == "ulp" else offset)
    with mpmath.workdps(40):
        exact = exact_rates(potential)
        for name, value in rates(potential).items():
            assert abs(value / exact[name] - 1) < 2e-13, name


def test_rates_over_the_whole_range():
    with mpmath.workdps(40):
        for potential in np.linspace(-150, 100, 401):
            exact = exact_rates(float(potential))
            for name, value in rates(float(potential)).items():
                scale = exact[name] if name.startswith("alpha") else exact[name] + exact[name.replace("beta", "alpha")]
                assert abs(value - exact[name]) < 2e-13 * scale, (name, potential)  # beta is a difference of slopes


def test_right_hand_side_against_myokit_at_random_states():
    rng = np.random.default_rng(3)
    for _ in range(50):
        state = {"membrane.V": rng.uniform(-100, 60)} | {g: rng.uniform() for g in list(MODEL.states)[1:]}
        parameters = {n: q.value * rng.uniform(0.8, 1.2) for n, q in MODEL.parameters.items()}
        parameters["temperature.T"] = rng.uniform(275, 300)
        parameters["temperature.reference"] = 279.45
        exact = np.array(list(derivative(MODEL, state, parameters, 5.0).values()))
        found = derivatives(np.array([[x] for x in state.values()]), parameters, 5.0)[:, 0]
        terms = 300.0 if abs(exact[0]) < 300 else abs(exact[0])  # currents of this size cancel in dV/dt
        assert found[0] == pytest.approx(exact[0], abs=1e-12 * terms)
        assert found[1:] == pytest.approx(exact[1:], rel=1e-11, abs=1e-13)


def test_text_is_readable_and_self_contained():
    text = generate(MODEL, "rk4", *kernel_parts(Step))
    head = text.split('"""')[1]
    assert MODEL.digest in head and "sodium.i = sodium.g * sodium.m^3 * sodium.h" in head
    assert "import hhcore" not in text and "from hhcore" not in text
    assert "fastmath" not in text and "math.exp" not in text
    assert max(map(len, text.splitlines())) <= 200
    found = operations(text, "derivatives")
    assert (found["exp"], found["divide"], found["pow"]) == (1, 1, 0)
    assert "def exp(" in text and "def pow(" in text and "def tanh(" not in text  # pow is for the temperature


def test_same_text_whatever_the_hash_seed(tmp_path):
    import subprocess
    import sys

    script = (
        "from hhcore import load_model; from hhcore.compile.text import generate;"
        "from hhcore.base.digests import digest;"
        "from hhcore.simulation.engine import kernel_parts; from hhcore import Step, PulseTrain;"
        "m, parts = load_model('hodgkin_huxley_1952'), kernel_parts(Step);"
        "print(digest(generate(m, 'rk4', *parts), generate(m, 'rodas5p', *kernel_parts(PulseTrain))))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1 and texts != {""}


def test_text_of_a_model_file_cannot_escape_into_the_kernel(tmp_path):
    import ast

    from hhcore.model.model import CATALOGUE

    text = (CATALOGUE / "hodgkin_huxley_1952.mmt").read_text()
    hostile = 'display_name: x \\N{bogus} \\u12 " + __import__("os").abort() + "'
    path = tmp_path / "m.mmt"
    path.write_text(text.replace("display_name: Hodgkin and Huxley 1952, squid giant axon", hostile))
    clean = ast.dump(ast.parse(generate(MODEL, "rk4", *kernel_parts(Step))).body[1])
    tree = ast.parse(generate(load_model(path), "rk4", *kernel_parts(Step)))
    assert isinstance(tree.body[0].value, ast.Constant) and "__import__" in tree.body[0].value.value
    assert ast.dump(tree.body[1]) == clean and "abort" not in ast.dump(ast.Module(tree.body[1:], []))


MINUS_A_FUNCTION = """
[[model]]
a.V = 1.5
a.w = 0.5

[a]
t = 0 [ms] bind time
    in [ms]
I = 0 [mV/ms] bind pace
    in [mV/ms]
dot(V) = I - 1 [1/mV/ms] * V^2
    in [mV]
    label membrane_potential
dot(w) = (w - log(2 + w) - sqrt(w + 3) - if(w < 1, w^2, 4)) / 1 [ms]
    in [1]
"""


def test_terms_that_are_minus_a_function_or_a_power(tmp_path):
    path = tmp_path / "minus.mmt"
    path.write_text(MINUS_A_FUNCTION)
    model = load_model(path)
    found = trace(model, {}, Step(0.0), duration=1.0, initial_state="model")
    assert found["a.V"][-1] == pytest.approx(1.5 / (1 + 1.5), abs=1e-6)  # dV/dt = -V^2, by hand
    exact = solve_ivp(lambda t, w: w - np.log(2 + w) - np.sqrt(w + 3) - w**2, (0, 1), [0.5], rtol=1e-10, atol=1e-12)
    assert found["a.w"][-1] == pytest.approx(exact.y[0, -1], abs=1e-6)


STEEP = """
[[model]]
a.V = -65
a.Ca = 1e-4
a.r = 0.1
a.p = 0
a.q = 0

[a]
t = 0 [ms] bind time
    in [ms]
I = 0 [mV/ms] bind pace
    in [mV/ms]
dot(V) = I - 0.1 / (1 + exp(-(V + 40) / 5)) - 0.2 / (1 + exp(-(V + 20) / 7))
    in [mV]
    label membrane_potential
dot(Ca) = -1e-9 / (1 + exp((Ca - 1e-4) / 1e-6))
dot(r) = 1 / (1 + exp((Ca - 1.2e-4) / 1e-6)) - r
dot(p) = 1e250 / (exp(Ca / 1.25e-6) + exp(-Ca / 1.25e-6))
dot(q) = 1e250 / (exp(Ca / 1.28e-6) + exp(-Ca / 1.28e-6))
"""


def test_denominators_that_may_overflow_keep_a_division_of_their_own(tmp_path):
    """At Ca = 8e-4 the exponents are 700 and 680: each exponential is finite, their product is not."""
    path = tmp_path / "steep.mmt"
    path.write_text(STEEP)
    model = load_model(path)
    kernel = engine(model, "tsit5", Step).kernel
    parameters = np.array([[q.value for q in model.parameters.values()]] * kernel.W)
    Z = pack(kernel, parameters, np.array([[-65, 8e-4, 0.1, 0, 0]]))
    kernel.stage(Z, 0.0, 0)
    found = Z[kernel.SLOPE :: kernel.W][:5]
    assert found[0] == pytest.approx(-0.1 / (1 + math.exp(5)) - 0.2 / (1 + math.exp(45 / 7)), rel=1e-13)
    assert abs(found[1]) < 1e-300 and found[2] == pytest.approx(-0.1, rel=1e-15)
    assert found[3:] == pytest.approx([1e250 * math.exp(-640), 1e250 * math.exp(-625)], rel=1e-12)


def test_what_is_damaged_in_the_cache_is_made_again(tmp_path, monkeypatch):
    """Also where one of the two files is missing, as the machine code is for another kind of CPU."""
    text = generate(MODEL, "rk4", *kernel_parts(Step))
    machine_code, made = module.compiled(text), []
    monkeypatch.setenv("HHCORE_CACHE", str(tmp_path))
    monkeypatch.setattr("hhcore.compile.text.generate", lambda *parts: text)
    monkeypatch.setattr(module, "compiled", lambda text: made.append(text) or machine_code)

    def edit(file: Path, old: bytes, new: bytes) -> None:
        assert old in file.read_bytes()
        file.write_bytes(file.read_bytes().replace(old, new))

    spoilt = (
        lambda text, code: code.write_bytes(machine_code[:-100]),
        lambda text, code: edit(code, b'"ROWS": ', b'"ROWS": 1'),
        lambda text, code: code.write_bytes(b"null\n"),
        lambda text, code: code.unlink(),
        lambda text, code: edit(text, b"fma(", b"2.0 + fma("),
        lambda text, code: text.write_bytes(b"\xff"),
        lambda text, code: text.unlink(),
        lambda text, code: None,
    )
    for number, spoil in enumerate(spoilt, start=1):
        monkeypatch.setattr(module, "_loaded", {})
        kernel = engine(MODEL, "rk4", Step).kernel
        (code,) = tmp_path.glob("*/*.bin")
        assert kernel.N == 4 and kernel.path.read_text() == text and code.read_bytes() == machine_code
        assert len(made) == number
        spoil(kernel.path, code)
    monkeypatch.setattr(module, "_loaded", {})
    assert engine(MODEL, "rk4", Step).kernel.N == 4 and len(made) == len(spoilt)  # what is whole is kept
