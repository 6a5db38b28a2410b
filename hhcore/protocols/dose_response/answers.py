"""Doses of half the effect, in a line each."""

from collections.abc import Iterator, Sequence

import numpy as np

from hhcore.base.units import pretty_unit
from hhcore.base.words import share
from hhcore.experiments.answers import Answer, Results, between
from hhcore.figures.titles import with_error


def halves(results: Results, table: str, features: Sequence[str]) -> Iterator[Answer]:
    """IC50 of each treatment and feature: with its standard error, or over several curves from least to most."""
    names = ("along", "feature", "unit_of_dose", "ic50", "ic50_error")
    along, feature, units, half, error = (results.column(table, name) for name in names)
    for one in dict.fromkeys(zip(along, feature, strict=True)):
        rows = np.flatnonzero((along == one[0]) & (feature == one[1]))
        fitted = rows[np.isfinite(half[rows])]
        unit = pretty_unit(units[rows[0]])
        words = "no fit"
        if len(rows) == len(fitted) == 1:
            words = f"{with_error(half[fitted[0]], error[fitted[0]])} {unit}"
        elif len(fitted):
            lacking = len(rows) - len(fitted)
            words = f"{between(half[fitted].min(), half[fitted].max())} {unit}"
            words += f"; no fit in {share(lacking, len(rows))} curves" if lacking else ""
        yield Answer(f"IC50 of {one[0]} for {one[1]}", words, table, "ic50")
