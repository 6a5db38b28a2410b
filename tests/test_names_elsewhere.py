"""Words of other programs in a config: the sentence says what they are called here, and in which unit."""

import pytest

import hhcore
from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiments
from hhcore.model.elsewhere import no_parameter
from hhcore.model.model import load_model

SQUID, CORTEX, HEART = "hodgkin_huxley_1952", "pospischil_2008", "ten_tusscher_panfilov_2006"
PULSES = {"kind": "pulse_train", "amplitude": 10, "width": 1, "period": 9}


def refusal(model=SQUID, **changes) -> str:
    body = {"stimulus": {"kind": "step", "amplitude": 1}, "initial_state": "model", "duration": 50}
    body |= {"model": model, "solver": {"tolerance": "1 us"}}
    with pytest.raises(UserError) as caught:
        read_experiments({"experiments": {"e": body | changes}})
    assert len(caught.value.mistakes) == 1, caught.value
    return str(caught.value)


# Names and values of the squid axon: hh.mod of NEURON 8.2 (S/cm2, mV, celsius = 6.3), Brian2's and XPP's examples.
@pytest.mark.parametrize(
    ("model", "words", "here"),
    [
        (SQUID, "gnabar_hh", "'sodium.g' [mS/cm^2]? NEURON has it in S/cm^2: write the unit, like '0.12 S/cm^2'"),
        (SQUID, "gkbar_hh", "'potassium.g' [mS/cm^2]? NEURON has it in S/cm^2: write the unit, like '0.036 S/cm^2'"),
        (SQUID, "gl_hh", "'leak.g' [mS/cm^2]? NEURON has it in S/cm^2: write the unit, like '0.0003 S/cm^2'"),
        (SQUID, "el_hh E_L EL e_pas VL", "'leak.E' [mV]?"),
        (SQUID, "ena E_Na ENa VNa", "'sodium.E' [mV]?"),
        (SQUID, "ek EK V_K", "'potassium.E' [mV]?"),
        (SQUID, "gna g_Na gNa gNabar gmax_Na na.gbar", "'sodium.g' [mS/cm^2]?"),
        (SQUID, "gk g_K gKbar g_kdr gkd", "'potassium.g' [mS/cm^2]?"),
        (SQUID, "celsius T temperature", "'temperature.T' [K]? Write degrees Celsius with their unit, like '6.3 degC'"),
        (SQUID, "C Cm cm C_m", "'membrane.C' [uF/cm^2]?"),
        (CORTEX, "gkdr", "'potassium.g' [mS/cm^2]?"),
        (CORTEX, "gM g_Km", "'slow_potassium.g' [mS/cm^2]?"),
        (CORTEX, "gCaT", "'calcium_T.g' [mS/cm^2]?"),
        (CORTEX, "gca", "'calcium_L.g' [mS/cm^2] or 'calcium_T.g' [mS/cm^2]?"),
        (HEART, "gNa G_Na", "'ina.g' [mS/uF]?"),
        (HEART, "gKr GKr", "'ikr.g' [mS/uF]?"),
        (HEART, "gK1", "'ik1.g' [mS/uF]?"),
        (HEART, "gto", "'ito.g' [mS/uF]?"),
        (HEART, "Cm", "'cell.C' [pF]?"),
        (HEART, "PCa P_CaL", "'ical.P' [L/F/s]?"),
        (HEART, "K_o Ko", "'outside.K' [mM]?"),
        (HEART, "hERG", "'ikr.g' [mS/uF]?"),
        ("prinz_2003", "gh", "'cation_h.g' [mS/cm^2]?"),
        ("destexhe_1996", "gCa", "'calcium_T.g' [mS/cm^2]?"),
    ],
)
def test_a_parameter_is_found_by_what_it_is(model, words, here):
    for word in words.split():
        assert no_parameter(word, load_model(model)).endswith(f"; did you mean {here}"), word


@pytest.mark.parametrize(
    ("model", "word", "what"),
    [
        (HEART, "ena", "a sodium reversal potential"),  # from the concentrations
        (CORTEX, "celsius", "a temperature"),
        (CORTEX, "T", "a temperature"),
        (CORTEX, "temperature.T", "a temperature"),
        (SQUID, "K_o", "a potassium extracellular concentration"),
        ("fitzhugh_nagumo_1961", "gna", "a sodium conductance"),
    ],
)
def test_what_a_model_does_not_have_is_not_proposed(model, word, what):
    assert no_parameter(word, load_model(model)).endswith(f"; none of them is {what}")


def test_a_word_that_means_nothing_gets_the_closest_one():
    assert no_parameter("epsilon", load_model("fitzhugh_nagumo_1961")).endswith("; did you mean 'slow.epsilon'?")


