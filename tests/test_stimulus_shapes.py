"""Each kind of stimulus in neurons: spike times from SciPy, charges by hand, and the order through ramps and sines."""

import math
from functools import lru_cache

import numpy as np
import pytest
from scipy.special import fresnel
from test_other_units import SQUID, in_volts

import hhcore
from hhcore.schemes.solver import SCHEMES, setting_of
from hhcore.simulation import stimuli
from hhcore.simulation.reference import reference
from hhcore.simulation.stimuli.segments import Segments

HH = hhcore.load_model("hodgkin_huxley_1952")
CAPACITOR = {"sodium.g": 0.0, "potassium.g": 0.0, "leak.g": 0.0}
TURN = 2 * math.pi / 1000  # of a sine of 1 Hz in 1 ms

FIRING = {  # fields that make an axon fire within 60 ms, and an edge off any grid
    "step": {"amplitude": 12, "start": 1 / 3},
    "pulse": {"amplitude": 10, "width": 37.7, "start": 1 / 3},
    "pulse_train": {"amplitude": 30, "width": 0.7, "period": 17.3},
    "ramp": {"amplitude": 40, "start": 1 / 3, "stop": 47.7},
    "triangle": {"amplitude": 30, "start": 2.1, "stop": 41.3, "symmetry": 0.3},
    "paired_pulses": {"amplitude": 25, "width": 0.6, "interval": 17.9, "amplitude_ratio": 1.4, "start": 1.01},
    "biphasic": {"amplitude": -60, "width": 0.4, "gap": 0.1, "width_ratio": 2.5, "period": 21.7, "start": 1.3},
    "staircase": {"amplitude": 2, "increment": 3, "width": 11.3, "start": 0.7},
    "sine": {"amplitude": 15, "frequency": 62, "start": 1 / 3, "phase": 0.4},
    "chirp": {"amplitude": 15, "start_frequency": 20, "stop_frequency": 150, "start": 1.1},
    "chirp exponential": {"amplitude": 15, "start_frequency": 20, "stop_frequency": 150, "sweep": "exponential"},
    "noise linear": {"mean": 9, "sd": 8, "correlation_time": 3, "interval": 0.7, "seed": 2, "interpolation": "linear"},
    "sahp": {"amplitude": 25, "long_amplitude": 4, "start": 1.7, "tmid": 10.1, "tmid2": 38.3, "stop": 50},
    "noise": {"mean": 9, "sd": 8, "correlation_time": 3, "interval": 0.7, "seed": 2, "start": 1.3, "stop": 55},
    "shock": {"displacement": 20, "start": 1 / 3},
    "hyper_depol": {"hyper_amplitude": -10, "depol_amplitude": 9, "start": 1.9, "tmid": 20.7, "stop": 51.1},
}


def stimulus(kind: str, **fields):
    return stimuli.kinds()[kind.split()[0]](**fields)


def test_every_kind_is_here():
    assert {kind.split()[0] for kind in FIRING} == set(stimuli.kinds()) - {"file", "sum", "events", "waveform"}


@pytest.mark.parametrize("kind", FIRING)
def test_spike_times_are_those_of_scipy(kind):
    given = stimulus(kind, **FIRING[kind])
    fields = {name: value for name, value in FIRING[kind].items() if name in given.fields}
    exact = reference(HH, fields, duration=60.0, stimulus=type(given), initial_state="model").spike_times
    settings = {"duration": 60.0, "initial_state": "model", "method": "tsit5", "local_error": 1e-11}
    found = hhcore.simulate(HH, {}, given, **settings).spike_times
    assert len(exact) >= (1 if kind == "shock" else 2) and np.abs(found - exact).max() < 1e-8


