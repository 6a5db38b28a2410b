"""Another program that waits for tasks, JSON lines on its standard input, and answers each with one."""

import json
import os
import subprocess
import sys

from benchmarks.run import ONE_THREAD, ROOT


class Program:
    """One that runs in a process of its own, on one thread."""

    def __init__(self, python: str, *module: str) -> None:
        """`module` : the module, and what it is given on the command line."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        command = [python, "-m", *module]
        self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | ONE_THREAD, text=True, **pipes)

    def ask(self, *task: object) -> dict[str, object]:
        """Its answer."""
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[-1]} ended without an answer to {task}")
        return json.loads(line)

    def end(self) -> None:
        """No more tasks."""
        self.process.stdin.close()
        self.process.wait()
