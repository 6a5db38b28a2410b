"""Drugs and blocks of an experiment in a config, checked."""

import re
from collections.abc import Mapping

from hhcore.base.checks import Key, fields, mapping, quoted, text
from hhcore.base.errors import UserError, collected
from hhcore.base.units import UNKNOWN, to_unit, units_of
from hhcore.config.part import made_or, part
from hhcore.config.values import Values, read_values
from hhcore.config.words import Words
from hhcore.experiments.treatments import PERCENT, Block, Drug, Target, Treatment
from hhcore.model.model import Model, Quantity
from hhcore.model.roles import converts
from hhcore.model.targets import target

NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,59}")  # of a drug, which begins the name of a column
CONCENTRATIONS = ("M", "g/l")
HALF = ("IC50", "Kd")
NO_DRUGS = ({}, ())
NEGATIVE_BLOCK = "what opens a channel is `parameters: {NAME: {scale: 1.3}}`"

DRUG = {
    "concentration": Key(
        "a number with its unit, an axis or a distribution; 0 is the control",
        "concentration: {values: [0, 1 nM, 10 nM]}",
        required=True,
        elsewhere=dict.fromkeys(
            ("dose", "doses", "conc", "c", "concentrations", "level", "Cmax", "free_concentration"),
            "`concentration: {values: [0, 1 nM, 10 nM]}`",
        ),
    ),
    "targets": Key(
        "what it blocks: parameters, or currents like IKr, each with IC50 and Hill coefficient",
        "targets: {IKr: {IC50: 5 nM, hill: 1}}",
        required=True,
        elsewhere=dict.fromkeys(
            ("target", "channels", "channel", "currents", "blocks", "IC50", "IC50s", "Kd", "Ki", "pIC50"),
            "`targets: {IKr: {IC50: 5 nM, hill: 1}}`",
        ),
    ),
    "source": Key("where the numbers are from", "source: Crumb et al. 2016", otherwise="not said"),
}
TARGET = {
    "IC50": Key(
        "the concentration that halves it, with its unit",
        "IC50: 5 nM",
        otherwise="`Kd`",
        elsewhere=dict.fromkeys(("EC50", "half", "K", "k_half", "IC_50"), "`IC50: 5 nM`")
        | {"pIC50": "the concentration itself, 10^-pIC50 M: `IC50: 5 nM` for a pIC50 of 8.3"},
    ),
    "Kd": Key(
        "the same where the source has a dissociation constant",
        "Kd: 3 nM",
        otherwise="`IC50`",
        elsewhere=dict.fromkeys(("Ki", "K_d", "KD50", "dissociation_constant"), "`Kd: 3 nM`"),
    ),
    "hill": Key(
        "Hill coefficient",
        "hill: 1",
        otherwise="1",
        unit="1",
        elsewhere=dict.fromkeys(("h", "n", "nH", "n_H", "hill_coefficient", "hillcoeff", "slope"), "`hill: 1`"),
    ),
    "source": Key("where these numbers are from", "source: Crumb et al. 2016", otherwise="that of the drug"),
}


