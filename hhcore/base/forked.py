"""Tasks in processes forked from this one, which has already loaded all that they need."""

import multiprocessing
import pickle
import sys
import traceback
from collections.abc import Callable, Iterable

Task = Callable[[], None]


def side_by_side(tasks: Iterable[Task], processes: int) -> None:
    """Do tasks, so many at a time; the next ones are taken from the iterable while the first are done.

    With one process, and on macOS, where libraries do not bear a fork, they are done here, one after the other.
    Raises the first error of a task when no other task is running any more, and MemoryError if its process was killed.
    """
    if processes <= 1 or sys.platform == "darwin":
        for task in tasks:
            task()
        return
    running: list[Callable[[], BaseException | None]] = []
    try:
        for task in tasks:
            if len(running) == processes and (error := running.pop(0)()):
                raise error
            running.append(_begun(task))
        while running:
            if error := running.pop(0)():
                raise error
    finally:
        for wait in running:
            wait()


def _begun(task: Task) -> Callable[[], BaseException | None]:
    """Begin a task in a process of its own. Returns what waits for its end, and returns its error."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def work() -> None:
        try:
            task()
        except BaseException as error:
            theirs.send(_sendable(error))
        else:
            theirs.send(None)

    process = context.Process(target=work)
    process.start()
    theirs.close()

    def wait() -> BaseException | None:
        try:
            error = ours.recv()
        except EOFError:
            process.join()
            killed = (process.exitcode or 0) < 0
            return MemoryError("a process was killed") if killed else RuntimeError("a process ended without a word")
        process.join()
        return error

    return wait


def _sendable(error: BaseException) -> BaseException:
    """The error itself if it survives a pickle, else a RuntimeError with its traceback."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
