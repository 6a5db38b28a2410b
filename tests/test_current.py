"""Which injected current is proposed for a file that does not name one: by role and unit, never by name alone."""

import pytest

import hhcore

# As in published files: a gate with `app` in its name, a potential `E_Ca_app`, a factor `kappa`, a pump with a maximum.
TEXT = """
[[model]]
membrane.V = -80
x.y_app = 0.1
[engine]
t = 0 [ms] bind time
    in [ms]
[membrane]
dot(V) = {slope}
    in [mV]
    label membrane_potential
i_all = i_na + i_pump + i_ca
    in [uA/cm^2]
C = 1 [uF/cm^2]
    in [uF/cm^2]
i_na = 2 [mS/cm^2] * (V - 50 [mV])
    in [uA/cm^2]
i_pump = i_pump_max / (1 + exp(V / 10 [mV]))
    in [uA/cm^2]
i_pump_max = 0.3 [uA/cm^2]
    in [uA/cm^2]
E_Ca_app = 60 [mV]
    in [mV]
kappa = 0.5
i_ca = kappa * 1 [mS/cm^2] * x.y_app * (V - E_Ca_app)
    in [uA/cm^2]
[x]
dot(y_app) = (stim_inf - y_app) / 5 [ms]
stim_inf = 1 / (1 + exp(-membrane.V / 10 [mV]))
{more}
"""
LITERAL = "amplitude = -20 [uA/cm^2]\n    in [uA/cm^2]"
TIMED = "I = if(engine.t < 1 [ms], amplitude, 0 [uA/cm^2])\n    in [uA/cm^2]\n" + LITERAL


@pytest.mark.parametrize("named", [False, True], ids=["", "dV/dt has a name"])
@pytest.mark.parametrize(
    ("term", "more", "proposed"),
    [
        ("p.i_stim", "[p]\n" + LITERAL.replace("amplitude", "i_stim"), "perhaps p.i_stim"),
        ("p.I", "[p]\n" + TIMED, "perhaps p.I"),
        ("p.Iapp", "[p]\nIapp = 3 [A/F]\n    in [A/F]", "perhaps p.Iapp"),
        ("3 * p.stim", "[p]\nstim = 0", "perhaps p.stim"),
        ("p.bias", "[p]\n" + LITERAL.replace("amplitude", "bias"), "no variable of the file looks like one"),
        ("0 [uA/cm^2]", "", "no variable of the file looks like one"),
    ],
)
def test_a_term_of_the_potentials_equation_is_proposed(tmp_path, term, more, proposed, named):
    slope, path = f"-(i_all + {term}) / C", tmp_path / "m.mmt"
    text = TEXT.format(slope="x.dV_dt" if named else slope, more=f"use membrane.i_all, membrane.C\n{more}")
    path.write_text(text.replace("[x]\n", f"[x]\ndV_dt = {slope}\n") if named else text)
    with pytest.raises(hhcore.UserError) as raised:
        hhcore.load_model(path)
    assert str(raised.value).endswith(proposed)
    assert ("`current: file`" in str(raised.value)) == ("engine.t" in more)
