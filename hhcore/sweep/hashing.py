"""Digests of an experiment: of everything that determines a neuron's result, of the grid, and of both as asked for."""

import hashlib
from dataclasses import astuple, replace

from hhcore.base.digests import code_digest, digest
from hhcore.experiments.experiment import Experiment

# What every neuron's result depends on besides kernel, protocol and model. tests/test_digests.py compares this list and
# those of the rules with the imports.
SIMULATION = (
    *(
        f"simulation/{name}.py"
        for name in (
            *("simulate", "threads", "arguments", "initial", "integration", "rest", "engine", "result"),
            "action_potentials",
        )
    ),
    *("simulation/stimuli", "simulation/observers"),
    *(f"sweep/{name}.py" for name in ("store", "columns", "keys", "hashing")),
    *("grid/points.py", "grid/factors.py", "base/hashing.py"),
    *(f"experiments/{name}.py" for name in ("protocol", "experiment", "treatments", "relative")),
    "grid/normal.py",
)
# Besides, where currents are shares of rheobase.
RHEOBASE = (
    "simulation/search",
    *(f"simulation/{name}.py" for name in ("rheobase", "population", "linear", "default_scheme", "stiffness")),
)


def context_digest(experiment: Experiment) -> str:
    """Hash of everything that determines a neuron's result and is the same for all points of the experiment.

    Before the solver is chosen: of everything that determines the choice, except the grid.
    """
    e = experiment
    protocol = (e.protocol.kind, *e.protocol.settings)
    stimulus = (e.stimulus.kind, e.stimulus.acts, e.stimulus.settings, *e.stimulus.shares)
    settings = (*stimulus, e.duration, e.analysis_window, e.threshold, e.rearm, e.initial_state, e.certify)
    other = (*(e.protocol.error_code if e.certify == "all" else ()), *(RHEOBASE if e.stimulus.shares else ()))
    code = code_digest(*SIMULATION, *e.protocol.code(), *other)
    methods, accuracy = (e.methods, e.tolerance) if e.solver is None else ([e.solver.method], e.solver.accuracy)
    kernels = (e.kernel_name(method) for method in methods)
    treatments = tuple(treatment.settings for treatment in e.treatments)
    return digest(e.model.digest, *kernels, accuracy, code, *protocol, *settings, e.quantities, *treatments)


def grid_digest(experiment: Experiment) -> str:
    """Hash of the points of the grid and their order."""
    axes = [(axis.name, axis.values.tobytes().hex()) for axis in experiment.axes]
    sample = experiment.sample
    sampled = [] if sample is None else [sample.names, hashlib.blake2b(sample.points.tobytes()).hexdigest()]
    return digest(experiment.combine, axes, sorted((k, v) for k, v in experiment.defaults.items()), *sampled)


def config_digest(experiment: Experiment) -> str:
    """Hash of what the config asks for: the same before and after a tolerance has chosen a solver."""
    e = experiment
    asked = e if e.tolerance is None else replace(e, solver=None)
    return digest(context_digest(asked), grid_digest(e), *astuple(e.protocol))
