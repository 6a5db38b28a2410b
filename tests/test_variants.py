"""Variants: published parameter sets in the header of a model's file."""

import numpy as np
import pytest

import hhcore
from hhcore.compile.module import kernel_name
from hhcore.config.reader import read_experiments
from hhcore.simulation.engine import kernel_parts

TEXT = '''
[[model]]
name: leaky
variants: """
tight: A membrane that hardly leaks (made up)
    a.g = 0.01
    a.V = -70
shifted: Another rest (made up)
    a.E = -5e1
"""
a.V = -65

[a]
t = 0 [ms] bind time
    in [ms]
I = 0 [uA/cm^2] bind pace
    in [uA/cm^2]
g = 0.1 [mS/cm^2]
    in [mS/cm^2]
E = -65 [mV]
    in [mV]
C = 1 [uF/cm^2]
    in [uF/cm^2]
dot(V) = (I - g * (V - E)) / C
    in [mV]
    label membrane_potential
'''


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "leaky.mmt"
    file.write_text(TEXT)
    return str(file)


def test_a_variant_sets_constants_and_initial_values_and_leaves_the_rest(path):
    own, tight, shifted = (hhcore.load_model(path + suffix) for suffix in ("", ":tight", ":shifted"))
    assert [m.parameters["a.g"].value for m in (own, tight, shifted)] == [0.1, 0.01, 0.1]
    assert [m.states["a.V"].value for m in (own, tight, shifted)] == [-65, -70, -65]
    assert [m.parameters["a.E"].value for m in (own, tight, shifted)] == [-65, -65, -50]
    assert tight.name == "leaky:tight" and "tight" in tight.title and tight.parameters["a.g"].unit == "mS/cm^2"
    assert len({own.digest, tight.digest, shifted.digest}) == 3


def test_they_share_one_kernel_and_keep_their_own_values(path):
    """A membrane without current decays to E with the time constant C/g, of each variant its own."""
    found = [hhcore.load_model(path + suffix) for suffix in ("", ":tight", ":shifted")]
    assert len({kernel_name(model, "tsit5", *kernel_parts(hhcore.Step)) for model in found}) == 1
    for model, V, g, E in zip(found, (-65, -70, -65), (0.1, 0.01, 0.1), (-65, -65, -50), strict=True):
        run = hhcore.trace(model, {}, hhcore.Step(0), duration=20.0, initial_state="model", local_error=1e-10)
        np.testing.assert_allclose(run["a.V"], E + (V - E) * np.exp(-g * run["time"]), rtol=1e-8)


def test_they_are_listed_with_what_they_are(path):
    assert hhcore.variants(path) == {
        "tight": "A membrane that hardly leaks (made up)",
        "shifted": "Another rest (made up)",
    }
    assert hhcore.variants("hodgkin_huxley_1952") == {}


def test_a_config_names_one(path, tmp_path):
    body = {"model": "leaky.mmt:shifted", "stimulus": {"kind": "step", "amplitude": 0}, "initial_state": "rest"}
    body |= {"duration": 10, "solver": {"tolerance": "1 us"}}
    found = read_experiments({"experiments": {"x": body}}, base=tmp_path)["x"]
    assert found.model.parameters["a.E"].value == -50


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            ":tihgt",
            "",
            "",
            r"leaky\.mmt: the model has no variant 'tihgt'; legal: tight, shifted; did you mean 'tight'",
        ),
        (":tight", "a.g = 0.01", "a.gg = 0.01", r"no constant or state 'a\.gg'; .*did you mean 'a\.g'"),
        (":tight", "a.g = 0.01", "a.g = much", "'much' is not a finite number"),
        (":tight", "a.g = 0.01", "a.g = inf", "'inf' is not a finite number"),
        (":tight", "a.g = 0.01", "a.g 0.01", "write `component.variable = number`"),
        (":tight", "tight: A", "A", "a variant begins with a line `name: description`"),
        (":tight", "shifted: ", "tight: ", "two variants have this name"),
    ],
)
def test_mistakes_get_one_message(path, name, old, new, message):
    with open(path, "w") as file:
        file.write(TEXT.replace(old, new))
    with pytest.raises(hhcore.UserError, match=message):
        hhcore.load_model(path + name)
