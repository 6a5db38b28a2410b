"""The certificate in two lines."""

from collections.abc import Iterator

import numpy as np

from hhcore.base.units import pretty_unit
from hhcore.base.words import counted, number, share
from hhcore.certify.evidence import MOST
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment


def certificate(experiment: Experiment, results: Results) -> Iterator[Answer]:
    """The largest error beside what was asked for, and how many tested neurons are fragile."""
    accuracy = experiment.protocol.accuracy
    errors, fragile = (results.column("features", name) for name in (accuracy.column, "fragile"))
    known, tested = errors[np.isfinite(errors)], int(np.isfinite(fragile).sum())
    unit, asked = pretty_unit(accuracy.unit), experiment.tolerance
    words = f"none measured: {accuracy.none}"
    if known.size:
        words = f"{number(known.max(), 3)} {unit} over {counted(known.size, 'neuron')}"
    if asked is not None:
        most = f" in {MOST} of them" if known.size > 1 else ""
        words += f"; at most {number(asked * accuracy.factor)} {unit}{most} was asked for"
    yield Answer(f"Largest {accuracy.label[:1].lower()}{accuracy.label[1:]}", words, "features", accuracy.column)
    if tested:
        outcome = accuracy.outcome.replace("_", " ")
        words = f"{share(int((fragile == 1).sum()), tested)} tested"
        depends = "depend" if outcome.endswith("s") else "depends"
        yield Answer(f"Neurons whose {outcome} {depends} on the solver", words, "features", "fragile")
