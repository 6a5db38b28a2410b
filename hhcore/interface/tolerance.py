"""The solver for neurons that are given one by one: the cheapest that keeps a tolerance, and the evidence for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.units import Quantities, Written
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import certificate_of
from hhcore.certify.evidence import Evidence
from hhcore.config.quantities import CANDIDATES
from hhcore.config.solver import read_tolerance
from hhcore.experiments.experiment import Experiment, units
from hhcore.experiments.protocol import default_protocol
from hhcore.grid.axes import Axis
from hhcore.model.model import Model
from hhcore.schemes.solver import Solver, check_method
from hhcore.simulation.arguments import Conditions, read_neurons
from hhcore.simulation.initial import InitialState, Start, initial_value, read_start
from hhcore.simulation.outputs import Output
from hhcore.simulation.result import Result
from hhcore.simulation.stimuli.stimulus import Stimulus

NAME = "neurons"  # of the experiment


@dataclass(frozen=True)
class Choice:
    """The experiment that the neurons make, and the evidence for its solver."""

    experiment: Experiment
    evidence: Evidence

    @property
    def solver(self) -> Solver:
        """The chosen solver."""
        return self.evidence.chosen

    @property
    def certificate(self) -> dict[str, str]:
        """What tables would say of it."""
        return certificate_of(self.experiment, self.evidence)

    def mark(self, result: Result) -> Result:
        """Add the errors of the neurons of the sample, and whether they are fragile."""
        evidence, columns = self.evidence, {name: np.full(len(result.status), np.nan) for name in ("error", "fragile")}
        columns["error"][evidence.neurons] = np.where(evidence.uncertain, np.nan, evidence.trial.error)
        columns["fragile"][evidence.neurons] = evidence.fragile
        return result.adding(**columns)


def choose(
    model: Model,
    points: Mapping[str, Quantities],
    stimulus: Stimulus,
    conditions: Conditions,
    initial_state: InitialState,
    tolerance: Written,
    method: str | None,
    threads: int = 1,
    outputs: tuple[Output, ...] = (),
) -> Choice:
    """Choose the cheapest solver, of one scheme or of all, that keeps the tolerance on a sample of the neurons.

    Raises UserError for arguments that are not legal, and if no solver keeps the tolerance.
    """
    start = read_start(model, initial_state, stimulus)
    table, _ = read_neurons(model, points, stimulus, conditions.duration, start)
    if not len(table):
        raise UserError("tolerance: there are no neurons to measure solvers on; give local_error instead")
    try:
        experiment = _experiment(model, table, type(stimulus), conditions, start, tolerance, method, outputs)
        return Choice(experiment, calibrate(experiment, threads=threads, progress=lambda *_: None))
    except UserError as error:  # a config has its tolerance elsewhere
        raise UserError(str(error).removeprefix(f"experiments.{NAME}.solver.")) from error


def _experiment(
    model: Model,
    table: np.ndarray,
    stimulus: type[Stimulus],
    conditions: Conditions,
    start: Start,
    tolerance: Written,
    method: str | None,
    outputs: tuple[Output, ...],
) -> Experiment:
    """The neurons of `read_neurons` as an experiment: a grid of zipped axes."""
    protocol = default_protocol(stimulus).read({}, model, conditions.duration, "protocol")
    protocol = replace(protocol, outputs=outputs) if outputs else protocol
    columns = dict(zip([*model.parameters, *stimulus.fields], table.T, strict=True))
    columns |= {initial_value(name): np.broadcast_to(x, len(table)) for name, x in start.stated.items()}
    unit = units(model, stimulus)
    axes = [Axis(name, unit[name], values) for name, values in columns.items() if (values != values[0]).any()]
    return Experiment(
        name=NAME,
        model=model,
        protocol=protocol,
        stimulus=stimulus,
        sample=None,
        axes=tuple(axes),
        combine="zip",
        defaults={name: float(values[0]) for name, values in columns.items()},
        initial_state=start.word,
        duration=conditions.duration,
        analysis_window=conditions.window,
        threshold=conditions.threshold,
        rearm=conditions.rearm,
        solver=None,
        tolerance=read_tolerance({"tolerance": tolerance}, protocol.accuracy, f"experiments.{NAME}.solver"),
        methods=CANDIDATES if method is None else (check_method(method),),
        certify="sample",
        failed_neurons="keep",
        traces=(),
        celsius=(),
        remarks=(),
    )
