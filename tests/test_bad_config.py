"""Configs that are wrong: one message each, with where, what was given, and what is legal."""

import copy
import math
import random
import re
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
import yaml

import hhcore.config.values
from hhcore.__main__ import main
from hhcore.base.errors import UserError
from hhcore.config.file import read_config
from hhcore.config.reader import read_experiments
from hhcore.grid.axes import AxisSpec

GOOD = yaml.safe_load("""
experiments:
  squid:
    model: hodgkin_huxley_1952
    stimulus: {kind: step, amplitude: {linspace: [0, 40, 5]}, start: 0, stop: 80}
    parameters:
      sodium.g: {range: [96, 144, 24]}
      potassium.g: {scale: {values: [0.8, 1]}}
      leak.g: 0.3
    combine: product
    initial_state: {membrane.V: -65, sodium.m: 0.05, sodium.h: 0.6, potassium.n: 0.32}
    duration: 100
    analysis_window: [20, 100]
    spikes: {threshold: 0, rearm: -10}
    solver: {method: rk4, dt: 0.025}
    traces: [{amplitude: 10, sodium.g: 120, potassium.g: 36}]
""")
SQUID = GOOD["experiments"]["squid"]
MISSING = object()


def changed(path, value, good=GOOD):
    """`good` with one node changed: `path` is (key, key, ...) from the experiment on, MISSING deletes.

    Without traces that have no value for a new axis.
    """
    config = copy.deepcopy(good)
    node = config["experiments"]["squid"]
    for key in path[:-1]:
        node = node[key]
    if value is MISSING:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    if path[0] in ("stimulus", "parameters", "initial_state") and new_axes(config, good):
        config["experiments"]["squid"]["traces"] = []
    return config


def new_axes(config, good):
    """The quantities that are an axis, of whatever form, in `config` and not in `good`."""
    return axes(config["experiments"]["squid"]) - axes(good["experiments"]["squid"])


def axes(squid):
    parts = [squid.get(key) for key in ("stimulus", "parameters", "initial_state")]
    return {name for part in parts if isinstance(part, dict) for name in part if isinstance(part[name], dict)}


def refused(config, where, *parts):
    """There is one mistake: `where: ...`, on one line, with all `parts`."""
    with pytest.raises(UserError) as caught:
        read_experiments(config, ".")
    message = str(caught.value)
    assert message.startswith(where + ": ") and "\n" not in message, message
    for part in parts:
        assert part in message, message


STEP = {"kind": "step", "amplitude": 10}
PULSES = {"kind": "pulse_train", "amplitude": 10, "width": 2, "period": 10}
TEN_THOUSAND = {"linspace": [1, 2, 10_000]}

