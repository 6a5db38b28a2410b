"""Kernels as WebAssembly: in Chromium they have the bits of machine code, with either way to fuse multiply-adds."""

from importlib import resources

import arm_digests
import numpy as np
import pytest
import test_primitives as primitives
from browser import chromium, needs_chromium, opened

import hhcore
from hhcore.compile.language import machine
from hhcore.report import bundle
from hhcore.report.kernels import kernel
from hhcore.report.payload import Payload, data
from hhcore.report.webassembly import browser_code, linked
from hhcore.simulation.engine import engine

FUSED = (resources.files("hhcore") / "report" / "fused.py.in").read_text(encoding="utf-8")
BOTH = """
def both(a: "f8[:]", b: "f8[:]", c: "f8[:]", software: "f8[:]", hardware: "f8[:]"):
    for i in range(len(a)):
        software[i] = fused(a[i], b[i], c[i])
        hardware[i] = fma(a[i], b[i], c[i])
"""
N = 40_000
SPECIAL = np.array([0, np.inf, np.nan, 5e-324, 2.0**-1022, 1.7976931348623157e308, 1, 1.5, 2.0**-537, 3 * 2.0**-540])
MIDDLE = arm_digests.LANES // 2


def factors(rng: np.random.Generator) -> list[np.ndarray]:
    """Any bits; ordinary numbers; few bits and any exponent; nearly a power of two; special values."""
    sign = rng.choice([-1.0, 1.0], N)
    return [
        rng.integers(0, 2**64, N, dtype=np.uint64).view(np.float64).copy(),
        rng.normal(size=N),
        np.ldexp(rng.integers(-8, 9, N).astype(float), rng.integers(-1074, 1020, N)),
        np.ldexp(1 + rng.integers(0, 3, N) * 2.0**-52, rng.integers(-1070, 1020, N)) * sign,
        rng.choice(SPECIAL, N) * sign,
    ]


def summands(rng: np.random.Generator, product: np.ndarray) -> list[np.ndarray]:
    """The same, and multiples of the product: of it little is left, or it reaches just to the last bit of the sum."""
    near = -product * rng.choice([1, 1 + 2.0**-52, 1 - 2.0**-53, 1 + 2.0**-30], N)
    return [*factors(rng), near, product * np.ldexp(rng.choice([1.0, -1.0], N), rng.integers(-130, 130, N))]


def same_bits(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))


def test_the_multiply_add_of_rounded_operations_rounds_once():
    """As that of the machine, or of its C library, in all 175 mixtures of kinds of numbers."""
    rng, both = np.random.default_rng(1), machine.load(machine.compiled(FUSED.split('"""', 2)[2] + BOTH)).both
    for a in factors(rng):
        for b in factors(rng):
            with np.errstate(all="ignore"):
                sums = summands(rng, a * b)
            for c in sums:
                software, hardware = np.empty(N), np.empty(N)
                both(a, b, c, software, hardware)
                different = np.flatnonzero(~same_bits(software, hardware))
                assert not different.size, [x[different[0]].hex() for x in (a, b, c, software, hardware)]


def test_a_module_without_its_symbols_is_refused():
    code = browser_code('def f(x: "f8[:]"):\n    x[0] = fma(x[0], x[1], x[2])\n')
    for module in (code.hardware, code.software):
        with pytest.raises(ValueError, match="no function f, g"):
            linked(module, ["f", "g"])


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


def write(path, payload: Payload, content: dict) -> str:
    page = f'<!doctype html><meta charset="utf-8"><script type="application/json" id="page">{data(content)}</script>'
    scripts = bundle.script(bundle.own("codec.js", "kernel.js"), "hhcore")
    path.write_text(f"{page}{payload.elements()}{scripts}", encoding="utf-8")
    return path.as_uri()


COUNT_DIFFERENT = """async ([code, given, expected]) => {
  const column = (reference) => hh.column(reference);
  const entries = {loop: [...given.map(() => "f8[:]"), "f8[:]"]};
  const kernel = new hh.Kernel({constants: {}, entries}, await WebAssembly.compile(await column(code)), "");
  kernel.top = hh.STACK;
  const columns = await Promise.all(given.map(column)), wanted = await column(expected);
  const out = kernel.array("f8", wanted.length), passed = columns.map((c) => kernel.floats(c));
  kernel.call("loop", ...passed, out);
  return kernel.view(out).reduce((different, x, i) => different + !Object.is(x, wanted[i]), 0);
}"""


@needs_chromium
def test_every_elementary_function_has_the_same_bits(browser, tmp_path):
    """On 150,000 arguments: those of the test on 64-bit ARM. A NaN is any NaN."""
    arm_digests.write_arguments(tmp_path / "arguments.npz")
    payload, cases = Payload(), {}
    with np.load(tmp_path / "arguments.npz") as columns:
        for name in (*arm_digests.FUNCTIONS, *primitives.QUOTIENTS, "pow"):
            given = [columns["bases"], columns["exponents"]] if name == "pow" else [columns[name]]
            expected = payload.column(primitives.evaluate(name, *given))
            code = browser_code(primitives.loop(name))
            for rounding in ("hardware", "software"):
                kept = payload.code(getattr(code, rounding))
                cases[f"{name} {rounding}"] = kept, [payload.column(column) for column in given], expected
    with opened(browser, write(tmp_path / "page.html", payload, {})) as watched:
        wrong = {name: watched.page.evaluate(COUNT_DIFFERENT, list(case)) for name, case in cases.items()}
    assert len(wrong) == 2 * len({name.split()[0] for name in wrong}) > 30 and not any(wrong.values()), wrong


