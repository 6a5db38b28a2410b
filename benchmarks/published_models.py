"""How many published models run: every .mmt and .cellml file of a folder, through the compiler, against two others.

    python -m benchmarks.published_models FOLDER [PATTERN]

For each file: the right-hand side of the kernel against an evaluation of Myokit's equations in 40 digits, at 16 random
states; and 50 ms with a stimulus by rodas5p against SciPy, straight from Myokit's equations and from jump to jump of
them, by LSODA, or Radau or BDF where that fails. A right-hand side passes if it is exact to 1e-12 for states that
differ by 1e-12, or as exact as Myokit's own evaluation in doubles to a factor of ten: where large terms cancel, no
arithmetic in doubles does better. A run passes if the states at the end agree to 1e-6 of the largest value that each
takes in the run, or to 1e-18 for a state that stays below 1e-12: the release of Livshitz and Rudy 2007, which is 1e-23
at rest and decays, has no digits in any of the programs. A file whose equations overflow passes if the run diverges in
all programs.
"""

import re
import sys
import time
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import mpmath
import numpy as np

import hhcore
from hhcore.compile.text import ZERO
from hhcore.model.model import Model
from hhcore.simulation import reference
from hhcore.simulation.engine import engine
from hhcore.simulation.integration import pack

STATES = 16
DURATION_MS = 50.0
DIGITS = 40
SOON = mpmath.mpf(2) ** -1000  # kernels begin with what holds after time 0


def load(path: Path) -> Model:
    """The model, with potential and current guessed where the file does not say them."""
    names = {}
    for _ in range(3):
        try:
            return hhcore.load_model(path, **names)
        except hhcore.UserError as error:
            said = str(error)
            if "`potential: ...`" in said and "potential" not in names:
                names["potential"] = re.search(r"(?:perhaps|legal:) ([\w.]+)", said)[1]
            elif "`current: ...`" in said and "current" not in names:
                names["current"] = "none"
            else:
                raise
    raise AssertionError