# (path of the change, new value), where the message points (after experiments.squid), what else it says
MISTAKES = [
    # keys, on every level
    (("modell",), "x", "", ["no key 'modell'", "did you mean 'model'?"]),
    (("sweep",), {}, "", ["no key 'sweep'", "legal: model, stimulus"]),
    ((7,), 1, "", ["the key 7 is not text", "quotes"]),
    ((None,), 1, "", ["the key nothing is not text"]),
    (("stimulus", "amplitud"), 3, ".stimulus", ["no key 'amplitud'", "did you mean 'amplitude'?"]),
    (("stimulus", True), 3, ".stimulus", ["the key True is not text", "on, yes"]),
    (("spikes", "treshold"), 3, ".spikes", ["no key 'treshold'", "did you mean 'threshold'?"]),
    (("solver", "Dt"), 3, ".solver", ["no key 'Dt'", "did you mean 'dt'?"]),
    (("stimulus", "amplitude"), {"linspaced": [0, 1, 2]}, ".stimulus.amplitude", ["'linspaced'", "mean 'linspace'?"]),
    (("parameters", "leak.g"), {"scale": {"value": [1]}}, ".parameters.leak.g.scale", ["'value'", "mean 'values'?"]),
    # keys that are missing
    (("model",), MISSING, "", ["'model' is missing", "`model: hodgkin_huxley_1952`"]),
    (("duration",), MISSING, "", ["'duration' is missing", "`duration: 1000`"]),
    (("initial_state",), MISSING, "", ["'initial_state' is missing", "`initial_state: rest`"]),
    (("stimulus", "kind"), MISSING, ".stimulus", ["'kind' is missing", "`kind: step`"]),
    (("stimulus", "amplitude"), MISSING, ".stimulus", ["'amplitude' is missing", "given ['kind', 'start', 'stop']"]),
    (("solver", "dt"), MISSING, ".solver", ["'dt' is missing", "given ['method']"]),
    (("solver", "method"), "tsit5", ".solver", ["no key 'dt'", "legal: method, local_error"]),
    (
        ("parameters", "temperature.T"),
        6.3,
        ".parameters.temperature.T",
        ["kelvin", "write '6.3 degC'"],
    ),
    (
        ("parameters", "temperature.T"),
        {"values": ["1 K", "10 degC"]},
        ".parameters.temperature.T",
        ["1 is in kelvin here", "give at least 200 K"],
    ),
    (("solver",), {"method": "tsit5"}, ".solver", ["'local_error' is missing", "`local_error: 1e-6`"]),
    (("solver",), {}, ".solver", ["does not say how accurate", "tolerance: 1 us"]),
    (("solver",), {"tolerance": "1 us", "dt": 0.1}, ".solver", ["no key 'dt'", "legal: tolerance, method, certify"]),
    (("solver",), {"tolerance": "1 s"}, ".solver.tolerance", ["'1 s' is not between 1 ns and 1 ms"]),
    (("solver",), {"tolerance": "1 mV"}, ".solver.tolerance", ["'1 mV'"]),
    (("solver",), {"tolerance": "1 us", "certify": "none"}, ".solver.certify", ["'none'", "sample, all"]),
    (("solver",), {"method": "dop853", "local_error": 0}, ".solver.local_error", ["0 is not between 1e-11 and 0.001"]),
    (("solver",), {"method": "dop853", "local_error": 0.01}, ".solver.local_error", ["0.01 is not", "loses spikes"]),
    # types
    (("model",), ["hodgkin_huxley_1952"], ".model", ["['hodgkin_huxley_1952'] is not text"]),
    (("model",), None, ".model", ["nothing is not text", "`model: hodgkin_huxley_1952`"]),
    (("potential",), 3, ".potential", ["3 is not text", "`potential: membrane.V`"]),
    (("stimulus",), [1, 2], ".stimulus", ["[1, 2] is not a mapping", "key: value"]),
    (("parameters",), ["sodium.g"], ".parameters", ["['sodium.g'] is not a mapping"]),
    (("parameters",), None, ".parameters", ["nothing is not a mapping"]),
    (("solver",), "rk4", ".solver", ["'rk4' is not a mapping"]),
    (("spikes",), 0, ".spikes", ["0 is not a mapping"]),
    (("traces",), {"amplitude": 10}, ".traces", ["{'amplitude': 10} does not have the form [{amplitude: 10"]),
    (("traces",), [10], ".traces[0]", ["10 is not a mapping"]),
    (("duration",), 1e8, ".traces", ["1 traces of 100000000.0, with a row every 0.025, make 4e+09 rows", "shorten"]),
    (("analysis_window",), 20, ".analysis_window", ["20 does not have the form [start, stop]"]),
    (("analysis_window",), [1, 2, 3], ".analysis_window", ["[1, 2, 3] does not have the form [start, stop]"]),
    (("duration",), [100], ".duration", ["[100] is not a number", "in ms"]),
    (("duration",), True, ".duration", ["True is not a number"]),
    (("parameters", "sodium.g"), [96, 120], ".parameters.sodium.g", ["[96, 120] is a list", "{values: [...]}"]),
    (("stimulus", "amplitude"), None, ".stimulus.amplitude", ["nothing is not a number", "uA/cm^2"]),
    # words
    (("model",), "hodgkin_huxley", ".model", ["'hodgkin_huxley'", "mean 'hodgkin_huxley_1952'?"]),
    (("model",), "nowhere.mmt", ".model", ["'nowhere.mmt'", "does not exist"]),
    (("potential",), "membrane.U", ".model", ["no state 'membrane.U'", "mean 'membrane.V'?"]),
    (("current",), "stimulus.amp", ".model", ["no variable 'stimulus.amp'", "mean 'stimulus.amplitude'?"]),
    (("stimulus", "kind"), "bump", ".stimulus.kind", ["'bump'", "legal: biphasic, chirp, events, file"]),
    (("solver", "method"), "rk45", ".solver.method", ["'rk45'", "mean 'rk4'?"]),
    (("solver", "method"), ["rk4"], ".solver.method", ["['rk4'] is not a choice", "legal: "]),
    (("protocol",), None, ".protocol", ["nothing is not a mapping"]),
    (("protocol",), {"kind": "voltage"}, ".protocol.kind", ["'voltage'", "legal: "]),
    (("protocol",), {"kind": "pacing"}, ".protocol.kind", ["'pacing' takes a stimulus of kind ", "current_clamp"]),
    (("protocol",), {"kind": "current_clamp", "hold": 1}, ".protocol", ["no key 'hold'", "legal: kind"]),
    (("failed_neurons",), "stop", ".failed_neurons", ["'stop'", "legal: keep, fail"]),
    (("combine",), "prodct", ".combine", ["'prodct'", "mean 'product'?"]),
    (("initial_state",), "rset", ".initial_state", ["'rset'", "mean 'rest'?"]),
    (("initial_state",), "{membrane.V: -65, ...}", ".initial_state", ["is not a choice here"]),
    (("initial_state",), None, ".initial_state", ["nothing", "legal: rest, model, {membrane.V: -65"]),
    (("parameters", "sodium.gbar"), 1, ".parameters", ["no parameter 'sodium.gbar'", "mean 'sodium.g' [mS/cm^2]?"]),
    (("parameters", "membrane.V"), 1, ".parameters", ["no parameter 'membrane.V'", "legal: "]),
    # numbers and units
    (("duration",), "100 mV", ".duration", ["'100 mV' cannot be converted to ms"]),
    (("duration",), "100", ".duration", ["'100' is text without a unit", "'1.5 ms'"]),
    (("duration",), "long", ".duration", ["'long' does not begin with a number"]),
    (("duration",), math.nan, ".duration", ["nan is not a finite number"]),
    (("duration",), math.inf, ".duration", ["inf is not a finite number"]),
    (("duration",), -5, ".duration", ["-5 is not longer than 0 ms"]),
    (("duration",), 0, ".duration", ["0 is not longer than 0 ms"]),
    (("solver", "dt"), 101, ".solver.dt", ["101 is not above 0 and at most the duration, 100.0 ms"]),
    (("solver", "dt"), "-1 us", ".solver.dt", ["'-1 us' is not above 0"]),
    (("solver", "dt"), 1.0e-200, ".solver.dt", ["1e-200 makes 1e+202 steps", "larger dt"]),
    (("parameters", "leak.g"), "0.3 mS", ".parameters.leak.g", ["'0.3 mS' cannot be converted to mS/cm^2"]),
    (("parameters", "leak.g"), "0.3 mSS", ".parameters.leak.g", ["unit 'mSS' of '0.3 mSS' is unknown", "mS/cm^2"]),
    (("parameters", "leak.g"), math.nan, ".parameters.leak.g", ["nan is not a finite number"]),
    (("spikes", "threshold"), "high", ".spikes.threshold", ["'high' does not begin with a number", "mV"]),
    (("spikes", "threshold"), math.inf, ".spikes.threshold", ["inf is not a finite number"]),
    (("spikes", "rearm"), 5, ".spikes.rearm", ["5 is above the threshold, 0.0 mV"]),
    (("parameters", "membrane.C"), 0, ".parameters.membrane.C", ["0 uF/cm^2 is no capacitance", "above 0"]),
    (("parameters", "membrane.C"), {"scale": {"values": ["-10%", 1]}}, ".parameters.membrane.C", ["-0.1 uF/cm^2 is"]),
    (("parameters", "leak.g"), {"scale": "half"}, ".parameters.leak.g.scale", ["'half' does not begin with a number"]),
    # axes
    (("parameters", "sodium.g"), {"values": []}, ".parameters.sodium.g.values", ["the axis is empty"]),
    (("parameters", "sodium.g"), {}, ".parameters.sodium.g", ["exactly one of values, linspace", "given {}"]),
    (("parameters", "sodium.g"), {"values": [1, 1]}, ".parameters.sodium.g.values", ["1.0 occurs 2 times"]),
    (("parameters", "sodium.g"), {"range": [1, 2, -1]}, ".parameters.sodium.g.range", ["[1, 2, -1] never leads"]),
    (("stimulus", "amplitude"), {"linspace": [0, 1, 0]}, ".stimulus.amplitude.linspace", ["is empty", "0;"]),
    (("stimulus", "amplitude"), {"linspace": [0, 1, 10**12]}, ".stimulus.amplitude.linspace", ["1000000000000 values"]),
    (("stimulus", "amplitude"), {"values": [1, math.nan]}, ".stimulus.amplitude.values[1]", ["nan is not a finite"]),
    (("stimulus", "amplitude"), {"scale": {"values": [1]}}, ".stimulus.amplitude.scale", ["no value of its own"]),
    (("combine",), "zip", ".combine", ["equally long", "amplitude 5, sodium.g 3, potassium.g 2", "combine: product"]),
    # times
    (("stimulus", "start"), 80, ".stimulus", ["start 80.0 is not before stop 80.0"]),
    (("stimulus", "start"), -1, ".stimulus.start", ["-1.0 is before the simulation"]),
    (("stimulus", "stop"), "0.2 s", ".stimulus.stop", ["200.0 is after the end of the simulation, 100.0"]),
    (("stimulus", "stop"), {"values": [50, 101]}, ".stimulus.stop", ["101.0 is after the end"]),
    (("stimulus", "start"), {"values": [0, 90]}, ".stimulus", ["start 90.0 is not before stop 80.0"]),
    (("analysis_window",), [50, 20], ".analysis_window", ["[50, 20] does not lie", "[0, 100.0]"]),
    (("analysis_window",), [0, 101], ".analysis_window", ["[0, 101] does not lie"]),
    (("analysis_window",), ["20 mV", 30], ".analysis_window[0]", ["'20 mV' cannot be converted to ms"]),
    # pulses
    (
        ("stimulus",),
        {"kind": "pulse_train", "amplitude": 10, "period": 9},
        ".stimulus",
        ["'width' is missing", "period: 1000"],
    ),
    (("stimulus",), PULSES | {"stop": 80}, ".stimulus", ["no key 'stop'", "legal: kind, amplitude, width, period"]),
    (("stimulus",), PULSES | {"width": 0}, ".stimulus.width", ["0.0 is not above 0"]),
    (("stimulus",), PULSES | {"period": "-1 s"}, ".stimulus.period", ["-1000.0 is not above 0"]),
    (("stimulus",), PULSES | {"width": 12}, ".stimulus", ["width 12.0 is above period 10.0", "longer period"]),
    (("stimulus",), PULSES | {"period": {"values": [1, 5]}}, ".stimulus", ["width 2.0 is above period 1.0"]),
    (("stimulus",), PULSES | {"start": -1}, ".stimulus.start", ["-1.0 is before the simulation"]),
    (("stimulus",), PULSES | {"start": 99}, ".stimulus", ["the first pulse ends at 101.0", "longer duration"]),
    (("stimulus",), PULSES | {"number": 0}, ".stimulus.number", ["0 is not a number of pulses", "from 1 on"]),
    (("stimulus",), PULSES | {"number": 2.5}, ".stimulus.number", ["2.5 is not a number of pulses", "leave it out"]),
    (
        ("stimulus",),
        PULSES | {"number": {"values": [1, 1.5, 2]}},
        ".stimulus.number",
        ["1.5 is not a number of pulses"],
    ),
    (("stimulus",), PULSES | {"number": 11}, ".stimulus", ["11th pulse ends at 102.0", "fewer pulses"]),
    (("stimulus",), PULSES | {"width": 1e-6, "period": 1e-3}, ".stimulus", ["100000 pulses are too many", "10000"]),
    (
        ("stimulus",),
        PULSES | {"width": "1 fs", "start": 5},
        ".stimulus.width",
        ["1e-12 is too short", "at least 9.5e-08"],
    ),
    (("stimulus",), PULSES | {"width": "2 mV"}, ".stimulus.width", ["'2 mV' cannot be converted to ms"]),
    # states and traces
    (("initial_state", "sodium.n"), 1, ".initial_state", ["no state 'sodium.n'", "legal: membrane.V, sodium.m"]),
    (("initial_state", "sodium.m"), MISSING, ".initial_state", ["leaves out sodium.m", "every state", "`from: rest`"]),
    (("initial_state", "from"), "rset", ".initial_state.from", ["'rset' is not a choice", "mean 'rest'?"]),
    (("initial_state", "membrane.V"), [-65, -60], ".initial_state.membrane.V", ["is a list", "{values: [...]}"]),
    (("initial_state", "membrane.V"), {"linspace": [-80, -40]}, ".initial_state.membrane.V.linspace", ["[first, last"]),
    (("initial_state", "sodium.m"), {"scale": "50 mV"}, ".initial_state.sodium.m.scale", ["without dimension"]),
    (("traces", 0, "membrane.V"), -60, ".traces[0]", ["no quantity 'membrane.V'", "has 'initial.membrane.V'"]),
    (("traces", 0, "initial.membrane.V"), "1 s", ".traces[0].initial.membrane.V", ["cannot be converted to mV"]),
    (("initial_state",), {}, ".initial_state", ["{} leaves out membrane.V, sodium.m, sodium.h, potassium.n"]),
    (("initial_state", "membrane.V"), "-65 K", ".initial_state.membrane.V", ["'-65 K' cannot be converted to mV"]),
    (("traces", 0, "sodium.g"), MISSING, ".traces[0]", ["no value for sodium.g", "every axis"]),
    (("traces", 0, "sodium.G_Na"), 1, ".traces[0]", ["no quantity 'sodium.G_Na'", "did you mean 'sodium."]),
    (("traces", 0, "amplitude"), {"values": [1]}, ".traces[0].amplitude", ["{'values': [1]} is not a number"]),
    (("traces", 0, "start"), 90, ".traces[0]", ["start 90.0 is not before stop 80.0"]),
    (("traces", 0, "sodium.g"), "120 mV", ".traces[0].sodium.g", ["'120 mV' cannot be converted to mS/cm^2"]),
]