class Treatments(Words):
    """The treatments of an experiment while it is read, and their amounts."""

    @part
    def drugs_written(self) -> dict[str, object]:
        """What is written for each drug."""
        return mapping(self.body.get("drugs", {}), f"{self.where}.drugs")

    @part
    def drugs_read(self) -> tuple[dict[str, tuple[dict, str]], tuple[str, ...]]:
        """The keys and the unit of each drug that has what it needs, and the mistakes of the others.

        So a wrong drug does not hide what is wrong with the values of another. The unit of concentrations is the first
        that is written.
        """
        found: dict[str, tuple[dict, str]] = {}
        try:
            with collected() as noted:
                for name, written in self.drugs_written.items():
                    with noted():
                        where = f"{self.where}.drugs.{name}"
                        body = _drug_body(name, written, where)
                        body = {**body, "targets": self._own_names(body["targets"], f"{where}.targets")}
                        found[name] = body, _concentration_unit(body, where)
        except UserError as error:
            return found, error.mistakes
        return found, ()

    @part
    def block_body(self) -> dict:
        """What is written for blocks, by what they act on; a term like `oxmeta:...` is the name of its variable."""
        where = f"{self.where}.block"
        return self._own_names(mapping(self.body.get("block", {}), where), where)

    @part
    def drugs(self) -> tuple[Drug, ...]:
        """The drugs, with their targets in the model."""
        (read, mistakes), found = self.drugs_read, []
        with collected() as noted:
            with noted():
                if mistakes:
                    raise UserError(*mistakes)
            for name, (body, unit) in read.items():
                with noted():
                    where = f"{self.where}.drugs.{name}"
                    if name in self.stimulus.fields:
                        raise UserError(
                            f"{where}: {name!r} is a field of the stimulus as well; give the drug another name"
                        )
                    found.append(_drug(name, body, unit, self.model, where))
        return tuple(found)

    @part
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, with what they act on in the model."""
        found, names, where = [], {}, f"{self.where}.block"
        with collected() as noted:
            for name in self.block_body:
                with noted():
                    blocked = target(name, self.model, where).name
                    _check_once(name, blocked, names, where)
                    amount = Quantity(f"block.{name}", PERCENT, 0.0, f"Block of {name}")
                    found.append(Block(amount, blocked))
        return tuple(found)

    @part
    def treatments(self) -> tuple[Treatment, ...]:
        """Drugs, then blocks, as written."""
        return (*self.drugs, *self.blocks)

    @property
    def amount_units(self) -> dict[str, str]:
        """Unit of the amount of each treatment, as far as it is known."""
        names, (read, _), blocks = (
            made_or(self, "drugs_written", {}),
            made_or(self, "drugs_read", NO_DRUGS),
            self._blocks,
        )
        drugs = {name: read[name][1] if name in read else UNKNOWN for name in names}
        return {**drugs, **{f"block.{name}": PERCENT for name in blocks}}

    @property
    def amounts_written(self) -> dict[str, object]:
        """What is written for the amounts that can be read, by their names in points."""
        read, _ = made_or(self, "drugs_read", NO_DRUGS)
        drugs = {name: body["concentration"] for name, (body, _) in read.items()}
        return drugs | {f"block.{name}": written for name, written in self._blocks.items()}

    @property
    def _blocks(self) -> dict:
        return made_or(self, "block_body", {})

    @part
    def amount_values(self) -> Values:
        """The amounts as written."""
        own = {name: (unit, 0.0) for name, unit in self.amount_units.items()}
        return read_values(self.amounts_written, own, self.where, self.amount_places)

    @property
    def amount_places(self) -> dict[str, str]:
        """Where the amounts stand in an experiment."""
        drugs, _ = made_or(self, "drugs_read", NO_DRUGS)
        return {name: f"drugs.{name}.concentration" if name in drugs else name for name in self.amounts_written}


def check_amounts(
    units: Mapping[str, str], lowest: Mapping[str, float], highest: Mapping[str, float], places: Mapping[str, str]
) -> None:
    """Raise UserError for concentrations below 0 and blocks outside of 0 to 100 %.

    lowest, highest : of each amount that is known; places : where each stands
    """
    with collected() as noted:
        for name, unit in ((name, unit) for name, unit in units.items() if name in lowest):
            with noted():
                low, high = lowest[name], highest[name]
                if unit != PERCENT and low < 0:
                    raise UserError(f"{places[name]}: {low:g} {unit} is below 0; give concentrations from 0 on")
                if unit == PERCENT and (low < 0 or high > 100):
                    wrong = low if low < 0 else high
                    raise UserError(f"{places[name]}: {wrong:g} % is not a block; give 0 to 100 %; {NEGATIVE_BLOCK}")


def percent_remarks(lowest: Mapping[str, float], highest: Mapping[str, float]) -> tuple[str, ...]:
    """Blocks that are legal and seldom meant: bare shares instead of percent."""
    return tuple(
        f"{name} goes up to {high:g} %; a bare number is in percent, so half a block is 50, not 0.5"
        for name, high in highest.items()
        if name.startswith("block.") and 0 < high <= 1 and lowest[name] >= 0
    )


def _drug_body(name: str, written: object, where: str) -> dict:
    if not NAME.fullmatch(name):
        raise UserError(
            f"{where}: {quoted(name)} begins the name of a column; use up to 60 letters, digits and _, a letter first"
        )
    body = fields(written, where, DRUG)
    targets = mapping(body["targets"], f"{where}.targets")
    if not targets:
        raise UserError(
            f"{where}.targets: {{}} is empty, so that {name} does nothing; give one, like `{DRUG['targets'].example}`"
        )
    with collected() as noted:
        if "source" in body:
            with noted():
                text(body["source"], f"{where}.source", DRUG["source"].example)
        for site, numbers in targets.items():
            with noted():
                _check_target(numbers, f"{where}.targets.{site}")
    return body


def _check_target(written: object, where: str) -> None:
    body = fields(written, where, TARGET)
    if len([key for key in HALF if key in body]) != 1:
        raise UserError(
            f"{where}: {quoted(written)} has {'both' if all(key in body for key in HALF) else 'neither'} of IC50 and "
            "Kd; give one of them, with its unit, like `IC50: 5 nM`"
        )
    if "source" in body:
        text(body["source"], f"{where}.source", TARGET["source"].example)


def _concentration_unit(body: Mapping[str, object], where: str) -> str:
    """The unit of a drug's concentrations: the first one written; where all are 0, that of its first target."""
    written, where = body["concentration"], f"{where}.concentration"
    found = units_of(written)
    if not found and written == 0:
        found = [
            unit for site in body["targets"].values() for unit in units_of(next(site[k] for k in HALF if k in site))
        ]
    if not found:
        raise UserError(f"{where}: {quoted(written)} has no unit; give one, like '10 nM' (0 needs none)")
    _check_concentration(found[0], written, where)
    return found[0]


