"""The tables and figures of one experiment, from its shards to its folder."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hhcore.base import tables
from hhcore.base.digests import digest
from hhcore.base.files import atomic_write
from hhcore.base.units import column_name
from hhcore.certify.certificate import certificate, sampled
from hhcore.config.experiment import Experiment
from hhcore.protocols.fi import curves as fi
from hhcore.simulation import beats
from hhcore.simulation.features import DEFINITIONS, first_intervals
from hhcore.simulation.result import DIVERGED, Result
from hhcore.sweep.plan import context_digest, grid_digest

FAILURE_FIELDS = {
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "failed_ms": ("ms", "time at which it diverged or stalled"),
}


def write_tables(experiment: Experiment, shards: list[Path], numerics: Path, folder: Path) -> None:
    """The tables of an experiment as Parquet, and summary.html, from the shards of the store.

    features, spikes, failures; of steps also fi_curves and fi_summary (see Experiment.protocol), of pulse trains beats.
    They are written a stretch of the grid at a time, and appear when all are complete.

    numerics : numerics.parquet, of which every table carries the certificate
    """
    from hhcore.protocols.summary import Totals, summary
    from hhcore.sweep.gather import prefetched

    made = provenance(experiment, numerics)
    totals = Totals()
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for written in prefetched(_stretches(experiment, shards, numerics, totals)):
            for name, part in written.items():
                if name not in writers:
                    writers[name] = stack.enter_context(tables.writer(folder / name, part.schema, made))
                writers[name].write_table(part, tables.ROW_GROUP)
    with atomic_write(folder / "summary.html") as temporary:
        temporary.write_text(summary(experiment, totals, made), encoding="utf-8")


def _stretches(e: Experiment, shards: list[Path], numerics: Path, totals) -> Iterator[dict[str, pa.Table]]:
    """All tables of each stretch of the grid by file name, counted in `totals`."""
    from hhcore.sweep.gather import gather, stretches

    for rows, result in zip(stretches(e), gather(e, shards), strict=True):
        result = _with_sampled_errors(result, rows, e, numerics)
        written = _tables(e, rows, result, totals.curves)
        totals.add(result.columns, written)
        yield written


def _tables(e: Experiment, rows: range, result: Result, curves: int) -> dict[str, pa.Table]:
    """All tables of a stretch of the grid by file name. `curves` : number of F-I curves before it."""
    axes = axis_columns(e, rows)
    fields = axis_fields(e) | DEFINITIONS | beats.LAST_BEAT
    written = {"features.parquet": tables.table({**axes, **result.columns}, fields)}
    if e.protocol == "step":
        written |= _fi_tables(e, axes, result, curves)
    elif e.protocol == "pulse_train":
        columns = result.beat_columns | {"neuron": result.beat_columns["neuron"] + np.int32(rows.start)}
        written["beats.parquet"] = tables.table(columns, beats.DEFINITIONS)
    written["failures.parquet"] = _failures(e, result, rows.start)
    written["spikes.parquet"] = tables.spikes(result.spike_times * result.ms, result.offsets, rows.start)
    return written


def _with_sampled_errors(result: Result, rows: range, experiment: Experiment, numerics: Path) -> Result:
    """The errors and fragile counts of the sample, where not every neuron of the grid was certified."""
    if experiment.certify == "all":
        return result
    neurons, error, fragile = sampled(numerics)
    errors, marks = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    inside = (rows.start <= neurons) & (neurons < rows.stop)
    place = neurons[inside] - rows.start
    errors[place], marks[place] = error[inside] / (1000.0 * result.ms), fragile[inside]
    return result.adding(error=errors, fragile=marks)


def _failures(e: Experiment, result: Result, first: int) -> pa.Table:
    """When each neuron failed that did, and its last states before."""
    rows = np.flatnonzero(result.status >= DIVERGED)
    columns = {"neuron": (first + rows).astype(np.int32), "failed_ms": result.ended[rows] * result.ms}
    columns |= {column_name(n, q.unit): result.final[rows, i] for i, (n, q) in enumerate(e.model.states.items())}
    fields = FAILURE_FIELDS | {column_name(n, q.unit): (q.unit, q.description) for n, q in e.model.states.items()}
    return tables.table(columns, fields)


def write_traces(experiment: Experiment, numerics: Path, path: Path) -> None:
    """Every step of the requested points: trace, time, potential and other states, currents, stimulus."""
    from hhcore.simulation.simulate import trace

    e, parts = experiment, []
    fields = {"trace": ("1", "number of the trace in the config, from 0"), "time_ms": ("ms", "time")}
    fields |= {column_name(n, q.unit): (q.unit, q.description) for n, q in e.model.states.items()}
    fields |= {column_name(n, q.unit): (q.unit, q.description) for n, q in e.model.currents.items()}
    fields |= {column_name("stimulus", e.model.current.unit): (e.model.current.unit, "injected current")}
    for number, point in enumerate(e.traces):
        parameters = {name: point[name] for name in e.model.parameters}
        settings = {"duration": e.duration, "initial_state": e.initial_state}
        solver = {"method": e.solver.method, e.solver.setting: e.solver.accuracy}
        found = trace(e.model, parameters, e.stimuli(point), **settings, **solver)
        order = ["time", *e.model.states, *e.model.currents, "stimulus"]
        found["time"] = found["time"] * e.model.ms
        values = [np.full(len(found["time"]), number), *(found[name] for name in order)]
        parts.append(tables.table(dict(zip(fields, values, strict=True)), fields))
    tables.write(path, pa.concat_tables(parts), provenance(e, numerics))


def provenance(experiment: Experiment, numerics: Path) -> dict[str, str]:
    """What determines the experiment's results, and how accurate they are: model, certificate, digests, versions."""
    e = experiment
    return {
        "experiment": e.name,
        "model": e.model.name,
        "model_digest": e.model.digest,
        "model_source": e.model.source,
        **certificate(numerics),
        "context_digest": context_digest(e),
        "grid_digest": grid_digest(e),
        "config_digest": digest(context_digest(e), grid_digest(e)),
        **tables.versions(),
    }


