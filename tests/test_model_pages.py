"""The pages of the catalogue hold what the model files say, and the command line prints them."""

import re
from pathlib import Path

import pytest

import hhcore
from benchmarks.model_pages import verified_numbers
from hhcore.__main__ import main

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "models"


@pytest.mark.parametrize("name", hhcore.models())
def test_a_page_is_that_of_the_model_file(name):
    text, model = (PAGES / f"{name}.md").read_text(), hhcore.load_model(name)
    assert (PAGES / f"{name}.png").exists() and f"]({name}.md)" in (PAGES / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", text, re.MULTILINE))
    expected = {q.name: repr(q.value) for q in [*model.parameters.values(), *model.states.values()]}
    assert rows == expected
    for variant, description in hhcore.variants(name).items():
        assert f"`{name}:{variant}`: {description}" in text
    assert all(row in text for row in verified_numbers(name))
    for variable in model.myokit.variables(inter=True, deep=True):
        path = variable.qname().partition(".")[2]
        assert rf"\mathrm{{{path}}}".replace("_", r"\_") + " = " in text
    for component in re.split(r"^\*\*\w+\*\*$", text, flags=re.MULTILINE)[1:]:
        left = re.findall(r"^\$\$(.+?) = ", component, re.MULTILINE)
        assert len(left) == len(set(left)), left


def test_the_command_line_lists_models_and_shows_one(capsys):
    assert main(["models"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == hhcore.models()
    assert main(["models", "pospischil_2008:fs"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"potassium\.g +10 +mS/cm\^2", said)
    file = re.search("^file: (.+)$", said, re.MULTILINE)[1]
    assert hhcore.load_model(file).title == hhcore.load_model("pospischil_2008").title
    assert main(["models", "hodgkin_huxly"]) == 1
    assert "did you mean 'hodgkin_huxley_1952'" in capsys.readouterr().err


def test_a_config_is_checked_without_a_run(tmp_path, capsys):
    config = tmp_path / "mine.yaml"
    assert main(["check", str(ROOT / "config" / "test.yaml")]) == 0
    assert "single: 1 neuron, 0.05 s simulated, 1 shard;" in capsys.readouterr().out
    config.write_text("experiments:\n  e: [\n")
    for path, words in ((config, "not valid YAML: line 3: "), (tmp_path / "not_there.yaml", "does not exist")):
        assert main(["check", str(path)]) == 1
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1 and str(path) in said
