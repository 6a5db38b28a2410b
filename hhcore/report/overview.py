"""All experiments of a run side by side: a row each, with the answers that most of them have."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hhcore.report.story import Story

MOST_ANSWERS = 7  # columns beside name and model


@dataclass(frozen=True)
class Overview:
    """The table; a row is the name of an experiment, its model, and a text for each label, empty if it has none."""

    labels: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[str]]]


def compared(stories: Mapping[str, Story]) -> Overview:
    """The experiments by name, with the first of those answers that at least half of them give."""
    given = {name: {answer.label: answer.words for answer in story.answers} for name, story in stories.items()}
    counts = Counter(label for answers in given.values() for label in answers)
    labels = [label for label, count in counts.items() if 2 * count >= len(stories)][:MOST_ANSWERS]
    rows = [(name, stories[name].title, [own.get(label, "") for label in labels]) for name, own in given.items()]
    return Overview(labels, rows)