def axis_columns(experiment: Experiment, rows: range) -> dict[str, np.ndarray]:
    """The swept quantities of rows of the grid, float64 (len(rows),) by column name."""
    e = experiment
    along = np.unravel_index(np.arange(rows.start, rows.stop), e.shape or (1,))
    columns = {
        name: factor.values[i, k]
        for factor, i in zip(e.factors, along, strict=False)  # without factors, `along` has one dummy
        for k, name in enumerate(factor.names)
    }
    return {e.column(name): columns[name] for name in e.swept}


def draw_grid(experiment: Experiment, folder: Path) -> None:
    """The figures of the grid, from the tables in `folder`."""
    from hhcore import figures

    plan = figure_plan(experiment)
    tolerance_us = None if experiment.tolerance is None else experiment.tolerance * 1000.0
    grid, tried = drawable_rows(folder, "features", plan), _frame(folder, "numerics")
    drawn = {
        **(_FIGURES[experiment.stimulus.kind] if experiment.sample is None else _sample_figures)(folder, grid, plan),
        "work_precision": figures.work_precision(tried, plan, tolerance_us),
        "accuracy_map": figures.accuracy_map(plan.tested(grid), plan.scattered),
    }
    for name, figure in drawn.items():
        figures.save(figure, folder / "figures" / name)


def _fi_figures(folder: Path, grid, plan) -> dict[str, object]:
    from hhcore import figures

    return {
        "fi_curves": figures.fi_curves(drawable_rows(folder, "fi_curves", plan), plan),
        "spike_count_map": figures.spike_count_map(grid, plan),
        "rheobase_map": figures.rheobase_map(drawable_rows(folder, "fi_summary", plan), plan),
        "oscillation_range": figures.oscillation_range(grid, plan),
    }


def _beat_figures(folder: Path, grid, plan) -> dict[str, object]:
    from hhcore import figures

    beats_of, _ = tables.read_rows(folder / "beats.parquet", lambda part: np.isin(part["neuron"], grid.index))
    return {
        "restitution": figures.restitution(grid, beats_of.to_pandas(), plan),
        "apd_map": figures.apd_map(grid, plan),
    }


def _sample_figures(folder: Path, grid, plan) -> dict[str, object]:
    from hhcore import figures

    return {"sample_scatter": figures.sample_scatter(grid, plan)}


def _frame(folder: Path, name: str):
    return tables.read(folder / f"{name}.parquet").to_pandas()


def drawable_rows(folder: Path, name: str, plan):
    """The rows of a table of the grid that figures may show; its index is their numbers in the table."""
    found, rows = tables.read_rows(folder / f"{name}.parquet", plan.shows)
    return found.to_pandas().set_axis(rows)


