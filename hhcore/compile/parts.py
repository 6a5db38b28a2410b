"""What makes a kernel besides a model and a scheme: a stimulus and observers, as text in the kernels' language."""

from dataclasses import dataclass

LEVEL = "level"  # the expression of a current that is constant in each segment


@dataclass(frozen=True)
class StimulusText:
    """A kind of stimulus as a kernel knows it: see hhcore.simulation.stimuli.stimulus for what each part means.

    quiet : a value for each of the fields, with which nothing is injected
    beat  : "" of a kind without beats
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


@dataclass(frozen=True)
class ObserverText:
    """An observer as a kernel knows it: see hhcore.simulation.observers.observer.

    rows      : names of its rows of the kernel's array
    arguments : names of its arguments of the kernel, and their types
    text      : functions, the hooks `NAME_alert`, `NAME_start` and so on among them
    """

    name: str
    rows: tuple[str, ...]
    arguments: tuple[tuple[str, str], ...]
    text: str
