"""Conductance-based models: loaded from .mmt or CellML files through Myokit, checked, never executed."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import myokit

from hhcore.digests import digest
from hhcore.errors import UserError, closest
from hhcore.quantities import to_unit

# Units that equal each other are one to Myokit, and it would write a rate of gating in mS/uF.
myokit.Unit.register_preferred_representation("1/ms", myokit.parse_unit("1/ms"))

CATALOGUE = resources.files("hhcore") / "models"


@dataclass(frozen=True)
class Quantity:
    """A named number of a model. `value` is a parameter's value or a state's initial value."""

    name: str
    unit: str
    value: float
    description: str = ""
    source: str = ""


@dataclass(frozen=True, eq=False)
class Model:
    """A model as data.

    parameters : every literal constant, by qualified name (`sodium.g`)
    states     : every state variable with its initial value, in the order of the file
    potential  : qualified name of the membrane potential
    current    : the injected current that a stimulus sets, with its unit
    currents   : the membrane currents, that is, the variables in dV/dt with the unit of the injected current
    digest     : hash of the equations, parameters, units and initial values, not of comments or layout
    """

    name: str
    title: str
    source: str
    parameters: dict[str, Quantity]
    states: dict[str, Quantity]
    potential: str
    current: Quantity
    currents: dict[str, Quantity]
    time_unit: str
    digest: str
    myokit: myokit.Model

    @property
    def ms(self) -> float:
        """Milliseconds in the model's unit of time; 1 where the file gives none."""
        return 1.0 if self.time_unit == "1" else to_unit(f"1 {self.time_unit}", "ms", f"time unit of {self.name!r}")

    @property
    def text_digest(self) -> str:
        """Hash of the texts that tables, figures and the report show: title, source, descriptions."""
        quantities = [*self.parameters.values(), *self.states.values(), *self.currents.values(), self.current]
        return digest(self.title, self.source, *(q.description for q in quantities))

    def __repr__(self) -> str:
        return f"<Model {self.name}: {len(self.states)} states, {len(self.parameters)} parameters>"


def models() -> list[str]:
    """Names of the models in the catalogue."""
    return sorted(entry.name[:-4] for entry in CATALOGUE.iterdir() if entry.name.endswith(".mmt"))


def load_model(model: str | Path, *, potential: str | None = None, current: str | None = None) -> Model:
    """A model by its name in the catalogue, or from a .mmt or .cellml file.

    `potential` and `current` name the membrane potential and the injected current where the file does
    not say it itself (by `label membrane_potential` and `bind pace`).

    Units must agree line by line; in a file by path, a number without a unit has the one that fits.

    Raises UserError if there is no such model, the file cannot be read, its units do not match, or its
    membrane potential or injected current cannot be found.

    >>> load_model("hodgkin_huxley_1952").parameters["sodium.g"].value
    120.0
    """
    path = _find(str(model))
    parsed = _parse(path)
    time = parsed.time()
    if time is None:
        raise UserError(f"{path.name}: no variable is bound to time; add `bind time` to the model's time variable")
    voltage = _state(parsed, potential, path)
    injected = _injected(parsed, current, path)
    parameters = {
        v.qname(): _quantity(v, v.eval())
        for v in parsed.variables(const=True, deep=True, sort=True)
        if v.is_literal() and v is not injected
    }
    initial = parsed.initial_values(as_floats=True)
    states = {v.qname(): _quantity(v, x) for v, x in zip(parsed.states(), initial, strict=True)}
    return Model(
        name=path.name.rsplit(".", 1)[0],
        title=parsed.meta.get("display_name", path.name.rsplit(".", 1)[0]),
        source=" ".join(parsed.meta.get("source", "").split()),
        parameters=parameters,
        states=states,
        potential=voltage.qname(),
        current=_quantity(injected, 0.0),
        currents={v.qname(): _quantity(v, 0.0) for v in _currents(voltage, injected)},
        time_unit=_unit(time),
        digest=_digest(parsed, voltage, injected),
        myokit=parsed,
    )


