"""Paths of model files and of stimuli count from the config file that gives them, each file of several from its own."""

import shutil
from pathlib import Path

import pytest

import hhcore
from hhcore.base.errors import UserError
from hhcore.config.file import located, read_config
from hhcore.config.reader import read_experiments

MODEL = Path(hhcore.__file__).parent / "models/hodgkin_huxley_1952.mmt"
EXPERIMENT = """
    stimulus: {kind: step, amplitude: 10}
    initial_state: rest
    duration: 10
    solver: {method: rk4, dt: 0.05}
"""


def written(file: Path, **models: str) -> Path:
    """A config file with an experiment for each of the models."""
    file.parent.mkdir(exist_ok=True)
    bodies = (f"  {name}:\n    model: {model}{EXPERIMENT}" for name, model in models.items())
    file.write_text("experiments:\n" + "".join(bodies))
    return file


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The working folder, beside those of the configs."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_a_model_is_found_beside_its_config_from_any_folder(here):
    file = written(here / "other/my.yaml", plain="m.mmt", up="../up.mmt", catalogue="hodgkin_huxley_1952")
    shutil.copy(MODEL, here / "other/m.mmt")
    shutil.copy(MODEL, here / "up.mmt")
    for path in (file, "../other/my.yaml"):
        models = {name: e.model.name for name, e in read_experiments(read_config(path)).items()}
        assert models == {"plain": "m", "up": "up", "catalogue": "hodgkin_huxley_1952"}


def test_a_variant_in_a_file_and_an_absolute_path_are_kept(here):
    bodies = {"a": {"model": "m.mmt:leaky"}, "b": {"model": "/far/m.cellml"}}
    found = located({"experiments": bodies}, [(here / "other/my.yaml", {"experiments": bodies})])
    assert {name: body["model"] for name, body in found["experiments"].items()} == {
        "a": f"{here}/other/m.mmt:leaky",
        "b": "/far/m.cellml",
    }
    assert bodies["a"]["model"] == "m.mmt:leaky"  # what was read is left alone


def test_files_of_stimuli_are_found_beside_their_config_too(here):
    wave, paced = {"kind": "waveform", "file": "w.csv"}, {"kind": "events", "file": "/far/p.mmt"}
    bodies = {"a": {"stimulus": wave}, "b": {"clamp": {"kind": "sum", "parts": {"x": wave, "y": paced}}}}
    found = located({"experiments": bodies}, [(here / "other/my.yaml", {"experiments": bodies})])["experiments"]
    assert found["a"]["stimulus"] == wave | {"file": f"{here}/other/w.csv"}
    assert found["b"]["clamp"]["parts"] == {"x": wave | {"file": f"{here}/other/w.csv"}, "y": paced}
    assert wave["file"] == "w.csv"  # what was read is left alone


def test_each_of_several_files_has_its_own_folder_and_a_command_line_the_working_folder(here):
    first = {"experiments": {"a": {"model": "m.mmt"}, "b": {"model": "m.mmt"}, "c": {"model": "m.mmt"}}}
    second = {"experiments": {"b": {"model": "own.mmt"}, "d": {"model": "m.mmt", "duration": 5}}}
    merged = {"experiments": {**first["experiments"], **second["experiments"], "c": {"model": "typed.mmt"}}}
    found = located(merged, [(here / "x/1.yaml", first), (here / "y/2.yaml", second)])
    assert {name: body["model"] for name, body in found["experiments"].items()} == {
        "a": f"{here}/x/m.mmt",
        "b": f"{here}/y/own.mmt",
        "c": f"{here}/here/typed.mmt",
        "d": f"{here}/y/m.mmt",
    }
    assert located(found, [(here / "z/3.json", found)]) == found  # once found, it stays found


def test_a_config_may_be_a_part_of_that_of_another_workflow(here):
    own = {"experiments": {"a": {"model": "m.mmt"}}}
    theirs = {"samples": ["x"], "neurons": own, "experiments": "of theirs"}
    assert located(own, [(here / "x/1.yaml", theirs)])["experiments"]["a"]["model"] == f"{here}/x/m.mmt"


@pytest.mark.parametrize("config", [{}, {"experiments": None}, {"experiments": {"a": None, 1: [], "b": {"model": []}}}])
def test_a_config_that_is_no_config_is_left_to_the_reader(config):
    assert located(config, [("my.yaml", config)]) == config


def test_a_file_that_is_missing_is_named_with_its_folder_and_the_closest(here):
    file = written(here / "other/my.yaml", a="neuro.mmt")
    shutil.copy(MODEL, here / "other/neuron.mmt")
    with pytest.raises(UserError) as found:
        read_experiments(read_config(file))
    text = (
        f"experiments.a.model: model file '{here}/other/neuro.mmt' does not exist; in a config, paths count from its "
    )
    assert str(found.value) == text + f"folder; did you mean '{here}/other/neuron.mmt'?"
    with pytest.raises(UserError, match=f"'neuro.mmt' does not exist; paths count from {here}/here$"):
        hhcore.load_model("neuro.mmt")
