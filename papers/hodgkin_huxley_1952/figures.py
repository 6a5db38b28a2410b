"""The figures of the paper, drawn as it draws them."""

from matplotlib.figure import Figure

from hhcore import Run
from hhcore.figures import style

from .axon import COLD, DRAWN, course, rest, shocked


@style.styled
def figure_12(run: Run) -> Figure:
    """Fig. 12. Membrane action potentials at 6 °C after shocks of 90, 15, 7 and 6 mV."""
    figure = style.new_figure(style.ONE_COLUMN, 2.4, "Membrane action potentials, 6.3 °C", [])
    axes = figure.subplots()
    for displacement in (90, 15, 7, 6):
        found = course(shocked(displacement)[0], COLD, 7.0, DRAWN)
        axes.plot(found["time"], found["membrane.V"] - rest()[0], label=f"{displacement} mV")
    axes.set(xlabel="Time (ms)", ylabel="−V (mV)")
    axes.legend()
    return figure
