"""Our numbers, by the names of published.yaml."""

import numpy as np

from hhcore import Run
from hhcore.papers.measured import Measured, certified

from .cells import DEMONSTRATIONS, FIGURE_1C, Solver, fired


def numbers(run: Run) -> dict[str, Measured]:
    """Ours of every number."""
    return certified(spikes) | curves(run)


def curves(run: Run) -> dict[str, Measured]:
    """Of the F-I curve of fs: its rate at 0.5 nA, and where it begins, which is between two amplitudes of the grid."""
    (neuron,) = run["fs_rate"].features.to_dict("records")
    length = neuron["last_spike_ms"] - neuron["first_spike_ms"]
    rate = 1e3 / neuron["mean_isi_ms"]
    fires = int(np.argmax(run["fs"].features["spike_count"] > 0))
    below, above = run["fs"].features["amplitude_uA_cm2"].iloc[[fires - 1, fires]]
    return {
        "fs_rate": Measured(rate, rate * 2e-3 * neuron["spike_time_error_us"] / length),
        "fs_onset": Measured((below + above) / 2, round((above - below) / 2, 9)),
    }


def spikes(solver: Solver) -> dict[str, object]:
    """Spike times in the demonstrations of the copy, and their number in those of bursting cells."""
    found = {cell: fired(cell, pulse, solver).spike_times for cell, pulse in DEMONSTRATIONS.items()}
    found["figure_1c"] = fired("rs", FIGURE_1C, solver).spike_times
    counts = {f"count_{cell}": len(found[cell]) for cell in ("ib", "ibr")}
    return counts | found
