"""The stimulus that a model file brings along: a formula of time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.compile.parts import FORMULA, LEVEL
from hhcore.model.model import Model
from hhcore.simulation.stimuli.stimulus import Field, Stimulus, Values


@dataclass(frozen=True)
class FromFile(Stimulus):
    """The injected current follows the model's own formula of time, as in `i_stim = if(t % 1000 < 2, -80, 0)`.

    factor : a number, or a list with one for each neuron, by which the formula is multiplied

    Its amplitude, period and so on are parameters of the model. Steps of the integration end where it jumps.
    """

    factor: Quantities = 1.0

    kind = "file"
    title = "the stimulus in the model file"
    example = "{kind: file}"
    axis = "factor"
    fields = {"factor": Field("1", "Stimulus in the model file, multiplied by", 1.0)}
    quiet = {"factor": 0.0}
    segment = '''
def segment(k, factor):
    """(end, level): one segment; the equations of the model say when the formula jumps."""
    return inf, factor
'''
    expression = f"{LEVEL} * {FORMULA}"
    clamps = False

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """A factor is a finite number."""
        wrong = values["factor"][~np.isfinite(values["factor"])]
        if wrong.size:
            raise UserError(f"{where}.factor: {wrong[0]} is not a finite number; give one, like 1")

    @classmethod
    def check_model(cls, model: Model, where: str) -> None:
        """The injected current has a formula of time alone."""
        if model.current.name not in model.paced_by:
            raise UserError(f"{where}: {model.without_formula}")

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """None: its jumps are those of the equations."""
        return np.zeros(len(values["factor"]), dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The factor."""
        return [], lambda t: values["factor"]
