"""Treatments: what changes the parameters of a neuron in amounts that an experiment may sweep, a drug or a block.

1. A treatment adds one quantity to every point: its `amount`, such as a concentration. Without treatment it is 0.
2. `changed` says which parameters have which values, at the amounts of points, from those that they had before: in the
   model, the config and the treatments before it. So two treatments of one parameter multiply.
3. Equal amounts and parameters give equal bits on every machine: operations of arrays alone, no branch on a value. So
   the report does the same in a browser (hhcore.report.tracing).
4. `settings` is all that the result depends on besides code and amounts.

What acts by more than a factor of a conductance, such as a drug that binds to single states of a channel, is a model
file with these states, and a treatment that sets its parameters: concentration and rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hhcore.base.units import pretty_unit
from hhcore.grid import normal
from hhcore.model.model import Quantity

PERCENT = "%"
LARGEST = 700.0  # exponent of e in a double
HIGHEST = 1e300  # concentration in multiples of an IC50: nothing is left long before
Values = dict[str, float | np.ndarray]


@dataclass(frozen=True)
class Treatment:
    """What every treatment has; see the head of this file. `amount` : the quantity of a point, 0 without treatment"""

    amount: Quantity

    @property
    def settings(self) -> tuple:
        """What a result depends on (rule 4)."""
        return ()

    def changed(self, parameters: Values, amount: float | np.ndarray) -> Values:
        """The parameters that it changes, a value or float64 (k,) each, at the amounts of points (rule 2)."""
        raise NotImplementedError

    @property
    def words(self) -> str:
        """What it acts on and how, for the page of an experiment."""
        raise NotImplementedError


@dataclass(frozen=True)
class Target:
    """A parameter that a drug lowers: times 1 / (1 + (c / half)^hill) at the concentration c.

    half   : the concentration that halves it, in the unit of the drug's; `meaning` : what it is called, IC50 or Kd
    source : where the numbers are from, "" if that is not said
    """

    parameter: str
    half: float
    hill: float
    meaning: str = "IC50"
    source: str = ""

    def left(self, concentration: float | np.ndarray) -> np.ndarray:
        """The share that is left at concentrations from 0 on, float64 () or (k,)."""
        with np.errstate(over="ignore"):
            ratio = np.minimum(concentration / self.half, HIGHEST)
        return 1.0 / (1.0 + (ratio if self.hill == 1.0 else _power(ratio, self.hill)))


@dataclass(frozen=True)
class Drug(Treatment):
    """A drug that binds to channels, whatever their state, and is in equilibrium with them."""

    targets: tuple[Target, ...]
    source: str = ""

    @property
    def settings(self) -> tuple:
        """Parameters, concentrations and coefficients."""
        return tuple((target.parameter, target.half, target.hill) for target in self.targets)

    def changed(self, parameters: Values, amount: float | np.ndarray) -> Values:
        """Each target, as much as the drug leaves of it."""
        return {t.parameter: _times(parameters[t.parameter], t.left(amount)) for t in self.targets}

    @property
    def words(self) -> str:
        """`ikr.g: IC50 5 nM, Hill coefficient 1. Crumb et al. 2016`"""
        unit = pretty_unit(self.amount.unit)
        parts = [
            f"{t.parameter}: {t.meaning} {t.half:g} {unit}, Hill coefficient {t.hill:g}"
            + (f" ({t.source})" if t.source else "")
            for t in self.targets
        ]
        return "; ".join(parts) + (f". {self.source}" if self.source else "")


@dataclass(frozen=True)
class Block(Treatment):
    """A parameter lowered by so many percent."""

    parameter: str

    @property
    def settings(self) -> tuple:
        """The parameter."""
        return (self.parameter,)

    def changed(self, parameters: Values, amount: float | np.ndarray) -> Values:
        """The parameter, without so many percent of it."""
        left = (100.0 - amount) / 100.0
        return {self.parameter: _times(parameters[self.parameter], left)}

    @property
    def words(self) -> str:
        """`so much less of ikr.g`"""
        return f"so much less of {self.parameter}"


def treated(treatments: tuple[Treatment, ...], parameters: Values, points: Mapping[str, float | np.ndarray]) -> Values:
    """Parameters after all treatments at points, which have the amount of each by its name."""
    for treatment in treatments:
        parameters = parameters | treatment.changed(parameters, points[treatment.amount.name])
    return parameters


def _times(value: float | np.ndarray, factor: np.ndarray) -> float | np.ndarray:
    """The product; a float of a float."""
    product = value * factor
    return product if np.ndim(product) else float(product)


def _power(x: np.ndarray, exponent: float) -> np.ndarray:
    """x from 0 on to a power above 0."""
    safe = np.where(x > 0, x, 1.0)
    return np.where(x > 0, normal.exp(np.clip(exponent * normal.log(safe), -LARGEST, LARGEST)), 0.0)
