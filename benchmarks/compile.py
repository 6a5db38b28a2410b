"""What the first kernel of a model costs, from the file to machine code: CPU seconds of each part, and memory.

    python -m benchmarks.compile [--scheme rodas5p] MODEL ...

A model is a name of the catalogue or a file. Each is compiled for a train of pulses in a process of its own, without
the cache of kernels; the total has Python's start in it. Compare figures of one machine only, taken in turn.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

from hhcore.compile.language.machine import compiled
from hhcore.compile.language.translate import translate
from hhcore.model.model import Model, is_model_file, load_model
from hhcore.simulation.engine import kernel_parts
from hhcore.simulation.stimuli.pulse_train import PulseTrain

HEAD = "| model | states | to text (s) | to LLVM's language (s) | to machine code (s) | total (s) | memory (MB) |"


def line(name: str, scheme: str) -> str:
    """Compile the kernel of a model here; a line of the table."""
    from hhcore.compile.text import generate  # here, since it loads SymPy, which is part of the total

    model = _from_file(Path(name)) if is_model_file(name) else load_model(name)
    marks = [time.process_time()]
    text = generate(model, scheme, *kernel_parts(PulseTrain))
    marks.append(time.process_time())
    translate(text)
    marks.append(time.process_time())
    compiled(text)  # translates it once more
    marks.append(time.process_time())
    written, translated, both = (after - before for before, after in zip(marks, marks[1:], strict=False))
    seconds = [written, translated, both - translated, marks[-1] - translated]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    numbers = " | ".join(f"{x:.2f}" for x in seconds)
    return f"| {Path(name).stem} | {len(model.states)} | {numbers} | {memory:.0f} |"


def _from_file(path: Path) -> Model:
    from benchmarks.published_models import load  # here, since it loads what this does not need

    return load(path)


def main() -> None:
    """Print the table, each line by a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--scheme", default="rodas5p")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(line(given.models[0], given.scheme))
        return
    print(HEAD, "|---|" + "---:|" * 6, sep="\n", flush=True)
    for model in given.models:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.compile", "--here", "--scheme", given.scheme, model], check=True
        )


if __name__ == "__main__":
    main()
