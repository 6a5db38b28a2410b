"""Features of treated neurons against the dose, with Hill curves: tables and a figure."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.treatments import Treatment
from hhcore.protocols.dose_response.hill import FIT_STATUS, FITTED, Hill, hill
from hhcore.protocols.sensitivity.noise import certified_errors
from hhcore.protocols.sensitivity.sobol import Sobol
from hhcore.protocols.voltage_clamp.curves import FIT_S, Curves
from hhcore.protocols.voltage_clamp.families import Families

Fields = dict[str, tuple[str, str]]
POTENTIALS = ("mV", "V")  # a share of a potential means nothing
POINTS: Fields = {
    "curve": ("1", "number of the curve, from 0: of a treatment, a feature, and values of the other axes"),
    "along": ("1", "the drug or block whose dose varies along the curve"),
    "feature": ("1", "column of features.parquet"),
}
RESPONSE: Fields = {
    "value": ("1", "the feature [its own unit]"),
    "relative": ("1", "the feature over that at dose 0 of the curve; null without it, and for potentials"),
    "fitted": ("1", "the Hill curve there [unit of the feature]; null without a fit"),
}
FITS: Fields = {
    "control": ("1", "the feature at dose 0 [its own unit]; null if 0 is not among the doses"),
    "ic50": ("1", "dose of half the effect, half way from at_zero to at_infinity [unit_of_dose]"),
    "ic50_error": ("1", "its standard error, by the fit's covariance and the certified error of the feature"),
    "hill": ("1", "Hill coefficient of the effect"),
    "hill_error": ("1", "its standard error"),
    "at_zero": ("1", "plateau at dose 0 [unit of the feature]: the control, or fitted where there is none"),
    "at_zero_error": ("1", "its standard error; 0 of a control"),
    "at_infinity": ("1", "plateau at infinite dose [unit of the feature]"),
    "at_infinity_error": ("1", "its standard error"),
    "rms": ("1", "root of the mean square of what the fit leaves [unit of the feature]"),
    "unit_of_dose": ("1", "unit of ic50"),
    "fit_status": ("1", FIT_STATUS),
}


class DoseResponse(Analysis):
    """dose_response.parquet, dose_response_fits.parquet and a figure, where a concentration or a block is an axis."""

    name = "dose_response"
    order = 45
    source = "tables"
    reads = ("features",)

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return bool(swept_treatments(experiment))

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of features.parquet that the config names, or the protocol's headline."""
        return self.experiment.dose_response or (self.experiment.protocol.headline[0],)

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e, curves = self.experiment, swept_treatments(self.experiment)
        points = len(curves) * len(self.features) * e.n_points
        return (
            TableFile(self.name, points, "Dose-response", self.caption("dose_response_table")),
            TableFile(f"{self.name}_fits", self._count, "Dose-response, fits", self.caption("dose_response_fits")),
        )

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile(self.name, "Dose-response", self.caption(self.name)),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {self.name: "grid", f"{self.name}_fits": "all"}

    @property
    def settings(self) -> str:
        return str(self.features)

    @property
    def _count(self) -> int:
        """Number of curves."""
        e = self.experiment
        return len(self.features) * sum(Curves(e, t.amount.name).count for t in swept_treatments(e))

    def minutes(self) -> int:
        return 10 + round(4 * FIT_S * self._count / 60)

    def megabytes(self) -> int:
        return 1000 + self.experiment.n_points * len(self.features) // 1000

    def write(self, folder: Path, metadata: Mapping[str, str]) -> None:
        e, points, fits, number = self.experiment, [], [], 0
        for curve in self._curves(folder / "features.parquet"):
            for row, fit in curve:
                number += 1
                points.append({"curve": np.full(len(row["value"]), number - 1), **row})
                fits.append({"curve": number - 1, **fit})
        own = {name: np.concatenate([_column(part[name], len(part["value"])) for part in points]) for name in points[0]}
        axes = e.axis_fields
        tables.write(folder / f"{self.name}.parquet", tables.table(own, POINTS | axes | RESPONSE), metadata)
        columns = {name: np.array([fit[name] for fit in fits]) for name in fits[0]}
        content = tables.table(_texts(columns), POINTS | axes | FITS)
        tables.write(folder / f"{self.name}_fits.parquet", content, metadata)

    def _curves(self, path: Path) -> Iterator[Iterator[tuple[dict, dict]]]:
        """Points and fit of every curve, of one treatment and feature after the other."""
        e = self.experiment
        axes, errors = e.coordinates(range(e.n_points)), certified_errors(e, path)
        names = tables.schema(path).names
        interval = _numbers(path, "mean_isi_ms") if "mean_isi_ms" in names else np.nan
        for treatment in swept_treatments(e):
            for feature in self.features:
                unit = e.protocol.definitions[feature][0]
                values = _numbers(path, feature)
                error = errors.of(feature, unit, values, interval)
                yield self._fitted(treatment, feature, unit, axes, values, error)

    def _fitted(
        self,
        treatment: Treatment,
        feature: str,
        unit: str,
        axes: dict[str, np.ndarray],
        values: np.ndarray,
        errors: np.ndarray,
    ) -> Iterator[tuple[dict, dict]]:
        """Points and fit of each curve along the doses of a treatment."""
        e, curves = self.experiment, Curves(self.experiment, treatment.amount.name)
        names, amount = {e.column(name) for name in curves.shared}, treatment.amount
        rows = {name: curves.rows(column) for name, column in axes.items()}
        what = {"along": amount.name, "feature": feature}
        for i, (y, error) in enumerate(zip(curves.rows(values), curves.rows(errors), strict=True)):
            dose = rows[e.column(amount.name)][i]
            order = np.argsort(dose, kind="stable")
            fit, control = hill(dose, y, error), _control(dose, y)
            share = y / control if control and unit not in POTENTIALS else np.full(len(y), np.nan)
            fitted = fit(dose) if fit.status == FITTED else np.full(len(y), np.nan)
            points = {"value": y, "relative": share, "fitted": fitted}
            at = {name: column[i] for name, column in rows.items()}
            own = {name: np.nan if name in names else column[0] for name, column in at.items()}
            yield (
                {**what, **{name: x[order] for name, x in (at | points).items()}},
                {
                    **what,
                    **own,
                    "control": control,
                    **_numbers_of(fit),
                    "unit_of_dose": amount.unit,
                    "fit_status": fit.status,
                },
            )

    def answers(self, results: Results) -> Iterable[Answer]:
        """The dose of half the effect on each feature."""
        from hhcore.protocols.dose_response.answers import halves

        return halves(results, f"{self.name}_fits", self.features)

    @classmethod
    def code(cls) -> tuple[Path | str, ...]:
        """Curves and fits are like those of a clamp, errors of features like those of Sobol indices."""
        return (*super().code(), *Families.code(), *Sobol.code())

    @classmethod
    def figure_code(cls) -> tuple[Path | str, ...]:
        """Fits are like those of a clamp."""
        return (*super().figure_code(), *Families.code())

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.dose_response import figures

        treatment = swept_treatments(self.experiment)[0].amount.name
        units = {name: self.experiment.protocol.definitions[name][0] for name in self.features}
        points, fits = tables[self.name], tables[f"{self.name}_fits"]
        column, alone = self.experiment.column(treatment), len(self.experiment.treatments) == 1
        return {self.name: figures.dose_response(points, fits, context, treatment, column, units, alone)}


