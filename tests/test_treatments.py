"""Drugs and blocks: what they leave of a parameter, by hand; how they are written; what they are refused for."""

import numpy as np
import pytest
import yaml

import hhcore
from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiments
from hhcore.experiments.treatments import Target
from hhcore.figures.titles import trace_titles
from hhcore.schemes.solver import Solver
from hhcore.sweep.hashing import context_digest

SQUID = yaml.safe_load("""
model: hodgkin_huxley_1952
stimulus: {kind: step, amplitude: 10}
initial_state: rest
duration: 100
solver: {method: tsit5, local_error: 1e-6}
""")
TTX = {"concentration": {"values": [0, "3 nM", "12 nM"]}, "targets": {"sodium.g": {"Kd": "3 nM"}}}


def read(base=SQUID, **changes):
    return read_experiments({"experiments": {"e": base | changes}})["e"]


def given(experiment, name):
    """A parameter as the model gets it, at all points."""
    points = experiment.points(np.arange(experiment.n_points))
    return experiment.parameters(dict(zip(experiment.quantities, points.T, strict=True)))[name]


@pytest.mark.parametrize("hill", [0.6, 1, 1.37, 2, 4])
def test_a_drug_leaves_what_hills_equation_says(hill):
    """At the IC50 half, exactly; elsewhere 1 / (1 + (c / IC50)^h) to rounding."""
    c = np.array([0.0, 1e-6, 0.5, 5.0, 17.0, 1e9])
    drug = {"concentration": {"values": [f"{x!r} nM" for x in c.tolist()]}}
    e = read(drugs={"x": drug | {"targets": {"potassium.g": {"IC50": "0.005 uM", "hill": hill}}}})
    left = given(e, "potassium.g")
    np.testing.assert_allclose(left, 36.0 / (1.0 + (c / 5.0) ** hill), rtol=4e-15)
    assert left[0] == 36.0 and left[3] == 18.0


def test_numbers_that_nobody_means_are_numbers_all_the_same():
    for hill in (1e-6, 1, 3, 1e6):
        left = Target("g", 1e-300, hill).left(np.array([0.0, 5e-324, 1e-300, 1.0, 1.7e308]))
        assert np.isfinite(left).all() and (np.diff(left) <= 0).all() and left[0] == 1.0 and left[2] == 0.5


def test_a_concentration_keeps_the_unit_in_which_it_is_written():
    e = read(drugs={"ttx": TTX})
    assert [*e.axis_fields] == ["ttx_nM"] and e.unit("ttx") == "nM"
    assert read(drugs={"ttx": TTX | {"concentration": {"logspace": ["1 pM", "1 uM", 7]}}}).column("ttx") == "ttx_pM"
    assert read(drugs={"ttx": TTX | {"concentration": 0}}).column("ttx") == "ttx_nM"  # of the Kd
    mass = {"concentration": "2 ng/ml", "targets": {"sodium.g": {"IC50": "2 ug/l"}}}
    assert given(read(drugs={"x": mass}), "sodium.g") == 60.0


def test_blocks_drugs_and_parameters_multiply():
    """Independent sites: 100 mS/cm2, three quarters of it after 25 %, a fifth of that at four times the Kd."""
    drugs = {"ttx": TTX | {"concentration": "12 nM"}}
    e = read(parameters={"sodium.g": 100}, drugs=drugs, block={"sodium.g": "25 %", "potassium.g": {"values": [0, 30]}})
    np.testing.assert_allclose(given(e, "sodium.g"), 15.0, rtol=1e-15)
    np.testing.assert_allclose(given(e, "potassium.g"), [36.0, 25.2], rtol=1e-15)
    assert e.column("block.potassium.g") == "block_potassium_g_percent"


def test_a_treated_neuron_is_one_with_the_parameters_that_are_left():
    e = read(block={"sodium.g": {"values": [0, 5, 100]}}, drugs={"ttx": TTX}, traces=[{"ttx": 3, "block.sodium.g": 5}])
    run = e.protocol.measure(e, Solver("tsit5", 1e-6), e.points(np.arange(e.n_points)))
    left = 120.0 * np.outer(1.0 / (1.0 + np.array([0.0, 1.0, 4.0])), [1.0, 0.95, 0.0]).ravel()
    plain = hhcore.simulate(e.model, {"sodium.g": left}, hhcore.Step(10), duration=100, local_error=1e-6)
    assert list(run.spike_counts) == list(plain.spike_counts) and run.spike_counts[0] > 5 > run.spike_counts[2]
    np.testing.assert_allclose(run.peak, plain.peak, rtol=1e-9)
    assert trace_titles(e) == ("amplitude = 10 µA/cm², ttx = 3 nM, block.sodium.g = 5 %",)


