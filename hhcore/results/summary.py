"""What was run, as one small HTML page: model and source, grid, stimulus, solver, counts, versions, the tables.

The page keeps the lines of its sections as JSON too, for the report.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template

import numpy as np
import pyarrow as pa

from hhcore.base.errors import UserError
from hhcore.base.seals import RECIPE, SEAL, UNSEALED, check_seal
from hhcore.base.units import pretty_unit
from hhcore.base.words import counted
from hhcore.certify.certificate import IRREGULAR, NONE
from hhcore.certify.evidence import MOST, quantile
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.initial import initial_value
from hhcore.simulation.result import NO_RHEOBASE, NO_STABLE_REST, STATUSES, Result
from hhcore.sweep.estimate import estimate

PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$name</title>
<!-- $marks -->
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
<script type="application/json" id="sections">$data</script>
</body></html>
""")


Sections = dict[str, list[tuple[str, str]]]  # a word and a sentence each, by title
NOTE = "Note"  # the word of what a reader should know
WHAT_WAS_RUN, GRID, NEURONS, ACCURACY, MADE_WITH = "What was run", "Grid", "Neurons", "Accuracy", "Made with"


class Totals:
    """What the page says of all neurons, added up from row blocks.

    statuses        : number of neurons by status
    tested, fragile : number of neurons whose outcome was tested for dependence on the accuracy, and of those dependent
    errors          : the estimated errors [unit of the protocol's error column]
    schemas, rows   : of the tables by name
    """

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.tested = self.fragile = 0
        self.errors: list[np.ndarray] = []
        self.schemas: dict[str, pa.Schema] = {}
        self.rows: Counter[str] = Counter()

    def add(self, result: Result, experiment: Experiment, tables: Mapping[str, pa.Table]) -> None:
        """Count the neurons of a row block and the rows of its tables."""
        self.statuses.update(dict(enumerate(np.bincount(result.status, minlength=len(STATUSES)).tolist())))
        self.tested += int((~np.isnan(result.fragile)).sum())
        self.fragile += int((result.fragile == 1).sum())
        accuracy = experiment.protocol.accuracy
        error = result.error * accuracy.scale(experiment.model) * accuracy.factor
        self.errors.append(error[~np.isnan(error)])
        for name, table in tables.items():
            self.schemas[name] = table.schema
            self.rows[name] += table.num_rows


def summary(
    experiment: Experiment, totals: Totals, facts: Iterable[tuple[str, str]], provenance: Mapping[str, str]
) -> str:
    """The page as text.

    facts      : remarks of analyses on the neurons, a word and a sentence each
    provenance : metadata of the tables: certificate, digests, versions
    """
    sections = {
        WHAT_WAS_RUN: [*what_was_run(experiment)],
        GRID: [*_grid(experiment)],
        NEURONS: [*_counts(experiment, totals), *facts],
        ACCURACY: [*_accuracy(experiment, totals, provenance)],
        MADE_WITH: [*provenance.items()],
    }
    body = [line for title, rows in sections.items() for line in _section(title, rows)]
    for name, schema in totals.schemas.items():
        body += [f"<h2><code>{escape(name)}.parquet</code>, {totals.rows[name]:,} rows</h2>", _fields(schema)]
    marks = f"{RECIPE}: {provenance.get('recipe', '')}, {SEAL}: {UNSEALED}"
    data = json.dumps(sections, ensure_ascii=False).replace("<", "\\u003c")  # nothing in it ends the element
    return PAGE.substitute(name=escape(experiment.name), marks=marks, body="\n".join(body), data=data)


def read_sections(path: Path) -> Sections:
    """The lines of a page that `summary` made. Raises UserError if it is missing or damaged."""
    check_seal(path)
    found = re.search(r'<script type="application/json" id="sections">(.*?)</script>', path.read_text("utf-8"))
    if found is None:
        raise UserError(f"{path} is of another version of hhcore; delete it and run the experiment again")
    return {title: [(word, text) for word, text in rows] for title, rows in json.loads(found[1]).items()}


def rest_advice(experiment: Experiment, count: int) -> list[str]:
    """A sentence if `count`, the number of neurons without a stable rest, is all of them, and `rest` is asked for."""
    e = experiment
    if e.initial_state != "rest" or count < e.n_points:
        return []
    return [
        f"{count:,} of {e.n_points:,} neurons have no stable rest. If the model is meant to start from the state in "
        "its file, as pacemakers and cells whose concentrations drift are, write initial_state: model"
    ]


