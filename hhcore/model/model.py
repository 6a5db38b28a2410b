"""Conductance-based models, loaded from .mmt or CellML files through Myokit, checked, never executed."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias, cast

import myokit

from hhcore.base.digests import digest
from hhcore.base.errors import UserError, closest
from hhcore.base.units import to_unit
from hhcore.model.annotations import annotated, annotated_or_none, annotations
from hhcore.model.clock import Clock, find_clock
from hhcore.model.current import likely_currents, paced, summands
from hhcore.model.file import read_model_file
from hhcore.model.pulses import Pulses, file_pulses
from hhcore.model.units import written_unit
from hhcore.model.variants import apply_variant, read_variants

CATALOGUE = Path(__file__).parents[1] / "models"
NOTHING = "none"  # the name of the injected current of a model without one
FILE = "file"  # in the place of that name: the current that follows a formula of time
POTENTIALS = ("v", "vm", "v_m", "e", "u")  # usual names of a potential, lower case


@dataclass(frozen=True)
class Quantity:
    """A named number of a model. `value` is a parameter's value or a state's initial value."""

    name: str
    unit: str
    value: float
    description: str = ""
    source: str = ""


ParsedModel: TypeAlias = myokit.Model  # by other names, since Model has a field `myokit`
Variable: TypeAlias = myokit.Variable


@dataclass(frozen=True, eq=False)
class Model:
    """A model as data.

    parameters : every literal constant, by qualified name (`sodium.g`)
    states     : every state variable with its initial value, in the order of the file
    potential  : qualified name of the membrane potential
    current    : the injected current that a stimulus sets, with its unit; its name is "none" if there is none
    currents   : the membrane currents: the terms of dV/dt in the unit of the injected current
    notes      : remarks on the file for the user, such as units that do not match
    digest     : hash of the equations, parameters, units and initial values, not of comments or layout
    base       : of a variant, the model with the values of the file, whose kernels its variants share
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
    notes: tuple[str, ...]
    digest: str
    myokit: ParsedModel
    base: "Model | None" = None

    @property
    def ms(self) -> float:
        """Milliseconds in the model's unit of time; 1 if the file does not give one."""
        return 1.0 if self.time_unit == "1" else to_unit(f"1 {self.time_unit}", "ms", f"time unit of {self.name!r}")

    def clock(self, own: bool = False) -> Clock:
        """Where the equations jump in time; `own`: whether the injected current follows its formula in the file."""
        return find_clock(self.myokit, None if own else self._injected)

    @property
    def paced_by(self) -> tuple[str, ...]:
        """The currents that follow a formula of time, and no state, in the file."""
        return tuple(v.qname() for v in paced(self.myokit, self._variable(self.potential)))

    @property
    def paces_itself_by(self) -> tuple[str, ...]:
        """Those of `paced_by` that flow whatever is injected."""
        return tuple(v.qname() for v in paced(self.myokit, self._variable(self.potential), self._injected))

    @property
    def without_formula(self) -> str:
        """What to say where the injected current follows no formula of time."""
        legal, current = self.paced_by, self.current.name
        what = (
            f"nothing is injected into {self.name!r}"
            if current == NOTHING
            else f"{current} of {self.name!r} follows no formula of time in the file"
        )
        do = f"name {' or '.join(legal)} as `current`" if legal else "no current does, so give another stimulus"
        return f"{what}; {do}"

    @property
    def pulses(self) -> Pulses:
        """The pulses that the formula of the injected current makes in the file, with the values of the file.

        Raises UserError if it makes none, or others than equal ones.
        """
        if self.current.name not in self.paced_by:
            raise UserError(self.without_formula)
        return file_pulses(self._variable(self.current.name), self.name)

    @property
    def annotations(self) -> dict[str, str]:
        """The qualified names of variables by the `oxmeta` terms that the file annotates them with."""
        return annotations(self.myokit)

    def annotated(self, term: str) -> str:
        """The qualified name of the variable that the file annotates with an `oxmeta` term.

        Raises UserError if there is none.
        """
        return annotated(self.myokit, term, self.name)

    @property
    def _injected(self) -> Variable | None:
        return None if self.current.name == NOTHING else self._variable(self.current.name)

    def _variable(self, name: str) -> Variable:
        return cast(Variable, self.myokit.get(name))

    @property
    def mV(self) -> float:
        """Millivolts in the unit of the membrane potential; 1 if that is not a voltage."""
        with suppress(UserError):
            return to_unit(f"1 {self.states[self.potential].unit}", "mV", f"potential of {self.name!r}")
        return 1.0

    @property
    def text_digest(self) -> str:
        """Hash of the texts that tables, figures and the report show: title, source, descriptions, units."""
        quantities = [*self.parameters.values(), *self.states.values(), *self.currents.values(), self.current]
        return digest(
            self.title, self.source, self.time_unit, *(text for q in quantities for text in (q.description, q.unit))
        )

    def __repr__(self) -> str:
        return f"<Model {self.name}: {len(self.states)} states, {len(self.parameters)} parameters>"

    def _repr_html_(self) -> str:
        from hhcore.model.page import page  # here, since only notebooks need it

        return page(self)


