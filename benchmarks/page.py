"""docs/benchmarks.md, docs/scaling.md and the work-precision figure, from docs/benchmarks.json.

`python -m benchmarks.page` writes them again.
"""

import json
import textwrap
from pathlib import Path
from string import Template

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks import pacing_page, thresholds_page
from benchmarks.problem import AMPLITUDES, DURATION_MS, FINER_US, FINEST_US, PULSES
from benchmarks.verdicts import apart, digits, fastest, goals, listed, point, winners
from hhcore.base.files import atomic_write
from hhcore.figures import style
from hhcore.figures.save import save as save_figure

DOCS = Path(__file__).parents[1] / "docs"
MEASURED = DOCS / "benchmarks.json"
UNITS = {"dt": " ms", "rtol": "", "atol": "", "local_error": ""}
FAMILIES = {  # colour and marker of a module's curves
    "hhcore_": (style.BLUE, "o"),
    "scipy_": (style.GREY, "s"),
    "neuron_": (style.VERMILLION, "^"),
    "brian2_": (style.GREEN, "D"),
    "jax_": (style.PURPLE, "v"),
    "myokit_": (style.BLACK, "P"),
    "arbor_": (style.ORANGE, "X"),
}
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))

PAGE = Template("""# Benchmarks

Written by `make benchmark`. How many neurons can one core simulate, if all spike times shall be right to 100, 10 or
1 µs? (To run it, a C++ compiler and the headers of SUNDIALS are needed: `apt install g++ libsundials-dev` on Debian.)

**The problem.** Hodgkin and Huxley (1952) at 6.3 °C, constant current from t = 0, from V = −65 mV and m, h, n = 0.05,
0.6, 0.32, for $duration ms. **The error** of a setting is the largest difference of any spike time from DOP853 at a
tolerance of 10⁻¹², over all spikes at $amplitudes µA/cm²;
the error of the period adds up. For each target, the largest step or tolerance that meets it, as all finer ones tried
do, is searched to a factor of 1.06 (steps) or 1.5 (tolerances). **The speed** at that setting is in neuron-seconds per
core-second: neurons simulated for one second each, in one second on one core. A batch of neurons between the same
amplitudes runs on one thread, of the size that suits the method best; the best of up to three runs counts, without
setup and compiling. $together, on one core ($cpu), each method in a process of its own.

## Speed at equal error

Neuron-seconds per core-second, and in parentheses how many times as fast the fastest method of hhcore is. Where a
target is not reached with the finest setting that was tried, the error there. 0.1 µs was not measured where it would
take a peer long.

$speeds

$failures
What was aimed at, within 1 µs:

$goals

![Speed against spike-time error of all methods](work_precision.png)

## Which scheme wins where

hhcore's own schemes on the squid axon, as above, and on a stiff model: one beat of the ventricular cell of ten Tusscher
and Panfilov (2006), from the state in its file, after pulses of $pulses A/F. There the error is that of the
upstroke through 0 mV or of 90 % repolarisation, whichever is larger, from SciPy's LSODA at 10⁻¹². Neuron-seconds per
core-second, the fastest in bold.

$schemes

$winners

$pacing
$thresholds
## All settings

$settings

## How each was run

$how

Where detection in the peer costs less than recording the potential, its speed was measured with detection alone and its
error from the recorded potential, by a polynomial through six samples around each crossing: its own spike times may be
worse. $versions

The whole pipeline, from the config to the report: [scaling.md](scaling.md).
""")

SCALING = Template("""# From ten thousand to a million neurons

Written by `make benchmark-pipeline`: neurons of $duration s through `snakemake --cores $cores`, from the config to the
report, each size in an empty folder. Hodgkin and Huxley's axon, 100 currents, the rest of the grid two conductances;
$solver.

$rows

On $cores cores of $cpu. The slope is that of a straight line through the logarithms: 1 is proportional to the number
of neurons. The share of the kernel is the core time that the shards spent integrating, as their logs say, over wall
time and cores.

$share

Where the time goes, in seconds of work by rule, on the cores together; the rest is Snakemake's own, and cores that wait
where there is one job alone:

$work

**Why memory stays flat.** A shard has the work of about a minute, however large the grid. Tables are written a row
block at a time, from shards that are sorted through temporary files ([store.md](design/store.md)). Figures keep the
rows that they may show: at most 300 values of two axes and a dozen of the others, or 20,000 points. Sobol indices are
made from one column at a time.

**Planning.** `snakemake -n`, which expands no grid:

$planning

The number of shards is chosen from the work, and each shard finds its own points by their hashes, 0.03 µs for each
point of the grid.

**A hundred million neurons** of one second are 512 shards, a matter for a [cluster](cluster.md). By the figures above
they take $core_hours core hours, $tables_GB GB of tables, $shards_GB GB of shards, and while the tables are put
together about as much again, without compression, in `$$TMPDIR`. DuckDB and polars read such tables a row group at a
time.

## Queries

The tables are plain Parquet in row groups of at most 262,144 rows, with the least and the largest value of each column,
so that a query for one conductance reads a part of the file alone. Read and computed, the first time:

$queries

How to write them is in [results.md](results.md).
""")

