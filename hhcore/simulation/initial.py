"""Where neurons start, as a caller says it: a word, or values for states, with a word for the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hhcore.base.checks import quoted
from hhcore.base.errors import UserError, closest
from hhcore.base.units import Quantities, to_array
from hhcore.compile.parts import COMMAND
from hhcore.model.elsewhere import no_state
from hhcore.model.model import NOTHING, Model
from hhcore.simulation.stimuli.stimulus import Stimulus

InitialState = str | Mapping[str, Quantities] | np.ndarray

WORDS = ("rest", "model")
OTHERS = "from"  # in a mapping of states: the word for those that it leaves out


@dataclass(frozen=True)
class Start:
    """Where neurons start.

    word   : "rest" (the stable equilibrium without stimulus of each neuron) or "model" (the state in its file)
    stated : of the states that start elsewhere, the values by name, float64 () or (n,)
    """

    word: str
    stated: dict[str, np.ndarray]


def initial_value(state: str) -> str:
    """What the initial value of a state is called in points and columns.

    >>> initial_value("membrane.V")
    'initial.membrane.V'
    """
    return f"initial.{state}"


def initially(description: str) -> str:
    """What an initial value is, from the description of its state. Symbols keep their capital.

    >>> initially("Membrane potential, equation 1")
    'Initial membrane potential, equation 1'
    """
    first = description.partition(" ")[0].rstrip(",;:")
    is_symbol = len(first) < 4 or not first[1:].islower()
    return f"Initial {description if is_symbol else description[0].lower() + description[1:]}"


def read_start(model: Model, initial_state: InitialState, stimulus: object = None) -> Start:
    """Where neurons start; `stimulus` : theirs, if a potential is to be refused under the command of a clamp.

    initial_state : "rest" or "model"; or values of states by name, each a quantity or a list of n of them, for every
                    state, or for some beside `from`, the word for the others; or float64 (states,) or (n, states)

    Raises UserError for an unknown word or state, a mapping that leaves out a state, an array of another shape.
    """
    if isinstance(initial_state, Mapping):
        if isinstance(stimulus, Stimulus) and stimulus.acts == COMMAND:
            check_commanded(initial_state, model, "initial_state: ")
        return _named(model, initial_state)
    if not isinstance(initial_state, str):
        return Start("model", dict(zip(model.states, _table(model, initial_state).T, strict=True)))
    return Start(_word(initial_state, "initial_state"), {})


def check_commanded(states: Mapping[str, object], model: Model, where: str) -> None:
    """Raise UserError for an initial potential under a voltage clamp. `states` : those that are written"""
    if model.potential in states:
        raise UserError(
            f"{where}{model.potential}: the command of the clamp is the potential from time 0 on; leave it out, and "
            "say where states start that are not written, like `from: rest`"
        )


def check_rest(model: Model, where: str) -> None:
    """Raise UserError, which begins with `where`, if a stimulus in the file flows, so that the model has no rest."""
    flowing = model.paces_itself_by
    if not flowing:
        return
    alone = len(flowing) == 1 and model.current.name == NOTHING
    raise UserError(
        f"{where}: rest is without stimulus, but in {model.name!r} {' and '.join(flowing)} "
        f"{'follows' if len(flowing) == 1 else 'follow'} a formula of time; use initial_state: model"
        + (", or `current: file`, which makes it the stimulus" if alone else "")
    )


def left_out(model: Model, written: Mapping[str, object]) -> str:
    """Why values of states without a word for the others are too few; "" if there is one for every state."""
    missing = ", ".join(name for name in model.states if name not in written)
    advice = "give a value for every state, or say where the others start, like `from: rest`"
    return f"{quoted(dict(written))} leaves out {missing}; {advice}" if missing else ""


def _word(word: object, where: str) -> str:
    if not isinstance(word, str) or word not in WORDS:
        raise UserError(f"{where}: {quoted(word)} is unknown; " + closest(str(word), WORDS))
    return word


def _named(model: Model, initial_state: Mapping[str, Quantities]) -> Start:
    written = {name: values for name, values in initial_state.items() if name != OTHERS}
    for name in written:
        if name not in model.states:
            raise UserError(f"initial_state: {no_state(str(name), model)}")
    word = _word(initial_state[OTHERS], f"initial_state: {OTHERS}") if OTHERS in initial_state else "model"
    if OTHERS not in initial_state and (reason := left_out(model, written)):
        raise UserError(f"initial_state: {reason}")
    stated = {n: to_array(written[n], q.unit, f"initial_state: {n}") for n, q in model.states.items() if n in written}
    lengths = {column.size for column in stated.values() if column.ndim}
    if len(lengths) > 1:
        raise UserError(f"initial_state: lists of states must have one length, not {sorted(lengths)}")
    return Start(word if len(stated) < len(model.states) else "model", stated)


def _table(model: Model, states: object) -> np.ndarray:
    try:
        table = np.asarray(states, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"initial_state: {states!r} is not an array of numbers") from error
    count = len(model.states)
    if table.ndim not in (1, 2) or table.shape[-1] != count:
        got = f"shape {table.shape}" if table.ndim else quoted(states)
        raise UserError(
            f"initial_state: got {got}; give 'rest', 'model', ({count},) or (neurons, {count}), "
            f"a column for each state of {model.name!r}: {', '.join(model.states)}"
        )
    return table
