"""Our numbers, by the names of published.yaml."""

from hhcore import Run
from hhcore.papers.measured import Measured, certified

from .cells import DEMONSTRATIONS, FIGURE_1C, Solver, fired


def numbers(run: Run) -> dict[str, Measured]:
    """Ours of every number."""
    return certified(spikes)


def spikes(solver: Solver) -> dict[str, object]:
    """Spike times in the demonstrations of the copy, and their number in those of bursting cells."""
    found = {cell: fired(cell, pulse, solver).spike_times for cell, pulse in DEMONSTRATIONS.items()}
    found["figure_1c"] = fired("rs", FIGURE_1C, solver).spike_times
    counts = {f"count_{cell}": len(found[cell]) for cell in ("ib", "ibr")}
    return counts | found