SAMPLE = {"kind": "sobol", "n": 8, "seed": 1}
SAMPLED = copy.deepcopy(GOOD)
SAMPLED["experiments"]["squid"] |= {
    "parameters": {"sodium.g": {"uniform": [96, 144]}, "leak.g": {"scale": {"lognormal": [1, 1.2]}}},
    "sample": SAMPLE,
    "traces": [],
}

# (path of the change, new value), where the message points (after experiments.squid), what else it says
SAMPLING_MISTAKES = [
    (
        ("sample",),
        MISSING,
        ".parameters.sodium.g.uniform",
        ["'sodium.g' has a distribution", "add it, like `sample: {k"],
    ),
    (("sample",), None, ".sample", ["nothing is not a mapping"]),
    (("sample", "seed"), MISSING, ".sample", ["'seed' is missing", "`seed: 1`"]),
    (("sample", "size"), 3, ".sample", ["no key 'size'", "legal: kind, n, seed"]),
    (("sample", "kind"), "latin", ".sample.kind", ["'latin' is not a choice", "did you mean 'latin_hypercube'?"]),
    (("sample", "kind"), "uniform", ".parameters.leak.g.scale.lognormal", ["'leak.g' is lognormal", "for a mixture"]),
    (("sample", "n"), 1000, ".sample.n", ["1000 is not a power of 2", "take 512 or 1024"]),
    (("sample",), SAMPLE | {"kind": "saltelli", "n": 12}, ".sample.n", ["12 is not a power of 2", "take 8 or 16"]),
    (("sample", "n"), 0, ".sample.n", ["0 is not a legal number of points", "from 1 to 1000000"]),
    (("sample", "n"), 8.0, ".sample.n", ["8.0 is not a legal number of points"]),
    (("sample", "n"), True, ".sample.n", ["True is not a legal number of points"]),
    (("sample",), SAMPLE | {"kind": "saltelli", "n": 2**19}, ".sample.n", ["2097152 points in 2 dimensions"]),
    (("sample", "seed"), -1, ".sample.seed", ["-1 is not a legal seed"]),
    (("sample", "seed"), "one", ".sample.seed", ["'one' is not a legal seed"]),
    (("parameters",), {"leak.g": 0.3}, ".sample", ["nothing is sampled", "give a quantity a distribution"]),
    (("parameters", "sodium.g"), {"unifrom": [1, 2]}, ".parameters.sodium.g", ["'unifrom'", "mean 'uniform'?"]),
    (("parameters", "sodium.g"), {"uniform": [1, 2], "values": [1]}, ".parameters.sodium.g", ["exactly one of"]),
    (("parameters", "sodium.g", "uniform"), [2, 1], ".parameters.sodium.g.uniform", ["low is not below high"]),
    (("parameters", "sodium.g", "uniform"), [1, 2, 3], ".parameters.sodium.g.uniform", ["the form [low, high]"]),
    (("parameters", "sodium.g", "uniform"), [1, "2 mV"], ".parameters.sodium.g.uniform[1]", ["cannot be converted"]),
    (
        ("parameters", "sodium.g", "uniform"),
        [-1e308, 1e308],
        ".parameters.sodium.g.uniform",
        ["too large for a double"],
    ),
    (("parameters", "sodium.g"), {"normal": [120, 0]}, ".parameters.sodium.g.normal", ["deviation is not above 0"]),
    (("parameters", "sodium.g"), {"lognormal": [120, 1]}, ".parameters.sodium.g.lognormal", ["factor not above 1"]),
    (("parameters", "sodium.g"), {"lognormal": [-1, 2]}, ".parameters.sodium.g.lognormal", ["median is not above 0"]),
    (
        ("parameters", "sodium.g"),
        {"lognormal": [1, "2 mV"]},
        ".parameters.sodium.g.lognormal[1]",
        ["without dimension"],
    ),
    (
        ("parameters", "temperature.T"),
        {"normal": ["6 degC", "1 degC"]},
        ".parameters.temperature.T.normal[1]",
        ["in K"],
    ),
    (("stimulus", "amplitude"), {"scale": {"uniform": [1, 2]}}, ".stimulus.amplitude.scale", ["no value of its own"]),
    (("stimulus", "stop"), {"normal": [90, 20]}, ".stimulus.stop", ["is after the end of the simulation"]),
    (
        ("stimulus",),
        STEP | {"amplitude": {"linspace": [0, 1, 10**6]}, "start": {"linspace": [0, 1, 1000]}},
        "",
        ["the grid has 8e+09 points (sample 8, amplitude 1000000, start 1000)"],
    ),
    (("traces",), [{"amplitude": 1, "leak.g": 1}], ".traces[0]", ["no value for sodium.g", "every distribution"]),
]


