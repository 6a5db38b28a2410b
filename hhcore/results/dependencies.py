"""The source files that the results of each step depend on; their digest is a parameter of the step's rule.

The lists are explicit: with all imports, an edited error message would make results again. They leave out files whose
outcome has a digest of its own (config, model, kernel), and files that change no result. tests/test_digests.py names
these with the reason, and compares the rest with the imports.
"""

from collections.abc import Iterable
from pathlib import Path

from hhcore.experiments.analysis import Analysis

Code = tuple[str | Path, ...]

GRID: Code = (
    *("grid/points.py", "grid/factors.py", "grid/normal.py"),
    *("experiments/experiment.py", "experiments/treatments.py"),
)
UNITS: Code = ("base/units.py", "base/units.txt")
TABLES: Code = ("base/tables.py", *UNITS, "certify/certificate.py")
FEATURES: Code = (
    *(f"simulation/{name}" for name in ("result.py", "features.py", "spike_trains.py.in", "beats.py", "outputs.py")),
    *(f"simulation/{name}" for name in ("shapes.py", "bursts.py", "bursts.py.in", "capacitance.py")),
    "compile/language",
)

CALIBRATION: Code = (
    *(f"certify/{name}.py" for name in ("calibration", "evidence", "sample", "stability", "stiffness")),
    *("certify/certificate.py", "certify/step.py"),
    *(
        "simulation/reference.py",
        "simulation/crossings.py",
        "simulation/equations.py",
        "simulation/jumps.py",
        "simulation/stiffness.py",
    ),
    *("simulation/spike_errors.py", "simulation/spike_errors.py.in"),
    *(f"simulation/{name}.py" for name in ("heights", "beats", "outputs", "shapes")),
    *("base/tables.py", "base/hashing.py", "compile/cost.py", *GRID),
)

REPORT: Code = (  # besides the code of results in it
    "report",
    "model",  # equations as they are typeset, and what is a gate
    *("experiments/answers.py", "base/words.py"),
    *("certify/certificate.py", "results/summary.py"),
    *UNITS,
)


def tables(analyses: Iterable[Analysis]) -> Code:
    """Of the tables from the pass over all neurons."""
    own = [path for analysis in analyses for path in analysis.code()]
    return (
        *TABLES,
        *GRID,
        *FEATURES,
        "sweep/gather.py",
        "sweep/columns.py",
        "results/write.py",
        "results/summary.py",
        *own,
    )


def late_tables(analysis: Analysis) -> Code:
    """Of the tables of a late analysis."""
    return (*TABLES, *GRID, "results/late.py", *analysis.code())


def figures(analyses: Iterable[Analysis]) -> Code:
    """Of figures."""
    return (
        "figures",
        "results/draw.py",
        *UNITS,
        *(path for analysis in analyses for path in analysis.figure_code()),
    )