def slopes(model: Model, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dy/dt by the kernel, (n, N), and its Jacobian, (n, N, N)."""
    kernel = engine(model, "rodas5p", hhcore.Step).kernel
    parameters = np.array([[q.value for q in model.parameters.values()]] * kernel.W)
    Z = pack(kernel, parameters, states)
    for j in range(kernel.W):
        kernel.stage(Z, 0.0, j)
    rows = Z.reshape(kernel.ROWS, kernel.W)
    found = rows[kernel.SLOPE // kernel.W :][: kernel.N].T.copy()
    jacobian = np.zeros((kernel.W, kernel.N, kernel.N))
    kernel.jacobians(Z, jacobian)
    return found, jacobian


def exact_slopes(model: Model, state: np.ndarray) -> np.ndarray:
    """dy/dt in many digits, from the equations as Myokit writes them."""
    try:
        return _exact_slopes(model, state, 0.0)
    except ZeroDivisionError:  # by the concentration of a drug that is absent
        return _exact_slopes(model, state, 1e-300)


def _exact_slopes(model: Model, state: np.ndarray, zero: float) -> np.ndarray:
    values = {name: mpmath.mpf(q.value or zero) for name, q in model.parameters.items()}
    values |= {name: mpmath.mpf(float(y)) for name, y in zip(model.states, state, strict=True)}
    values |= {model.current.name: mpmath.mpf(0), model.myokit.time().qname(): SOON}
    with mpmath.workdps(DIGITS):
        found = reference.evaluate_with(mpmath, model, values)
        return np.array([found[f"dot({name})"] for name in model.states])


def right_hand_side(model: Model, seed: int) -> tuple[float, str]:
    """(worst relative error, the state)."""
    rng = np.random.default_rng(seed)
    own = np.array([q.value for q in model.states.values()])
    states = own * rng.uniform(0.7, 1.3, (STATES, len(own)))
    potential = list(model.states).index(model.potential)
    scale = 1e-3 if model.states[model.potential].unit == "V" else 1.0
    states[:, potential] = rng.uniform(-95, 45, STATES) * scale
    exact = np.array([exact_slopes(model, state) for state in states])
    found, jacobian = slopes(model, states)
    moved = np.einsum("nik,nk->ni", np.abs(jacobian), np.abs(states))
    sizes = np.maximum(np.abs(exact.astype(float)) + moved, 1e-300)
    errors = np.array(np.abs(found - exact), dtype=float) / sizes
    double = [reference.derivative(model, dict(zip(model.states, y, strict=True)), {}) for y in states.tolist()]
    theirs = np.array(np.abs(np.array([list(d.values()) for d in double]) - exact), dtype=float) / sizes
    errors[:, np.nan_to_num(errors.max(axis=0), nan=np.inf) <= 10 * theirs.max(axis=0)] = 0.0
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)) % len(own))
    return float(errors[:, worst].max()), list(model.states)[worst]


def exact_run(model: Model, point: dict[str, float], duration: float) -> reference.Reference:
    """The run by SciPy. LSODA is the fastest for most models; for some it, or Radau, returns NaN or does not end."""
    settings = {"duration": duration, "initial_state": "model", "rtol": 1e-10, "atol": 1e-14}
    for method in ("LSODA", "Radau"):
        with suppress(ArithmeticError, ValueError):  # Radau raises a ValueError for NaN
            return reference.reference(model, point, method=method, **settings)
    return reference.reference(model, point, method="BDF", **settings)


def run_error(model: Model) -> tuple[float, str, float]:
    """(largest difference of a state at the end over its largest value in the run, the state, steps in one ms)."""
    duration = DURATION_MS / model.ms
    step = {"start": duration / 10, "stop": duration / 10 + 1.0 / model.ms}
    amplitude = 0.0 if model.current.name == "none" else 1.0 if model.current.unit == "1" else 10.0
    run = hhcore.simulate(
        model, {}, hhcore.Step(amplitude, **step), duration=duration, initial_state="model", method="rodas5p",
        local_error=1e-10,
    )  # fmt: skip
    try:
        exact = exact_run(model, {"amplitude": amplitude, **step}, duration)
    except (ArithmeticError, ValueError):
        if run.failed[0]:
            return 0.0, "which diverges in both", float(run.steps[0] / DURATION_MS)
        raise
    final = np.array(list(exact.final.values()))
    course = np.abs([exact.at(t) for t in np.linspace(0.0, duration, 201)]).max(axis=0)
    scale = np.maximum(course, [1.0 if q.unit == "1" else ZERO for q in model.states.values()])
    errors = np.abs(run.final[0] - final) / scale
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    return float(errors[worst]), list(model.states)[worst], float(run.steps[0]) / DURATION_MS


def main() -> None:
    """A line for each model, and the count."""
    folder, pattern = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "*"
    files = sorted(p for p in folder.rglob(pattern) if p.suffix in (".mmt", ".cellml"))
    print(f"==> {len(files)} models, about {len(files) / 4:.0f} minutes on one core", flush=True)
    warnings.simplefilter("ignore")
    passed = 0
    for path in files:
        begun = time.perf_counter()
        try:
            model = load(path)
            engine(model, "rodas5p", hhcore.Step)
            compiled = time.perf_counter() - begun
            error, where = right_hand_side(model, zlib.crc32(path.name.encode()))
            difference, state, steps = run_error(model)
        except (hhcore.UserError, ArithmeticError, ValueError) as problem:
            print(f"{path.name:36} FAILS {problem}", flush=True)
            continue
        fine = error <= 1e-12 and difference <= 1e-6
        passed += fine
        print(
            f"{path.name:36} {'ok   ' if fine else 'FAILS'} {len(model.states):3} states compiled in {compiled:.0f} s;",
            f"right-hand side {error:.1e} ({where}), run {difference:.1e} ({state}), {steps:.1f} steps/ms",
            flush=True,
        )
    print(f"{passed} of {len(files)} pass")


if __name__ == "__main__":
    main()
