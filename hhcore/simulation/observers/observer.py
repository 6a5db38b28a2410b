"""The contract of an observer: kernel text that notes events while a neuron runs. A protocol asks for it.

A kernel contains only the observers asked for. Rules:

1. An observer is an object; its settings are its fields. What its class declares does not depend on them, but for the
   width of a list, so one kernel serves all settings. Only `variables`, what it names of the model besides the
   potential, makes a kernel of its own.
2. `name` is one word. `rows` names its rows of the kernel's array Z, one number for each lane; no other observer and no
   part of the driver uses these names. `arguments` are its own arguments of the kernel by name, with their types
   ("f8", "i8[:]", "f8[:, :]", ...); none has the name of a hook.
3. `text` is in the kernels' language. It defines those of the hooks below that it needs, with the arguments ARGS in the
   order of `arguments`. Names of its other functions and constants begin with `name`, or are unique.

       NAME_alert(Z, ARGS, accepted, turned, high, low, v1, d0, d1, j)
                                   after each step, in the loop over lanes, without branches: returns whether lane j has
                                   an event. v1: potential at the end of the step; d0, d1: dV/dt at its ends; turned:
                                   whether dV/dt changes its sign, by more than errors; then the potential stays below
                                   `high` and above `low`. A rejected step (not accepted) must leave no mark
       NAME_start(Z, ARGS, i, j)   lane j begins neuron i, whose states lie in the rows STATE, or idles (i is NONE):
                                   then it must not raise an alert
       NAME_enter(Z, ARGS, i, k, begins, j)
                                   lane j goes on to the next edge, from TIME on, within segment k of its stimulus;
                                   begins: whether the segment begins here, not just what follows a stop
       NAME_step(Z, ARGS, i, j)    a step of lane j had an event, not necessarily of this observer, or came to an edge
                                   (TIME is EDGE): `curve` is its potential from the rows EARLIER, EARLIER_SLOPE to
                                   STATE, LATER_SLOPE, TAKEN its length; TURN is where in it the potential turns, from
                                   0 to 1 or NaN, and EXTREMUM the potential there
       NAME_over(Z, ARGS, j)       after an event of lane j: returns whether its neuron is done before the last stop
       NAME_end(Z, ARGS, i, j)     neuron i is done or has failed
       NAME_survey(Z, ARGS)        after each step of all lanes, if the observer has `variables`. KEEP is 1 where the
                                   step counts; TIME is after it. `states_inside(Z, s)`, or `states_inside_of(Z, s, j)`
                                   for one lane, make rows INSIDE, the states at s of the step; from these
                                   `NAME_variables(Z, t, j)`, which is generated, makes rows NAME_VARIABLE
       NAME_room(ARGS, lanes)      whether one event in every lane still has room; else the kernel returns, `drain` is
                                   called, and the kernel goes on

4. An observer changes no step and no state, and its results do not depend on the other observers, but for those that
   end a run.
5. `stops` are times at which all neurons end a step.
6. `variables` are names that hhcore.model.variables explains; NAME_COUNT is how many. `each` names rows that there are
   some of for each variable, and how many.
7. `recorder(neurons)` makes the arrays for one integration: `arguments()` are the values of the arguments, `drain()`
   makes room, `record()` returns the results of each neuron, by the names that `fields` declares.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hhcore.compile.parts import ObserverText
from hhcore.simulation.result import Record
from hhcore.simulation.stimuli.stimulus import Stimulus


@dataclass(frozen=True)
class RecordField:
    """A named result of each neuron.

    dtype : of NumPy
    width : None for one number; 1 for a list of numbers, k for a list of rows of k numbers, both as Ragged
    """

    name: str
    dtype: str = "float64"
    width: int | None = None


@dataclass(frozen=True)
class Neurons:
    """The neurons of one integration.

    n        : how many
    kind     : of their stimulus
    values   : float64 (n,) of each of its fields
    duration : of the run
    lanes    : of the kernel
    states   : of the model
    """

    n: int
    kind: type[Stimulus]
    values: dict[str, np.ndarray]
    duration: float
    lanes: int
    states: int


class Recorder:
    """The arrays of an observer for one integration."""

    def arguments(self) -> tuple:
        """The values of the observer's arguments, in order; always the same arrays."""
        raise NotImplementedError

    def drain(self) -> None:
        """Make room: called whenever the kernel has returned."""

    def record(self) -> Record:
        """The results of each neuron, by the names of `fields`."""
        raise NotImplementedError


class Observer:
    """An observer; the rules are at the head of this file."""

    name: ClassVar[str]
    rows: ClassVar[tuple[str, ...]]
    arguments: ClassVar[dict[str, str]]
    text: ClassVar[str]
    fields: ClassVar[tuple[RecordField, ...]]
    each: ClassVar[dict[str, int]] = {}

    @property
    def variables(self) -> tuple[str, ...]:
        """What it observes of the model besides the potential."""
        return ()

    def recorder(self, neurons: Neurons) -> Recorder:
        """Make the arrays for one integration."""
        raise NotImplementedError

    @property
    def stops(self) -> tuple[float, ...]:
        """Times at which all neurons end a step."""
        return ()

    def kernel_text(self) -> ObserverText:
        """The observer as a kernel knows it."""
        parts = self.name, self.rows, tuple(self.arguments.items()), self.text
        return ObserverText(*parts, self.variables, tuple(self.each.items()))


def source(module: str) -> str:
    """Read the text of an observer, `name.py.in`, beside its module. `module` is the module's __file__."""
    with open(f"{module}.in", encoding="utf-8") as file:
        return file.read()