@pytest.mark.parametrize("kind", FIRING)
def test_a_field_or_a_duration_that_is_wrong_itself_is_no_second_mistake(kind):
    """`check` then sees NaN, or a duration of infinity."""
    used = type(stimulus(kind, **FIRING[kind]))
    for duration in (60.0, math.inf):
        given = used.defaults(duration) | {name: value for name, value in FIRING[kind].items() if name in used.fields}
        values = {name: np.array([value]) for name, value in given.items()}
        used.check(values, duration, "stimulus")
        for name in values:
            used.check(values | {name: np.array([math.nan])}, duration, "stimulus")


SINE = {"amplitude": 3, "frequency": 40, "phase": 0.3}
CHARGES = [  # a kind, its fields, and the integral of the current from 0 to 20 ms, by hand
    ("ramp", {"amplitude": 3}, 30),
    ("ramp", {"amplitude": 3, "start_amplitude": -1, "start": 1 / 3, "stop": 7.1}, 7.1 - 1 / 3),
    ("triangle", {"amplitude": 3}, 30),
    ("triangle", {"amplitude": 3, "start": 0.1, "stop": 7.3, "symmetry": 0.9}, 1.5 * 7.2),
    ("pulse", {"amplitude": 5, "width": 1 / 3, "start": 7.1}, 5 / 3),
    ("pulse", {"amplitude": 5, "width": 20}, 100),
    ("paired_pulses", {"amplitude": 5, "width": 0.7, "interval": 0.7, "amplitude_ratio": 3}, 20 * 0.7),
    ("paired_pulses", {"amplitude": 5, "width": 1 / 3, "interval": 9.1, "start": 1.05}, 10 / 3),
    ("paired_pulses", {"amplitude": 5, "width": 1, "interval": 19}, 10),
    ("biphasic", {"amplitude": -5, "width": 0.3, "width_ratio": 4, "period": 2.1}, 0),
    ("biphasic", {"amplitude": 5, "width": 1 / 3, "gap": 19, "start": 0.0, "number": 1}, 0),
    ("staircase", {"amplitude": 1, "increment": 2, "width": 1.1, "number": 3, "start": 0.0}, 9 * 1.1),
    ("staircase", {"amplitude": 1, "increment": -0.01, "width": 0.1}, 0.1 * (200 - 0.005 * 200 * 199)),
    ("sine", SINE, 3 / (40 * TURN) * (math.cos(0.3) - math.cos(0.3 + 800 * TURN))),
    ("sine", SINE | {"start": 1, "stop": 9.7}, 3 / (40 * TURN) * (math.cos(0.3) - math.cos(0.3 + 348 * TURN))),
    ("sahp", {"amplitude": 6, "long_amplitude": 1, "tmid": 1 / 3, "tmid2": 4.1}, 20 + 5 * (4.1 - 1 / 3)),
    ("hyper_depol", {"hyper_amplitude": -1, "depol_amplitude": 2, "tmid": 7.7, "stop": 13.3}, 2 * 5.6 - 7.7),
]  # fmt: skip


@pytest.mark.parametrize("method", ["rk4", "tsit5", "rodas5p"])
@pytest.mark.parametrize(("kind", "fields", "charge"), CHARGES)
def test_the_charge_of_a_capacitor_is_the_integral(kind, fields, charge, method):
    """Edges are exact: at t = 0, on and off the grid of rk4, abutting, at the end of the run."""
    settings = {"duration": 20.0, "initial_state": "model", "method": method}
    settings |= {"dt": 0.05} if method == "rk4" else {"local_error": 1e-10}
    run = hhcore.simulate(HH, CAPACITOR, stimulus(kind, **fields), **settings)
    assert run.final[0, 0] - HH.states["membrane.V"].value == pytest.approx(charge, rel=2e-8, abs=2e-9)