AIMED_SHARE = 0.85  # of the kernel
MEASURES = (  # label, key, factor, unit
    ("wall time", "wall_s", 1, "s"),
    ("share of the kernel", "kernel_share", 100, "%"),
    ("largest memory of a process", "peak_process_MB", 1e-3, "GB"),
    ("largest memory of all together", "peak_total_MB", 1e-3, "GB"),
    ("tables, figures and report", "output_MB", 1, "MB"),
    ("shards kept for later runs", "shards_MB", 1, "MB"),
)


def load() -> dict:
    """What was measured so far."""
    return json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}


def save(results: dict) -> None:
    """Keep what was measured; write the page and the figure."""
    with atomic_write(MEASURED) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    with atomic_write(DOCS / "benchmarks.md") as temporary:
        temporary.write_text(text(results), encoding="utf-8")
    if "scaling" in results:
        with atomic_write(DOCS / "scaling.md") as temporary:
            temporary.write_text(scaling(results["scaling"]), encoding="utf-8")
    if rows := on_the_axon(measured(results)):
        save_figure(work_precision(rows), DOCS / "work_precision")


def measured(results: dict) -> list[dict]:
    """Rows that did not fail."""
    return [row for row in results.get("rows", []) if "failed" not in row]


def on_the_axon(rows: list[dict]) -> list[dict]:
    """Rows of the problem that all peers have."""
    return [row for row in rows if row["module"] != "ventricle_"]


def text(results: dict) -> str:
    """The page."""
    rows = measured(results)
    failed = [row for row in results.get("rows", []) if "failed" in row]
    return PAGE.substitute(
        duration=f"{DURATION_MS:g}",
        amplitudes=listed([f"{a:g}" for a in AMPLITUDES]),
        pulses=listed([f"{a:g}" for a in PULSES]),
        together=apart(rows),
        cpu=results.get("machine", {}).get("cpu", "?"),
        speeds=summary(results),
        failures="".join(f"{row['label']} could not be measured: {row['failed']}.\n" for row in failed),
        goals=goals(rows),
        schemes=schemes_table(problems(rows)),
        winners=winners(problems(rows), FINEST_US),
        pacing=pacing_page.section(results.get("pacing", {})),
        thresholds=thresholds_page.section(results.get("thresholds", {})),
        settings=settings_table(rows),
        how="\n".join(f"- **{row['label']}**: {row['how']}." for row in rows),
        versions=versions(results["versions"]) if rows else "",
    )


def problems(rows: list[dict]) -> dict[str, list[dict]]:
    """The rows of our own schemes, by what they were run on."""
    names = {"squid axon": "hhcore_", "ventricular cell": "ventricle_"}
    return {name: [row for row in rows if row["module"] == module] for name, module in names.items()}


