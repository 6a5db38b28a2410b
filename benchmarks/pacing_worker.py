"""One program that paces cells, in a process of its own: tasks as JSON lines, answers likewise.

python -m benchmarks.pacing_worker <module>
"""

import importlib
import json
import os
import sys

from benchmarks.pacing_problem import Task


def main() -> None:
    """Answer until the input ends; what programs print goes to standard error."""
    report = os.dup(1)
    os.dup2(2, 1)
    program = importlib.import_module(f"benchmarks.peers.{sys.argv[1]}")
    for line in sys.stdin:
        task, accuracy, by = json.loads(line)
        answer = program.run(Task(**task), accuracy, by)
        found = {"times": answer.times.tolist(), "seconds": answer.seconds, "beats": answer.beats}
        os.write(report, (json.dumps(found) + "\n").encode())


if __name__ == "__main__":
    main()
