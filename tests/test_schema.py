"""The JSON schema for editors: it says what the reader says, as far as it can, and refuses nothing that is legal."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator
from test_bad_config import CASES, GOOD, SAMPLED, changed, load_once, mistakes  # noqa: F401 (a fixture)

from hhcore.__main__ import main
from hhcore.config.file import read_config
from hhcore.config.keys import EXPERIMENT

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "config" / "schema.json"
SCHEMA = json.loads(SHIPPED.read_text())
DRAFTS = [Draft7Validator, Draft202012Validator]
PAGES = [ROOT / "README.md", ROOT / "config/README.md"]
EXAMPLES = [block for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
FIRST = yaml.safe_load(next(block for block in EXAMPLES if "first_try" in block))["experiments"]["first_try"]

# What is wrong in such a sentence shows without numbers and units.
FORM = re.compile(
    "there is no key|is missing|is not text(?! with)|is not a mapping|is not a choice|does not have the form|is a list|"
    "is an axis|begin with a number|is not a number;|no parameter|no state|exactly one of|leaves out|not a legal|"
    "does not say how accurate|no quantity|in the catalogue"
)
UNSEEN = [
    (("potential",), "membrane.U"),  # names what is in the model file
    (("current",), "stimulus.amp"),
    (("sample", "n"), 8.0),  # JSON's whole numbers have no types
]


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_schema_is_one(draft):
    draft.check_schema(SCHEMA)


def test_the_shipped_schema_is_current(tmp_path, capsys):
    """`python -m hhcore schema config/schema.json` after a change of a key or of the catalogue."""
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    assert main(["schema", str(tmp_path / "mine.json")]) == 0
    assert (tmp_path / "mine.json").read_text() == SHIPPED.read_text()
    assert main(["schema", str(tmp_path / "nowhere" / "mine.json")]) == 1
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_config_of_the_project_and_of_its_pages_is_legal(draft):
    configs = [read_config(path) for path in (ROOT / "config").glob("*.yaml")]
    assert len(configs) >= 3
    for block in map(yaml.safe_load, EXAMPLES):
        if "experiments" in block or {*FIRST, *EXPERIMENT} & set(block):
            configs.append(block if "experiments" in block else {"experiments": {"e": FIRST | block}})
    assert len(configs) > 25
    for config in [*configs, GOOD, SAMPLED]:
        assert [error.message for error in draft(SCHEMA).iter_errors(config)] == [], config


def test_wrong_configs_are_refused_where_it_shows_without_numbers(load_once):  # noqa: F811 (a fixture)
    validator, refused = Draft7Validator(SCHEMA), 0
    for case in CASES:
        config = changed(*case[:3])
        (mistake,) = mistakes(config)
        if FORM.search(mistake) and case[:2] not in UNSEEN:
            assert not validator.is_valid(config), mistake
            refused += 1
    assert refused > 70


def test_a_key_says_what_it_means_in_which_unit_and_what_holds_without_it():
    experiment = SCHEMA["$defs"]["experiment"]["properties"]
    assert experiment["duration"]["description"].startswith(
        "How long each neuron is simulated. A number in the model's"
    )
    assert experiment["combine"]["description"].endswith("If left out: `product`.")
    sodium = SCHEMA["$defs"]["parameters_hodgkin_huxley_1952"]["properties"]["sodium.g"]
    assert sodium["description"] == "Maximal sodium conductance [mS/cm^2]; 120 in the model."
    texts = [re.sub(r"\W", "", str(node["description"])) for node in described(SCHEMA)]
    assert len(texts) > 500 and all(texts)


def described(node: object):
    """All nodes with a description."""
    if isinstance(node, dict):
        yield from [node] if isinstance(node.get("description"), str) else []
        for child in node.values():
            yield from described(child)
    elif isinstance(node, list):
        for child in node:
            yield from described(child)


def test_kinds_of_other_packages_are_in_the_schema():
    """The toy of docs/extend.md is found by its entry point."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "toy")])
    run = [sys.executable, "-m", "hhcore", "schema"]
    text = subprocess.run(
        run, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    ).stdout
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/extend.md").read_text(), re.DOTALL)
    config = yaml.safe_load(block)
    assert Draft7Validator(json.loads(text)).is_valid(config)
    (body,) = config["experiments"].values()
    del body["protocol"]["watched"]
    assert not Draft7Validator(json.loads(text)).is_valid(config)
    assert "Time for which it is watched after its release. A number in the model's unit of time" in text
    assert "`anode_break`: anode break" in text