def test_scipy_agrees_on_treated_neurons_and_solvers_are_chosen_on_them():
    """Its equations come from Myokit, and its parameters from the same place: see `Experiment.parameters`."""
    drugs = {"tea": {"concentration": {"values": [0, "1 mM"]}, "targets": {"IK": {"Kd": "2 mM"}}}}
    run = hhcore.run(**SQUID | {"solver": {"tolerance": "1 us"}}, drugs=drugs, progress=False, threads=1)
    assert float(run.numbers["reference_agreement_us"]) < 0.1 and run.numbers["reference_checked_by_scipy"] != "none"
    assert run.features.spike_count.tolist()[0] != run.features.spike_count.tolist()[1]


def test_what_estimates_and_kernels_get_is_what_is_left():
    e = read(block={"sodium.g": {"values": [0, 40]}})
    neurons, _ = e.parts(e.points(np.arange(2)))
    assert neurons[:, list(e.model.parameters).index("sodium.g")].tolist() == [120.0, 72.0]
    assert neurons.shape[1] == len(e.model.parameters) + len(e.stimulus.fields)


def test_amounts_are_quantities_like_others_zipped_and_sampled():
    drugs = {"ttx": TTX, "tea": {"concentration": {"values": [0, "1 mM", "5 mM"]}, "targets": {"IK": {"Kd": "0.5 mM"}}}}
    zipped = read(drugs=drugs, combine="zip")
    assert zipped.swept == ("ttx", "tea") and zipped.shape == (3,)
    np.testing.assert_allclose(given(zipped, "potassium.g"), [36.0, 12.0, 36.0 / 11.0], rtol=1e-15)
    sampled = read(
        drugs={"ttx": TTX | {"concentration": {"lognormal": ["3 nM", 2]}}},
        block={"IK": {"uniform": [0, 50]}},
        sample={"kind": "sobol", "n": 8, "seed": 1},
    )
    assert sampled.sample.names == ("ttx", "block.IK") and (given(sampled, "potassium.g") > 17.99).all()


@pytest.mark.parametrize(
    "word, model, parameter",
    [
        ("IKr", "ten_tusscher_panfilov_2006", "ikr.g"),
        ("hERG", "ten_tusscher_panfilov_2006", "ikr.g"),
        ("SCN5A", "ten_tusscher_panfilov_2006", "ina.g"),
        ("CACNA1C", "ten_tusscher_panfilov_2006", "ical.P"),
        ("ICaL", "ten_tusscher_panfilov_2006", "ical.P"),
        ("I_K1", "ten_tusscher_panfilov_2006", "ik1.g"),
        ("Ito", "ten_tusscher_panfilov_2006", "ito.g"),
        ("INa", "hodgkin_huxley_1952", "sodium.g"),
        ("IK", "hodgkin_huxley_1952", "potassium.g"),
    ],
)
def test_a_channel_may_be_named_by_its_current_or_gene(word, model, parameter):
    assert [block.parameter for block in read(model=model, block={word: 50}).treatments] == [parameter]


def test_what_a_drug_does_is_part_of_the_result_and_where_that_is_from_is_not():
    target = TTX["targets"]["sodium.g"]
    one = read(drugs={"ttx": TTX})
    other = read(drugs={"ttx": TTX | {"targets": {"sodium.g": target | {"hill": 2}}}})
    named = read(drugs={"ttx": TTX | {"source": "Narahashi et al. 1964"}})
    assert context_digest(one) == context_digest(named) != context_digest(other)


def drug(**changes):
    return {"drugs": {"ttx": {key: value for key, value in (TTX | changes).items() if value is not None}}}


def site(**numbers):
    return drug(targets={"sodium.g": numbers})


