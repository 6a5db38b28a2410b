"""The section of docs/benchmarks.md about paced cells, from what benchmarks.pacing has measured."""

from string import Template

from benchmarks.pacing_problem import AFTER_MS, LEAST_LEFT, LEVEL_MV, LONGEST_MS, PERIOD_MS, PREBEATS, TIMED, TOLERANCE
from benchmarks.verdicts import digits
from hhcore.simulation.beat_map import WARM_UP

AIMED = 100.0  # times Myokit
NAMES = {"luo_rudy_1991": "Luo and Rudy 1991", "ten_tusscher_panfilov_2006": "Ten Tusscher and Panfilov 2006"}
WAYS = {"pacing": "beat by beat", "newton": "Newton's method"}

SECTION = Template("""## Paced cells, against Myokit

Written by `make benchmark-pacing`: `rodas5p` of hhcore on one thread, and Myokit's CVODES, which takes one run after
the other with one compiled simulation, nothing logged, crossings found by its `apd_variable`. Both do each task in
turn, in the same run. What counts is the time of a processor, so other load matters little; compiling is not counted.
**The error** is the largest difference of a crossing of $level mV, upward or downward. Of a ladder of settings, each
about a third of the one before, the coarsest that meets a target is taken, as all finer ones do.

**S1–S2.** $prebeats beats at $period ms from the state in the model file, counted in both and paced once for each cell;
then, from there, the last pulse of S1, and S2 after each interval, from $longest ms down. Myokit's runs end $after ms
after S2, ours no earlier. Both begin with the last pulse of S1 again for each interval, which is half of the steps.
Where there are ten cells, they differ in the calcium conductance. The reference is Myokit at 10⁻¹¹.

$restitution

**Block of two channels.** Ten values of each conductance, from 100 down to $least %, paced at $period ms until the
state changes by less than $tolerance in a beat (1-norm, in the model's units). Myokit, which takes one cell after the
other, was timed on $timed of the hundred. The reference is the state that Newton's method finds at a local error of
10⁻⁹, which tests compare with Myokit's after 4,000 beats. Coarser settings of Myokit do not settle: its own error is
larger than the change. Newton's method, which Myokit lacks, begins after $warm_up beats; Luo and Rudy's cell has
settled before. The check by the other way (`settling_error_ms`) is not counted.

$steady

$verdict
""")


def section(found: dict[str, list[dict]]) -> str:
    """The section; empty before both parts are measured."""
    if len(found) < 2:
        return ""
    return SECTION.substitute(
        level=f"{LEVEL_MV:g}".replace("-", "−"),
        prebeats=PREBEATS,
        period=f"{PERIOD_MS:g}",
        longest=f"{LONGEST_MS:g}",
        after=f"{AFTER_MS:g}",
        least=f"{100 * LEAST_LEFT:g}",
        timed=TIMED**2,
        warm_up=WARM_UP,
        tolerance=f"{TOLERANCE:.0e}".replace("1e-06", "10⁻⁶"),
        restitution=restitution(found["restitution"]),
        steady=steady(found["steady"]),
        verdict=verdict(found),
    )


def restitution(rows: list[dict]) -> str:
    """A line for each model, shape of the task and target."""
    lines = [
        "| model | points | within | hhcore: local error, error (µs), s | Myokit: tolerance, error (µs), s | ratio |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        points = f"{row['cells']} × {row['intervals']:,}"
        cells = (NAMES[row["model"]], points, f"{row['target_us']:g} µs", side(row["ours"]), side(row["myokit"]))
        lines.append(f"| {' | '.join(cells)} | {digits(row['ratio'])} |")
    return "\n".join(lines)


def side(found: dict) -> str:
    """Setting, error and seconds of a program."""
    return f"{found['accuracy']:g}, {digits(found['error_us'])}, {digits(found['seconds'])}"


def steady(rows: list[dict]) -> str:
    """A line for each model and way of ours."""
    lines = [
        "| model | hhcore | beats | error (µs) | ms a cell | Myokit: beats | error (µs) | ms a cell | ratio |",
        "|---|---|" + "---:|" * 7,
    ]
    for row in rows:
        if row["by"] == "newton" and row["ours"]["beats"] < WARM_UP:
            continue
        numbers = [
            digits(value)
            for found in (row["ours"], row["myokit"])
            for value in (found["beats"], found["error_us"], 1000 * found["seconds"])
        ]
        lines.append(f"| {NAMES[row['model']]} | {WAYS[row['by']]} | {' | '.join(numbers)} | {digits(row['ratio'])} |")
    return "\n".join(lines)


def verdict(found: dict[str, list[dict]]) -> str:
    """Whether the aim is met."""
    of_points, of_blocks = ([row["ratio"] for row in found[kind]] for kind in ("restitution", "steady"))
    lines = [f"What was aimed at, {AIMED:g} times Myokit:", ""]
    for name, ratios in (("1,000 S1–S2 points", of_points), ("a 10 × 10 grid of blocks", of_blocks)):
        word = "met" if min(ratios) >= AIMED else "met in part" if max(ratios) >= AIMED else "missed"
        lines.append(f"- **{name}**: {word}, {digits(min(ratios))} to {digits(max(ratios))} times.")
    return "\n".join(lines)