def models() -> list[str]:
    """Names of the models in the catalogue."""
    return sorted(entry.name[:-4] for entry in CATALOGUE.iterdir() if entry.name.endswith(".mmt"))


def variants(model: str | Path) -> dict[str, str]:
    """The published parameter sets in a model's file: name and description. Load one as `model:variant`.

    Raises UserError as `load_model` does.
    """
    path = _find(str(model))
    parsed, _ = read_model_file(path, strict=path.parent == CATALOGUE)
    return {name: variant.description for name, variant in read_variants(parsed, path.name).items()}


def load_model(model: str | Path, *, potential: str | None = None, current: str | None = None) -> Model:
    """A model by its name in the catalogue, or from a .mmt or .cellml file; `name:variant` for one of its variants.

    `potential` and `current` name the membrane potential and the injected current if the file does not
    (by `label membrane_potential` and `bind pace`). `current="none"`: nothing is injected; `current="file"`: the one
    current that follows a formula of time, for the stimulus `hhcore.FromFile()`.

    In the catalogue, units must match line by line. In other files a number without a unit takes the one that fits, and
    `notes` lists units that do not match, and currents that traces leave out; `simulate` and `trace` warn of them.

    Raises UserError if there is no such model, the file cannot be read, or nothing names its membrane potential or
    injected current.

    >>> load_model("hodgkin_huxley_1952").parameters["sodium.g"].value
    120.0
    """
    file, variant = split_name(str(model))
    path = _find(file)
    parsed, notes = read_model_file(path, strict=path.parent == CATALOGUE)
    base = _described(parsed, tuple(notes), path, potential, current)
    if variant is None:
        return base
    varied = parsed.clone()
    apply_variant(varied, variant, path.name)
    described = _described(varied, tuple(notes), path, potential, current)
    return replace(described, name=f"{base.name}:{variant}", title=f"{base.title} ({variant})", base=base)


def _described(
    parsed: myokit.Model, notes: tuple[str, ...], path: Path, potential: str | None, current: str | None
) -> Model:
    """The Model of a parsed file."""
    time = parsed.time()
    if time is None:
        raise UserError(f"{path.name}: no variable is bound to time; add `bind time` to the model's time variable")
    voltage = _state(parsed, potential, path)
    injected = _injected(parsed, current, voltage, path)
    parameters = {
        v.qname(): _quantity(v, v.eval())
        for v in parsed.variables(const=True, deep=True, sort=True)
        if v.is_literal() and v is not injected
    }
    initial = cast(list[float], parsed.initial_values(as_floats=True))
    states = {v.qname(): _quantity(v, x) for v, x in zip(parsed.states(), initial, strict=True)}
    name = path.name.rsplit(".", 1)[0]
    clock = find_clock(parsed, injected)
    currents = _currents(voltage, injected)
    return Model(
        name=name,
        title=parsed.meta.get("display_name", name),
        source=" ".join(parsed.meta.get("source", "").split()),
        parameters=parameters,
        states=states,
        potential=voltage.qname(),
        current=Quantity(NOTHING, "1", 0.0) if injected is None else _quantity(injected, 0.0),
        currents={v.qname(): _quantity(v, 0.0) for v in currents},
        time_unit=written_unit(time.unit()),
        notes=(*notes, *_left_out(voltage, injected, currents), *clock.notes),
        digest=_digest(parsed, voltage, injected),
        myokit=parsed,
    )