def swept_treatments(experiment: Experiment) -> list[Treatment]:
    """The treatments whose doses are an axis of two or more values; of those zipped together the first."""
    e, found = experiment, {}
    names = {treatment.amount.name: treatment for treatment in e.treatments}
    for i, factor in enumerate(e.factors):
        for name in (name for name in names if name in factor.names and not factor.scattered):
            if len(factor.values) > 1:
                found.setdefault(i, names[name])
    return [treatment for treatment in e.treatments if treatment in found.values()]


def _control(dose: np.ndarray, y: np.ndarray) -> float:
    """The mean at dose 0; NaN without a value."""
    at = y[(dose == 0) & np.isfinite(y)]
    return float(at.mean()) if at.size else np.nan


def _numbers_of(fit: Hill) -> dict[str, float]:
    names = {"half": "ic50", "half_error": "ic50_error", "slope": "hill", "slope_error": "hill_error"}
    return {names.get(name, name): value for name, value in vars(fit).items() if name != "status"}


def _column(value: object, length: int) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.full(length, value, dtype=object)


def _texts(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Texts as objects, as tables take them."""
    return {name: x.astype(object) if x.dtype.kind == "U" else x for name, x in columns.items()}


def _numbers(path: Path, name: str) -> np.ndarray:
    return tables.read(path, [name])[name].to_pandas().to_numpy(dtype=np.float64, na_value=np.nan)