def draw_traces(experiment: Experiment, folder: Path) -> None:
    """The panel of example traces, from the table in `folder`."""
    from hhcore import figures

    figures.save(figures.trace_panel(_frame(folder, "traces"), figure_plan(experiment)), folder / "figures" / "traces")


def figure_plan(experiment: Experiment):
    """What the figures have to know of the experiment."""
    from hhcore.figures import Plan, Variable

    e, model = experiment, experiment.model

    def variable(q) -> Variable:
        return Variable(column_name(q.name, q.unit), q.name, q.unit, q.description)

    def swept(name: str, values: np.ndarray) -> Variable:
        return Variable(e.column(name), name, e.unit(name), _description(e, name), values)

    sample = {} if e.sample is None else dict(zip(e.sample.names, e.sample.points.T, strict=True))
    axes = [swept(a.name, a.values) for a in e.axes]
    zipped = e.combine == "zip" and sum(a.values.size > 1 for a in e.axes) > 1
    along = [e.column(a.name) for a in e.axes if a.name == e.stimulus.axis]
    return Plan(
        title=f"{e.name}: {model.title}",
        stimulus=Variable(column_name("stimulus", model.current.unit), "stimulus", model.current.unit, "Stimulus"),
        potential=variable(model.states[model.potential]),
        gates=tuple(variable(q) for name, q in model.states.items() if name != model.potential),
        currents=tuple(variable(q) for q in model.currents.values()),
        axes=tuple(a if zipped else a.thinned for a in axes),
        sampled=tuple(swept(name, values) for name, values in sample.items()),
        along=along[0] if along else None,
        neurons=e.n_points,
        combine=e.combine,
        certify=e.certify,
        threshold=e.threshold,
        traces=tuple(_trace_title(e, point) for point in e.traces),
    )


def _trace_title(e: Experiment, point: dict[str, float]) -> str:
    """What sets a trace apart: the amplitude, what curves go along, and whatever differs from the model's own value."""
    from hhcore.figures.context import after_number

    stimulus = dict.fromkeys(["amplitude", e.stimulus.axis])
    told = [f"{name} = {point[name]:.6g}" for name, q in e.model.parameters.items() if point[name] != q.value]
    return ", ".join([*(f"{name} = {point[name]:.6g}{after_number(e.unit(name))}" for name in stimulus), *told])


def axis_fields(e: Experiment) -> dict[str, tuple[str, str]]:
    """Unit and description of each column of a swept quantity."""
    return {e.column(name): (e.unit(name), _description(e, name)) for name in e.swept}


def _description(e: Experiment, name: str) -> str:
    known = e.model.parameters
    return known[name].description if name in known else e.stimulus.fields[name].meaning


def _fi_tables(e: Experiment, axes: dict[str, np.ndarray], result: Result, before: int) -> dict[str, pa.Table]:
    """fi_curves and fi_summary as Arrow tables by file name. `before` : number of curves in earlier stretches."""
    found, ms = result.columns, result.ms
    first_interval = first_intervals(result.spike_times * ms, result.offsets)
    window = e.analysis_window[0] * ms, e.analysis_window[1] * ms
    amplitude_column, unit = e.column("amplitude"), e.unit("amplitude")
    suffix = column_name("", unit).removeprefix("_")
    amplitude = axes.get(amplitude_column, np.full(len(result.peak), e.defaults["amplitude"]))
    others = {name: column for name, column in axes.items() if name != amplitude_column}
    fields = axis_fields(e) | {amplitude_column: (unit, "stimulus amplitude")}
    sorted_points = fi.curves(amplitude, list(others.values()))
    curve = fi.curve_table(sorted_points, found, first_interval)
    rows = curve.pop("row")
    columns = {"curve": before + curve.pop("curve"), **{name: column[rows] for name, column in others.items()}}
    columns |= {amplitude_column: amplitude[rows], **curve}
    curves = tables.table(columns, fields | fi.CURVE_DEFINITIONS)
    start, stop = (axes.get(e.column(name), e.defaults[name]) * ms for name in ("start", "stop"))
    summary = fi.summary_table(sorted_points, amplitude, found, window, suffix, start, stop)
    columns = {
        "curve": before + summary.pop("curve"),
        **{n: c[sorted_points.first] for n, c in others.items()},
        **summary,
    }
    fields |= fi.summary_definitions(unit, suffix)
    return {"fi_curves.parquet": curves, "fi_summary.parquet": tables.table(columns, fields)}


# The figures that grids of each kind of stimulus have beside those of all.
_FIGURES = {"step": _fi_figures, "pulse_train": _beat_figures}
