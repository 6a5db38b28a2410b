"""The map of responses: 1:1, alternans, block."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers
from hhcore.figures.maps import Apart, value_map
from hhcore.simulation.features import FAILED

ALTERNANS = Variable("alternans", "Alternans (2:2) of APD90", "ms")
SAME, BLOCKED, GRADED, IRREGULAR = 0.0, -1.0, -2.0, -3.0  # what stands for cells without a difference
APART = (
    Apart(SAME, "0.86", "1:1, every beat the same"),
    Apart(BLOCKED, style.PURPLE, "2:1, 4:3, ...: stimuli without an action potential", "////////"),
    Apart(GRADED, style.ORANGE, "2:2, with an action potential that does not end before the next one", "...."),
    Apart(IRREGULAR, "0.3", "irregular: the state does not repeat"),
)


@style.styled
def responses(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Alternans of APD90 over the first two axes, in panels by the third.

    table : features: one row per neuron with the axes' columns, response, apd90_alternans_ms and status
    """
    failed = table["status"].isin(FAILED).to_numpy(dtype=bool)
    stimuli, fired = table["response"].str.extract(r"(\d+):(\d+)").astype(float).to_numpy().T
    alternans = numbers(table, "apd90_alternans_ms")
    alternans = np.where(np.isnan(alternans), GRADED, alternans)
    alternans = np.select(
        [failed, table["response"] == "irregular", fired < stimuli, stimuli == 1],
        [np.nan, IRREGULAR, BLOCKED, SAME],
        alternans,
    )
    table = table.assign(failed=failed, alternans=alternans)
    return value_map(table, context, context.free, [ALTERNANS], style.DIVERGED, "", APART, continuous=True)