def _find(model: str):
    if model in models():
        return CATALOGUE / f"{model}.mmt"
    if not model.endswith((".mmt", ".cellml")):
        raise UserError(
            f"model {model!r} is not in the catalogue and is no path to a .mmt or .cellml file; "
            + closest(model, models())
        )
    path = Path(model)
    if not path.is_file():
        raise UserError(f"model file {model!r} does not exist")
    return path


def _parse(path) -> myokit.Model:
    try:
        if path.name.endswith(".cellml"):
            from myokit.formats.cellml import CellMLImporter

            parsed = CellMLImporter().model(str(path))
        else:
            sections = myokit.split(path.read_text(encoding="utf-8-sig"))
            parsed = myokit.parse_model(sections[0])
        parsed.validate()
    except Exception as error:  # Myokit's parser also fails with errors of Python's own on what is no model
        raise UserError(f"model file {path.name} cannot be read: {error}") from error
    try:
        ours = path.parent == CATALOGUE  # of others, a number without a unit may have the one that fits
        parsed.check_units(myokit.UNIT_STRICT if ours else myokit.UNIT_TOLERANT)
    except myokit.IncompatibleUnitError as error:
        raise UserError(f"model file {path.name}: units do not match: {error}") from error
    return parsed


def _state(parsed: myokit.Model, name: str | None, path) -> myokit.Variable:
    states = [v.qname() for v in parsed.states()]
    if name is not None and name not in states:
        raise UserError(f"{path.name}: potential: the model has no state {name!r}; " + closest(name, states))
    found = parsed.get(name) if name is not None else parsed.label("membrane_potential")
    if found is None or not found.is_state():
        raise UserError(
            f"{path.name}: no state has `label membrane_potential`; name it in the config as "
            f"`potential: ...`; " + closest("membrane.V", states)
        )
    return found


def _injected(parsed: myokit.Model, name: str | None, path) -> myokit.Variable:
    candidates = [v.qname() for v in parsed.variables(state=False, deep=True, sort=True)]
    if name is not None and name not in candidates:
        raise UserError(f"{path.name}: current: the model has no variable {name!r}; " + closest(name, candidates))
    found = parsed.get(name) if name is not None else parsed.binding("pace")
    if found is None:
        raise UserError(
            f"{path.name}: no variable has `bind pace` for the injected current; name one in the config "
            f"as `current: ...`; " + closest("stimulus.amplitude", candidates)
        )
    return found


def _currents(voltage: myokit.Variable, injected: myokit.Variable) -> list[myokit.Variable]:
    found = {e.var() for e in voltage.rhs().references()}
    found = {v for v in found if v.is_intermediary() and v is not injected and v.unit() == injected.unit()}
    return sorted(found, key=lambda v: v.qname())


def _quantity(variable: myokit.Variable, value: float) -> Quantity:
    meta = variable.meta
    return Quantity(
        variable.qname(), _unit(variable), float(value), meta.get("desc", ""), " ".join(meta.get("source", "").split())
    )


def _unit(variable: myokit.Variable) -> str:
    """`mS/cm^2`, or `1` where the variable has no dimension or no unit."""
    unit = variable.unit()
    return "1" if unit is None else str(unit).strip("[]")


def _digest(parsed: myokit.Model, voltage: myokit.Variable, injected: myokit.Variable) -> str:
    lines = [f"potential {voltage.qname()}", f"current {injected.qname()}"]
    for v in parsed.variables(deep=True, sort=True):
        initial = repr(v.initial_value(as_float=True)) if v.is_state() else ""
        lines.append(f"{v.qname()} {v.unit()} {v.binding()} {initial} = {v.rhs().code()}")
    lines.append(" ".join(v.qname() for v in parsed.states()))
    return digest(*lines)