@pytest.mark.parametrize(
    "changes, where, parts",
    [
        (drug(targets={"sodim.g": {"Kd": "3 nM"}}), ".drugs.ttx.targets", ["'sodim.g'", "mean 'sodium.g'?"]),
        (
            drug(targets={"IKr": {"Kd": "3 nM"}}),
            ".drugs.ttx.targets",
            ["has no rapid delayed rectifier potassium current, by name or annotation (IKr)", "legal: leak.g"],
        ),
        (drug(targets={"sodium.E": {"Kd": "3 nM"}}), ".targets", ["sodium.E is a reversal potential", "conductance"]),
        (drug(targets={"membrane.C": {"Kd": "3 nM"}}), ".targets", ["membrane.C is a capacitance"]),
        (drug(targets={}), ".drugs.ttx.targets", ["{} is empty", "targets: {IKr"]),
        (drug(targets=None), ".drugs.ttx", ["'targets' is missing", "add it"]),
        (drug(targets={"INa": {"Kd": "3 nM"}, "sodium.g": {"Kd": "1 nM"}}), ".targets", ["both sodium.g", "give one"]),
        (site(Kd="0 nM"), ".sodium.g.Kd", ["'0 nM' is not above 0"]),
        (site(IC50="-3 nM"), ".sodium.g.IC50", ["'-3 nM' is not above 0"]),
        (site(IC50=-3), ".sodium.g.IC50", ["-3 is not above 0"]),
        (site(IC50=3), ".sodium.g.IC50", ["3 has no unit", "'5 nM'"]),
        (site(IC50="3 mV"), ".sodium.g.IC50", ["'mV' in '3 mV' is not a unit of concentration"]),
        (
            site(IC50="3 ng/ml"),
            ".sodium.g.IC50",
            ["'3 ng/ml' cannot be converted to nM", "give both as mass or both as amount"],
        ),
        (site(IC50="3 nM", Kd="3 nM"), ".sodium.g", ["both of IC50 and Kd"]),
        (site(hill=1), ".sodium.g", ["neither of IC50 and Kd"]),
        (site(Kd="3 nM", hill=0), ".sodium.g.hill", ["0 is not above 0"]),
        (site(Kd="3 nM", nH=1), ".sodium.g", ["no key 'nH'", "write `hill: 1`"]),
        (site(pIC50=8), ".sodium.g", ["no key 'pIC50'", "10^-pIC50"]),
        (drug(concentration={"values": [0, "-1 nM"]}), ".drugs.ttx.concentration", ["-1 nM is below 0"]),
        (drug(concentration={"values": [0, 1, 10]}), ".drugs.ttx.concentration", ["has no unit", "'10 nM'"]),
        (drug(concentration="3 mS"), ".drugs.ttx.concentration", ["'mS' in '3 mS' is not a unit of concentration"]),
        (drug(concentration=["0", "1 nM"]), ".drugs.ttx.concentration", ["is a list", "{values: [...]}"]),
        (drug(concentration=None, dose="1 nM"), ".drugs.ttx", ["no key 'dose'", "write `concentration:"]),
        ({"drugs": {"amplitude": TTX}}, ".drugs.amplitude", ["a field of the stimulus", "another name"]),
        ({"drugs": {"sodium.g": TTX}}, ".drugs.sodium.g", ["begins the name of a column"]),
        ({"drugs": {"ttx": {"concentration": 0, "IC50": "3 nM"}}}, ".drugs.ttx", ["no key 'IC50'", "targets: {IKr"]),
        ({"drugs": "dofetilide"}, ".drugs", ["'dofetilide' is not a mapping"]),
        ({"compound": "dofetilide"}, "", ["no key 'compound'", "write `drugs:"]),
        ({"blockade": {"sodium.g": 10}}, "", ["no key 'blockade'", "write `block:"]),
        ({"block": {"sodium.g": "120 %"}}, ".block.sodium.g", ["120 % is not a block", "0 to 100 %"]),
        ({"block": {"sodium.g": {"values": [-20, 0]}}}, ".block.sodium.g", ["-20 % is not a block", "{scale: 1.3}"]),
        ({"block": {"sodium.g": "0.3 nM"}}, ".block.sodium.g", ["'0.3 nM' cannot be converted to %"]),
        (
            {"block": {"IK": 10, "potassium.g": 20}},
            ".block",
            ["'IK' and 'potassium.g' are both potassium.g", "give one"],
        ),
        ({"block": {"gnabar_hh": 10}}, ".block", ["'gnabar_hh'", "mean 'sodium.g'"]),
        (drug() | {"traces": [{"ttx": "-1 nM"}]}, ".traces[0].ttx", ["-1 nM is below 0"]),
        (drug() | {"traces": [{}]}, ".traces[0]", ["no value for ttx"]),
    ],
)
def test_mistakes(changes, where, parts):
    with pytest.raises(UserError) as caught:
        read(**changes)
    (mistake,) = caught.value.mistakes
    assert mistake.startswith(f"experiments.e{where}") or f"{where}:" in mistake, mistake
    assert all(part in mistake for part in parts), mistake