def test_the_charge_of_a_chirp_is_a_fresnel_integral():
    """The sine of a phase that grows as the square of time."""
    settings = {"duration": 20.0, "initial_state": "model", "method": "tsit5", "local_error": 1e-10}
    run = hhcore.simulate(HH, CAPACITOR, hhcore.Chirp(3, 1e-9, 300), **settings)
    a = TURN * 300 / 40  # the phase is a t^2
    charge = 3 * math.sqrt(math.pi / (2 * a)) * fresnel(math.sqrt(2 * a / math.pi) * 20)[0]
    assert run.final[0, 0] - HH.states["membrane.V"].value == pytest.approx(charge, rel=1e-8)


FAMILIES = {
    "ramp": [{"amplitude": float(last)} for last in np.linspace(16, 48, 8)],
    "sine": [{"amplitude": 20.0, "frequency": float(frequency)} for frequency in np.linspace(50, 120, 8)],
}


@lru_cache
def first_spikes(kind: str) -> list[tuple[dict, float, float]]:
    """Of each neuron: its fields up to its first spike, when that is, and the slope of the potential there [mV/ms]."""
    found = []
    for fields in FAMILIES[kind]:
        run = reference(HH, fields, duration=8.0, stimulus=kind, initial_state="model", rtol=3e-14, atol=1e-14)
        spike = float(run.spike_times[0])
        rise = (run.at(spike + 1e-6)[0] - run.at(spike - 1e-6)[0]) / 2e-6
        until = {"amplitude": fields["amplitude"] * spike / 8.0} if kind == "ramp" else fields
        found.append((until, spike, rise))
    return found


@pytest.mark.parametrize(("method", "numbers"), [("rk4", (80, 320)), ("tsit5", (30, 80)), ("rodas5p", (80, 320))])
@pytest.mark.parametrize("kind", FAMILIES)
def test_spike_times_through_ramps_and_sines_have_the_order_of_the_scheme(kind, method, numbers, monkeypatch):
    """Equal steps to the spike: what the potential is off there, over its slope, is the error of the spike time.

    tsit5 comes nearer faster than by its order in steps of this length.
    """
    monkeypatch.setattr("hhcore.schemes.solver.LARGEST_ERROR", 1.0)
    errors = []
    for number in numbers:
        worst = 0.0
        for fields, spike, rise in first_spikes(kind):
            accuracy = 0.99 if SCHEMES[method].adaptive else spike / number
            settings = {"duration": spike, "initial_state": "model", "interval": spike / number, "method": method}
            traced = hhcore.trace(HH, {}, stimulus(kind, **fields), **settings, **{setting_of(method): accuracy})
            worst = max(worst, abs(traced["membrane.V"][-1] / rise))
        errors.append(worst)
    order = math.log(errors[0] / errors[1]) / math.log(numbers[1] / numbers[0])
    assert order > SCHEMES[method].order - 0.2, (order, errors)


@pytest.mark.parametrize(
    ("method", "numbers"),
    [("rk4", (80, 160, 320)), ("tsit5", (60, 80, 120)), ("dop853", (20, 24, 28)), ("rodas5p", (50, 80, 120))],
)
def test_declared_order_through_a_sine(method, numbers, monkeypatch):
    """As test_solvers.py measures it for a constant current; test_stimuli.py does for a ramp."""
    monkeypatch.setattr("hhcore.schemes.solver.LARGEST_ERROR", 1.0)
    sine, times = {"amplitude": 20.0, "frequency": 90.0}, np.linspace(0.5, 10.0, 20)
    run = reference(HH, sine, duration=10.0, stimulus="sine", initial_state="model", rtol=3e-14, atol=1e-14)
    errors = []
    for number in numbers:
        interval = times[0] / number
        settings = {"duration": 10.0, "initial_state": "model", "interval": interval, "method": method}
        settings |= {setting_of(method): 0.99 if SCHEMES[method].adaptive else interval}
        found = hhcore.trace(HH, {}, hhcore.Sine(**sine), **settings)["membrane.V"][number::number][: len(times)]
        errors.append(np.abs(found - [run.at(t)[0] for t in times]).max())
    order = -np.polyfit(np.log(numbers), np.log(errors), 1)[0]
    assert order > SCHEMES[method].order - 0.2, (order, errors)


