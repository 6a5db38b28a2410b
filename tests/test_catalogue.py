"""Every model of the catalogue: complete, and compiled to what its equations say."""

import myokit
import numpy as np
import pytest

import hhcore
from hhcore.model.model import CATALOGUE
from hhcore.model.variants import read_variants
from hhcore.simulation.engine import engine
from hhcore.simulation.integration import pack
from hhcore.simulation.reference import derivative, reference

STIFF = {"luo_rudy_1991", "ten_tusscher_panfilov_2006", "beeler_reuter_1977", "noble_1962"}
MODELS = hhcore.models()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_complete(name):
    parsed = myokit.parse_model(myokit.split((CATALOGUE / f"{name}.mmt").read_text())[0])
    parsed.check_units(myokit.UNIT_STRICT)
    assert parsed.label("membrane_potential") is not None and parsed.binding("pace") is not None
    for key in ("display_name", "desc", "source"):
        assert parsed.meta.get(key, "").strip(), key
    assert "doi:" in parsed.meta["source"]
    missing = [v.qname() for v in parsed.variables() if not v.meta.get("desc") or v.unit() is None]
    assert missing == []
    bound = {v for v in (parsed.time(), parsed.binding("pace")) if v is not None}
    constants = [v for v in parsed.variables(deep=True) if v.is_literal() and v not in bound]
    assert [v.qname() for v in constants if not v.meta.get("source")] == []
    for variant in read_variants(parsed, name).values():
        assert variant.values and len(variant.description) > 15


@pytest.mark.parametrize("name", MODELS)
def test_kernels_compute_what_the_equations_say(name):
    """Against Myokit's own evaluation at random states, to rounding of the largest terms that cancel."""
    model = hhcore.load_model(name)
    kernel = engine(model, "rodas5p" if name in STIFF else "tsit5", hhcore.Step).kernel
    rng = np.random.default_rng(len(name))
    own = np.array([q.value for q in model.states.values()])
    states = np.where(own == 0, 0.1, own) * rng.uniform(0.7, 1.3, (kernel.W, len(own)))
    potentials = [i for i, q in enumerate(model.states.values()) if q.unit == "mV"]
    states[:, potentials] = rng.uniform(-95, 45, (kernel.W, len(potentials)))
    parameters = np.tile([q.value for q in model.parameters.values()], (kernel.W, 1))
    Z = pack(kernel, parameters, states)
    for j in range(kernel.W):
        kernel.stage(Z, 0.0, j)
    found = Z.reshape(kernel.ROWS, kernel.W)[kernel.SLOPE // kernel.W :][: kernel.N].T
    exact = np.array([list(derivative(model, dict(zip(model.states, y, strict=True)), {}).values()) for y in states])
    scale = np.maximum(np.abs(exact), 1e-3 * np.abs(exact).max(axis=0))  # what is less has cancelled
    assert (np.abs(found - exact) / scale).max() < 1e-12


AMPLITUDES = {"hindmarsh_rose_1984": 2.0, "fitzhugh_nagumo_1961": 0.5, "morris_lecar_1981": 100.0, "noble_1962": 0.0}


@pytest.mark.parametrize("name", [name for name in MODELS if name not in STIFF])
def test_runs_agree_with_scipy(name):
    model = hhcore.load_model(name)
    settings = {"duration": 80.0, "initial_state": "model", "threshold": -20.0 if "mV" in unit(model) else 0.0}
    amplitude = AMPLITUDES.get(name, 10.0)
    run = hhcore.simulate(model, {}, hhcore.Step(amplitude, 5.0), local_error=1e-10, **settings)
    exact = reference(model, {"amplitude": amplitude, "start": 5.0}, **settings)
    assert len(exact.spike_times) >= 1
    assert run.spike_times == pytest.approx(exact.spike_times, abs=2e-6)


def unit(model: hhcore.Model) -> str:
    return model.states[model.potential].unit