@pytest.mark.parametrize(
    ("path", "value", "where", "parts"),
    SAMPLING_MISTAKES,
    ids=[f"{'.'.join(map(str, m[0]))}-{m[3][0]}"[:60] for m in SAMPLING_MISTAKES],
)
def test_mistakes_in_a_sampled_design(path, value, where, parts):
    refused(changed(path, value, SAMPLED), "experiments.squid" + where, *parts)


def test_the_config_is_good_before_it_is_changed():
    assert read_experiments(SAMPLED, ".")["squid"].n_points == 40
    assert read_experiments(GOOD, ".")["squid"].n_points == 30


@pytest.mark.parametrize(
    ("path", "value", "where", "parts"), MISTAKES, ids=[f"{'.'.join(map(str, m[0]))}-{m[3][0]}"[:60] for m in MISTAKES]
)
def test_mistakes(path, value, where, parts):
    refused(changed(path, value), "experiments.squid" + where, *parts)


@pytest.mark.parametrize(
    ("config", "where", "parts"),
    [
        ([], "config", ["[] is not a mapping"]),
        (None, "config", ["nothing is not a mapping"]),
        ({}, "config", ["'experiments' is missing"]),
        ({"experiment": {}}, "config", ["no key 'experiment'", "did you mean 'experiments'?"]),
        ({**GOOD, "threads": 4}, "config", ["no key 'threads'", "legal: experiments"]),
        ({"experiments": {}}, "experiments", ["is empty"]),
        ({"experiments": None}, "experiments", ["nothing is not a mapping"]),
        ({"experiments": [1]}, "experiments", ["[1] is not a mapping"]),
        ({"experiments": {"a b": SQUID}}, "experiments", ["the name 'a b' becomes a folder", "letters, digits"]),
        ({"experiments": {"../up": SQUID}}, "experiments", ["the name '../up' becomes a folder"]),
        ({"experiments": {"a\n": SQUID}}, "experiments", [r"the name 'a\n' becomes a folder"]),
        ({"experiments": {2024: {}}}, "experiments", ["the key 2024 is not text", "quotes"]),
        ({"experiments": {"a": None}}, "experiments.a", ["nothing is not a mapping"]),
    ],
    ids=str,
)
def test_mistakes_above_the_experiments(config, where, parts):
    refused(config, where, *parts)