def test_a_wrong_drug_does_not_hide_what_is_wrong_with_another():
    wrong_key = TTX | {"targets": {"sodium.g": {"Kd": "3 nM", "nH": 1}}}
    wrong_values = {"concentration": "-3 nM", "targets": {"potassium.g": {"Kd": "0 nM"}}}
    with pytest.raises(UserError) as caught:
        read(drugs={"a": wrong_key, "b": wrong_values}, traces=[{"a": "3 nM"}])
    where = "experiments.e.drugs"
    starts = (f"{where}.a.targets.sodium.g:", f"{where}.b.targets.potassium.g.Kd:", f"{where}.b.concentration:")
    assert len(caught.value.mistakes) == 3
    assert all(any(m.startswith(start) for m in caught.value.mistakes) for start in starts), caught.value


def test_a_bare_share_is_noted():
    assert read(block={"sodium.g": 0.3}).remarks == (
        "block.sodium.g goes up to 0.3 %; a bare number is in percent, so half a block is 50, not 0.5",
    )
    assert read(block={"sodium.g": {"linspace": [0, 100, 5]}}).remarks == ()


ANNOTATED = """
[[model]]
cell.V = -80

[engine]
time = 0 [ms] bind time
    in [ms]

[cell]
dot(V) = -(i_leak + odd.p * V + stim) / C
    in [mV]
    label membrane_potential
i_leak = if(odd.kind == 1, odd.q, 2 * odd.q) * (V + 80 [mV])
    in [uA/cm^2]
C = 1 [uF/cm^2]
    in [uF/cm^2]
stim = 0 [uA/cm^2]
    in [uA/cm^2]
    bind pace

[odd]
kind = 1
p = 0.1 [mS/cm^2]
    in [mS/cm^2]
    oxmeta: membrane_persistent_sodium_current_conductance
q = 0.2 [mS/cm^2]
    in [mS/cm^2]
    oxmeta: membrane_rapid_delayed_rectifier_potassium_current_conductance
"""


def test_annotations_say_which_conductance_is_that_of_a_current(tmp_path):
    path = tmp_path / "odd.mmt"
    path.write_text(ANNOTATED)
    term = "oxmeta:membrane_rapid_delayed_rectifier_potassium_current_conductance"
    drugs = {"x": {"concentration": "1 nM", "targets": {term: {"IC50": "1 nM"}}}}
    e = read(model=str(path), drugs=drugs, block={"INaL": 50, "hERG": 20})
    assert [t.parameter for t in e.treatments[0].targets] == ["odd.q"] and e.treatments[1].parameter == "odd.p"
    assert given(e, "odd.q").tolist() == [0.2 / 2 * 0.8] and given(e, "odd.p").tolist() == [0.05]
    assert read(model=str(path), block={term: 10}).quantities[-1] == "block.odd.q"
    with pytest.raises(UserError, match="no variable is annotated as 'membrane_calcium'"):
        read(model=str(path), block={"oxmeta:membrane_calcium": 10})
    paced = {"stimulus": {"kind": "pulse_train", "amplitude": 20, "width": 1, "period": 20}, "initial_state": "model"}
    run = hhcore.run(
        **SQUID | paced | {"model": str(path)}, block={"IKr": {"values": [0, 50]}}, progress=False, threads=1
    )
    assert run.features.peak_mV.is_monotonic_increasing  # the file has a condition on a parameter