def what_was_run(e: Experiment) -> Iterable[tuple[str, str]]:
    """The lines of the first section of the page, a word and its meaning each."""
    time, potential = e.model.time_unit, e.model.states[e.model.potential].unit
    stated = [name for name in e.stimulus.fields if name not in e.protocol.supplies]
    yield "Model", f"{e.model.title} ({e.model.name})"
    yield "Source", e.model.source or "none given in the model file"
    yield (
        "Clamp" if e.clamped else "Stimulus",
        ", ".join([e.stimulus.title, *(f"{name} {_value(e, name)}" for name in stated)]),
    )
    yield from e.protocol.facts(e)
    yield "Initial state", _initial(e)
    if "duration" not in e.protocol.ignores:
        yield "Duration", f"{e.duration:g} {time}"
    if "analysis_window" not in e.protocol.ignores:
        yield "Analysis window", f"{e.analysis_window[0]:g} to {e.analysis_window[1]:g} {time}"
    if "spikes" in e.protocol.schema.names:
        rearm = f"; before the next, the potential must have been below {e.rearm:g} {potential}"
        yield "Spike", f"upward crossing of {e.threshold:g} {potential}{rearm if e.rearm < e.threshold else ''}"
    yield "Solver", _solver(e)
    yield from ((NOTE, note) for note in e.notes)
    yield "Simulated", f"{counted(estimate(e).neurons, 'neuron')}, {estimate(e).simulated_s:,.6g} s together"


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
    held = "at its holding potential" if e.clamped else "without stimulus"
    words = {
        "rest": f"rest: the stable equilibrium of each neuron {held}",
        "model": "model: the state written in the model file",
    }
    stated = ", ".join(f"{name} {_value(e, initial_value(name))}" for name in e.stated)
    if not stated:
        return words[e.initial_state]
    return stated if len(e.stated) == len(e.model.states) else f"{stated}; of the others {words[e.initial_state]}"


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
    for treatment in e.treatments:
        name, unit = treatment.amount.name, pretty_unit(treatment.amount.unit)
        yield name, treatment.words if name in e.swept else f"{e.defaults[name]:g} {unit}; {treatment.words}"
    if len(e.axes) > 1:
        yield "Combined as", "product: every value with every other" if e.combine == "product" else "zip: in step"
    if not e.factors:
        yield "Axes", "none: a single neuron"


def _counts(e: Experiment, totals: Totals) -> Iterable[tuple[str, str]]:
    meanings = {
        "ok": "simulated",
        "no_stable_rest": "without a stable rest, started from the model's own; simulated",
        "diverged": "failed: a state became infinite or not a number; features are null",
        "stalled": "failed: ever shorter steps were needed, and it was given up; features are null",
        "no_rheobase": "without a rheobase that the stimulus is a share of, not simulated; features are null",
    }
    for number, status in enumerate(STATUSES if e.stimulus.shares else STATUSES[:NO_RHEOBASE]):
        yield status, f"{totals.statuses[number]:,} {meanings[status]}"
    yield from ((NOTE, advice) for advice in rest_advice(e, totals.statuses[NO_STABLE_REST]))


def _accuracy(e: Experiment, totals: Totals, certificate: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """The certificate, in words."""
    accuracy, errors = e.protocol.accuracy, np.concatenate(totals.errors)
    unit = pretty_unit(accuracy.unit)
    tested, them = f"a sample of {counted(totals.tested, 'neuron')}", "them"
    if e.certify == "all":
        tested, them = "every neuron", "the sample that chose the solver"
    asked = "no tolerance was given"
    if e.tolerance is not None:
        asked = f"at most {certificate[f'tolerance_{accuracy.suffix}']} {unit} in {MOST} of {them} was asked for"
    yield "Tested", f"{tested}; {asked}"
    if errors.size:
        figures = {"worst": errors.max(), f"{MOST} at most": quantile(errors), "median": np.median(errors)}
        yield accuracy.label, ", ".join(f"{word} {error:.3g} {unit}" for word, error in figures.items())
    for height in accuracy.heights:
        worst = certificate[height.worst_key]
        unit_of = "" if height.unit == "1" else f" {pretty_unit(height.unit)}"
        yield f"Error of {height.name}", worst if worst == NONE else f"worst {worst}{unit_of} in the sample"
    fragile = f"{totals.fragile:,} of {totals.tested:,} tested"
    has = "has" if totals.fragile == 1 else "have"
    yield "Fragile", f"{fragile} {has} a {accuracy.outcome.replace('_', ' ')} that depends on the solver's accuracy"
    if certificate["uncertain_in_sample"] != NONE:
        rows = certificate["uncertain_in_sample"].split(", ")
        yield "Cannot be certified", f"{len(rows):,} of the sample (row {', '.join(rows)}): {IRREGULAR}"
    runs = counted(int(certificate["reference_runs"]), "neuron")
    yield "Reference", f"{certificate['reference']}, for {runs} of a sample"
    checked, agreement = (
        certificate["reference_checked_by_scipy"],
        certificate[f"reference_agreement_{accuracy.suffix}"],
    )
    none = "no neuron: none of the sample fires, or SciPy cannot integrate those that do"
    yield (
        "Checked by SciPy",
        none if checked == "none" else f"{checked}: the reference agrees within {agreement} {unit}",
    )


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
