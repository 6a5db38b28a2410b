"""The columns of hysteresis: units and definitions, the words for what lies between both edges, and their error."""

from hhcore.base.units import column_name
from hhcore.experiments.protocol import Accuracy

BISTABILITY = {
    "bistable": "between both edges it rests or fires, as it has come there",
    "one_state": "firing ends where rest does, as closely as both are known: to a tenth at least",
    "unresolved": "the edges are closer to each other than they are known; a longer hold knows more",
    "apart": "rest ends below where firing does: in between, neither lasts",
    "rests_throughout": "rest is stable at all levels, and it fires on too from firing_from on",
    "fires_throughout": "it fires on down to the lowest level",
    "never_rests": "rest is not stable at the lowest level",
    "never_fires": "it fires on at no level",
    "failed": "a run diverged or stalled",
}
EDGE_ERROR = Accuracy(
    label="Error of an edge",
    column="edge_error_ppm",
    unit="ppm",
    tolerance=("1", 1e-10, 0.1, "between 1e-10 and 0.1; it is the largest relative error of an edge, such as 1e-6"),
    factor=1e6,
    meaning="larger relative difference of firing_from and rest_until from the reference; null without both",
    outcome="firing_levels",
    outcome_meaning="levels, up and down, at whose end it fires on",
    reference_meaning="levels at whose end the reference fires on",
    fragile_meaning="whether the number of levels that fire depends on the accuracy, or it cannot be certified",
    missing="no edge",
    none="no edges",
    nothing="No neuron of the sample has an edge to judge solvers by.",
)


def definitions(unit: str) -> dict[str, tuple[str, str]]:
    """Unit and definition of each feature. `unit` : of the current"""
    edges = {
        "firing_from": "current below which firing ends that has begun above: where the stable cycle meets an unstable "
        "one and both vanish, or where a search finds it; see firing_ends",
        "firing_from_error": "how far off that may be: the last step of Newton's method, or how much a search differs "
        "from one with a hold half as long",
        "rest_until": "largest current up to which rest is stable, followed from the lowest level on",
        "rest_again_from": "current from which the same equilibrium is stable again, within the levels",
        "bistable_width": "rest_until minus firing_from; 0 of one_state, null where it is not bistable",
    }
    words = "; ".join(f"{word}: {meaning}" for word, meaning in BISTABILITY.items())
    return {column_name(name, unit): (unit, meaning) for name, meaning in edges.items()} | {
        "bistability": ("1", words),
        "rest_ends": (
            "1",
            "how rest ends. hopf: it begins to oscillate; saddle_node: the equilibrium meets another one; throughout: "
            "it is stable at all levels; none: it is not stable at the lowest",
        ),
        "firing_ends": (
            "1",
            "how firing ends on the way down. turn: the branch of cycles turns round; searched: by bisection; "
            "throughout: it does not down to the lowest level; never: it fires on at no level",
        ),
        "rest_frequency_Hz": ("Hz", "frequency of the oscillation in which rest ends; 0 of a saddle-node"),
        "firing_frequency_Hz": ("Hz", "firing rate at firing_from, of a turn"),
        "firing_levels": ("1", EDGE_ERROR.outcome_meaning),
        "status": ("1", "how the neuron ended: ok, no_stable_rest, diverged, stalled"),
        "failed_ms": ("ms", "simulated time in all levels when a run failed; null if none did"),
        "edge_error_ppm": ("ppm", "estimated relative error of the edges; null where it was not estimated"),
        "fragile": ("1", EDGE_ERROR.fragile_meaning + "; null where it was not tested"),
    }


def level_definitions(unit: str) -> dict[str, tuple[str, str]]:
    """Unit and definition of each column of hysteresis.parquet. `unit` : of the current"""
    return {
        "neuron": ("1", "row of the neuron in features.parquet, from 0"),
        "level": ("1", "number of the level in the order in which they come, from 0"),
        "direction": ("1", "up, or down"),
        column_name("amplitude", unit): (unit, "current of the level"),
        "firing_rate_Hz": (
            "Hz",
            "1 over the mean interval between spikes in the second half of the level; 0 without a spike there, "
            "null with just one",
        ),
        "spike_count": ("1", "spikes in the whole level"),
        "peak_mV": ("mV", "highest membrane potential in the second half of the level"),
        "trough_mV": ("mV", "lowest membrane potential in the second half of the level"),
        "fires_on": (
            "1",
            "whether firing goes on at the end of the level: three spikes at least, the last one no "
            "longer ago than twice the longest interval",
        ),
    }
