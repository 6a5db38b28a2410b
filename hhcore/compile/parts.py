"""The parts of a kernel besides model and scheme: a stimulus and observers, as text in the kernels' language."""

import re
from dataclasses import dataclass

LEVEL = "level"  # the expression of a current that is constant in each segment
FORMULA = "formula"  # in an expression: what the model itself has for the injected current
HOLDING = "holding"  # the field that all kinds have: a level under all of the stimulus

CURRENT, SHOCK, COMMAND = "current", "shock", "command"  # what a stimulus acts on, see `PartText.acts`


@dataclass(frozen=True)
class PartText:
    """A part of a stimulus as a kernel sees it; hhcore.simulation.stimuli.stimulus explains the texts.

    name    : in a sum, else ""
    numbers : its fields and the numbers derived from them: what its texts call each, and what the stimulus calls it
    restarts : whether steps of the integration start anew, from tiny ones, where a segment begins
    beat    : "" for a kind without beats
    acts    : "current": it is injected; "shock": the potential jumps by the level where a segment begins
    """

    name: str
    numbers: tuple[tuple[str, str], ...]
    segment: str
    expression: str = LEVEL
    restarts: bool = True
    beat: str = ""
    acts: str = CURRENT

    @property
    def constant(self) -> bool:
        """Whether its current is constant in each segment."""
        return self.expression == LEVEL

    @property
    def rises(self) -> bool:
        """Whether a segment has the number `rise`."""
        return _has("rise", self.expression)

    @property
    def own(self) -> bool:
        """Whether its current is made from the model's own formula of it."""
        return _has(FORMULA, self.expression)


@dataclass(frozen=True)
class StimulusText:
    """A kind of stimulus as a kernel sees it: parts that are added up, on a holding level.

    fields   : the numbers of the stimulus that a kernel takes, those of all parts and `holding`
    quiet    : a value for each of them, with which nothing but the holding level flows
    clamps   : whether what it sets is the membrane potential, not the injected current
    absolute : whether its levels count from zero, not from the holding level
    """

    kind: str
    fields: tuple[str, ...]
    quiet: tuple[float, ...]
    parts: tuple[PartText, ...]
    clamps: bool = False
    absolute: bool = False

    @property
    def varying(self) -> tuple[int, ...]:
        """The parts whose current is not constant in each segment."""
        return tuple(i for i, part in enumerate(self.parts) if not part.constant)

    @property
    def holds(self) -> bool:
        """Whether it holds the potential where it is in each segment."""
        return self.clamps and not self.varying

    @property
    def own(self) -> bool:
        """Whether the current is made from the model's own formula of it."""
        return any(part.own for part in self.parts)

    @property
    def leading(self) -> int:
        """The part whose segments observers enter: that with beats, else the first."""
        return next((i for i, part in enumerate(self.parts) if part.beat), 0)


@dataclass(frozen=True)
class ObserverText:
    """An observer as a kernel sees it: see hhcore.simulation.observers.observer.

    rows      : names of its rows of the kernel's array
    arguments : names and types of its arguments of the kernel
    text      : its functions, with the hooks `NAME_alert`, `NAME_start` and so on
    variables : what it observes of the model besides the potential, by name as hhcore.model.variables explains them
    each      : names of its rows that there are some of for each variable, and how many
    """

    name: str
    rows: tuple[str, ...]
    arguments: tuple[tuple[str, str], ...]
    text: str
    variables: tuple[str, ...] = ()
    each: tuple[tuple[str, int], ...] = ()


def _has(word: str, expression: str) -> bool:
    return re.search(rf"\b{word}\b", expression) is not None
