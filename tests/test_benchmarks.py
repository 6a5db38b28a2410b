"""What the page of benchmarks says, against measurements made by hand."""

import pytest

from benchmarks import page, thresholds_page, verdicts
from benchmarks.run import METHODS


def row(module: str, method: str, speeds: dict[str, float | None], run: str = "one") -> dict:
    """A method with a speed at each target that was looked for; None: not reached."""
    found = {target: float(target) if speed else None for target, speed in speeds.items()}
    points = [{"setting": float(t), "error_us": float(t) / 2, "speed": s, "batch": 9} for t, s in speeds.items() if s]
    label = f"{module.rstrip('_')} {method}"
    return {"module": module, "method": method, "label": label, "found": found, "points": points, "run": run} | {
        "setting": "dt",
        "how": "by hand",
    }


ROWS = [
    row("hhcore_", "tsit5", {"100": 900.0, "10": 800.0, "1": 600.0, "0.1": 200.0}),
    row("hhcore_", "dop853", {"100": 500.0, "10": 500.0, "1": 500.0, "0.1": 400.0}),
    row("hhcore_", "rk4", {"100": 700.0, "10": 300.0, "1": 200.0, "0.1": None}),
    row("ventricle_", "rodas5p", {"10": 7000.0, "1": 5000.0}),
    row("ventricle_", "rk4", {"10": 10.0, "1": 10.0}),
    row("scipy_", "odeint", {"100": 0.5, "10": 0.5, "1": 0.3}),
    row("neuron_", "core", {"100": 100.0, "10": 50.0, "1": 15.0}),
    row("brian2_", "rk4", {"100": None, "10": None, "1": None}),
    row("jax_", "rk4", {"100": 400.0, "10": 400.0, "1": 200.0, "0.1": 100.0}),
]


def test_goals_are_met_or_missed_by_the_numbers():
    forty, jax, odeint = verdicts.goals(ROWS).splitlines()
    assert "met, 40.0 times (neuron core)" in forty  # 600 / 15
    assert "missed, 3.00 times (jax rk4): XLA" in jax  # 600 / 200
    assert "1,500 times" in odeint and "met, 2,000 times (scipy odeint)" in odeint  # 600 / 0.3
    slower = [r for r in ROWS if r["method"] != "tsit5"]
    assert "missed, 33.3 times (neuron core): rewritten" in verdicts.goals(slower)  # 500 / 15


def test_winners_at_each_target_of_each_problem():
    lines = verdicts.winners(page.problems(ROWS), (100.0, 10.0, 1.0, 0.1)).splitlines()
    assert lines == [
        "- `tsit5` wins on the squid axon within 100, 10 and 1 µs.",
        "- `dop853` wins on the squid axon within 0.1 µs.",
        "- `rk4` wins nowhere; it stays, for those who name it, as the fixed step that users know and compare with.",
        "- `rodas5p` wins on the ventricular cell within 10 and 1 µs.",
    ]


def test_tables_say_what_is_fastest_what_was_not_reached_and_what_not_measured():
    lines = page.summary({"rows": ROWS}).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        f"| {r['label']}" for r in ROWS if "ventr" not in r["module"]
    ]
    assert "| neuron core | 100 (9.00) | 50.0 (16.0) | 15.0 (40.0) | not measured |" in lines
    assert "| brian2 rk4 | not reached (spikes lost or added) |" in page.summary({"rows": ROWS})
    schemes = page.schemes_table(page.problems(ROWS)).splitlines()
    assert schemes[2] == "| `tsit5` | **900** | **800** | **600** | 200 | not reached | not reached |"
    assert schemes[4] == "| `rk4` | 700 | 300 | 200 | not reached | 10.0 | 10.0 |"


def test_rows_of_another_run_are_named():
    assert verdicts.apart(ROWS) == "All was measured in one run"
    mixed = [*ROWS[:-1], row("jax_", "rk4", {"1": 1.0}, run="two")]
    assert verdicts.apart(mixed).startswith("All was measured in one run, except jax rk4 (in another one")


def test_thresholds_beside_those_of_programs_that_bisect_and_of_a_grid():
    program = {"accuracy": 1e-6, "error": 3e-7, "cells": 100}
    rows = [program | {"label": "hhcore", "seconds": 2e-4}, program | {"label": "other", "seconds": 2e-2}]
    runs = {"cold": (20, 5), "warm": (10, 4), "coarse": (10, 2), "grid": (70, 40)}
    runs = {name: {"wall_s": 61.0, "core_s": core, "simulation_s": part} for name, (core, part) in runs.items()}
    settings = {"cores": 2, "cpu": "one", "cells": 10_000, "amplitudes": 200, "spacing": 0.02, "within": 0.005}
    text = thresholds_page.section({"peers": rows, "workflow": runs | settings})
    assert "| other | 1e-06 | 3.0e-07 | 100 | 20.0 | 100 |" in text  # 2e-2 s of 2e-4 s
    assert "| chosen by it | below 1e-06 | 10,000 | 2.00 | 10.0 |" in text  # 20 s of 10,000 cells
    assert "10,000 thresholds**: missed, 61.0 s" in text
    assert "at equal error**: met, 20.0 times" in text and "report, most of what the search takes, 7.00 times" in text
    assert not thresholds_page.section({"peers": rows})


@pytest.mark.parametrize("module", ["hhcore_", "ventricle_"])
def test_every_scheme_is_measured_on_both_problems(module):
    from hhcore.schemes.solver import SCHEMES

    assert set(METHODS[module]) == set(SCHEMES)
