"""Does the certificate hold for neurons outside the sample? Each grid has many neurons that no choice saw.

    python -m benchmarks.held_out [NEURONS [PART OF A NAME]]

For each grid a solver is chosen by a tolerance. Then NEURONS others (400 if nothing is said) are simulated by it and by
the reference. Those on which two references differ by more than a tenth of the tolerance cannot be certified and do not
count. The promise holds for a grid if at most 1 % of the others exceed the tolerance.
"""

import sys

import numpy as np

from hhcore.base.hashing import mix64
from hhcore.certify.calibration import PRECISE, SMOOTH, TOUGH, calibrate, certain
from hhcore.certify.evidence import QUANTILE
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment

NEURONS = 400
COMMON = {"initial_state": "rest", "duration": 300, "solver": {"tolerance": "1 us"}}


def grid(model: str, amplitude: tuple[float, float], *parameters: str, **changes: object) -> dict:
    """A config: 41 step currents, and 9 values of each of the parameters within 30 % of the model's."""
    scaled = {name: {"scale": {"linspace": [0.7, 1.3, 9]}} for name in parameters}
    step = {"kind": "step", "amplitude": {"linspace": [*amplitude, 41]}}
    return COMMON | {"model": model, "stimulus": step, "parameters": scaled} | changes


PULSES = {"kind": "pulse_train", "amplitude": 30, "start": 5, "width": 1, "period": {"linspace": [8, 40, 41]}}
SLOW_PULSES = PULSES | {"period": {"linspace": [300, 700, 41]}}
LONG = {"duration": 1000}
GRIDS = {
    "squid": grid("hodgkin_huxley_1952", (0, 40), "sodium.g", "potassium.g"),
    "squid, 1 s": grid("hodgkin_huxley_1952", (0, 40), "sodium.g", "potassium.g", **LONG),
    "squid, near the onset": grid("hodgkin_huxley_1952", (5, 8), "sodium.g", "potassium.g", **LONG),
    "squid, strong currents": grid("hodgkin_huxley_1952", (40, 180), "leak.g", "potassium.g"),
    "squid, 10 ns": grid("hodgkin_huxley_1952", (0, 40), "sodium.g", "leak.g", solver={"tolerance": "10 ns"}),
    "squid, 100 us": grid("hodgkin_huxley_1952", (0, 40), "sodium.g", "leak.g", solver={"tolerance": "100 us"}),
    "squid, pulses": grid("hodgkin_huxley_1952", (0, 0), "sodium.g", "potassium.g", stimulus=PULSES),
    "connor_stevens": grid("connor_stevens_1971", (0, 40), "potassium_A.g", "sodium.g"),
    "morris_lecar": grid("morris_lecar_1981", (60, 160), "calcium.g", "potassium.g", **LONG),
    "wang_buzsaki": grid("wang_buzsaki_1996", (0, 5), "sodium.g", "potassium.g"),
    "traub_miles": grid("traub_miles_1991", (0, 8), "sodium.g", "potassium.g"),
    "destexhe": grid("destexhe_1996", (-1, 3), "calcium_T.g", "cation_h.g", **LONG),
    "pospischil, rs": grid("pospischil_2008:rs", (0, 3), "slow_potassium.g", "potassium.g", **LONG),
    "pospischil, fs": grid("pospischil_2008:fs", (0, 3), "sodium.g", "potassium.g", **LONG),
    "pospischil, lts": grid("pospischil_2008:lts", (-1, 2), "calcium_T.g", "slow_potassium.g", **LONG),
    "pinsky_rinzel": grid("pinsky_rinzel_1994", (0, 2), "coupling.g", "calcium.g", initial_state="model", **LONG),
    "prinz": grid("prinz_2003", (-1, 1), "calcium_S.g", "potassium_A.g", initial_state="model", **LONG),
    "fitzhugh_nagumo": grid("fitzhugh_nagumo_1961", (0, 1.5), "slow.a", "slow.b", spikes={"threshold": 0.5}),
    "hindmarsh_rose": grid(
        "hindmarsh_rose_1984", (1, 4), "slow.r", "slow.s", initial_state="model", spikes={"threshold": 0.5}, **LONG
    ),
    "luo_rudy": grid("luo_rudy_1991", (0, 0), "sodium.g", "calcium.g", stimulus=SLOW_PULSES, **LONG),
    # Added when the choice of samples had been settled on those above.
    "squid, capacitance": grid("hodgkin_huxley_1952", (3, 60), "membrane.C", "leak.g"),
    "connor_stevens, leak": grid("connor_stevens_1971", (0, 30), "leak.g", "potassium.g", **LONG),
    "wang_buzsaki, leak": grid("wang_buzsaki_1996", (0, 3), "leak.g", "sodium.g", **LONG),
    "traub_miles, leak": grid("traub_miles_1991", (0, 3), "leak.g", "sodium.g", **LONG),
    "destexhe, strong currents": grid("destexhe_1996", (0, 6), "leak.g", "sodium.g"),
    "pinsky_rinzel, AHP": grid(
        "pinsky_rinzel_1994", (0, 2), "potassium_AHP.g", "potassium_C.g", initial_state="model", **LONG
    ),
    "prinz, sodium": grid("prinz_2003", (-1, 1), "sodium.g", "potassium_Ca.g", initial_state="model", **LONG),
    "morris_lecar, leak": grid("morris_lecar_1981", (40, 250), "leak.g", "potassium.g"),
    "pospischil, ib": grid("pospischil_2008:ib", (0, 2), "calcium_L.g", "potassium.g", **LONG),
}


def held_out(e: Experiment, sample: np.ndarray, count: int) -> np.ndarray:
    """Rows of the grid outside the sample, int64 (count,), or all of them if they are fewer."""
    others = np.setdiff1d(np.arange(e.n_points), sample)
    return others[np.argsort(mix64(others.astype(np.uint64)))[:count]]


def exceeding(e: Experiment, count: int) -> tuple[str, np.ndarray]:
    """(the chosen solver, errors over the tolerance, float64 (k,)) of others that fire and can be certified."""
    found = calibrate(e, progress=lambda *_: None)
    candidates = next(c for c in (SMOOTH, PRECISE, TOUGH) if c.reference == found.exact)
    points = e.points(held_out(e, found.neurons, count))
    solvers = found.chosen, candidates.reference, candidates.rival
    run, exact, rival = (e.protocol.measure(e, solver, points) for solver in solvers)
    errors = np.where(run.failed & ~exact.failed, np.inf, e.protocol.errors(run, exact, e))[certain(e, rival, exact)]
    ratios = errors[~np.isnan(errors)] * e.model.ms / e.tolerance
    return f"{found.chosen.method} {found.chosen.accuracy:.0e}", np.sort(ratios)


def main(count: int, part: str = "") -> None:
    """Print a line for each grid whose name contains `part`."""
    broken = []
    for name in filter(lambda name: part in name, GRIDS):
        solver, errors = exceeding(read_experiments({"experiments": {"held_out": GRIDS[name]}})["held_out"], count)
        above = int((errors > 1.0).sum())
        share, worst = above / max(1, len(errors)), errors.max(initial=0.0)
        words = f"{name:26} {solver:14} {above:4} of {len(errors):4} exceed ({share:.2%}), worst {worst:.3g}"
        print(words, "of the tolerance", flush=True)
        broken += [name] if share > 1.0 - QUANTILE else []
    sys.exit(f"the promise is broken on {', '.join(broken)}" if broken else 0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else NEURONS, *sys.argv[2:])