@pytest.mark.parametrize(
    "given",
    [
        hhcore.Sine("15 uA/cm^2", 62, start="1 ms"),
        hhcore.Chirp("15 uA/cm^2", 20, "0.15 kHz", stop="50 ms"),
        hhcore.Ramp("40 uA/cm^2", start="1 ms", stop="47 ms"),
        hhcore.Noise("9 uA/cm^2", "8 uA/cm^2", "3 ms", "0.7 ms", seed=2, realisation="shared"),
        hhcore.Shock("20 mV", start="3 ms"),
    ],
)
def test_a_model_in_volts_and_seconds_fires_at_the_same_times(given, tmp_path):
    """Frequencies are in Hz in both."""
    (tmp_path / "volts.mmt").write_text(in_volts(SQUID))
    volts = hhcore.load_model(tmp_path / "volts.mmt")
    settings = {"duration": "60 ms", "initial_state": "model", "method": "tsit5", "local_error": 1e-10}
    one, other = (hhcore.simulate(model, {}, given, **settings).spikes.time_ms for model in (HH, volts))
    assert len(one) and np.abs(one - other).max() < 1e-7


@pytest.mark.parametrize("method", ["rk4", "tsit5", "rodas5p"])
def test_a_shock_displaces_the_potential_of_a_capacitor_by_itself(method):
    """Exactly, at t = 0, on and off the grid, two at once, and against each other."""
    shocks = {"a": (15.0, 0.0), "b": (1.5, 1 / 3), "c": (-4.25, 5.0), "d": (8.0, 5.0), "e": (-0.25, 9.99)}
    both = hhcore.Sum(**{name: hhcore.Shock(*fields) for name, fields in shocks.items()})
    settings = {"initial_state": "model", "method": method, setting_of(method): 0.05 if method == "rk4" else 1e-8}
    for duration, expected in ((0.3, 15.0), (5.0, 16.5), (10.0, 20.0)):
        first = {name: shock for name, shock in shocks.items() if shock[1] < duration}
        stimulus = both if len(first) == 5 else hhcore.Sum(**{name: hhcore.Shock(*first[name]) for name in first})
        run = hhcore.simulate(HH, CAPACITOR, stimulus, duration=duration, **settings)
        assert run.final[0, 0] - HH.states["membrane.V"].value == expected


# To the threshold of 0 mV: at t = 0, to 2 mV above it when the axon is refractory and V falls, again, and to below it.
SHOCKS = {"first": (90.0, 0.0), "second": (78.0, 4.0), "third": (70.0, 25.0), "below": (40.0, 45.0)}


@pytest.mark.parametrize("method", SCHEMES)
def test_a_shock_to_the_threshold_is_a_spike_at_its_time(method):
    """Also where the potential falls from there, in a step however long."""
    given = hhcore.Sum(**{name: hhcore.Shock(*shock) for name, shock in SHOCKS.items()})
    fields = {name: float(value) for name, value in given.values.items()}
    exact = reference(HH, fields, duration=60.0, stimulus=type(given)).spike_times
    settings = {"method": method, setting_of(method): 0.01 if method == "rk4" else 1e-8}
    found = hhcore.simulate(HH, {}, given, duration=60.0, **settings).spike_times
    assert exact[:3].tolist() == found[:3].tolist() == [0.0, 4.0, 25.0]
    assert found == pytest.approx(exact, abs=1e-3) and len(exact) == 4


def test_a_jump_of_a_command_is_no_spike_and_leaves_none_behind():
    """Of a ramp that follows a jump across the threshold there is none; of one from below there is."""
    command = Segments(holding=-65, jump=(20, 2), more=(20, 40, 5), low=(-60, 3), ramp=(-60, 20, 10))
    fields = {name: float(value) for name, value in command.values.items() if np.isfinite(value)}
    exact = reference(HH, fields, duration=20.0, stimulus=type(command)).spike_times
    found = hhcore.simulate(HH, {}, command, duration=20.0, local_error=1e-9).spike_times
    assert exact == pytest.approx([17.5]) and found == pytest.approx([17.5])