# --- several mistakes

CASES = [(path, value, GOOD, where, parts) for path, value, where, parts in MISTAKES]
CASES += [(path, value, SAMPLED, where, parts) for path, value, where, parts in SAMPLING_MISTAKES]
JUDGES = {"model", "potential", "current", "stimulus", "duration", "parameters", "sample"}  # others are judged by them
JUDGED = ({"protocol", "solver"}, {"combine", "traces"})  # the tolerance by the protocol, traces by the grid


@pytest.fixture
def load_once(monkeypatch):
    monkeypatch.setattr(hhcore.config.values, "load_model", cache(hhcore.config.values.load_model))  # 20 ms each


def mistakes(config) -> tuple[str, ...]:
    try:
        read_experiments(config, ".")
    except UserError as error:
        return error.mistakes
    return ()


def test_every_experiment_has_the_mistakes_that_it_has_alone(load_once):
    bodies = {
        f"e{i}": changed(path, value, good)["experiments"]["squid"] for i, (path, value, good, *_) in enumerate(CASES)
    }
    alone = [mistake for name, body in bodies.items() for mistake in mistakes({"experiments": {name: body}})]
    assert len(alone) == len(CASES) > 100
    assert mistakes({"experiments": {"good": SQUID, **bodies}}) == tuple(alone)


