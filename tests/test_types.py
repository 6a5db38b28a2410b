"""A type checker knows the public names: what they return, and which calls are wrong."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPT = """
from typing import assert_type
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
import hhcore

points = {"sodium.g": np.linspace(100, 120, 3), "temperature.T": "16.3 degC"}
run = hhcore.simulate("hodgkin_huxley_1952", points, hhcore.Step(["5 uA/cm^2", 10, 15], start="5 ms"), duration="50 ms")
assert_type(run, hhcore.Result)
assert_type(run.features, pd.DataFrame)
assert_type(run.failed, np.ndarray)
course = hhcore.trace(hhcore.load_model("hodgkin_huxley_1952"), {}, hhcore.Step(10), duration=50, tolerance="1 us")
assert_type(course, hhcore.Trace)
assert_type(course.frame, pd.DataFrame)
assert_type(hhcore.load_model("hodgkin_huxley_1952").parameters["sodium.g"].value, float)
assert_type(hhcore.models(), list[str])
assert_type(hhcore.run("my.yaml", results="results"), hhcore.Run)
assert_type(hhcore.run("my.yaml").features, pd.DataFrame)
assert_type(hhcore.run("my.yaml").certificate, str)
assert_type(hhcore.run("my.yaml").figure("fi_curves"), Figure)
hhcore.simulate("hodgkin_huxley_1952", {}, 10, duration=50)  # wrong: no stimulus
hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step(10))  # wrong: no duration
hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step(10), duration=50, tol=1e-3)  # wrong: no such argument
hhcore.simulates  # wrong: no such name
"""


def test_a_script_of_a_user_is_checked(tmp_path):
    (tmp_path / "mine.py").write_text(SCRIPT)
    settings = {"include": ["mine.py"], "extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [
        sys.executable,
        "-m",
        "basedpyright",
        "--outputjson",
        "--pythonpath",
        sys.executable,
        "-p",
        str(tmp_path),
    ]
    found = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)["generalDiagnostics"]
    errors = {entry["range"]["start"]["line"]: entry["message"] for entry in found if entry["severity"] == "error"}
    wrong = [number for number, line in enumerate(SCRIPT.splitlines()) if "# wrong" in line]
    assert len(wrong) == 4 and sorted(errors) == wrong, errors
