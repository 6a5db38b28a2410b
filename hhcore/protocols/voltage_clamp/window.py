"""The window current: potentials at which channels are persistently open, since activation and inactivation overlap."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.analysis import Analysis, FigureFile, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.voltage_clamp.current_voltage import window, window_peak
from hhcore.protocols.voltage_clamp.fits import FITTED, Boltzmann
from hhcore.protocols.voltage_clamp.gating import Activation, Inactivation
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp

if TYPE_CHECKING:
    import pandas as pd

FITS = ("activation_fits", "inactivation_fits")
FIELDS = {
    "pair": ("1", "number of the pair of an activation and an inactivation curve, from 0"),
    "activation_curve": ("1", "curve in activation_fits.parquet: that from the lowest conditioning potential"),
    "inactivation_curve": ("1", "curve in inactivation_fits.parquet: that with the largest peak current"),
    "potential_mV": ("mV", "membrane potential"),
    "activation": ("1", "fitted activation, as a share of its upper end"),
    "inactivation": ("1", "fitted inactivation, from 0 at its lower end to 1 at its upper one"),
    "open_probability": ("1", "product of both: the steady open probability in the window"),
}
PEAK_FIELDS = {name: FIELDS[name] for name in ("pair", "activation_curve", "inactivation_curve")} | {
    "peak_potential_mV": ("mV", "potential at which the window is highest"),
    "peak_open_probability": ("1", "open probability there"),
    "area_mV": ("mV", "integral of the open probability over the potential"),
}


class WindowCurrent(Analysis):
    """window.parquet, curves over the potential; window_peaks.parquet, a row for each pair; a figure."""

    name = "window"
    order = 60
    source = "tables"

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.axes = [
            self.experiment.column(axis)
            for axis in experiment.swept
            if axis not in (*Activation(experiment).curves.shared, *Inactivation(experiment).curves.shared)
        ]

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        p = experiment.protocol
        return isinstance(p, VoltageClamp) and bool(p.activation) and bool(p.inactivation)

    @property
    def tables(self) -> tuple[TableFile, ...]:
        return (
            TableFile("window", 0, "Window current", self.caption("window_table")),
            TableFile("window_peaks", 0, "Window current, peaks", self.caption("window_peaks")),
        )

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("window", "Window current", self.caption("window")),)

    @property
    def reads(self) -> tuple[str, ...]:
        return FITS

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"window": "all", "window_peaks": "all"}

    def write(self, folder: Path, metadata: Mapping[str, str]) -> None:
        import pandas as pd  # here: it takes half a second

        activation, inactivation = (tables.read(folder / f"{name}.parquet").to_pandas() for name in FITS)
        curves, peaks = [], []
        for pair, (act, inact) in enumerate(self._pairs(activation, inactivation)):
            both = _boltzmann(act), _boltzmann(inact)
            V, gates = window(*both)
            product = gates.prod(axis=0)
            own = {"pair": pair, "activation_curve": act["curve"], "inactivation_curve": inact["curve"]}
            own |= {name: act[name] for name in self.axes}
            columns = dict(zip(("activation", "inactivation", "open_probability"), (*gates, product), strict=True))
            curves.append(pd.DataFrame(own | {"potential_mV": V} | columns))
            at, height = window_peak(*both)
            peaks.append(
                own | {"peak_potential_mV": at, "peak_open_probability": height, "area_mV": np.trapezoid(product, V)}
            )
        names = [*[*FIELDS][:3], *self.axes]
        first = pd.DataFrame({name: np.empty(0) for name in [*names, *[*FIELDS][3:]]})
        found = {
            "window": (pd.concat([*curves] or [first]), FIELDS),
            "window_peaks": (pd.DataFrame(peaks, columns=[*names, *[*PEAK_FIELDS][3:]]), PEAK_FIELDS),
        }
        for name, (frame, fields) in found.items():
            columns = {column: frame[column].to_numpy() for column in frame}
            content = tables.table(columns, self.experiment.axis_fields | fields)
            tables.write(folder / f"{name}.parquet", content, metadata)

    def _pairs(self, activation: "pd.DataFrame", inactivation: "pd.DataFrame") -> list[tuple["pd.Series", "pd.Series"]]:
        """An activation and an inactivation curve for each combination of the other axes, if both are fitted."""
        e, p = self.experiment, self.experiment.protocol
        conditioning = e.column(f"{p.inactivation[0]}.potential")
        largest = column_name("largest_peak_current", p.unit)
        if conditioning in activation:
            activation = activation.sort_values(conditioning)
        inactivation = inactivation.sort_values(largest, key=abs, ascending=False)
        lowest, strongest = (_first(fits, self.axes) for fits in (activation, inactivation))
        pairs = [(lowest[key], strongest[key]) for key in sorted(lowest.keys() & strongest.keys())]
        return [pair for pair in pairs if all(fit.fit_status == FITTED for fit in pair)]

    def answers(self, results: Results) -> Iterable[Answer]:
        """Where the window is highest."""
        return results.span("Peak of the window current at", "window_peaks", "peak_potential_mV", "pair")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.voltage_clamp import figures

        return {"window": figures.window(tables["window"], tables["window_peaks"], context, self)}


def _first(fits: "pd.DataFrame", axes: list[str]) -> dict[tuple, "pd.Series"]:
    """The first fit at each combination of the axes."""
    found: dict[tuple, pd.Series] = {}
    for _, fit in fits.iterrows():
        found.setdefault(tuple(fit[name] for name in axes), fit)
    return found


def _boltzmann(fit: "pd.Series") -> Boltzmann:
    return Boltzmann(FITTED, fit.half_mV, fit.slope_mV, fit.top, fit.bottom, power=fit.power)