def test_the_squid_axon_has_its_threshold_and_its_peaks():
    """Membrane action potentials of Hodgkin & Huxley (1952), Fig. 12: 7 mV fires and 6 mV does not.

    Threshold and peaks above rest are those of their equations, solved at tight tolerance.
    """
    shocks = hhcore.Shock([0.0, 6.0, 6.50506, 6.50508, 7.0, 15.0, 90.0])
    run = hhcore.simulate(HH, {}, shocks, duration=40.0, method="tsit5", local_error=1e-11)
    assert run.spike_counts.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert run.peak[4:] - run.peak[0] == pytest.approx([102.115, 105.407, 108.533], abs=6e-4)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: hhcore.Ramp(5, stop=99), "stimulus.stop: 99.0 is after the end of the simulation, 50.0"),
        (lambda: hhcore.Ramp(5, start=10, stop=5), "start 10.0 is not before stop 5.0"),
        (lambda: hhcore.Ramp(5, slope=3), "write `amplitude`, at the end: slope times length"),
        (lambda: hhcore.Triangle(5, symmetry=1), "symmetry: 1.0 is not between 0 and 1; .* a ramp for one side"),
        (lambda: hhcore.Sine(5, 0), "frequency: 0.0 is not above 0; give a frequency above 0"),
        (lambda: hhcore.Sine(5, "2 ms"), "frequency: '2 ms' cannot be converted to Hz"),
        (lambda: hhcore.Sine(5, "10 GHz"), "1e\\+10 Hz makes 5e\\+08 cycles in the run, where 1e\\+08 are legal"),
        (lambda: hhcore.Chirp(5, 1, -10), "stop_frequency: -10.0 is not above 0"),
        (lambda: hhcore.PairedPulses(5, 2, 1), "width 2.0 is above interval 1.0, from onset to onset; pulses must not"),
        (lambda: hhcore.PairedPulses(5, 2, 60), "the second pulse ends at 62.0, after the end of the simulation, 50.0"),
        (lambda: hhcore.PairedPulses(5, 1e-9, 5), "width: 1e-09 is too short for a pulse at 5, where times"),
        (lambda: hhcore.Biphasic(5, 2, gap=-1), "gap: -1.0 is below 0"),
        (lambda: hhcore.Biphasic(5, 2, width_ratio=0), "width_ratio: 0.0 is not above 0"),
        (lambda: hhcore.Biphasic(5, 2, period=4), "both phases and the gap, 4.0 together, are not below period 4.0"),
        (lambda: hhcore.Biphasic(5, 1, period=10, number=9), "the 9th pulse ends at 82.0"),
        (lambda: hhcore.Staircase(1, 1, 10, number=8), "the 8th step ends at 80.0, after the end"),
        (lambda: hhcore.Staircase(1, 1, 1e-4), "500000 steps are too many for one neuron; at most 10000 are legal"),
        (lambda: hhcore.SAHP(5, 1, 10, 9), "tmid 10.0 is not before tmid2 9.0; give tmid < tmid2"),
        (lambda: hhcore.HyperDepol(1, 2, 30, start=-2), "start: -2.0 is before the simulation, which begins at 0"),
        (lambda: hhcore.Shock(5, start=50), "start: 50.0 is not before the end of the simulation, 50.0"),
        (lambda: hhcore.Shock("5 uA/cm^2"), "displacement: '5 uA/cm\\^2' cannot be converted to mV"),
    ],
)  # fmt: skip
def test_a_stimulus_that_is_none_is_one_sentence(make, sentence):
    with pytest.raises(hhcore.UserError, match=sentence):
        hhcore.simulate(HH, {}, make(), duration=50.0, method="rk4", dt=0.05)
