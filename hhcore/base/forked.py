"""Tasks in processes forked from this one, which has already loaded all that they need."""

import multiprocessing
import sys
from collections.abc import Callable, Iterable

Task = Callable[[], None]


def side_by_side(tasks: Iterable[Task], processes: int) -> None:
    """Do tasks, so many at a time; the next ones are taken from the iterable while the first are done.

    With one process, and on macOS, where libraries do not bear a fork, they are done here, one after the other.
    Raises the first error of a task, and MemoryError if its process was killed.
    """
    if processes == 1 or sys.platform == "darwin":
        for task in tasks:
            task()
        return
    running: list[Task] = []
    for task in tasks:
        if len(running) == processes:
            running.pop(0)()
        running.append(_begun(task))
    for wait in running:
        wait()


def _begun(task: Task) -> Task:
    """Begin a task in a process of its own. Returns what waits for its end, and raises its error."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def work() -> None:
        try:
            task()
        except BaseException as error:
            theirs.send(error)
        else:
            theirs.send(None)

    process = context.Process(target=work)
    process.start()
    theirs.close()

    def wait() -> None:
        try:
            error = ours.recv()
        except EOFError:
            error = MemoryError("a process that drew was killed")
        process.join()
        if error is not None:
            raise error

    return wait