HEART = """
[[model]]
membrane.V = -80

[engine]
time = 0 [ms] bind time
    in [ms]

[membrane]
dot(V) = stim - (fast_sodium_current.i + background_current.i + Itof.i + Itos.i + Calcium.i + I_Ks.i + K_current.i)
    in [mV]
    label membrane_potential
stim = 0 [A/F]
    in [A/F]
    bind pace

[fast_sodium_current]
g_Na = 0.1 [mS/uF]
    in [mS/uF]
i = g_Na * (membrane.V - 50 [mV])
    in [A/F]

[background_current]
g_b_Na = 0.001 [mS/uF]
    in [mS/uF]
i = g_b_Na * (membrane.V - 50 [mV])
    in [A/F]

[Itof]
G_tof = 0.1 [mS/uF]
    in [mS/uF]
i = G_tof * (membrane.V + 85 [mV])
    in [A/F]

[Itos]
G_tos = 0.2 [mS/uF]
    in [mS/uF]
    oxmeta: membrane_transient_outward_current_conductance
i = G_tos * (membrane.V + 85 [mV])
    in [A/F]

[Calcium]
P_Ca = 0.01 [L/F/s]
    in [L/F/s]
    oxmeta: membrane_L_type_calcium_current_conductance
P_K = 0.001 [L/F/s]
    in [L/F/s]
i = (P_Ca + P_K) * 100 [C/L]
    in [A/F]

[I_Ks]
gks_junc = 0.1 [mS/uF]
    in [mS/uF]
gks_sl = 0.1 [mS/uF]
    in [mS/uF]
    oxmeta: membrane_slow_delayed_rectifier_potassium_current_conductance
i = (gks_junc + gks_sl) * (membrane.V + 85 [mV])
    in [A/F]

[K_current]
g_Kr = 0.1 [mS/uF]
    in [mS/uF]
g_Kur_max = 0.01 [mS/uF]
    in [mS/uF]
g_K1_0 = 0.01 [mS/uF]
    in [mS/uF]
g_Kss = 0.01 [mS/uF]
    in [mS/uF]
i = (g_Kr + g_Kur_max + g_K1_0 + g_Kss) * (membrane.V + 85 [mV])
    in [A/F]
"""


@pytest.fixture(scope="module")
def heart(tmp_path_factory):
    path = tmp_path_factory.mktemp("heart") / "heart.mmt"
    path.write_text(HEART)
    return str(path)


PACED = {"stimulus": {"kind": "pulse_train", "amplitude": 20, "width": 1, "period": 20}, "initial_state": "model"}


@pytest.mark.parametrize(
    "word, parameter",
    [
        ("INa", "fast_sodium_current.g_Na"),
        ("IKr", "K_current.g_Kr"),
        ("IKur", "K_current.g_Kur_max"),
        ("IK1", "K_current.g_K1_0"),
        ("KCNJ2", "K_current.g_K1_0"),
    ],
)
def test_a_variable_may_be_called_after_its_channel(heart, word, parameter):
    e = read(SQUID | PACED, model=heart, block={word: 50})
    assert [block.parameter for block in e.treatments] == [parameter]


@pytest.mark.parametrize(
    "word, names",
    [
        ("Ito", "Itos.G_tos and Itof.G_tof"),
        ("IKs", "I_Ks.gks_sl and I_Ks.gks_junc"),
        ("ICaL", "Calcium.P_Ca and Calcium.P_K"),
    ],
)
def test_a_current_of_several_conductances_is_not_blocked_by_half(heart, word, names):
    with pytest.raises(UserError, match=f"block: '{word}' may mean {names} in model 'heart'; name each that is meant"):
        read(SQUID | PACED, model=heart, block={word: 50})


@pytest.mark.parametrize("word, current", [("INaL", "late sodium"), ("IKur", "ultrarapid delayed rectifier potassium")])
def test_no_other_channel_is_suggested_for_one_that_a_model_lacks(word, current):
    with pytest.raises(UserError, match=rf"has no {current} current, by name or annotation \({word}\)") as caught:
        read(model="ten_tusscher_panfilov_2006", block={word: 50})
    assert "did you mean" not in str(caught.value)


def test_what_is_no_known_channel_gets_the_closest_one():
    with pytest.raises(UserError, match="has no channel 'IKrr'; legal: icab.g, .*; did you mean 'ikr.g'?"):
        read(model="ten_tusscher_panfilov_2006", block={"IKrr": 50})
