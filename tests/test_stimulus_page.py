"""docs/stimuli.md lists and draws every kind of stimulus, and its examples give what they say."""

import doctest

import pytest
import yaml

from benchmarks.stimulus_page import DRAWN, FIGURE, NOT_DRAWN, PAGE, TABLE, table
from hhcore.config.reader import read_experiments
from hhcore.simulation import stimuli

TEXT = PAGE.read_text(encoding="utf-8")


def test_every_kind_is_drawn_or_there_is_a_reason():
    assert sorted([*DRAWN, *NOT_DRAWN]) == sorted(stimuli.kinds()) and FIGURE.exists()


def test_the_table_is_what_the_kinds_declare():
    """`make stimulus-page` after a change of a kind."""
    assert TABLE.search(TEXT)[0] == table()


def test_the_page_says_something_of_every_kind():
    assert all(f"`{kind}`" in TEXT for kind in stimuli.kinds())


def test_examples_give_what_they_say():
    examples = doctest.DocTestParser().get_doctest(TEXT.replace("```", ""), {}, PAGE.name, str(PAGE), 0)
    assert doctest.DocTestRunner().run(examples).failed == 0


@pytest.mark.parametrize("kind", sorted(set(stimuli.kinds()) - {"file", "sum", "waveform"}))
def test_the_example_of_a_kind_is_a_legal_config(kind):
    body = {"initial_state": "rest", "duration": 2000, "solver": {"tolerance": "1 us"}}
    stimulus = yaml.safe_load(stimuli.kinds()[kind].example)
    (experiment,) = read_experiments(
        {"experiments": {"e": body | {"model": "hodgkin_huxley_1952", "stimulus": stimulus}}}
    ).values()
    assert issubclass(experiment.stimulus, stimuli.kinds()[kind])