def split_name(model: str) -> tuple[str, str | None]:
    """`name:variant` or `path:variant` in its two parts.

    >>> split_name("pospischil_2008:fs")
    ('pospischil_2008', 'fs')
    """
    file, colon, variant = model.rpartition(":")
    return (file, variant) if colon and not re.search(r"[/\\.]", variant) else (model, None)


def is_model_file(model: str) -> bool:
    """Whether `model`, which may name a variant, is the path of a file and not a name in the catalogue.

    >>> is_model_file("own/neuron.mmt:leaky"), is_model_file("pospischil_2008:fs")
    (True, False)
    """
    return split_name(model)[0].endswith((".mmt", ".cellml"))


def model_path(model: str) -> Path:
    """The file of a model, with or without a variant. Raises UserError if there is none."""
    return _find(split_name(model)[0])


def _find(model: str) -> Path:
    if model in models():
        return CATALOGUE / f"{model}.mmt"
    if not is_model_file(model):
        raise UserError(
            f"model {model!r} is not in the catalogue and is not a path to a .mmt or .cellml file "
            "(docs/own_model.md says how to use others); " + closest(model, models(), _models_meant(model))
        )
    path = Path(model)
    if not path.is_file():
        start = "in a config, paths count from its folder" if path.is_absolute() else f"paths count from {Path.cwd()}"
        others = [file.name for file in path.parent.glob("*") if is_model_file(file.name) and file.is_file()]
        near = get_close_matches(path.name, sorted(others), n=1)
        hint = f"; did you mean {str(path.with_name(near[0]))!r}?" if near else ""
        raise UserError(f"model file {model!r} does not exist; {start}{hint}")
    return path


def _models_meant(word: str) -> str:
    """The models that have all words of `word` in their names, or its letters as initials (`hh`, `tp06`); "" if none.

    >>> _models_meant("HH")
    "did you mean 'hodgkin_huxley_1952'?"
    """
    words = re.findall(r"[a-z]+|\d+", word.lower())
    letters = "".join(words).rstrip("0123456789")
    found = []
    for name in models():
        *authors, year = name.split("_")
        initials = iter(author[0] for author in authors)
        years_fit = all(year.endswith(part) for part in words if part.isdigit())
        if words and (
            all(part in name.replace("_", "") for part in words)
            or years_fit
            and len(letters) > 1
            and all(x in initials for x in letters)
        ):
            found.append(repr(name))
    return f"did you mean {' or '.join(found)}?" if 0 < len(found) < 4 else ""


def _state(parsed: myokit.Model, name: str | None, path) -> myokit.Variable:
    states = [v.qname() for v in parsed.states()]
    if name is not None and name not in states:
        raise UserError(f"{path.name}: potential: the model has no state {name!r}; " + closest(name, states))
    state = _named_or_marked(parsed, name, parsed.label("membrane_potential"), "membrane_voltage")
    if state is None or not state.is_state():
        likely = [v.qname() for v in parsed.states() if _like_a_potential(v)]
        proposal = f"perhaps {' or '.join(likely[:3])}" if likely else closest("membrane.V", states)
        raise UserError(
            f"{path.name}: no state has `label membrane_potential`; name it in the config as "
            f"`potential: ...`; {proposal}"
        )
    return state


def _named_or_marked(parsed: myokit.Model, name: str | None, marked: Variable | None, term: str) -> Variable | None:
    """The variable of this name, or else the one that the file marks in Myokit's way, or annotates."""
    if name is not None:
        return cast(Variable, parsed.get(name))
    return annotated_or_none(parsed, term) if marked is None else marked


def _like_a_potential(variable: myokit.Variable) -> bool:
    unit = variable.unit()
    in_volts = unit is not None and myokit.Unit.can_convert(unit, myokit.parse_unit("V"))
    return in_volts or variable.name().lower() in POTENTIALS


