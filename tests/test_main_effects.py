"""Main effects: which axes of a grid matter, against the formula for a sum of independent parts."""

import itertools

import numpy as np
import pandas as pd
import pytest
from test_figures import axis, check_layout, context

from hhcore.figures.context import Variable
from hhcore.protocols.sensitivity.effects import MeansOfGroups
from hhcore.protocols.sensitivity.figures import main_effects

LEVELS = ([1.0, 2.0, 3.0], [10.0, 30.0], [0.0, 1.0, 5.0])


def shares(f, parts=1):
    points = np.array(list(itertools.product(*LEVELS)))
    groups = [MeansOfGroups(np.array(levels)) for levels in LEVELS]
    for rows in np.array_split(points, parts):
        for k, group in enumerate(groups):
            group.add(rows[:, k], f(*rows.T))
    return groups


@pytest.mark.parametrize("parts", [1, 4])
def test_the_share_of_an_axis_is_the_variance_of_its_part_of_a_sum(parts):
    """y = a + b + c on a full grid: the variances of a, b and c add up to that of y."""
    groups = shares(lambda a, b, c: 1e6 + a + b + c, parts)
    variances = np.array([np.var(levels) for levels in LEVELS])
    np.testing.assert_allclose([group.share for group in groups], variances / variances.sum(), rtol=1e-9)
    middle = 1e6 + 20 + 2
    np.testing.assert_allclose(groups[0].ends, [middle + 1, middle + 3], rtol=1e-12)


def test_an_axis_that_acts_through_others_alone_has_no_main_effect():
    """y = (b - 20) c: the mean over b is 0 at each c."""
    groups = shares(lambda a, b, c: (b - 20) * c)
    assert groups[0].share == pytest.approx(0, abs=1e-12) and groups[2].share == pytest.approx(0, abs=1e-12)
    assert groups[1].share == pytest.approx(4 / (26 / 3))  # mean of c squared over mean of c^2


def test_a_feature_that_does_not_vary_has_no_shares():
    assert np.isnan(shares(lambda a, b, c: np.full(a.shape, 7.0))[0].share)
    assert np.isnan(MeansOfGroups(np.array([1.0, 2.0])).share)


def test_the_figure_ranks_the_axes():
    table = pd.DataFrame({"axis": ["channel.a", "channel.b"], "share": [0.2, 0.7], "low": [1, 2], "high": [3, 50]})
    shared = context(axis("a", [1, 2]), axis("b", [1, 2]), headline=Variable("firing_rate_Hz", "Firing rate", "Hz"))
    figure = main_effects(table.assign(undefined=0), shared)
    [panel] = figure.axes
    assert [bar.get_width() for bar in panel.patches] == [0.2, 0.7]
    assert [label.get_text() for label in panel.get_yticklabels()] == [
        "Conductance a channel.a",
        "Conductance b channel.b",
    ]
    assert panel.get_xlabel() == "Share of the variance of the firing rate"
    check_layout(figure)
