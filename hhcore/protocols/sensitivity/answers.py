"""What shapes a feature most, in a line."""

from collections.abc import Iterator

import numpy as np

from hhcore.experiments.answers import Answer, Results, between

MOST = 3  # features, and quantities of each


def shares(results: Results, table: str, column: str, quantity: str, meaning: str) -> Iterator[Answer]:
    """The quantities with the largest shares of the variance of each of the first features that have shares.

    Where a quantity has several, at other amplitudes say, they go from the smallest to the largest.

    quantity : the column that names what a row is about
    meaning  : what a share is called
    """
    features, names, values = (results.column(table, name) for name in ("feature", quantity, column))
    known = np.isfinite(values)
    for feature in list(dict.fromkeys(features[known]))[:MOST]:
        rows = known & (features == feature)
        own = {name: values[rows & (names == name)] for name in dict.fromkeys(names[rows])}
        largest = sorted(own, key=lambda name: -own[name].max())[:MOST]
        words = ", ".join(f"{name} ({between(own[name].min(), own[name].max(), 2)})" for name in largest)
        yield Answer(f"What shapes {feature}", f"{words}; {meaning}", table, column)