def test_two_mistakes_in_one_experiment_are_found_both_unless_one_is_judged_by_the_other(load_once):
    """And none follows from another: each is in the place of one of the two, and says what that one says."""
    both, changes_others = 0, (1e8, {"normal": [90, 20]})  # more pulses fit into the run, one more quantity is sampled
    cases = [case for case in CASES if case[1] not in changes_others]
    for one, other in random.Random(1).sample([*combinations(cases, 2)], 1200):
        keys = {one[0][0], other[0][0]}
        one, other = sorted((one, other), key=lambda case: case[0][0] == "traces")
        first = changed(*one[:3])
        if one[2] is not other[2] or len(keys) == 1 or ("traces" in keys and not traces(first)):
            continue
        found = mistakes(changed(*other[:2], first))
        for mistake in found:  # which unit is legal cannot be said without the model
            parts = [[""] if keys & {"model", "potential", "current"} else case[4] for case in (one, other)]
            cases = zip((one[3], other[3]), parts, strict=True)
            assert any(says(mistake, *case) for case in cases), (one, other, found)
        assert len(found) == 2 or found and (keys & JUDGES or keys in JUDGED), (one, other, found)
        both += len(found) == 2
    assert both > 550


def traces(config):
    return config["experiments"]["squid"].get("traces")


def says(mistake: str, where: str, parts: list[str]) -> bool:
    return mistake.startswith(f"experiments.squid{where}: ") and any(part in mistake for part in parts)


def test_all_mistakes_of_a_config_by_hand():
    """A misspelled key is one mistake, not a missing one besides; a model that is not there is one."""
    config = yaml.safe_load("""
    experiments:
      a b:
        model: hodgkin_huxley_1952
        stimulus: {kind: step, amplitude: 1}
        initial_state: rest
        duration: 9
        solver: {}
      squid:
        modell: hodgkin_huxley_1952
        stimulus: {kind: stp}
        initial_state: rset
        duration: 100
        parameters: {sodium.gg: 1 mV}
        solver: {tolerence: 1 us}
    """)
    assert [mistake.split("; ")[0] for mistake in mistakes(config | {"threads": 4})] == [
        "config: there is no key 'threads' here",
        "experiments: the name 'a b' becomes a folder",
        "experiments.'a b'.solver: {} does not say how accurate",
        "experiments.squid: there is no key 'modell' here",
        "experiments.squid.stimulus.kind: 'stp' is not a choice here",
        "experiments.squid.solver: there is no key 'tolerence' here",
        "experiments.squid.initial_state: 'rset' is not a choice here",
    ]


TEN_MISTAKES = """
experiments:
  squid:
    model: hodgkin_huxley_1952
    stimulus: {kind: pulse_train, amplitude: {linspace: [0, 20]}, width: 1, period: 5, number: 2.5, wdth: 3}
    parameters: {leak.g: {values: [0.3, 0.3]}, temperature.T: 6.3}
    initial_state: rest
    duration: 0
    solver: {tolerance: 1 s, method: rk45}
    traces: [{amplitude: 10}]
  other:
    model: hodgkin_huxley
    stimulus: {kind: step, amplitude: {linspace: [0, 20]}}
    parameters: {leak.g: {values: [0.3, 0.3]}}
    initial_state: rest
    duration: 0
    solver: {tolerance: 1 s}
"""


def test_no_mistake_hides_another():
    """Not a wrong duration, axis, method or model what can be judged without it."""
    places = [mistake.split(": ")[0] for mistake in mistakes(yaml.safe_load(TEN_MISTAKES))]
    assert [place.removeprefix("experiments.") for place in places] == [
        "squid.stimulus",
        "squid.solver.method",
        "squid.duration",
        "squid.solver.tolerance",
        "squid.stimulus.amplitude.linspace",
        "squid.parameters.leak.g.values",
        "squid.stimulus.number",
        "squid.parameters.temperature.T",
        "squid.traces[0]",
        "other.model",
        "other.duration",
        "other.solver.tolerance",
        "other.stimulus.amplitude.linspace",
        "other.parameters.leak.g.values",
    ]


