"""The parts of a kernel besides model and scheme: a stimulus and observers, as text in the kernels' language."""

import re
from dataclasses import dataclass

LEVEL = "level"  # the expression of a current that is constant in each segment
FORMULA = "formula"  # in an expression: what the model itself has for the injected current


@dataclass(frozen=True)
class StimulusText:
    """A kind of stimulus as a kernel sees it; hhcore.simulation.stimuli.stimulus explains the fields.

    quiet : a value for each field, with which nothing is injected
    beat  : "" for a kind without beats
    """

    kind: str
    fields: tuple[str, ...]
    quiet: tuple[float, ...]
    segment: str
    expression: str = LEVEL
    beat: str = ""

    @property
    def constant(self) -> bool:
        """Whether the current is constant in each segment."""
        return self.expression == LEVEL

    @property
    def own(self) -> bool:
        """Whether the current is made from the model's own formula of it."""
        return re.search(rf"\b{FORMULA}\b", self.expression) is not None


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
