"""Sampled designs: quantities that follow distributions instead of axes.

A design is a set of points in the unit cube, with one dimension for each sampled quantity, in the order of their names.
The quantile function of its distribution maps each dimension to the quantity. The arithmetic is basic operations and
integers alone, so equal configs give equal points, to the last bit, on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from hhcore.base.checks import Key, choice, fields, items, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import pretty_unit, to_difference, to_unit
from hhcore.grid import normal
from hhcore.grid.axes import DISTRIBUTIONS, decimal, in_scale

EXAMPLE = "sample: {kind: sobol, n: 1024, seed: 1}"
SEQUENCES = ("sobol", "saltelli")  # from Sobol's sequence
KINDS = (*SEQUENCES, "latin_hypercube", *DISTRIBUTIONS)
KEYS = {
    "kind": Key("how the points are drawn", "kind: sobol", required=True, legal=KINDS),
    "n": Key("how many points; with `sobol` and `saltelli` a power of 2", "n: 1024", required=True),
    "seed": Key("any whole number from 0 on; the same seed draws the same points", "seed: 1", required=True),
}
ELSEWHERE = dict.fromkeys(("lhs", "latin", "lh", "lhc"), "latin_hypercube") | dict.fromkeys(("random", "mc"), "uniform")
MAX_ROWS = 10**6
MAX_SAMPLED = 100
MAX_NUMBERS = 2 * 10**7  # of a design, which is in memory at once: 160 MB


@dataclass(frozen=True)
class Distribution:
    """The distribution of one quantity.

    form          : "uniform", "normal" or "lognormal"
    first, second : low and high, mean and standard deviation [unit], or median [unit] and factor [1]
    """

    name: str
    unit: str
    form: str
    first: float
    second: float
    where: str

    @property
    def words(self) -> str:
        """`normal with mean 36 and standard deviation 3 mS/cm²`"""
        unit = pretty_unit(self.unit)
        words = {
            "uniform": f"uniform from {self.first:g} to {self.second:g} {unit}",
            "normal": f"normal with mean {self.first:g} and standard deviation {abs(self.second):g} {unit}",
            "lognormal": f"lognormal with median {self.first:g} {unit} and factor {self.second:g}",
        }
        return words[self.form]

    def values(self, probability: np.ndarray) -> np.ndarray:
        """The quantiles of probabilities in [0, 1), float64 (n,) [unit]. Raises UserError for one that is too large."""
        with np.errstate(over="ignore", invalid="ignore"):
            values = self._quantiles(probability)
        if not np.isfinite(values).all():
            raise UserError(f"{self.where}: a value is too large for a double; give smaller numbers")
        return values + 0.0  # makes -0.0 into 0.0, the same point

    def _quantiles(self, probability: np.ndarray) -> np.ndarray:
        if self.form == "uniform":
            return self.first + (self.second - self.first) * probability
        z = normal.quantile(np.maximum(probability, 2.0**-54))  # a probability of 0 has no finite quantile
        if self.form == "normal":
            return self.first + self.second * z
        return self.first * normal.exp(z * normal.log(np.array([self.second])))


@dataclass(frozen=True, eq=False)
class Sample:
    """A sampled design of m points.

    kind, n, seed : as in the config; m is n, but n (d + 2) for `saltelli`
    distributions : of the d sampled quantities, in the order of the config
    points        : float64 (m, d), a column for each quantity, read-only
    """

    kind: str
    n: int
    seed: int
    distributions: tuple[Distribution, ...]
    points: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """The sampled quantities, in the order of the columns."""
        return tuple(d.name for d in self.distributions)


@dataclass(frozen=True)
class SampleSpec:
    """A design as written: checked, its points not yet in memory."""

    kind: str
    n: int
    seed: int
    distributions: tuple[Distribution, ...]

    @property
    def length(self) -> int:
        """Number of points."""
        return self.n * (len(self.distributions) + 2) if self.kind == "saltelli" else self.n

    def expand(self) -> Sample:
        """The design with its points."""
        by_name = sorted(range(len(self.distributions)), key=lambda i: self.distributions[i].name)
        cube = unit_points(self.kind, self.n, len(by_name), self.seed)
        points = np.empty_like(cube)
        for dimension, i in enumerate(by_name):
            points[:, i] = self.distributions[i].values(cube[:, dimension])
        points.flags.writeable = False
        return Sample(self.kind, self.n, self.seed, self.distributions, points)


def unit_points(kind: str, n: int, d: int, seed: int) -> np.ndarray:
    """A design in the unit cube: float64 (n, d), for `saltelli` (n (d + 2), d).

    sobol           : the first n points of Sobol's sequence, scrambled
    saltelli        : Saltelli et al. (2010), doi:10.1016/j.cpc.2009.09.018; for each point (a, b) of a scrambled
                      sequence in 2 d dimensions: a; a with one coordinate from b, for each coordinate; b
    latin_hypercube : each dimension is cut into n equal parts, with one point in each
    uniform, normal, lognormal : independent points

    A larger design begins with the points of a smaller one, except for a Latin hypercube.
    """
    from scipy.stats import qmc  # here, since it takes most of a second and most configs have no sample

    if kind == "sobol":
        return qmc.Sobol(d, rng=seed).random(n)
    if kind == "saltelli":
        a, b = np.split(qmc.Sobol(2 * d, rng=seed).random(n), 2, axis=1)
        blocks = np.repeat(a[:, None], d + 2, axis=1)
        for i in range(d):
            blocks[:, i + 1, i] = b[:, i]
        blocks[:, -1] = b
        return blocks.reshape(-1, d)
    if kind == "latin_hypercube":
        return qmc.LatinHypercube(d, rng=seed).random(n)
    return np.random.default_rng(seed).random((n, d))


def is_distribution(spec: object) -> bool:
    """Whether a value in a config is a distribution, not an axis or a number."""
    if isinstance(spec, dict) and [*spec] == ["scale"]:
        spec = spec["scale"]
    return isinstance(spec, dict) and len(spec) == 1 and next(iter(spec)) in DISTRIBUTIONS


def read_distribution(spec: dict, name: str, unit: str, own: float, where: str) -> Distribution:
    """The distribution that a config writes as `{normal: [36, 3]}`, `{scale: {uniform: [0.8, 1.2]}}`, ...

    uniform: [low, high]
    normal: [mean, standard deviation]
    lognormal: [median, factor]    its logarithm is normal; two thirds lie between median / factor and median factor
    scale: {...}                   one of these, in multiples of the model's own value

    own : the model's own value of the quantity [unit], NaN if it has none
    Raises UserError for numbers that do not make a distribution.
    """
    inner, written_unit, own_factor, where = in_scale(spec, name, unit, own, where)
    ((form, body),) = inner.items()
    where = f"{where}.{form}"
    one, two = items(body, where, DISTRIBUTIONS[form], 2)
    first = to_unit(one, written_unit, f"{where}[0]")
    second = {"uniform": to_unit, "normal": to_difference, "lognormal": to_unit}[form](
        two, "1" if form == "lognormal" else written_unit, f"{where}[1]"
    )
    wrong = {
        "uniform": (first >= second, "low is not below high"),
        "normal": (second <= 0, "the standard deviation is not above 0"),
        "lognormal": (first <= 0 or second <= 1, "the median is not above 0, or the factor not above 1"),
    }
    if wrong[form][0]:
        raise UserError(f"{where}: {quoted(body)}: {wrong[form][1]}; write {DISTRIBUTIONS[form]}")

    def scaled(number: float) -> float:
        return float(own_factor * decimal(number))

    return Distribution(name, unit, form, scaled(first), second if form == "lognormal" else scaled(second), where)


def read_sample(body: dict, distributions: Mapping[str, Distribution], where: str) -> SampleSpec | None:
    """The design that an experiment writes as `sample: {kind: sobol, n: 1024, seed: 1}`; None if nothing is sampled.

    Raises UserError for a mistake in it, or if it does not fit the `distributions`.
    """
    if "sample" not in body and not distributions:
        return None
    if "sample" not in body:
        first = next(iter(distributions.values()))
        reason = "has a distribution, but the experiment has no sample"
        raise UserError(f"{first.where}: {first.name!r} {reason}; add it, like `{EXAMPLE}`")
    where = f"{where}.sample"
    kind, n, seed = check_sample(body["sample"], where)
    if not distributions:
        raise UserError(
            f"{where}: nothing is sampled; give a quantity a distribution, like `sodium.g: {{uniform: [100, 140]}}`"
        )
    spec = SampleSpec(kind, n, seed, tuple(distributions.values()))
    _check(spec, where)
    return spec


def check_sample(body: object, where: str) -> tuple[str, int, int]:
    """Kind, number of points and seed. Raises UserError for what is wrong in them, whatever is sampled."""
    settings = fields(body, where, KEYS)
    with collected() as noted:
        with noted():
            kind = choice(settings["kind"], KINDS, f"{where}.kind", ELSEWHERE)
        with noted():
            n = _whole(settings["n"], 1, MAX_ROWS, f"{where}.n", "number of points")
        with noted():
            seed = _whole(settings["seed"], 0, 2**63, f"{where}.seed", "seed")
    return kind, n, seed


def _check(spec: SampleSpec, where: str) -> None:
    n, d = spec.n, len(spec.distributions)
    if spec.kind in SEQUENCES and n & (n - 1):
        near = f"{2 ** (n.bit_length() - 1)} or {2 ** n.bit_length()}"
        raise UserError(f"{where}.n: {n} is not a power of 2, so a Sobol sequence would not be balanced; take {near}")
    if d > MAX_SAMPLED:
        raise UserError(f"{where}: {d} quantities are sampled, at most {MAX_SAMPLED} are legal")
    if spec.length > MAX_ROWS or spec.length * d > MAX_NUMBERS:
        raise UserError(
            f"{where}.n: {n} makes a design of {spec.length} points in {d} dimensions; at most {MAX_ROWS} points and "
            f"{MAX_NUMBERS} numbers are legal, give a smaller n"
        )
    for other in spec.distributions:
        if spec.kind in DISTRIBUTIONS and other.form != spec.kind:
            raise UserError(
                f"{other.where}: {other.name!r} is {other.form}, but `kind: {spec.kind}` is for quantities that are "
                f"all {spec.kind}; use kind: sobol or latin_hypercube for a mixture"
            )


def _whole(value: object, least: int, most: int, where: str, what: str) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or not least <= value <= most:
        raise UserError(f"{where}: {quoted(value)} is not a legal {what}; give a whole number from {least} to {most}")
    return int(value)
