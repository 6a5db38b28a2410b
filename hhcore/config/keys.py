"""The keys of a config, declared once: the reader checks them, editors complete them, config/README.md lists them."""

import re

from hhcore.base.checks import Key
from hhcore.grid.designs import EXAMPLE
from hhcore.simulation.stimuli import kinds
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE

CLAMP = "clamp"
NAME = re.compile("[A-Za-z0-9_-]{1,100}")  # of an experiment
TOP = {"experiments": Key("named experiments", "experiments: {...}", required=True)}

EXPERIMENT = {
    "model": Key("the neuron", "model: hodgkin_huxley_1952", required=True),
    "stimulus": Key(
        "the injected current",
        f"stimulus: {kinds()['step'].example}",
        required=True,
        otherwise="required, but with `current: file`",
        elsewhere=dict.fromkeys(
            (*CURRENT_ELSEWHERE, "amplitude", "IClamp", "stim", "delay", "del", "dur", "start", "stop"),
            "the current as `stimulus: {kind: step, amplitude: 10}`",
        )
        | dict.fromkeys(
            ("bcl", "pcl", "pace", "pacing", "freq"),
            "pulses as `stimulus: {kind: pulse_train, amplitude: 80, width: 0.5, period: 1000}`",
        ),
    ),
    CLAMP: Key(
        "the command of a voltage clamp, in the place of a stimulus",
        "clamp: {kind: segments, holding: -80, segments: {test: {potential: 0, duration: 100}}}",
        otherwise="none",
        elsewhere=dict.fromkeys(("vclamp", "voltage_clamp", "SEClamp", "VClamp"), "`clamp: {kind: segments, ...}`"),
    ),
    "initial_state": Key(
        "where each neuron starts",
        "initial_state: rest",
        required=True,
        elsewhere=dict.fromkeys(
            ("v_init", "V0", "E_init", "V", "Vm", "V_m"),
            "`initial_state: rest`, or values of states, like `initial_state: {from: rest, membrane.V: -65}`",
        ),
    ),
    "duration": Key(
        "how long each neuron is simulated",
        "duration: 1000",
        required=True,
        unit="time",
        elsewhere=dict.fromkeys(("tstop", "t_stop", "tmax", "t_end", "runtime", "simtime"), "`duration: 1000`"),
    ),
    "solver": Key(
        "how, and how accurately",
        "solver: {tolerance: 1 us}",
        required=True,
        elsewhere=dict.fromkeys(("dt", "timestep", "time_step", "method"), "`solver: {method: rk4, dt: 0.025}`")
        | dict.fromkeys(("atol", "rtol", "tol", "cvode", "tolerance"), "`solver: {tolerance: 1 us}`"),
    ),
    "protocol": Key(
        "what is kept of each neuron", "protocol: {kind: current_clamp}", otherwise="as suits the stimulus"
    ),
    "parameters": Key(
        "constants of the model to change or to vary",
        "parameters: {leak.g: 0.3}",
        otherwise="as in the model",
        elsewhere=dict.fromkeys(
            ("celsius", "temperature", "T", "temp"), "a temperature as one of the `parameters`, if the model has one"
        ),
    ),
    "drugs": Key(
        "drugs that lower parameters: concentrations, IC50s, Hill coefficients",
        "drugs: {dofetilide: {concentration: {values: [0, 1 nM, 10 nM]}, targets: {IKr: {IC50: 5 nM}}}}",
        otherwise="none",
        elsewhere=dict.fromkeys(
            (
                "drug",
                "compound",
                "compounds",
                "concentration",
                "dose",
                "pharmacology",
                "IC50",
                "treatment",
                "inhibitors",
            ),
            "`drugs: {NAME: {concentration: ..., targets: {IKr: {IC50: 5 nM, hill: 1}}}}`",
        ),
    ),
    "block": Key(
        "parameters lowered by so many percent",
        "block: {potassium.g: 30 %}",
        otherwise="none",
        elsewhere=dict.fromkeys(
            ("blocks", "blockade", "inhibition", "inhibit", "percent_block", "channel_block", "knockdown"),
            "`block: {potassium.g: 30 %}`",
        ),
    ),
    "dose_response": Key(
        "columns of features whose dose–response curves are fitted",
        "dose_response: [apd90_ms, peak_mV]",
        otherwise="the main feature of the protocol",
        elsewhere=dict.fromkeys(("response", "responses", "effect", "effects"), "`dose_response: [apd90_ms]`"),
    ),
    "sample": Key("a sampled design, for quantities that follow distributions", EXAMPLE, otherwise="none"),
    "combine": Key("how axes form a grid: `product` or `zip`", otherwise="`product`", legal=("product", "zip")),
    "analysis_window": Key(
        "the window of rates, intervals, extremes and outputs",
        "analysis_window: [200, 1000]",
        otherwise="the whole duration",
    ),
    "spikes": Key(
        "what a spike is",
        "spikes: {threshold: 0, rearm: -20}",
        otherwise="crosses 0 upwards",
        elsewhere=dict.fromkeys(("threshold", "thresh", "rearm"), "`spikes: {threshold: 0, rearm: -20}`"),
    ),
    "outputs": Key(
        "columns for other variables than the potential: extremes, means, integrals",
        "outputs: {sodium_charge: {variable: sodium.i, measure: integral}}",
        otherwise="none",
        elsewhere=dict.fromkeys(
            ("record", "observe", "observables", "measurements", "watch", "save"),
            "`outputs: {NAME: {variable: ..., measure: ...}}`",
        ),
    ),
    "traces": Key("neurons to draw in full", "traces: [{amplitude: 10}]", otherwise="none"),
    "failed_neurons": Key("whether they fail the run: `keep` or `fail`", otherwise="`keep`", legal=("keep", "fail")),
    "potential": Key(
        "the state that is the membrane potential", "potential: membrane.V", otherwise="as marked in the model file"
    ),
    "current": Key("the variable that is injected", "current: stimulus.i", otherwise="as marked in the model file"),
}

SPIKES = {
    "threshold": Key("the potential that a spike crosses upwards", otherwise="0", unit="potential"),
    "rearm": Key(
        "the potential must fall below it before the next spike counts", otherwise="the threshold", unit="potential"
    ),
}
