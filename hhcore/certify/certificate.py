"""The evidence for a solver as a table, and what of it every other table of the experiment carries."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hhcore.base import tables
from hhcore.certify.calibration import Evidence, Trial
from hhcore.config.experiment import Experiment
from hhcore.schemes.solver import Solver

FIELDS = {
    "method": ("1", "scheme that was tried"),
    "accuracy": ("1", "its largest step dt, in the model's unit of time, or its largest local error"),
    "chosen": ("1", "whether the experiment is simulated so"),
    "operations_per_ms": ("1/ms", "weighted operations that a neuron took for 1 ms, mean over the sample"),
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "spike_count": ("1", "spikes in the whole run"),
    "reference_spike_count": ("1", "spikes of the reference"),
    "spike_time_error_us": (
        "us",
        "largest difference of a spike time from the reference, a lost or added spike as if it came at the end of the "
        "run; null without spikes and where it or the reference failed",
    ),
    "failed": ("1", "whether the neuron failed though that of the reference did not"),
    "fragile": ("1", "whether its spike count depends on the accuracy of the chosen scheme"),
}


def write_numerics(experiment: Experiment, evidence: Evidence, path: Path) -> None:
    """numerics.parquet: a row for each solver that was tried and each neuron of the sample."""
    ms = experiment.model.ms
    k = len(evidence.neurons)
    parts = [
        tables.table(
            {
                "method": np.full(k, trial.solver.method, dtype=object),
                "accuracy": np.full(k, trial.solver.accuracy),
                "chosen": np.full(k, trial.solver == evidence.chosen),
                "operations_per_ms": np.full(k, trial.cost),
                "neuron": evidence.neurons.astype(np.int32),
                "spike_count": trial.count.astype(np.int32),
                "reference_spike_count": evidence.reference.astype(np.int32),
                "spike_time_error_us": trial.error * ms * 1000.0,
                "failed": trial.failed,
                "fragile": evidence.fragile,
            },
            FIELDS,
        )
        for trial in evidence.trials
    ]
    tables.write(path, pa.concat_tables(parts), _certificate(experiment, evidence) | tables.versions())


def _certificate(e: Experiment, evidence: Evidence) -> dict[str, str]:
    trial: Trial = evidence.trial
    us = e.model.ms * 1000.0
    unit = "" if trial.solver.scheme.adaptive else f" {e.model.time_unit}"
    fragile = evidence.neurons[evidence.fragile]
    fires = trial.count.any() or evidence.reference.any()
    return {
        "solver": f"{trial.solver.method}, order {trial.solver.scheme.order}, "
        f"{trial.solver.setting} {trial.solver.accuracy!r}{unit}",
        "solver_method": trial.solver.method,
        "solver_accuracy": repr(trial.solver.accuracy),
        "tolerance_us": "none given" if e.tolerance is None else f"{e.tolerance * 1000:.6g}",
        "spike_time_error_worst_us": f"{trial.worst * us:.3g}" if fires else "none fires",
        "spike_time_error_median_us": f"{trial.median * us:.3g}" if fires else "none fires",
        "reference": f"{evidence.exact.method}, local_error {evidence.exact.accuracy:g}",
        "reference_runs": str(len(evidence.neurons)),
        "reference_checked_by_scipy": ", ".join(f"neuron {row}" for row in evidence.checked) or "none",
        "reference_agreement_us": within(evidence.agreement * us) if evidence.checked else "not checked",
        "fragile_in_sample": ", ".join(map(str, fragile)) or "none",
    }


def within(difference: float) -> str:
    """The power of ten, from 0.01 us on, that `difference` [us] does not exceed.

    Its digits would not be the same everywhere: SciPy's run calls the machine's C library.
    """
    bound = 0.01
    while bound < difference:
        bound *= 10
    return f"{bound:g}"


def certificate(path: Path) -> dict[str, str]:
    """What every table says about the numerics, from the metadata of numerics.parquet."""
    return {key: text for key, text in tables.metadata(path).items() if not key.startswith("version_")}


def resolved(experiment: Experiment, path: Path) -> Experiment:
    """The experiment with the solver that numerics.parquet chose."""
    found = tables.metadata(path)
    return replace(experiment, solver=Solver(found["solver_method"], float(found["solver_accuracy"])))


def sampled(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows of the grid, spike-time error [us], fragile) of the neurons of the sample, as they are simulated."""
    table = tables.read(path)
    chosen = table.filter(table["chosen"])
    error = pc.fill_null(chosen["spike_time_error_us"], np.nan).to_numpy()
    return chosen["neuron"].to_numpy(), error, chosen["fragile"].to_numpy()