def _injected(parsed: myokit.Model, name: str | None, voltage: myokit.Variable, path) -> myokit.Variable | None:
    if name == NOTHING:
        return None
    if name == FILE:
        return _paced(parsed, voltage, path)
    candidates = [v.qname() for v in parsed.variables(state=False, deep=True, sort=True)]
    if name is not None and name not in candidates:
        raise UserError(f"{path.name}: current: the model has no variable {name!r}; " + closest(name, candidates))
    injected = _named_or_marked(parsed, name, parsed.binding("pace"), "membrane_stimulus_current")
    if injected is None:
        likely = [v.qname() for v in likely_currents(parsed, voltage)]
        proposal = f"perhaps {' or '.join(likely[:3])}" if likely else "no variable of the file looks like one"
        own = "`current: file` for the stimulus in the file, " if paced(parsed, voltage) else ""
        raise UserError(
            f"{path.name}: no variable has `bind pace` for the injected current; name one in the config "
            f"as `current: ...`, {own}or `current: none` if nothing is injected; {proposal}"
        )
    return injected


def _paced(parsed: myokit.Model, voltage: myokit.Variable, path) -> myokit.Variable:
    """The one current that follows a formula of time."""
    found = paced(parsed, voltage)
    marked = annotated_or_none(parsed, "membrane_stimulus_current")
    if marked in found:
        return cast(Variable, marked)
    if len(found) != 1:
        names = ", ".join(v.qname() for v in found)
        what = (
            f"several currents follow a formula of time: {names}; name one, with `stimulus: {{kind: file}}`"
            if found
            else "no current follows a formula of time, so give a stimulus and name the current that it sets"
        )
        raise UserError(f"{path.name}: current: {FILE}: {what}")
    return found[0]


def _currents(voltage: myokit.Variable, injected: myokit.Variable | None) -> list[myokit.Variable]:
    """The terms of dV/dt, also inside sums, in one unit: that of the injected current, or else the most common."""
    terms = _terms(cast(myokit.Expression, voltage.rhs()))
    terms.discard(injected)
    units = [v.unit() for v in terms]
    unit = (
        injected.unit()
        if injected is not None and injected.unit() in units
        else max(units, key=units.count, default=None)
    )
    return sorted((v for v in terms if v.unit() == unit), key=lambda v: v.qname())


def _left_out(voltage: myokit.Variable, injected: myokit.Variable | None, currents: list[myokit.Variable]) -> list[str]:
    """A sentence on the currents in dV/dt that are not among the membrane currents, since their unit is another one."""
    left = summands(cast(myokit.Expression, voltage.rhs())) - {*currents, injected}
    if not left or not currents:
        return []
    written = (f"{v.qname()} ({'no unit' if v.unit() is None else written_unit(v.unit())})" for v in left)
    unit = written_unit(currents[0].unit())
    return [f"traces leave out {', '.join(sorted(written))}, since they show currents in {unit}; give it that unit"]


def _terms(e: myokit.Expression) -> set[myokit.Variable]:
    """Intermediate variables in an expression; one that is a sum of such is replaced by its terms."""
    terms = set()
    for variable in {reference.var() for reference in e.references()}:
        if variable.is_intermediary():
            inner = _terms(variable.rhs()) if _is_sum(variable.rhs()) else set()
            terms |= inner or {variable}
    return terms


def _is_sum(e: myokit.Expression) -> bool:
    if isinstance(e, myokit.Plus | myokit.Minus | myokit.PrefixMinus | myokit.PrefixPlus):
        return all(_is_sum(part) for part in e)
    return isinstance(e, myokit.Name)


def _quantity(variable: myokit.Variable, value: float) -> Quantity:
    meta = variable.meta
    unit, source = written_unit(variable.unit()), " ".join(meta.get("source", "").split())
    return Quantity(variable.qname(), unit, float(value), meta.get("desc", ""), source)


def _digest(parsed: myokit.Model, voltage: myokit.Variable, injected: myokit.Variable | None) -> str:
    current = NOTHING if injected is None else injected.qname()  # bool() of a Myokit variable is False
    lines = [f"potential {voltage.qname()}", f"current {current}"]
    for v in parsed.variables(deep=True, sort=True):
        initial = repr(v.initial_value(as_float=True)) if v.is_state() else ""
        lines.append(f"{v.qname()} {v.unit()} {v.binding()} {initial} = {v.rhs().code()}")
    lines.append(" ".join(v.qname() for v in parsed.states()))
    return digest(*lines)