def test_the_message_counts_the_mistakes_and_has_a_line_for_each(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    config = changed(("solver", "Dt"), 3, changed(("spikes",), 0))
    path.write_text(yaml.safe_dump(config))
    assert main(["check", str(path)]) == 1
    one, two = mistakes(config)
    assert capsys.readouterr().err == f"Error. 2 mistakes:\n- {one}\n- {two}\n"
    many = {f"e{i}": SQUID | {"spikes": 0} for i in range(30)}
    with pytest.raises(UserError, match=r"^30 mistakes:\n(- .*\n){20}- and 10 more$"):
        read_experiments({"experiments": many})


# --- grids


def test_zip_needs_start_before_stop_in_every_neuron():
    config = changed(("combine",), "zip")
    config["experiments"]["squid"] |= {"parameters": {}, "traces": []}
    times = {"start": {"values": [0, 30]}, "stop": {"values": [20, 30]}}
    config["experiments"]["squid"]["stimulus"] = STEP | times
    refused(config, "experiments.squid.stimulus", "start 30.0 is not before stop 30.0")


def test_a_grid_that_is_too_large_is_refused_before_any_of_it_is_in_memory(monkeypatch):
    monkeypatch.setattr(AxisSpec, "expand", lambda self: pytest.fail("an axis was expanded"))
    parameters = {"sodium.g": TEN_THOUSAND, "leak.g": TEN_THOUSAND, "potassium.g": TEN_THOUSAND}
    parameters["membrane.C"] = {"linspace": [1, 2, 10**6]}
    refused(
        changed(("parameters",), parameters, changed(("traces",), [])),
        "experiments.squid",
        "5e+18 points (amplitude 5, sodium.g 10000, leak.g 10000, potassium.g 10000, membrane.C 1000000)",
        "at most 1e+09",
    )
    del parameters["membrane.C"]
    config = changed(("stimulus",), STEP, changed(("traces",), []))
    config["experiments"]["squid"]["parameters"] = parameters
    refused(config, "experiments.squid", "1e+12 points", "sodium.g 10000", "combine: zip")


def test_more_than_sixteen_axes(tmp_path):
    source = (Path(hhcore.__file__).parent / "models" / "hodgkin_huxley_1952.mmt").read_text()
    extra = "".join(f"x{i} = 1 [1]\n    in [1]\n" for i in range(17))
    (tmp_path / "many.mmt").write_text(f"{source}\n[extra]\n{extra}")
    config = changed(("parameters",), {f"extra.x{i}": {"values": [1]} for i in range(17)}, changed(("traces",), []))
    config["experiments"]["squid"]["model"] = str(tmp_path / "many.mmt")
    refused(config, "experiments.squid", "18 axes are given, at most 16")


# --- model files


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("garbage.mmt", bytes(range(128, 256)), ["garbage.mmt", "cannot be read"]),
        ("garbage.cellml", bytes(range(128, 256)), ["garbage.cellml", "cannot be read"]),
        ("text.mmt", b"a poem", ["text.mmt", "cannot be read"]),
        ("empty.mmt", b"", ["empty.mmt", "cannot be read"]),
        ("page.cellml", b"<html/>", ["page.cellml", "cannot be read"]),
    ],
)
def test_model_files(tmp_path, name, content, parts):
    (tmp_path / name).write_bytes(content)
    config = changed(("model",), name)
    with pytest.raises(UserError) as caught:
        read_experiments(config, tmp_path)
    message = str(caught.value)
    assert message.startswith("experiments.squid.model: "), message
    for part in parts:
        assert part in message


def test_a_model_whose_time_is_no_time(tmp_path):
    (tmp_path / "plain.mmt").write_text(
        "[[model]]\nm.v = 0\n[m]\ntime = 0 [mV] bind time\n    in [mV]\ni = 0 [1] bind pace\n    in [1]\n"
        "dot(v) = i - v\n    in [1]\n    label membrane_potential\n"
    )
    with pytest.raises(UserError, match=r"^experiments\.squid\.model: time unit of 'plain': '1 mV' cannot .* to ms"):
        read_experiments(changed(("model",), "plain.mmt"), tmp_path)


def test_a_folder_is_no_model_file(tmp_path):
    (tmp_path / "model.mmt").mkdir()
    with pytest.raises(UserError, match=r"^experiments\.squid\.model: .*model\.mmt.* does not exist"):
        read_experiments(changed(("model",), "model.mmt"), tmp_path)


# --- config files


