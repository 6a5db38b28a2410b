"""The section of docs/benchmarks.md about thresholds, from what benchmarks.thresholds has measured."""

from string import Template

from benchmarks.thresholds_problem import BRACKET, DURATION_MS, SETTLE_MS
from benchmarks.verdicts import digits

AIMED_S, AIMED = 60.0, 10.0  # for the cells through Snakemake; times the grid
WORKFLOW = "hhcore, from `snakemake` to the report"

SECTION = Template("""## Thresholds, against programs that bisect

Written by `make benchmark-thresholds`. Rheobase of the axon with other conductances of sodium and potassium, 20 %
around the paper's: the least current with which a cell at rest fires within $duration ms, to 10⁻⁶ of itself. hhcore's
protocol `rheobase` on one thread, which looks for all intervals that fire, tries both ends of the bracket to the end of
the run, and is given no bracket. The others are given one, $low to $high µA/cm², and halve it: one cell after the
other, each from the state after $settle ms without a current. NEURON ends a trial at the spike (`NetCon.record`,
`stoprun`); Myokit leaves out the rest of a trial with a spike in the first 50 ms; Brian2 runs all cells at once, to the
end, with values given to a program compiled once (`run_args`). **The error** is the largest of nine cells, from SciPy's
DOP853 at 10⁻¹², and includes the width of the bracket; the coarsest setting that stays below 10⁻⁶, as all finer ones
do, is taken. What counts is the time of a processor; compiling is not counted, except in the row of Snakemake.

$peers

**Through Snakemake.** [config/rheobase.yaml](../config/rheobase.yaml), $cells cells, on $cores cores of $cpu, from the
config to the report: the search, with the measurement of its error on a sample, the fastest of three runs. Beside it
$amplitudes amplitudes for each cell, from below the lowest threshold to above the highest, $spacing µA/cm² apart, and a
search as coarse (`within: $within`).

$workflow

$verdict
""")


def section(found: dict) -> str:
    """The section; empty before both parts are measured."""
    if len(found) < 2:
        return ""
    w = found["workflow"]
    return SECTION.substitute(
        duration=f"{DURATION_MS:,g}",
        settle=f"{SETTLE_MS:g}",
        low=f"{BRACKET[0]:g}",
        high=f"{BRACKET[1]:g}",
        peers=peers(found["peers"], w),
        cells=f"{w['cells']:,}",
        cores=w["cores"],
        cpu=w["cpu"],
        amplitudes=w["amplitudes"],
        spacing=digits(w["spacing"]),
        within=digits(w["within"]),
        workflow=runs(w),
        verdict=verdict(w),
    )


def peers(rows: list[dict], workflow: dict) -> str:
    """A line for each program, and how many times as long as hhcore it takes."""
    ours = rows[0]["seconds"]
    lines = ["| program | setting | error | cells | core ms a cell | times hhcore |", "|---|---:|---:|---:|---:|---:|"]
    for row in rows:
        numbers = f"{row['accuracy']:g} | {row['error']:.1e} | {row['cells']:,} | {digits(1000 * row['seconds'])}"
        lines.append(f"| {row['label']} | {numbers} | {digits(row['seconds'] / ours)} |")
    whole = workflow["cold"]["core_s"] / workflow["cells"]
    cells = f"{workflow['cells']:,} | {digits(1000 * whole)} | {digits(whole / ours)}"
    return "\n".join([*lines, f"| {WORKFLOW} | chosen by it | below 1e-06 | {cells} |"])


def runs(workflow: dict) -> str:
    """A line for each run of Snakemake."""
    labels = {
        "cold": "search to 10⁻⁶, no kernel in the cache",
        "warm": "the same, kernels in the cache",
        "coarse": "search as coarse as the grid",
        "grid": f"grid of {workflow['amplitudes']} amplitudes",
    }
    lines = ["| | core seconds | of these to simulate |", "|---|---:|---:|"]
    for name, label in labels.items():
        lines.append(f"| {label} | {' | '.join(digits(workflow[name][key]) for key in ('core_s', 'simulation_s'))} |")
    return "\n".join(lines)


def verdict(workflow: dict) -> str:
    """Whether the aims are met."""
    wall = workflow["cold"]["wall_s"]
    simulated = {name: workflow["grid"]["simulation_s"] / workflow[name]["simulation_s"] for name in ("coarse", "warm")}
    whole = workflow["grid"]["core_s"] / workflow["coarse"]["core_s"]
    lines = [
        f"- **{AIMED_S:g} s for {workflow['cells']:,} thresholds**: {word(wall <= AIMED_S)}, {digits(wall)} s of wall "
        "time, with nothing in the cache.",
        f"- **{AIMED:g} times as fast as the grid, at equal error**: {word(simulated['coarse'] >= AIMED)}, "
        f"{digits(simulated['coarse'])} times in what is simulated; with start, certificate, tables, figures and "
        f"report, most of what the search takes, {digits(whole)} times. "
        f"With thresholds to 10⁻⁶, {digits(simulated['warm'])} times in what is simulated.",
    ]
    return "\n".join(["What was aimed at:", "", *lines])


def word(met: bool) -> str:
    """Of an aim."""
    return "met" if met else "missed"
