"""What was run, as one small HTML page: model and source, grid, stimulus, solver, counts, versions, the tables."""

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from string import Template

import numpy as np
import pyarrow as pa

from hhcore.base.units import pretty_unit
from hhcore.config.experiment import Experiment
from hhcore.protocols.fi import curves as fi
from hhcore.sweep.plan import plan

PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$name</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; color: #222; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 0.5em 0 1.5em; }
th, td { text-align: left; vertical-align: top; padding: 0.25em 1em 0.25em 0; border-bottom: 1px solid #ddd; }
th { font-weight: 600; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 1.8em; }
code { font-family: ui-monospace, monospace; font-size: 0.92em; }
</style></head><body>
<h1>$name</h1>
$body
</body></html>
""")


class Totals:
    """What the page says of all neurons, added up from parts of the grid.

    statuses   : number of neurons by status
    undetected : neurons that oscillate without a detected spike
    tested, fragile : neurons whose count was tested for its dependence on the accuracy, and those that depend on it
    errors     : the spike-time errors that were estimated [us]
    schemas, rows : of the tables by file name
    """

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.undetected = self.tested = self.fragile = 0
        self.errors: list[np.ndarray] = []
        self.schemas: dict[str, pa.Schema] = {}
        self.rows: Counter[str] = Counter()

    @property
    def curves(self) -> int:
        """Number of F-I curves."""
        return self.rows["fi_summary.parquet"]

    def add(self, features: Mapping[str, np.ndarray], written: Mapping[str, pa.Table]) -> None:
        """Count neurons, by the columns of features.parquet, and the rows of the tables."""
        words, numbers = np.unique(features["status"].astype(str), return_counts=True)
        self.statuses.update(dict(zip(words.tolist(), numbers.tolist(), strict=True)))
        self.undetected += fi.undetected(features)
        self.tested += int((~np.ma.getmaskarray(features["fragile"])).sum())
        self.fragile += int(np.ma.filled(features["fragile"], False).sum())
        error = features["spike_time_error_us"]
        self.errors.append(error[~np.isnan(error)])
        for name, part in written.items():
            self.schemas[name] = part.schema
            self.rows[name] += part.num_rows


def summary(experiment: Experiment, totals: Totals, made: Mapping[str, str]) -> str:
    """The page as text.

    made : metadata of the tables: digests and versions
    """
    body = [
        *_section("What was run", _facts(experiment)),
        *_section("Grid", _grid(experiment)),
        *_section("Neurons", _counts(experiment, totals)),
        *_section("Accuracy", _accuracy(experiment, totals, made)),
        *_section("Made with", [(key, value) for key, value in made.items()]),
    ]
    for name, schema in totals.schemas.items():
        body += [f"<h2><code>{escape(name)}</code>, {totals.rows[name]:,} rows</h2>", _fields(schema)]
    return PAGE.substitute(name=escape(experiment.name), body="\n".join(body))


def _facts(e: Experiment) -> Iterable[tuple[str, str]]:
    time, potential = e.model.time_unit, e.model.states[e.model.potential].unit
    yield "Model", f"{e.model.title} ({e.model.name})"
    yield "Source", e.model.source or "none given in the model file"
    yield "Stimulus", ", ".join([e.stimulus.title, *(f"{name} {_value(e, name)}" for name in e.stimulus.fields)])
    yield "Initial state", _initial(e)
    yield "Duration", f"{e.duration:g} {time}"
    yield "Analysis window", f"{e.analysis_window[0]:g} to {e.analysis_window[1]:g} {time}"
    rearm = (
        ""
        if e.rearm == e.threshold
        else f"; before the next, the potential must have been below {e.rearm:g} {potential}"
    )
    yield "Spike", f"upward crossing of {e.threshold:g} {potential}{rearm}"
    yield "Solver", _solver(e)
    yield "Simulated", f"{plan(e).neurons:,} neurons, {plan(e).simulated_s:,.6g} s together"


def _solver(e: Experiment) -> str:
    scheme, accuracy = e.solver.scheme, e.solver.accuracy
    if scheme.adaptive:
        return f"{scheme.title} (order {scheme.order}), local error of a step at most {accuracy:g} of the state's size"
    return f"{scheme.title} (order {scheme.order}), step at most {accuracy:g} {e.model.time_unit}"


def _value(e: Experiment, quantity: str) -> str:
    if quantity in e.swept:
        return "swept"
    value, unit = e.defaults[quantity], e.unit(quantity)
    return "as many as fit" if value == np.inf else f"{value:g} {pretty_unit(unit)}".removesuffix(" 1")


def _initial(e: Experiment) -> str:
    if isinstance(e.initial_state, dict):
        return ", ".join(f"{name} = {value:g}" for name, value in e.initial_state.items())
    words = {
        "rest": "rest: the stable equilibrium of each neuron without stimulus",
        "model": "model: the state written in the model file",
    }
    return words[e.initial_state]


def _grid(e: Experiment) -> Iterable[tuple[str, str]]:
    if e.sample is not None:
        yield "Sample", f"{e.sample.kind}, n = {e.sample.n:,}, seed {e.sample.seed}: {len(e.sample.points):,} points"
        for spread in e.sample.distributions:
            yield spread.name, f"sampled, {spread.words}"
    for axis in e.axes:
        ends = f"{axis.values[0]:g} to {axis.values[-1]:g}" if axis.values.size > 1 else f"{axis.values[0]:g}"
        yield axis.name, f"{axis.values.size:,} values, {ends} {pretty_unit(axis.unit)}"
    changed = {n: e.defaults[n] for n, q in e.model.parameters.items() if e.defaults[n] != q.value}
    for name, value in changed.items():
        yield name, f"{value:g} {pretty_unit(e.unit(name))}, instead of the model's {e.model.parameters[name].value:g}"
    if len(e.axes) > 1:
        yield "Combined as", "product: every value with every other" if e.combine == "product" else "zip: in step"
    if not e.factors:
        yield "Axes", "none: a single neuron"


def _counts(e: Experiment, totals: Totals) -> Iterable[tuple[str, str]]:
    meanings = {
        "ok": "simulated",
        "no_stable_rest": "have no stable rest and started from the model's own; simulated",
        "diverged": "failed: a state became infinite or not a number; their features are null",
        "stalled": "failed: they needed ever shorter steps and were given up; their features are null",
    }
    for status, meaning in meanings.items():
        yield status, f"{totals.statuses[status]:,} {meaning}"
    yield (
        "undetected",
        (
            f"{totals.undetected:,} oscillate by more than 5 mV inside the analysis window "
            f"without crossing {e.threshold:g} {e.model.states[e.model.potential].unit}: "
            "the definition of a spike does not count them"
        ),
    )


def _accuracy(e: Experiment, totals: Totals, made: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """The certificate, in words."""
    errors = np.concatenate(totals.errors)
    asked = "no tolerance was given" if e.tolerance is None else f"at most {made['tolerance_us']} µs was asked for"
    tested = "every neuron" if e.certify == "all" else f"a sample of {totals.tested:,} neurons"
    yield "Tested", f"{tested}; {asked}"
    if errors.size:
        yield "Spike-time error", f"worst {errors.max():.3g} µs, median {np.median(errors):.3g} µs"
    fragile = f"{totals.fragile:,} of {totals.tested:,} tested"
    yield "Fragile", f"{fragile} have a spike count that depends on the solver's accuracy"
    yield "Reference", f"{made['reference']}, for {made['reference_runs']} neurons of a sample"
    checked, agreement = made["reference_checked_by_scipy"], made["reference_agreement_us"]
    none = "no neuron: none of the sample fires, or SciPy cannot integrate those that do"
    yield "Checked by SciPy", none if checked == "none" else f"{checked}: the reference agrees within {agreement} µs"


def _section(title: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    cells = "".join(f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>" for key, value in rows)
    return [f"<h2>{escape(title)}</h2>", f"<table>{cells}</table>"]


def _fields(schema: pa.Schema) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field.name)}</code></td>"
        f"<td>{escape(pretty_unit(_meta(field, b'unit')))}</td><td>{escape(_meta(field, b'definition'))}</td></tr>"
        for field in schema
    )
    return f"<table><tr><th>Column</th><th>Unit</th><th>Definition</th></tr>{rows}</table>"


def _meta(field: pa.Field, key: bytes) -> str:
    return (field.metadata or {}).get(key, b"").decode()