RUN = """async ([name, rounding, given]) => {
  const kernel = await hh.loadKernel(name), description = hh.page().kernels[name];
  const module = await WebAssembly.compile(await hh.column(description[rounding]));
  const run = new hh.Kernel(description, module, rounding).run(given);
  const last = (columns) => columns.map((column) => column[column.length - 1]);
  return {chosen: kernel.rounding, spikes: [...run.spikes], final: [...run.final], steps: run.steps,
          time: [...run.path.time], last: last(run.path.states), potential: [...run.path.states[0]],
          currents: last(run.path.currents), stimulus: [...run.path.stimulus]};
}"""


@needs_chromium
@pytest.mark.parametrize("case", [*arm_digests.RUNS[:6], *arm_digests.RUNS[8:10]], ids=lambda case: " ".join(case[:2]))
def test_runs_have_the_same_bits(browser, tmp_path, case):
    """Spikes, last states and steps, of every scheme, of two stiff models, of noise and sines; the way ends there."""
    model, method, points, stimulus, duration = case
    model = hhcore.load_model(model)
    point = {name: values[MIDDLE] for name, values in points.items()}
    fields = {n: np.asarray(v)[MIDDLE] if np.ndim(v) else v for n, v in stimulus.values.items()}
    solver = {"method": method, **({"dt": 0.025} if method == "rk4" else {"local_error": 1e-6})}
    native = hhcore.simulate(
        model, point, type(stimulus)(**fields), duration=duration, initial_state="model", threshold=0.0, **solver
    )
    payload, columns = Payload(), type(stimulus)(**fields).columns(model, duration)
    values = [point.get(name, quantity.value) for name, quantity in model.parameters.items()]
    row = np.array([[*values, *(float(column) for column in columns.values())]])
    arguments = engine(model, method, type(stimulus)).arguments(row, duration)[0].tolist()
    name, described = kernel(model, method, type(stimulus), payload)
    given = {"parameters": arguments, "states": [q.value for q in model.states.values()], "stops": [duration]}
    given |= {"accuracy": solver.get("dt", 1e-6), "threshold": 0.0, "rearm": 0.0}
    url = write(tmp_path / "page.html", payload, {"kernels": {name: described}})
    with opened(browser, url) as watched:
        for rounding in ("hardware", "software"):
            run = watched.page.evaluate(RUN, [name, rounding, given])
            assert len(run["spikes"]) and run["spikes"] == native.spike_times.tolist()
            assert run["final"] == native.final[0].tolist() and run["steps"] == native.steps[0]
            # The way is made of the interpolant, whose end is the last state but for rounding.
            assert run["last"] == pytest.approx(native.final[0].tolist(), rel=1e-9, abs=1e-12)
            times = np.array(run["time"])
            assert (np.diff(times) >= 0).all() and times[0] == 0 and times[-1] == duration
            assert len(run["potential"]) == len(times) == len(run["stimulus"]) < 25_000


@needs_chromium
def test_the_way_of_a_neuron_is_that_of_its_trace(browser, tmp_path):
    """Potential, currents and stimulus of the textbook neuron at the times of the way, from an independent trace."""
    model, payload = hhcore.load_model("hodgkin_huxley_1952"), Payload()
    name, described = kernel(model, "tsit5", hhcore.Step, payload)
    parameters = [*(q.value for q in model.parameters.values()), 10.0, 5.0, 40.0, 1.0]
    given = {"parameters": parameters, "states": [-65.0, 0.05, 0.6, 0.32], "stops": [50.0], "accuracy": 1e-9}
    with opened(browser, write(tmp_path / "page.html", payload, {"kernels": {name: described}})) as watched:
        way = watched.page.evaluate(
            "async ([name, given]) => { const p = (await hh.loadKernel(name)).run(given).path; "
            "return [p.time, p.stimulus, ...p.states, ...p.currents].map((column) => [...column]); }",
            [name, given | {"threshold": 0.0, "rearm": 0.0}],
        )
    time, stimulus, *others = map(np.array, way)
    trace = hhcore.trace(
        model,
        {},
        hhcore.Step(10, 5, 40, holding=1),
        duration=50,
        initial_state=[-65.0, 0.05, 0.6, 0.32],
        method="dop853",
        local_error=1e-11,
        interval=0.001,
    )
    inside = ~np.isin(time, [0.0, 5.0, 40.0])  # where the stimulus jumps there are two values
    assert (
        set(stimulus) == {1.0, 11.0} and (stimulus[inside] == np.where((time > 5) & (time < 40), 11, 1)[inside]).all()
    )
    for (column, found), size in zip(
        zip([*model.states, *model.currents], others, strict=True), [1e-4] * 7, strict=True
    ):
        expected = np.interp(time, trace["time"], trace[column])
        assert np.abs(found - expected)[inside].max() < size * max(1.0, np.abs(expected).max()), column
