"""Share neurons among threads: one kernel integrates some of them at a time."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np

from hhcore.simulation.engine import Engine
from hhcore.simulation.integration import integrate
from hhcore.simulation.result import Record, joined

CHUNK = 1024  # neurons in one call of a kernel; their lanes finish at different times, so not too few


def integrate_all(
    engine: Engine,
    parameters: np.ndarray,
    states: np.ndarray,
    stops: np.ndarray,
    *,
    accuracy: float,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> tuple[Record, float]:
    """Integrate n neurons as `integrate` does, without samples: their record, with `outcome`, and seconds of core time.

    progress : called with the number of neurons that have just been finished
    """
    cancelled = Event()

    def integrate_chunk(rows: slice) -> tuple[Record, float]:
        started = time.thread_time()
        part = integrate(engine, parameters[rows], states[rows], stops, accuracy=accuracy, cancelled=cancelled)
        seconds = time.thread_time() - started
        if progress is not None:
            progress(len(part.outcome))
        return {**part.record, "outcome": part.outcome}, seconds

    with ThreadPoolExecutor(threads) as pool:
        try:
            parts = list(pool.map(integrate_chunk, _chunks(len(parameters), threads, engine.kernel.W)))
        except BaseException:  # Ctrl-C, or an error in one thread: the pool waits until the others have ended
            cancelled.set()
            raise
    return joined([record for record, _ in parts]), sum(seconds for _, seconds in parts)


def _chunks(n: int, threads: int, width: int) -> list[slice]:
    """The neurons of each call: whole registers, and work for every thread."""
    size = max(width, min(CHUNK, -(-n // (threads * width)) * width))
    return [slice(first, first + size) for first in range(0, max(n, 1), size)]