def summary(results: dict) -> str:
    """The table of speeds on the squid axon, a line per method."""
    rows = on_the_axon(measured(results))
    head = " | ".join(f"within {target:g} µs" for target in FINER_US)
    lines = [f"| method | {head} |", "|---|" + "---:|" * len(FINER_US)]
    for row in rows:
        cells = [speed_cell(row, target, fastest(problems(rows)["squid axon"], target)) for target in FINER_US]
        lines.append(f"| {row['label']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def speed_cell(row: dict, target: float, best: tuple[float, dict] | None) -> str:
    """A speed and how many times as fast hhcore is, or the least error that was reached."""
    found = point(row, target)
    if f"{target:g}" not in row["found"]:
        return "not measured"
    if found is None:
        least = min((p["error_us"] for p in row["points"]), default=None)
        return f"not reached ({digits(least)} µs)" if least else "not reached (spikes lost or added)"
    return f"{digits(found['speed'])}" + (f" ({digits(best[0] / found['speed'])})" if best else "")


def schemes_table(found: dict[str, list[dict]]) -> str:
    """The speeds of our own schemes at each target of each problem, the highest in bold."""
    columns = [(name, t) for name, rows in found.items() for t in FINEST_US if fastest(rows, t)]
    head = " | ".join(f"{name}, {target:g} µs" for name, target in columns)
    lines = [f"| scheme | {head} |", "|---|" + "---:|" * len(columns)]
    for method in dict.fromkeys(row["method"] for rows in found.values() for row in rows):
        cells = []
        for name, target in columns:
            best = fastest(found[name], target)
            own = fastest([row for row in found[name] if row["method"] == method], target)
            mark = "**" if own == best else ""
            cells.append(f"{mark}{digits(own[0])}{mark}" if own else "not reached")
        lines.append(f"| `{method}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def settings_table(rows: list[dict]) -> str:
    """Every setting that was timed."""
    lines = [
        "| method | setting | error (µs) | neurons in a batch | neuron-seconds per core-second |",
        "|---|---|---:|---:|---:|",
    ]
    for row in rows:
        for p in row["points"]:
            setting = f"{row['setting']} = {p['setting']:.3g}{UNITS[row['setting']]}"
            cells = (row["label"], setting, digits(p["error_us"]), f"{p['batch']:,}", digits(p["speed"]))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def versions(found: dict[str, dict[str, str]]) -> str:
    """Of everything that was measured, in a sentence."""
    ours, peers = (", ".join(f"{name} {number}" for name, number in found[who].items()) for who in ("hhcore", "peers"))
    return f"hhcore was run with {ours}; the peers with {peers}."


def scaling(found: dict) -> str:
    """docs/scaling.md: what benchmarks.pipeline measured."""
    runs = sorted(found["runs"].values(), key=lambda run: run["neurons"])
    largest = runs[-1]
    sizes = " | ".join(f"{run['neurons']:,}" for run in runs)
    rows = [f"| | {sizes} | slope |", "|---|" + "---:|" * (len(runs) + 1)]
    for label, key, scale, unit in MEASURES:
        cells = " | ".join(f"{digits(run[key] * scale)} {unit}" for run in runs)
        rows.append(f"| {label} | {cells} | {slope(runs, key)} |")
    work = [f"| | {sizes} |", "|---|" + "---:|" * len(runs)]
    work += [f"| {rule} | {' | '.join(digits(run['rules_s'][rule]) for run in runs)} |" for rule in largest["rules_s"]]
    queries = [f"| | | {sizes} |", "|---|---|" + "---:|" * len(runs)]
    for query, readers in largest["queries_s"].items():
        for reader in readers:
            cells = " | ".join(f"{run['queries_s'][query][reader]:.2f} s" for run in runs)
            queries.append(f"| {query} | {reader} | {cells} |")
    planned, times = found["planning_s"], 1e8 / largest["neurons"]
    planning = [f"| {' | '.join(f'{int(n):,} neurons' for n in planned)} |", "|" + "---:|" * len(planned)]
    planning.append(f"| {' | '.join(f'{seconds:.1f} s' for seconds in planned.values())} |")
    return SCALING.substitute(
        duration=f"{DURATION_MS / 1000:g}",
        cores=largest["cores"],
        cpu=largest["cpu"],
        share=share(largest),
        solver=largest["solver"],
        rows="\n".join(rows),
        work="\n".join(work),
        queries="\n".join(queries),
        planning="\n".join(planning),
        core_hours=digits(times * largest["rules_s"]["simulate"] / 3600),
        tables_GB=digits(times * largest["output_MB"] / 1000),
        shards_GB=digits(times * largest["shards_MB"] / 1000),
    )


def share(run: dict) -> str:
    """Whether the kernel had the share of a run that was aimed at, and what has the rest."""
    outside = run["wall_s"] * (1 - run["kernel_share"])
    verdict = "is met" if run["kernel_share"] >= AIMED_SHARE else "is missed"
    return textwrap.fill(
        f"The aim of {100 * AIMED_SHARE:.0f} % for {run['neurons']:,} neurons {verdict}: {outside:.0f} s of wall time "
        "are not the kernel's, most of them stages that one core does alone (start, compiling, tables, figures, "
        "report). They hardly depend on the kernel, so the faster it is, the smaller its share.",
        120,
    )


def slope(runs: list[dict], key: str) -> str:
    """Exponent of the growth with the number of neurons: the slope on log-log axes, by least squares."""
    if len(runs) < 2:
        return ""
    x, y = (np.log([run[k] for run in runs]) for k in ("neurons", key))
    return f"{np.polyfit(x, y, 1)[0]:.2f}"


@style.styled
def work_precision(rows: list[dict]) -> Figure:
    """Speed against error, a curve per method."""
    figure = style.new_figure(
        style.TWO_COLUMNS,
        3.6,
        "Speed on one core against the largest error of a spike time",
        [f"Hodgkin-Huxley 1952, {DURATION_MS / 1000:g} s, {len(AMPLITUDES)} currents; up and to the left is better."],
    )
    axes = figure.subplots()
    handles, seen = [], {}
    for row in rows:
        colour, marker = FAMILIES[row["module"]]
        dash = DASHES[seen.setdefault(row["module"], 0)]
        seen[row["module"]] += 1
        line = {"color": colour, "marker": marker, "linestyle": dash, "markersize": 3.5}
        if row["points"]:
            axes.plot([p["error_us"] for p in row["points"]], [p["speed"] for p in row["points"]], **line)
            handles.append(Line2D([], [], label=row["label"], **line))
    for target in FINEST_US:
        axes.axvline(target, color="0.85", linewidth=0.6, zorder=0)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("largest spike-time error (µs)")
    axes.set_ylabel("neuron-seconds per core-second")
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


if __name__ == "__main__":
    save(load())
