"""The evidence for a solver as a table, and the certificate that goes into every other table of the experiment."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hhcore.base import tables
from hhcore.certify.evidence import QUANTILE, Evidence, Trial, quantile
from hhcore.certify.origin import check_origin, origin
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Accuracy
from hhcore.schemes.solver import Solver
from hhcore.sweep.hashing import context_digest, grid_digest

NONE = "none"
IRREGULAR = "two references differ by more than a tenth of the tolerance, so these are left out and marked"


def numerics_fields(accuracy: Accuracy) -> dict[str, tuple[str, str]]:
    """Unit and definition of each column of numerics.parquet."""
    return {
        "method": ("1", "scheme that was tried"),
        "accuracy": ("1", "its largest step dt in ms, or its largest local error"),
        "chosen": ("1", "whether the experiment is simulated so"),
        "operations_per_ms": ("1/ms", "weighted operations that a neuron took for 1 ms, mean over the sample"),
        "neuron": ("1", "row of the neuron in features.parquet, from 0"),
        accuracy.outcome: ("1", accuracy.outcome_meaning),
        f"reference_{accuracy.outcome}": ("1", accuracy.reference_meaning),
        accuracy.column: (accuracy.unit, accuracy.meaning),
        **{height.column: (height.unit, height.meaning) for height in accuracy.heights},
        "failed": ("1", "whether the neuron failed though that of the reference did not"),
        "fragile": ("1", accuracy.fragile_meaning),
        "uncertain": (
            "1",
            "whether nothing can be certified of the neuron: two references, ten times apart in local error, differ by "
            "more than a tenth of the tolerance, or without one of the largest legal one",
        ),
    }


def write_numerics(experiment: Experiment, evidence: Evidence, path: Path, recipe: str = "") -> None:
    """numerics.parquet: a row for each solver that was tried and each neuron of the sample.

    recipe : see hhcore.results.recipes; none outside a workflow
    """
    accuracy, k = experiment.protocol.accuracy, len(evidence.neurons)
    scale, fields = accuracy.scale(experiment.model), numerics_fields(accuracy)

    def rows(trial: Trial) -> pa.Table:
        columns = (
            np.full(k, trial.solver.method, dtype=object),
            np.full(k, trial.solver.accuracy * (1.0 if trial.solver.scheme.adaptive else experiment.model.ms)),
            np.full(k, trial.solver == evidence.chosen),
            np.full(k, trial.cost),
            evidence.neurons.astype(np.int32),
            trial.outcome.astype(np.int32),
            evidence.reference.astype(np.int32),
            trial.error * scale * accuracy.factor,
            *(trial.heights[height.column][0] for height in accuracy.heights),
            trial.failed,
            evidence.fragile,
            evidence.uncertain,
        )
        return tables.table(dict(zip(fields, columns, strict=True)), fields)

    content = pa.concat_tables([rows(trial) for trial in evidence.trials])
    metadata = origin(experiment) | certificate_of(experiment, evidence) | tables.versions()
    tables.write(path, content, metadata | {"recipe": recipe})


def certificate_of(e: Experiment, evidence: Evidence) -> dict[str, str]:
    """What every table says of the numerics."""
    trial: Trial = evidence.trial
    accuracy = e.protocol.accuracy
    scale = accuracy.scale(e.model) * accuracy.factor
    unit = "" if trial.solver.scheme.adaptive else f" {e.model.time_unit}"
    fires = trial.outcome.any() or evidence.reference.any()

    def said(error: float) -> str:
        return f"{error * scale:.3g}" if trial.errors.size else "none is certain" if fires else accuracy.none

    def rows(which: np.ndarray) -> str:
        return ", ".join(map(str, evidence.neurons[which])) or NONE

    return {
        "solver": f"{trial.solver.method}, order {trial.solver.scheme.order}, "
        f"{trial.solver.setting} {trial.solver.accuracy!r}{unit}",
        "solver_method": trial.solver.method,
        "solver_accuracy": repr(trial.solver.accuracy),
        f"tolerance_{accuracy.suffix}": "none given" if e.tolerance is None else f"{e.tolerance * accuracy.factor:.6g}",
        f"{accuracy.name}_worst_{accuracy.suffix}": said(trial.worst),
        f"{accuracy.name}_{100 * QUANTILE:.0f}_percent_{accuracy.suffix}": said(quantile(trial.errors)),
        f"{accuracy.name}_median_{accuracy.suffix}": said(trial.median),
        **{height.worst_key: _worst(trial.height_errors(height.column)) for height in accuracy.heights},
        "reference": f"{evidence.exact.method}, local_error {evidence.exact.accuracy:g}",
        "reference_runs": str(len(evidence.neurons)),
        "reference_checked_by_scipy": ", ".join(f"neuron {row}" for row in evidence.checked) or "none",
        f"reference_agreement_{accuracy.suffix}": within(evidence.agreement * scale, accuracy)
        if evidence.checked
        else "not checked",
        "fragile_in_sample": rows(evidence.fragile),
        "uncertain_in_sample": rows(evidence.uncertain),
    }


def _worst(errors: np.ndarray) -> str:
    return f"{errors.max():.3g}" if errors.size else NONE


def uncertainty(evidence: Evidence) -> str:
    """How many neurons of the sample cannot be certified, in a sentence; empty if all can."""
    count, total = int(evidence.uncertain.sum()), len(evidence.neurons)
    return f"{count:,} of {total:,} neurons of the sample cannot be certified: {IRREGULAR}" if count else ""


def within(difference: float, accuracy: Accuracy) -> str:
    """The power of ten, from ten times the least tolerance on, that a difference [unit of the error] does not exceed.

    Its digits would not be the same everywhere: SciPy's run calls the machine's C library.
    """
    bound = float(f"{10 * accuracy.tolerance[1] * accuracy.factor:.0e}")
    while bound < difference:
        bound *= 10
    return f"{bound:g}"


def certificate(path: Path) -> dict[str, str]:
    """The same from the metadata of numerics.parquet."""
    own = ("table", "experiment", "config_digest", "recipe")
    metadata = tables.metadata(path).items()
    return {key: text for key, text in metadata if key not in own and not key.startswith("version_")}


def waits(experiment: Experiment) -> bool:
    """Whether its neurons wait for numerics.parquet, which chooses the solver or checks that a fixed step is stable."""
    return experiment.solver is None or not experiment.solver.scheme.adaptive


def resolved(experiment: Experiment, path: Path) -> Experiment:
    """The experiment with the solver that numerics.parquet chose. Raises UserError as `check_origin` does."""
    metadata = check_origin(experiment, path)
    return replace(experiment, solver=Solver(metadata["solver_method"], float(metadata["solver_accuracy"])))


def sampled(path: Path, accuracy: Accuracy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows of the grid, error, fragile) of the neurons of the sample, with the chosen solver.

    The error of a neuron that cannot be certified is NaN.
    """
    table = tables.read(path)
    chosen = table.filter(table["chosen"])
    error = pc.fill_null(chosen[accuracy.column], np.nan).to_numpy()
    error = np.where(chosen["uncertain"].to_numpy(), np.nan, error)
    return chosen["neuron"].to_numpy(), error, chosen["fragile"].to_numpy()


def provenance(experiment: Experiment, numerics: Path, recipe: str = "") -> dict[str, str]:
    """What determines the experiment's results, and how accurate they are: model, certificate, digests, versions.

    recipe : see hhcore.results.recipes; none outside a workflow
    """
    e = experiment
    return {
        **origin(e),
        "model": e.model.name,
        "model_digest": e.model.digest,
        "model_source": e.model.source,
        **certificate(numerics),
        "context_digest": context_digest(e),
        "grid_digest": grid_digest(e),
        **tables.versions(),
        "recipe": recipe,
    }
