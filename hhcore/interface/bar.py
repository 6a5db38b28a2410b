"""What `hhcore.run` shows while it works: a bar in a notebook and on a terminal, lines in a log file, or nothing."""

import sys
import time
import warnings
from collections.abc import Callable

from hhcore.base.board import is_terminal
from hhcore.base.progress import EVERY_S, Progress, tried_text
from hhcore.base.watch import Watch

BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


class Lines(Watch):
    """Lines of `hhcore.base.progress`, as in the log of a job; short work has none."""

    def __init__(self, name: str):
        self.name, self.lines = name, Progress(name)

    def tried(self, solvers: int, most: int) -> None:
        self.lines.tried(solvers, most)

    def part(self, number: int, parts: int) -> Callable[[int, int], None]:
        lines = Progress(f"{self.name}, shard {number + 1} of {parts}" if parts > 1 else self.name)

        def reach(done: int, total: int) -> None:
            if time.monotonic() - lines.started >= EVERY_S:
                lines(done, total)

        return reach

    def write(self, text: str) -> None:
        self.lines.write(text)


class Bar(Watch):
    """A bar that grows with the neurons of all shards; it leaves no trace."""

    def __init__(self, name: str):
        with warnings.catch_warnings():  # without ipywidgets the bar of a notebook is text, which is well
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
        self.name = name
        self.bar = tqdm(total=1.0, desc=name, bar_format=BAR, leave=False)

    def step(self, name: str) -> None:
        self.bar.set_description_str(f"{self.name}, {name}")

    def tried(self, solvers: int, most: int) -> None:
        self.step(f"{tried_text(solvers, most)} on a sample")

    def part(self, number: int, parts: int) -> Callable[[int, int], None]:
        self.step(f"shard {number + 1} of {parts}" if parts > 1 else "neurons")

        def reach(done: int, total: int) -> None:
            self.bar.update((number + (done / total if total else 1.0)) / parts - self.bar.n)

        return reach

    def write(self, text: str) -> None:
        self.bar.write(text, file=sys.stderr)

    def close(self) -> None:
        self.bar.close()


def watch(name: str, shown: bool) -> Watch:
    """What suits the place where this process writes."""
    if not shown:
        return Watch()
    return Bar(name) if is_terminal(sys.stderr) or in_notebook() else Lines(name)


def in_notebook() -> bool:
    """Whether a kernel of Jupyter runs this process."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return "IPKernelApp" in getattr(shell, "config", {})
