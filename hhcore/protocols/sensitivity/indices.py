"""Sobol indices: the share of a feature's variance over a sampled design that each quantity brings."""

import numpy as np

RESAMPLES = 100
SEED = 1  # of the bootstrap; SALib takes 0 for no seed

DEFINITIONS = {
    "feature": ("1", "column of features.parquet or, for features of a whole F-I curve, of fi_summary.parquet"),
    "parameter": ("1", "sampled quantity"),
    "first_order": ("1", "share of the feature's variance that vanishes on average if this quantity is known"),
    "first_order_ci95": (
        "1",
        f"half the width of its 95 % confidence interval: 1.96 standard deviations of {RESAMPLES} bootstrap resamples",
    ),
    "total": ("1", "share of the variance that remains on average if all quantities but this one are known"),
    "total_ci95": ("1", "half the width of its 95 % confidence interval, found likewise"),
    "variance": ("1", "variance of the feature over the two independent samples of the design [unit of the feature^2]"),
    "error": (
        "1",
        "root mean square of the feature's error over the same samples, from the certified errors "
        "[unit of the feature]",
    ),
    "points": ("1", "points of the design: n (d + 2)"),
    "undefined": ("1", "points without the feature; if there is one, there are no indices"),
    "no_indices": (
        "1",
        "why there are no indices: points lack the feature, it is the same everywhere, its standard deviation is below "
        "ten times its error, or its error is not certified; null where there are indices",
    ),
}


def sobol_indices(outputs: np.ndarray, dimensions: int) -> dict[str, np.ndarray]:
    """First-order and total indices of one output of a Saltelli design, by SALib.

    outputs    : float64 (n (dimensions + 2),), in the order of hhcore.grid.designs.unit_points
    dimensions : number of sampled quantities

    The estimators are those of Saltelli et al. (2010), doi:10.1016/j.cpc.2009.09.018, table 2 (b) and (f).
    Returns float64 (dimensions,) for each of `first_order`, `first_order_ci95`, `total` and `total_ci95`: all NaN if
    an output is not finite, or if all points of the two independent samples have the same output.
    """
    names = ("first_order", "first_order_ci95", "total", "total_ci95")
    base = outputs.reshape(-1, dimensions + 2)[:, [0, -1]]
    if not np.isfinite(outputs).all() or np.ptp(base) == 0:
        return {name: np.full(dimensions, np.nan) for name in names}
    from SALib.analyze import sobol  # here: it loads half a dozen libraries

    problem = {"num_vars": dimensions, "names": list(map(str, range(dimensions)))}
    indices = sobol.analyze(problem, outputs, calc_second_order=False, num_resamples=RESAMPLES, seed=SEED)
    return {name: np.array(indices[key]) for name, key in zip(names, ("S1", "S1_conf", "ST", "ST_conf"), strict=True)}