@pytest.mark.parametrize(
    ("change", "here"),
    [
        ({"parameters": {"gnabar_hh": 0.12}}, "did you mean 'sodium.g' [mS/cm^2]? NEURON has it in S/cm^2"),
        ({"parameters": {"I_ext": 10}}, "write the current as `stimulus: {kind: step, amplitude: 10}`"),
        ({"parameters": {"dt": 0.1}}, "write `solver: {method: rk4, dt: 0.025}`"),
        ({"parameters": {"v_init": -65}}, "write `initial_state: rest`, or"),
        ({"traces": [{"gnabar_hh": 0.12}]}, "did you mean 'sodium.g' [mS/cm^2]?"),
        ({"traces": [{"dur": 5}]}, "write `stop`, when the step ends"),
        ({"initial_state": {"Vm": -65}}, "did you mean 'membrane.V'?"),
        ({"stimulus": {"kind": "step", "amp": 1}}, "write `amplitude`, mostly a density: 1 nA on 1000 um^2 is 100"),
        ({"stimulus": {"kind": "step", "amplitude": 1, "del": 5}}, "write `start`"),
        ({"stimulus": {"kind": "step", "amplitude": 1, "dur": 5}}, "write `stop`, when the step ends: delay + dur"),
        ({"stimulus": PULSES | {"dur": 5}}, "write `width`"),
        ({"stimulus": {"kind": "pulse_train", "amplitude": 10, "width": 1, "bcl": 9}}, "write `period`"),
        ({"stimulus": {"kind": "pulse_train", "amplitude": 10, "width": 1, "freq": 9}}, "write `period`, from onset"),
        ({"stimulus": {"kind": "pulse_train", "level": 1, "width": 1, "period": 9}}, "write `amplitude`"),
        ({"celsius": 6.3}, "write `parameters: {temperature.T: ...}`, in K or as text like '6.3 degC'"),
        ({"gnabar_hh": 0.12}, "write `parameters: {sodium.g: ...}`, in mS/cm^2"),
        ({"sodium.g": 110}, "write `parameters: {sodium.g: ...}`"),
        ({"tolerance": "1 us"}, "write `solver: {tolerance: 1 us}`"),
        ({"threshold": 0}, "write `spikes: {threshold: 0, rearm: -20}`"),
        ({"stimulus": {"kind": "step", "amplitude": 1, "g_Na": 3}}, "write `parameters: {sodium.g: ...}`"),
        ({"stimulus": {"kind": "step", "amplitude": 1, "dt": 3}}, "write `solver: {method: rk4, dt: 0.025}`"),
        ({"tstop": 100}, "write `duration: 1000`"),
        ({"dt": 0.1}, "write `solver: {method: rk4, dt: 0.025}`"),
        ({"Iapp": 3}, "write the current as `stimulus: {kind: step, amplitude: 10}`"),
        ({"pcl": 3}, "write pulses as `stimulus: {kind: pulse_train"),
        ({"Cm": 1}, "write `parameters: {membrane.C: ...}`, in uF/cm^2"),
        ({"solver": {"method": "tsit5", "rtol": 1e-6}}, "write `local_error: 1e-6`"),
        (
            {"solver": {"tolerance": "1 us", "dt": 0.01}},
            "write either `tolerance`, which chooses it, or `method` and it",
        ),
        ({"stimulus": {"kind": "IClamp", "amplitude": 1}}, "did you mean 'step'?"),
        ({"stimulus": {"kind": "pulses", "amplitude": 1}}, "did you mean 'pulse_train'?"),
        ({"sample": {"kind": "lhs", "n": 3, "seed": 1}}, "did you mean 'latin_hypercube'?"),
        ({"stimulus": {"kind": "step", "amplitude": [1, 2]}}, "write an axis as {values: [...]} or {linspace: ["),
        ({"stimulus": {"kind": "step", "amplitude": {"logspace": [-2, 2, 5]}}}, "its ends are values, not exponents"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_config_in_the_words_of_other_programs(change, here):
    """A key that is there by another name is one mistake, not a missing key besides."""
    assert f"; {here}" in refusal(**change)


def test_simulate_says_it_too():
    with pytest.raises(UserError, match=r"^points: .* did you mean 'sodium\.g' .* NEURON has it in S/cm\^2"):
        hhcore.simulate(SQUID, {"gnabar_hh": 0.12}, hhcore.Step(10), duration=5)
    with pytest.raises(UserError, match=r"^initial_state: .* did you mean 'membrane\.V'\?$"):
        hhcore.simulate(SQUID, {}, hhcore.Step(10), duration=5, initial_state={"Vm": -65})


@pytest.mark.parametrize(
    ("words", "model"),
    [
        ("hh HH hodgkin-huxley", "hodgkin_huxley_1952"),
        ("tp06 ten_tusscher TenTusscher2006", HEART),
        ("LR91 luo_rudy", "luo_rudy_1991"),
        ("ml morris", "morris_lecar_1981"),
    ],
)
def test_a_model_is_found_by_its_authors(words, model):
    for word in words.split():
        assert refusal(model=word).endswith(f"; did you mean {model!r}?"), word


def test_an_experiment_without_a_name_is_one_mistake():
    with pytest.raises(
        UserError, match="^config: model, stimulus: keys of an experiment need a name; indent them under"
    ):
        read_experiments({"model": SQUID, "stimulus": {"kind": "step", "amplitude": 1}})
