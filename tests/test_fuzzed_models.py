"""Broken model files: each is a model or one sentence, never anything else."""

import random
import tempfile
from pathlib import Path

import pytest

import hhcore
from hhcore.model import CATALOGUE

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
SNIPPETS = ["1e999", "-", "(", ")", "[mV]", "bind pace", "label membrane_potential", "dot(", " = ", "\x00", "\u00b5"]
SNIPPETS += ["__import__('os')", "if", "</", "<ci>", "&x;", "\n", "9" * 400, "e" * 40, "piecewise(", '"""', "#", "^^"]


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


def attempt(text: str, ending: str, folder: Path) -> bool:
    """Whether it is a model; anything but a UserError passes through."""
    path = folder / f"broken.{ending}"
    path.write_text(text, encoding="utf-8")
    names = {"potential": "membrane.V", "current": "membrane.i_stim"} if ending == "cellml" else {}
    try:
        model = hhcore.load_model(path, **names)
    except hhcore.UserError as error:
        assert "\n" not in str(error).strip() and len(str(error)) < 2000, error
        return False
    assert model.states and model.potential in model.states
    return True


def storm(examples: int, seed: int) -> tuple[int, int]:
    """(models, refusals) of so many broken files."""
    rng, models = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(examples):
            if number % 4 == 3:
                text, ending = CELLML, "cellml"
            else:
                text, ending = (CATALOGUE / rng.choice(SOURCES)).read_text(encoding="utf-8"), "mmt"
            models += attempt(broken(text, rng), ending, Path(folder))
    return models, examples - models


def test_the_files_are_models_before_they_are_broken(tmp_path):
    assert attempt(CELLML, "cellml", tmp_path) and attempt((CATALOGUE / SOURCES[0]).read_text(), "mmt", tmp_path)


def test_broken_model_files_are_models_or_one_sentence():
    models, refusals = storm(300, seed=1)
    assert models > 20 and refusals > 100


@pytest.mark.slow
def test_thousands_of_broken_model_files():
    models, refusals = storm(5000, seed=2)
    assert models > 100 and refusals > 2000
