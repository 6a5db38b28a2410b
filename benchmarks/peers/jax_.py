"""JAX in double precision on one CPU thread: RK4 in a compiled scan, and diffrax with adaptive steps."""

import functools
import time
from collections.abc import Callable

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.problem import DURATION_MS, FINER_US, START, Method, crossings

SAMPLE_MS = 0.05  # of diffrax's dense output, where the error is measured: its steps do not depend on it

jax.config.update("jax_enable_x64", True)


def slope(y: jax.Array, current: jax.Array) -> jax.Array:
    """Derivatives of V, m, h, n along the first axis; any number of neurons along the second."""
    v, m, h, n = y
    alpha_m = 0.1 * (v + 40) / (1 - jnp.exp(-(v + 40) / 10))
    beta_m = 4 * jnp.exp(-(v + 65) / 18)
    alpha_h = 0.07 * jnp.exp(-(v + 65) / 20)
    beta_h = 1 / (1 + jnp.exp(-(v + 35) / 10))
    alpha_n = 0.01 * (v + 55) / (1 - jnp.exp(-(v + 55) / 10))
    beta_n = 0.125 * jnp.exp(-(v + 65) / 80)
    ionic = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)
    gates = (alpha_m * (1 - m) - beta_m * m, alpha_h * (1 - h) - beta_h * h, alpha_n * (1 - n) - beta_n * n)
    return jnp.stack((current - ionic, *gates))


def rk4(y: jax.Array, current: jax.Array, dt: float) -> jax.Array:
    """One step."""
    a = slope(y, current)
    b = slope(y + dt / 2 * a, current)
    c = slope(y + dt / 2 * b, current)
    d = slope(y + dt * c, current)
    return y + dt / 6 * (a + 2 * b + 2 * c + d)


def scan(dt: float, record: bool, current: jax.Array) -> jax.Array:
    """The last state (4, n), or the potential of every step (steps + 1, n)."""
    start = jnp.broadcast_to(jnp.array(START)[:, None], (4, len(current)))

    def step(y, _):
        new = rk4(y, current, dt)
        return new, new[0] if record else None

    last, potential = jax.lax.scan(step, start, length=round(DURATION_MS / dt))
    return jnp.concatenate([start[:1], potential]) if record else last


def adaptive(solver: str, record: bool, rtol: jax.Array, current: jax.Array) -> jax.Array:
    """The last states (n, 1, 4), or the potential every 0.05 ms (samples, n)."""
    samples = jnp.arange(round(DURATION_MS / SAMPLE_MS) + 1) * SAMPLE_MS
    saved = diffrax.SaveAt(ts=samples, fn=lambda t, y, args: y[0]) if record else diffrax.SaveAt(t1=True)

    def neuron(current):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, current: slope(y, current)),
            getattr(diffrax, solver)(),
            0.0,
            DURATION_MS,
            0.01,
            jnp.array(START),
            current,
            saveat=saved,
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=rtol),
            max_steps=None,
        ).ys

    return jax.lax.map(neuron, current).T if record else jax.vmap(neuron)(current)


@functools.cache
def compiled(function: Callable, options: tuple, settings: int, n: int) -> Callable:
    """A function of some settings and of n amplitudes, compiled; it returns when its result is there."""
    call = jax.jit(functools.partial(function, *options)).lower(*[0.0] * settings, jnp.zeros(n)).compile()
    return lambda *arguments: call(*arguments).block_until_ready()


def method(label: str, how: str, setting: str, ladder: tuple, batches: tuple, function: Callable) -> Method:
    """A method; `function` gives (callable, its settings, time between samples) for a setting, n, whether to record."""

    def spikes(value: float, amplitudes: np.ndarray) -> list[np.ndarray]:
        call, settings, dt = function(value, len(amplitudes), True)
        return [crossings(v, dt) for v in np.asarray(call(*settings, amplitudes)).T]

    def seconds(value: float, amplitudes: np.ndarray) -> float:
        call, settings, _ = function(value, len(amplitudes), False)
        started = time.perf_counter()
        call(*settings, amplitudes)
        return time.perf_counter() - started

    return Method(label, how, setting, ladder, batches, spikes, seconds, targets=FINER_US)


def scanning(dt: float, n: int, record: bool) -> tuple[Callable, tuple, float]:
    """A scan has a fixed number of steps, and is compiled for each."""
    return compiled(scan, (dt, record), 0, n), (), dt


def solving(solver: str) -> Callable:
    """Of a solver of diffrax, compiled once for all tolerances."""
    return lambda rtol, n, record: (compiled(adaptive, (solver, record), 1, n), (rtol,), SAMPLE_MS)


DIFFRAX = (
    "vmap, jit, PIDController with atol = rtol; timed without recording, error from its dense output every 0.05 ms"
)
# Coarser ones (with Dopri8 also the first) never end for some amplitudes: a neuron's steps shrink to nothing.
RTOL = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
METHODS = {
    "rk4": method(
        "JAX rk4",
        "lax.scan over arrays of all neurons, jit, double precision; timed without recording, error from the recorded "
        "potential",
        "dt",
        (0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02),
        (256, 4096),
        scanning,
    ),
    "tsit5": method("diffrax Tsit5", DIFFRAX, "rtol", RTOL, (64, 512), solving("Tsit5")),
    "dopri8": method("diffrax Dopri8", DIFFRAX, "rtol", RTOL[1:], (64, 512), solving("Dopri8")),
}