def unfolding(form: str, lines: int) -> bytes:
    """Lines of which each holds the one before twice: a billion values in a kilobyte."""
    return "\n".join(["a0: &a0 {b: 1}", *(f"a{i + 1}: &a{i + 1} {form.format(i)}" for i in range(lines))]).encode()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"experiments: {a: [", "is not valid YAML"),
        (b"a: b: c", "is not valid YAML"),
        (b"\tx", "is not valid YAML"),
        (b"a: !!python/object/apply:os.getcwd []", "is not valid YAML"),
        (b"a: 2024-13-45", "is not valid YAML"),
        (b"a: !!bool perhaps", "is not valid YAML"),
        (b"a: !!map xy", "expected a mapping node"),
        (b"a: !!int ''", "is not valid YAML"),
        (b"{[1, 2]: {[3]: 4}, {5: 6}: 7}", "is not valid YAML"),
        (b"a: \x00", "is not valid YAML"),
        (b"[" * 5000, "is not valid YAML"),
        (b"\xff\xfe\x00\x01", "cannot be read as a text file"),
        (b"a: 1\nb: 2\na: 3\n", "line 3: the key 'a' occurs twice"),
        (b"x: {y: [{b: 1, b: 1}]}", "line 1: the key 'b' occurs twice"),
        (b"experiments:\n  s:\n    duration: 1\n    'duration': 2\n", "line 4: the key 'duration' occurs twice"),
        (b"", "nothing is not a mapping"),
        (b"- 1\n- 2\n", "[1, 2] is not a mapping"),
        (b"just text", "'just text' is not a mapping"),
        (
            b"on: 1",
            "line 1: 'on' is True in YAML 1.1 and 'on' in YAML 1.2; write a plain decimal number, or put text in",
        ),
        (b"true: 1", "the key True is not text"),
        (b"a: &a [1, *a]", "line 1: its aliases unfold into more than 5,000,000 values"),
        (unfolding("[*a{0}, *a{0}]", 30), "its aliases unfold into more than 5,000,000 values"),
        (unfolding("{{<<: [*a{0}, *a{0}]}}", 30), "its aliases unfold into more than 5,000,000 values"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_config_files(tmp_path, content, part):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_config(path)
    assert "mine.yaml" in str(caught.value) and part in str(caught.value)


@pytest.mark.parametrize(
    ("written", "older", "newer"),
    [
        ("0144", "100", "144"),
        ("-017", "-15", "-17"),
        ("08", "'08'", "8"),
        ("0o14", "'0o14'", "12"),
        ("0b101", "5", "'0b101'"),
        ("1:40", "100", "'1:40'"),
        ("1:40.5", "100.5", "'1:40.5'"),
        ("1_000", "1000", "'1_000'"),
        ("yes", "True", "'yes'"),
        ("Off", "False", "'Off'"),
    ],
)
def test_what_two_versions_of_yaml_read_differently_is_refused(tmp_path, written, older, newer):
    """Both readings from the specifications, https://yaml.org/type and section 10.3 of https://yaml.org/spec/1.2.2."""
    path = tmp_path / "mine.yaml"
    path.write_text(f"a:\n- {written}\n")
    with pytest.raises(
        UserError, match=re.escape(f"line 2: {written!r} is {older} in YAML 1.1 and {newer} in YAML 1.2")
    ):
        read_config(path)
    path.write_text(f"a:\n- '{written}'\n- !!str {written}\n")
    assert read_config(path) == {"a": [written, written]}


def test_all_mistakes_of_a_file_are_listed(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: 0144\nb: {x: 1, x: 2}\nc: [yes, 1]\nb: 3\n")
    with pytest.raises(UserError) as caught:
        read_config(path)
    lines = [re.sub(r".*mine\.yaml': (line \d): (\S+ \S+).*", r"\1 \2", m) for m in caught.value.mistakes]
    assert sorted(lines) == ["line 1 '0144' is", "line 2 the key", "line 3 'yes' is", "line 4 the key"]


def test_what_all_versions_of_yaml_read_alike_is_read(tmp_path):
    """Numbers with an exponent but no dot are text to PyYAML, and numbers to what reads the config."""
    path = tmp_path / "mine.yaml"
    numbers = "[12, -3, +4, 0, 0x1F, 1.5, 010.5, .5, 1., 1.5e+3, -.inf, true, False, null, ~, 1e3, .5e3, 10 ms]"
    path.write_text(f"a: {numbers}")
    plain = [12, -3, 4, 0, 31, 1.5, 10.5, 0.5, 1.0, 1500.0, -math.inf, True, False, None, None]
    assert read_config(path) == {"a": [*plain, "1e3", ".5e3", "10 ms"]}
    (experiment,) = read_experiments(changed(("duration",), read_config(path)["a"][-3])).values()
    assert experiment.duration == 1000.0


def test_a_config_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.yaml' does not exist"):
        read_config(tmp_path / "nowhere.yaml")
    with pytest.raises(UserError, match="cannot be read as a text file"):
        read_config(tmp_path)


def test_a_merged_yaml_key_may_be_set_again(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &common {x: 1, y: 2}\nb: {<<: *common, x: 3}\n")
    assert read_config(path)["b"] == {"x": 3, "y": 2}


def test_a_mapping_that_contains_itself_or_unfolds_without_end_is_refused():
    """Snakemake hands over what its own reader made of the file."""
    with pytest.raises(UserError, match=r"- experiments\.a: there is no key 'a' here"):
        read_experiments(yaml.safe_load("experiments: &x {a: *x}"))
    lines = "\n".join(f"x{i}: &x{i} [{', '.join(['*x' + str(i - 1)] * 9)}]" for i in range(1, 40))
    bomb = yaml.safe_load(f"x0: &x0 [1]\n{lines}\nexperiments: *x39\n")["experiments"]
    refused({"experiments": bomb}, "experiments", "is not a mapping")
