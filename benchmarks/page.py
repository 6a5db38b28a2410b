"""docs/benchmarks.md and the work-precision figure, from docs/benchmarks.json; `python -m benchmarks.page` redraws."""

import json
import math
from pathlib import Path
from string import Template

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.problem import AMPLITUDES, DURATION_MS, TARGETS_US
from hhcore.figures import style
from hhcore.files import whole

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
1 µs?

**The problem.** Hodgkin and Huxley (1952) at 6.3 °C, constant current from t = 0, from V = −65 mV and m, h, n = 0.05,
0.6, 0.32, for $duration ms. **The error** of a setting is the largest difference of any spike time from DOP853 at a
tolerance of 10⁻¹², over all spikes at $amplitudes µA/cm²;
the error of the period adds up. For each target, the largest step or tolerance that meets it, as all finer ones tried
do, is searched to a factor of 1.06 (steps) or 1.5 (tolerances). **The speed** at that setting is in neuron-seconds per
core-second: neurons simulated for one second each, in one second on one core. A batch of neurons between the same
amplitudes runs on one thread, of the size that suits the method best; the best of up to three runs counts, without
setup and compiling. All in one run on one core ($cpu), each method in a process of its own.

## Speed at equal error

Neuron-seconds per core-second, and in parentheses how many times as fast the fastest method of hhcore is. Where a
target is not reached with the finest setting that was tried, the error there.

$speeds

$failures
![Speed against spike-time error of all methods](work_precision.png)

## All settings

$settings

## How each was run

$how

Where detection in the peer costs less than recording the potential, its speed was measured with detection alone and its
error from the recorded potential, by a polynomial through six samples around each crossing: its own spike times may be
worse. $versions

## The whole pipeline

$pipeline
""")


def load() -> dict:
    """What was measured so far."""
    return json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}


def save(results: dict) -> None:
    """Keep what was measured; write the page and the figure."""
    with whole(MEASURED) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    with whole(DOCS / "benchmarks.md") as temporary:
        temporary.write_text(text(results), encoding="utf-8")
    if measured(results):
        style.save(work_precision(measured(results)), DOCS / "work_precision")


def measured(results: dict) -> list[dict]:
    """Rows that did not fail."""
    return [row for row in results.get("rows", []) if "failed" not in row]


def point(row: dict, target: float) -> dict | None:
    """The point of a row that meets a target [us], or None."""
    setting = row["found"][f"{target:g}"]
    return next((p for p in row["points"] if p["setting"] == setting), None)


def text(results: dict) -> str:
    """The page."""
    rows = measured(results)
    failed = [row for row in results.get("rows", []) if "failed" in row]
    return PAGE.substitute(
        duration=f"{DURATION_MS:g}",
        amplitudes=", ".join(f"{a:g}" for a in AMPLITUDES[:-1]) + f" and {AMPLITUDES[-1]:g}",
        cpu=results.get("machine", {}).get("cpu", "?"),
        speeds=summary(results),
        failures="".join(f"{row['label']} could not be measured: {row['failed']}.\n" for row in failed),
        settings=settings_table(rows),
        how="\n".join(f"- **{row['label']}**: {row['how']}." for row in rows),
        versions=versions(results["versions"]) if rows else "",
        pipeline=pipeline(results.get("pipeline")),
    )


def fastest(rows: list[dict], target: float) -> float | None:
    """The speed of the fastest method of hhcore that meets a target."""
    return max((p["speed"] for row in rows if row["module"] == "hhcore_" and (p := point(row, target))), default=None)


def summary(results: dict) -> str:
    """The table of speeds, a line per method."""
    rows = measured(results)
    head = " | ".join(f"within {target:g} µs" for target in TARGETS_US)
    lines = [f"| method | {head} |", "|---|" + "---:|" * len(TARGETS_US)]
    for row in rows:
        cells = [speed_cell(row, target, fastest(rows, target)) for target in TARGETS_US]
        lines.append(f"| {row['label']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def speed_cell(row: dict, target: float, best: float | None) -> str:
    """A speed and how many times as fast hhcore is, or the least error that was reached."""
    found = point(row, target)
    if found is None:
        least = min((p["error_us"] for p in row["points"]), default=None)
        return f"not reached ({digits(least)} µs)" if least else "not reached (spikes lost or added)"
    return f"{digits(found['speed'])}" + (f" ({digits(best / found['speed'])})" if best else "")


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


def digits(x: float) -> str:
    """Three significant digits, in full."""
    decimals = max(0, 2 - math.floor(math.log10(x))) if x > 0 else 0
    return f"{round(x, 2 - math.floor(math.log10(x))) if x > 0 else 0:,.{decimals}f}"


def versions(found: dict[str, dict[str, str]]) -> str:
    """Of everything that was measured, in a sentence."""
    ours, peers = (", ".join(f"{name} {number}" for name, number in found[who].items()) for who in ("hhcore", "peers"))
    return f"hhcore was run with {ours}; the peers with {peers}."


def pipeline(found: dict | None) -> str:
    """What benchmarks.pipeline measured."""
    if not found:
        return "`make benchmark-pipeline` has not been run."
    return (
        f"Written by `make benchmark-pipeline`: {found['neurons']:,} neurons of {DURATION_MS / 1000:g} s through "
        f"`snakemake --cores {found['cores']}`, from the config to the report, in an empty folder.\n\n"
        "| quantity | measured |\n|---|---:|\n"
        f"| wall time | {found['wall_s']:,.0f} s |\n"
        f"| `simulate` jobs, one after the other | {found['simulate_s']:,.0f} s |\n"
        f"| share of the kernel in the time of all cores | {found['kernel_share']:.0%} |\n"
        f"| largest memory of a process | {found['peak_process_MB'] / 1000:.2f} GB |\n"
        f"| largest memory of all together | {found['peak_total_MB'] / 1000:.2f} GB |\n"
        f"| tables, figures and report | {found['output_MB']:,.0f} MB |\n"
        f"| shards kept for later runs | {found['shards_MB']:,.0f} MB |\n\n"
        f"Solver: {found['solver']}. Seconds of work by rule: {found['rules']}. The share of the kernel is the time "
        "that `hhcore.simulate` alone needs for these neurons on one thread, from a sample, over wall time and cores."
    )


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
    for target in TARGETS_US:
        axes.axvline(target, color="0.85", linewidth=0.6, zorder=0)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("largest spike-time error (µs)")
    axes.set_ylabel("neuron-seconds per core-second")
    figure.legend(handles=handles, loc="outside right center")
    return figure


if __name__ == "__main__":
    save(load())
