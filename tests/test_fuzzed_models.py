"""Broken model files: each is a kernel and a full table, or one sentence, never anything else."""

import random
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest

import hhcore
from hhcore.base import tables
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import resolved, write_numerics
from hhcore.compile.language.translate import translate
from hhcore.compile.text import generate
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.model.model import CATALOGUE, Model
from hhcore.results.write import write_tables
from hhcore.simulation.engine import kernel_parts
from hhcore.sweep.store import update_shard

SOURCES = sorted(entry.name for entry in CATALOGUE.iterdir() if entry.name.endswith(".mmt"))
CELLML = """<?xml version="1.0"?>
<model name="leaky" xmlns="http://www.cellml.org/cellml/1.0#" xmlns:cellml="http://www.cellml.org/cellml/1.0#">
  <units name="ms"><unit units="second" prefix="milli"/></units>
  <units name="mV"><unit units="volt" prefix="milli"/></units>
  <component name="membrane">
    <variable name="time" units="ms"/>
    <variable name="V" units="mV" initial_value="-65"/>
    <variable name="tau" units="ms" initial_value="10"/>
    <variable name="i_stim" units="mV" initial_value="0"/>
    <math xmlns="http://www.w3.org/1998/Math/MathML">
      <apply><eq/><apply><diff/><bvar><ci>time</ci></bvar><ci>V</ci></apply>
        <apply><divide/><apply><minus/><ci>i_stim</ci><ci>V</ci></apply><ci>tau</ci></apply></apply>
    </math>
  </component>
</model>
"""
SMALL = """[[model]]
membrane.V = -60
gates.m = 0.1
gates.h = 0.6

[engine]
t = 0 [ms] bind time
    in [ms]
pace = 0 bind pace

[membrane]
C = 1.5
g = 0.3
E = -70 + 5 * 2 ^ 0.5
leak = g * (V - E)
reversal = 25 * log(5.4 / 145)
fast = 0.2 * gates.m^3 * gates.h * (V - reversal)
dot(V) = (engine.pace - leak - fast) / C
    in [mV]
    label membrane_potential

[gates]
use membrane.V
x = (V + 40) / 10
a = if(V == -40, 1, x / (1 - exp(-x)))
b = 4 * exp(-(V + 65) / 18) + 0 * sqrt(abs(V)) + floor(V / 1000)
dot(m) = a * (1 - m) - b * m
inf = (exp(2 * x) - 1) / (exp(2 * x) + 1)
tau = piecewise(V < -80, 9, V >= 0 and not (V > 10), 3 + V % 2, 1 + 5 // 2)
dot(h) = (0.5 - 0.5 * inf - h) / tau
"""
SNIPPETS = ["1e999", "-", "(", ")", "[mV]", "bind pace", "label membrane_potential", "dot(", " = ", "\x00", "\u00b5"]
SNIPPETS += ["__import__('os')", "if", "</", "<ci>", "&x;", "\n", "9" * 400, "e" * 40, "piecewise(", '"""', "#", "^^"]
NUMBERS = ["0", "1", "2", "3", "0.5", "0.1", "7", "40", "100", "-1", "-8", "1000", "1e-320", "1e308", "1e999", "10^400"]
NUMBERS += ["1/0", "sqrt(-1)", "V", "x"]
TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)|(?P<function>[a-z]+(?=\())|(?<=[( ])(?P<variable>[a-zA-Z]\b)"
    r"|(?<= )(?P<operator>[-+*/^%]|//|[<>]=?|[!=]=)(?= )"
)


def altered(text: str, rng: random.Random) -> str:
    """The text with one or two numbers, operators, functions or variables exchanged for others."""
    for _ in range(rng.randint(1, 2)):
        tokens = list(TOKEN.finditer(text, text.index("[membrane]") if "[membrane]" in text else 0))
        token = rng.choice(tokens)
        alike = NUMBERS if token["number"] else [other[0] for other in tokens if other.lastgroup == token.lastgroup]
        text = text[: token.start()] + rng.choice(alike) + text[token.end() :]
    return text


def broken(text: str, rng: random.Random) -> str:
    """The text with one to four things wrong."""
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(text)), rng.choice([0, 1, 1, 3, 20, 200])
        lines = text.splitlines(keepends=True)
        i, k = rng.randrange(len(lines)), rng.randrange(len(lines))
        action = rng.randrange(5)
        if action == 0:
            text = text[:at] + text[at + length :]
        elif action == 1:
            text = text[:at] + rng.choice(SNIPPETS) + text[at:]
        elif action == 2:
            lines[i], lines[k] = lines[k], lines[i]
            text = "".join(lines)
        elif action == 3:
            text = "".join([*lines[:i], lines[k], *lines[i:]])
        else:
            text = text[:at] or text
    return text


