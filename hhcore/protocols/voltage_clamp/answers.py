"""What a clamp shows, in lines: reversal potentials, and what is fitted to curves."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hhcore.base.words import share
from hhcore.experiments.answers import Answer, Results, between

if TYPE_CHECKING:
    from hhcore.protocols.voltage_clamp.fitted import Fitted


def reversals(results: Results) -> Iterator[Answer]:
    """The reversal potential of each current that has one."""
    currents, potentials = (results.column("iv_summary", name) for name in ("current", "reversal_mV"))
    for current in dict.fromkeys(currents):
        known = potentials[(currents == current) & np.isfinite(potentials)]
        if known.size:
            words = f"{between(known.min(), known.max())} mV"
            yield Answer(f"Reversal potential of {current}", words, "iv_summary", "reversal_mV")


def fits(analysis: "Fitted", results: Results) -> Iterator[Answer]:
    """What is fitted to the curves of an analysis: in full for one, or over several from least to most."""
    table, column = f"{analysis.name}_fits", next(iter(analysis.fits))
    values = results.column(table, column)
    known = values[np.isfinite(values)]
    if len(values) == 1:
        fit = {name: results.column(table, name)[0] for name in analysis.fits}
        yield Answer(analysis.title, analysis.words(fit), table, column)
    elif known.size:
        lacking = len(values) - len(known)
        words = between(known.min(), known.max()) + results.unit(table, column)
        words += f"; no fit in {share(lacking, len(values))} curves" if lacking else ""
        name = {"half_mV": "V₁/₂", "tau_ms": "time constant"}.get(column, column)
        yield Answer(f"{analysis.title}: {name}", words, table, column)
