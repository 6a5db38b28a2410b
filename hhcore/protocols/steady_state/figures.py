"""The map of responses: 1:1, alternans, block."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers
from hhcore.figures.family import Line, family, points
from hhcore.figures.maps import Apart, value_map
from hhcore.simulation.features import FAILED

ALTERNANS = Variable("alternans", "Alternans of APD90", "ms")
SAME, BLOCKED, IRREGULAR = 0.0, -1.0, -2.0  # what stands for cells without alternans
APART = (
    Apart(SAME, "0.86", "1:1, every beat the same"),
    Apart(BLOCKED, style.PURPLE, "stimuli without an action potential", "////////"),
    Apart(IRREGULAR, "0.3", "irregular: the state does not repeat"),
)
NONE = "no value"


@style.styled
def responses(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Alternans of APD90 over the first two axes, in panels by the third; against the axis if there is one.

    table : features: one row per neuron with the axes' columns, response, repeat_beats, apd90_alternans_ms and status
    """
    failed = table["status"].isin(FAILED).to_numpy(dtype=bool)
    stimuli, fired = table["response"].str.extract(r"(\d+):(\d+)").astype(float).to_numpy().T
    alternans = np.where(stimuli == 1, SAME, numbers(table, "apd90_alternans_ms"))
    alternans = np.where(fired < stimuli, BLOCKED, alternans)
    alternans = np.where(table["response"] == "irregular", IRREGULAR, alternans)
    table = table.assign(failed=failed, alternans=np.where(failed, np.nan, alternans))
    if not context.free:
        return style.text_figure(context.title, [f"Response: {table['response'].iloc[0]}"])
    if len(context.free) == 1 or context.zipped:
        table = table.assign(alternans=np.where(alternans < 0, np.nan, table["alternans"]))
        if context.zipped:
            return points(table, context, *context.free[:2], ALTERNANS, APART[1].label, continuous=True)
        return family(table, context, context.free, [Line("alternans", "alternans")], ALTERNANS.label, APART[1].label)
    return value_map(table, context, context.free, [ALTERNANS], style.DIVERGED, NONE, APART, continuous=True)