def one_sentence(error: hhcore.UserError) -> None:
    assert "\n" not in str(error).strip() and len(str(error)) < 2000, error


def attempt(text: str, ending: str, folder: Path) -> Model | None:
    """The model, if a kernel can be made of it; anything but a UserError passes through."""
    path = folder / f"broken.{ending}"
    path.write_text(text, encoding="utf-8")
    names = {"potential": "membrane.V", "current": "membrane.i_stim"} if ending == "cellml" else {}
    try:
        model = hhcore.load_model(path, **names)
        assert model.states and model.potential in model.states
        assert "run" in translate(generate(model, "rodas5p", *kernel_parts(hhcore.Step))).entries
    except hhcore.UserError as error:
        one_sentence(error)
        return None
    return model


def simulated(e: Experiment, folder: Path) -> bool:
    """Whether an experiment ends in tables, with a row for each neuron; else in one sentence."""
    numerics, shard = folder / "numerics.parquet", folder / "all.parquet"
    shard.unlink(missing_ok=True)
    try:
        write_numerics(e, calibrate(e, progress=lambda *_: None), numerics)
        e = resolved(e, numerics)
        assert update_shard(e, "all", shard, progress=lambda *_: None) == len(
            np.unique(e.points(np.arange(e.n_points)), axis=0)
        )
        write_tables(e, [shard], numerics, folder)
    except hhcore.UserError as error:
        one_sentence(error)
        return False
    found = tables.read(folder / "features.parquet").to_pandas()
    failed = found["status"].isin(["diverged", "stalled"])
    assert len(found) == e.n_points and len(tables.read(numerics)) > 0
    assert failed.sum() == len(tables.read(folder / "failures.parquet"))
    assert (found["peak_mV"].notna() | failed).all(), found
    return True


def run(model: str, folder: Path) -> bool:
    """Whether a small experiment with a model file ends in tables."""
    body = {"model": model, "stimulus": {"kind": "step", "amplitude": {"values": [0, 1, 5]}}, "duration": 3}
    body |= {"initial_state": "model", "solver": {"method": "tsit5", "local_error": 1e-6}}
    try:
        experiment = read_experiments({"experiments": {"e": body}}, folder)["e"]
    except hhcore.UserError as error:
        one_sentence(error)
        return False
    return simulated(experiment, folder)


def storm(examples: int, seed: int) -> tuple[int, int]:
    """(models, refusals) of so many broken files."""
    rng, models = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(examples):
            if number % 4 == 3:
                text, ending = CELLML, "cellml"
            else:
                text, ending = (CATALOGUE / rng.choice(SOURCES)).read_text(encoding="utf-8"), "mmt"
            models += attempt(broken(text, rng), ending, Path(folder)) is not None
    return models, examples - models


def drizzle(examples: int, seed: int, runs: int, folder: Path) -> tuple[int, int, int]:
    """(models, refusals, tables) of so many files with a few words exchanged; the first `runs` models are simulated."""
    rng, models, ran = random.Random(seed), 0, 0
    for number in range(examples):
        text, ending = (CELLML, "cellml") if number % 8 == 7 else (SMALL, "mmt")
        if attempt(altered(text, rng), ending, folder) is not None:
            models += 1
            ran += ending == "mmt" and models <= runs and run("broken.mmt", folder)
    return models, examples - models, ran


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a cache of kernels of its own, for kernels that nobody wants again."""
    monkeypatch.setenv("HHCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_files_are_models_before_they_are_broken(folder):
    assert attempt(CELLML, "cellml", folder) and attempt((CATALOGUE / SOURCES[0]).read_text(), "mmt", folder)
    assert attempt(SMALL, "mmt", folder) and run("broken.mmt", folder)


def test_broken_model_files_are_models_or_one_sentence():
    models, refusals = storm(150, seed=1)
    assert models > 10 and refusals > 50


@pytest.mark.slow
def test_altered_model_files_are_kernels_and_tables_or_one_sentence(folder):
    models, refusals, ran = drizzle(200, seed=3, runs=4, folder=folder)
    assert models > 60 and refusals > 60 and ran >= 3


@pytest.mark.slow
def test_thousands_of_broken_model_files():
    models, refusals = storm(5000, seed=2)
    assert models > 100 and refusals > 2000


@pytest.mark.slow
def test_thousands_of_altered_model_files(folder):
    models, refusals, ran = drizzle(2000, seed=4, runs=100, folder=folder)
    assert models > 600 and refusals > 300 and ran > 80