def _check_concentration(unit: str, written: object, where: str) -> None:
    if not any(converts(unit, other) for other in CONCENTRATIONS):
        raise UserError(
            f"{where}: {quoted(unit)} in {quoted(written)} is not a unit of concentration; give one like nM or ng/ml"
        )


def _drug(name: str, body: Mapping, unit: str, model: Model, where: str) -> Drug:
    targets, names, where = [], {}, f"{where}.targets"
    with collected() as noted:
        for site, numbers in body["targets"].items():
            with noted():
                found = _target(site, numbers, unit, model, where)
                _check_once(site, found.parameter, names, where)
                targets.append(found)
    amount = Quantity(name, unit, 0.0, f"Concentration of {name}")
    return Drug(amount, tuple(targets), body.get("source", ""))


def _check_once(name: str, parameter: str, names: dict[str, str], where: str) -> None:
    """Raise UserError for a parameter that an earlier name means as well; else note its name in `names`."""
    if parameter in names:
        raise UserError(f"{where}: {names[parameter]!r} and {name!r} are both {parameter}; give one")
    names[parameter] = name


def _target(site: str, numbers: Mapping[str, object], unit: str, model: Model, where: str) -> Target:
    with collected() as noted:
        with noted():
            parameter = target(site, model, where).name
        with noted():
            meaning = next(key for key in HALF if key in numbers)
            half = _half(numbers[meaning], unit, f"{where}.{site}.{meaning}")
        with noted():
            hill = to_unit(numbers.get("hill", 1), "1", f"{where}.{site}.hill")
            if hill <= 0:
                raise UserError(f"{where}.{site}.hill: {hill:g} is not above 0; give a Hill coefficient, mostly near 1")
    return Target(parameter, half, hill, meaning, numbers.get("source", ""))


def _half(written: object, unit: str, where: str) -> float:
    """IC50 or Kd in the unit of the concentrations."""
    own = units_of(written)
    if not own and not (isinstance(written, int | float) and written <= 0):
        raise UserError(f"{where}: {quoted(written)} has no unit; give one, like '5 nM'")
    for found in own:
        _check_concentration(found, written, where)
        if not converts(found, unit):
            raise UserError(
                f"{where}: {quoted(written)} cannot be converted to {unit}, the unit of the concentrations, without "
                "a molar mass; give both as mass or both as amount, like ng/ml or nM"
            )
    half = to_unit(written, unit, where)
    if half <= 0:
        raise UserError(f"{where}: {quoted(written)} is not above 0; give a concentration")
    return half
