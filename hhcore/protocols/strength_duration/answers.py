"""What strength and duration come down to, for the report."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from hhcore.base.units import column_name
from hhcore.base.words import share
from hhcore.experiments.answers import Answer, Results

if TYPE_CHECKING:
    from hhcore.protocols.strength_duration.protocol import StrengthDuration


def answers(results: Results, protocol: "StrengthDuration") -> Iterable[Answer]:
    """Rheobase and chronaxie, how far the laws are off, and how many thresholds there are not."""
    if protocol.lasting:
        yield from results.span("Rheobase", "features", column_name("rheobase", protocol.unit))
        yield from results.span("Chronaxie", "features", "chronaxie_ms")
    for law in ("Lapicque", "Weiss"):
        column = f"{law.lower()}_worst"
        off = results.column("features", column)
        if np.isfinite(off).any():
            yield Answer(f"{law}'s law is off", f"by up to {100 * np.nanmax(off):.2g} %", "features", column)
    found = results.column("strength_duration", column_name("threshold", protocol.unit))
    if lacking := int(np.isnan(found).sum()):
        yield Answer("Widths without a threshold", share(lacking, len(found)), "strength_duration", "search")
