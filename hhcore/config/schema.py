"""A JSON schema of configs for editors, made from what the reader checks: completion, and a word on each key.

It refuses no config that the reader takes; what needs a number or a model file, the reader alone sees. It means the
same in draft 7, which editors know, and in draft 2020-12: no `$ref` has siblings, and the items of a list have one
schema.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from hhcore.base.checks import Key
from hhcore.config.keys import CLAMP, EXPERIMENT, NAME, SPIKES, TOP
from hhcore.config.outputs import BEAT, OUTPUT
from hhcore.config.solver import KEYS, SMALLEST_ERROR
from hhcore.config.treatments import DRUG, HALF, TARGET
from hhcore.config.treatments import NAME as DRUG_NAME
from hhcore.experiments.protocol import Protocol, protocols
from hhcore.grid import designs
from hhcore.grid.axes import DISTRIBUTIONS, FORMS
from hhcore.model.annotations import PREFIX
from hhcore.model.model import FILE, Model, Quantity, load_model, models, variants
from hhcore.schemes.solver import LARGEST_ERROR, METHODS, setting_of
from hhcore.simulation.initial import OTHERS, WORDS, initial_value, initially
from hhcore.simulation.stimuli import commands, kinds
from hhcore.simulation.stimuli.events import Events
from hhcore.simulation.stimuli.named import Named
from hhcore.simulation.stimuli.segments import Segments
from hhcore.simulation.stimuli.stimulus import FROM, Stimulus

Schema = dict[str, object]
Kind = TypeVar("Kind", Stimulus, Protocol)

UNITS = {
    "time": "A number in the model's unit of time, mostly ms, or text with a unit, such as `0.5 s`.",
    "current": "A number in the unit of the model's current, mostly uA/cm^2, text with a unit, or a share of rheobase "
    "like `150 %`.",
    "potential": "A number in the unit of the potential, mostly mV, or text with a unit.",
    "1": "A number.",
}
TERM = f"^{PREFIX}"  # a parameter by what it is annotated as
WORD = {"enum": [*WORDS]}
SCALED = "The same in multiples of the model's own value."


def schema() -> Schema:
    """The schema, with the models of the catalogue and the kinds of stimuli and protocols that are installed."""
    catalogue = {name: load_model(name) for name in models()}
    names = {"propertyNames": {"pattern": f"^{NAME.pattern}$"}, "minProperties": 1}
    experiments = {"type": "object", **names, "additionalProperties": _ref("experiment")}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A config of hhcore",
        **_mapping(TOP, {"experiments": experiments}),
        "$defs": {
            "number": {"type": ["number", "string"], "pattern": r"^\s*[-+]?[.\d]"},
            "form": _forms(),
            "axis": _forms(scale={"anyOf": [_ref("form"), _ref("number")], "description": SCALED}),
            "swept": {"anyOf": [_ref("axis"), _ref("number")]},
            "experiment": _experiment(catalogue),
            "part": _kinds({name: kind for name, kind in kinds().items() if not issubclass(kind, Named)}, _stimulus),
            **{f"field_{name}": form for name, form in _fields().items()},
            **{key: form for model in catalogue.values() for key, form in _names(model).items()},
        },
    }


def _experiment(catalogue: Mapping[str, Model]) -> Schema:
    any_number = {"type": "object", "additionalProperties": _ref("number")}
    forms = {
        "model": _model(catalogue),
        "stimulus": _kinds(kinds(), lambda kind: _stimulus(kind, _supplied(kind))),
        CLAMP: _kinds(commands(), _stimulus),
        "initial_state": {"anyOf": [WORD, _states({"additionalProperties": _ref("swept")})]},
        "solver": {"anyOf": _solvers()},
        "protocol": _kinds(protocols(), lambda protocol: _mapping(protocol.keys)),
        "parameters": {"type": "object", "additionalProperties": _ref("swept")},
        "drugs": {"type": "object", "additionalProperties": _drug()},
        "block": {"type": "object", "additionalProperties": _ref("swept")},
        "dose_response": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "sample": _mapping(designs.KEYS, {"n": _whole(1, designs.MAX_ROWS), "seed": _whole(0, 2**63)}),
        "analysis_window": {"type": "array", "items": _ref("number"), "minItems": 2, "maxItems": 2},
        "spikes": _mapping(SPIKES),
        "outputs": {"type": "object", "additionalProperties": _output()},
        "traces": {"type": "array", "items": any_number},
        "potential": {"type": "string"},
        "current": {"type": "string"},
    }
    own = {"properties": {"current": {"const": FILE}}, "required": ["current"]}
    clamp, segments = {"required": [CLAMP]}, {"properties": {"kind": {"const": Segments.kind}}, "required": ["kind"]}
    self_timed = {"kind": {"enum": [name for name, kind in protocols().items() if kind.self_timed]}}
    timed = {"properties": {"protocol": {"properties": self_timed, "required": ["kind"]}}, "required": ["protocol"]}
    keys = EXPERIMENT | {
        name: replace(EXPERIMENT[name], required=False, otherwise=otherwise)
        for name, otherwise in (
            ("stimulus", ""),
            ("duration", "required, but with segments of a clamp or a protocol that has one"),
        )
    }
    rules = [
        {"if": {"anyOf": [own, clamp]}, "else": {"required": ["stimulus"]}},
        {"if": clamp, "then": {"not": {"required": ["stimulus"]}, "properties": _protocols(Segments)}},
        {"if": {"anyOf": [{"properties": {CLAMP: segments}, **clamp}, timed]}, "else": {"required": ["duration"]}},
        *map(_taken, kinds().values()),
        *(rule for kind in kinds().values() for rule in _needed(kind)),
        *map(_of_model, catalogue),
    ]
    return {**_mapping(keys, forms), "allOf": rules}


def _drug() -> Schema:
    site = _mapping(TARGET, dict.fromkeys(HALF, {"allOf": [_ref("number")]}))
    targets = {"type": "object", "additionalProperties": site, "minProperties": 1}
    return _mapping(DRUG, {"concentration": {"allOf": [_ref("swept")]}, "targets": targets})


def _output() -> Schema:
    times = {"type": "array", "items": _ref("number"), "minItems": 2, "maxItems": 2}
    window = {"anyOf": [{"const": BEAT}, times]}
    return _mapping(OUTPUT, {"variable": {"type": "string"}, "window": window})


def _mapping(keys: Mapping[str, Key], forms: Mapping[str, Schema] | None = None) -> Schema:
    """A mapping with these keys; `forms` are those of values that are neither words nor numbers."""
    values = {name: {"description": _about(key)} | (forms or {}).get(name, _value(key)) for name, key in keys.items()}
    required = [name for name, key in keys.items() if key.required]
    return {"type": "object", "properties": values, "required": required, "additionalProperties": False}


def _value(key: Key, number: str = "number") -> Schema:
    """The words of a key, or its number (`number` or `swept`), or anything."""
    return {"enum": [*key.legal]} if key.legal else {"allOf": [_ref(number)]} if key.unit else {}


def _about(key: Key) -> str:
    """What an editor says of a key: what it means, in which unit, how it is written, and what holds without it."""
    meaning = f"{key.meaning[0].upper()}{key.meaning[1:]}."
    without = "" if key.required or not key.otherwise else f"If left out: {key.otherwise}."
    example = f"Like `{key.example}`." if key.example else ""
    return " ".join(filter(None, [meaning, UNITS.get(key.unit, ""), without, example]))


def _model(catalogue: Mapping[str, Model]) -> Schema:
    """A name in the catalogue, a variant, or a file."""
    named = {name: model.title for name, model in catalogue.items()}
    named |= {f"{name}:{key}": text for name in catalogue for key, text in variants(name).items()}
    file = {"type": "string", "pattern": r"\.(mmt|cellml)(:[^/\\.]*)?$", "description": "The path of a model file."}
    return {"anyOf": [*({"const": name, "description": text} for name, text in named.items()), file]}


def _of_model(name: str) -> Schema:
    """Which parameters and states there are; not beside `current`, which may make others of them."""
    chosen = {"properties": {"model": {"type": "string", "pattern": f"^{name}(:|$)"}}, "required": ["model"]}
    known = {
        "parameters": _ref(f"parameters_{name}"),
        "initial_state": {"anyOf": [WORD, _ref(f"states_{name}")]},
        "traces": {"items": _ref(f"point_{name}")},
    }
    return {"if": {"allOf": [chosen, {"not": {"required": ["current"]}}]}, "then": {"properties": known}}


def _names(model: Model) -> dict[str, Schema]:
    """Mappings of what there is in a model: parameters, states, and what a trace may set."""
    fields = {name: _ref(f"field_{name}") for name in _fields()}
    initial = {
        initial_value(name): replace(q, description=initially(q.description)) for name, q in model.states.items()
    }
    point = _named(model.parameters | initial, "number")
    named = [kind for kind in commands().values() if issubclass(kind, Named)]
    parts = "|".join(sorted({*fields, *(key for kind in named for key in kind.part_keys())}))
    # Of parts, blocks, drugs and annotations.
    patterns = rf"^[A-Za-z]\w*\.({parts})$", r"^block\..", f"^{DRUG_NAME.pattern}$", TERM
    of_parts = {"patternProperties": dict.fromkeys(patterns, _ref("number"))}
    return {
        f"parameters_{model.name}": {**_named(model.parameters, "swept"), "patternProperties": {TERM: _ref("swept")}},
        f"states_{model.name}": _states(_named(model.states, "swept"), [*model.states]),
        f"point_{model.name}": {**point, **of_parts, "properties": fields | point["properties"]},
    }


def _fields() -> dict[str, Schema]:
    """What editors say of each field of a stimulus, in traces: it is a number."""
    found = {name: key for kind in kinds().values() for name, key in _field_keys(kind).items()}
    return {name: {"description": _about(key)} for name, key in found.items()}


def _states(values: Schema, names: Sequence[str] = ()) -> Schema:
    """A mapping of initial values, for every state or beside a word for the others."""
    beside = {OTHERS: {"description": "Where the other states start.", **WORD}}
    complete = [{"required": [OTHERS]}, {"required": [*names]}]
    return {"type": "object", **values, "properties": beside | values.get("properties", {}), "anyOf": complete}


def _named(quantities: Mapping[str, Quantity], number: str) -> Schema:
    """A mapping of parameters or of states; each says its unit and its value in the model."""
    values = {
        name: {"description": f"{q.description or name} [{q.unit}]; {q.value:g} in the model.", "allOf": [_ref(number)]}
        for name, q in quantities.items()
    }
    return {"type": "object", "properties": values, "additionalProperties": False}


def _kinds(known: Mapping[str, type[Kind]], form: Callable[[type[Kind]], Schema]) -> Schema:
    """A mapping whose other keys, those of `form`, depend on its `kind`."""
    words = "; ".join(f"`{name}`: {kind.title}" for name, kind in known.items())
    rules = []
    for name, kind in known.items():
        chosen, own = {"properties": {"kind": {"const": name}}, "required": ["kind"]}, form(kind)
        rules.append({"if": chosen, "then": {**own, "properties": {**own["properties"], "kind": {}}}})
    properties = {"kind": {"description": f"The kind. {words}.", "enum": [*known]}}
    return {"type": "object", "properties": properties, "required": ["kind"], "allOf": rules}


def _supplied(kind: type[Stimulus]) -> dict[str, list[str]]:
    """The fields of a kind that protocols set themselves, and the kinds of these protocols."""
    takers = [protocol for protocol in protocols().values() if protocol.takes(kind)]
    names = [name for protocol in takers for name in protocol.supplies if name in kind.fields]
    return {name: [protocol.kind for protocol in takers if name in protocol.supplies] for name in names}


def _needed(kind: type[Stimulus]) -> list[Schema]:
    """The fields of a kind that protocols set: with these they must not be there, and without they may have to."""
    chosen = {"stimulus": {"properties": {"kind": {"const": kind.kind}}, "required": ["kind"]}}
    keys, rules = kind.keys(), []
    for name, setters in _supplied(kind).items():
        by = {"protocol": {"properties": {"kind": {"enum": setters}}, "required": ["kind"]}}
        absent = {"not": {"required": [name]}}
        without = {"stimulus": absent, "traces": {"items": absent}}
        there = {"required": [name]} if keys[name].required else {}
        needed = {"stimulus": {"anyOf": [{"required": [FROM]}, there]} if FROM in keys else there}
        rule = {
            "if": {"properties": by, "required": ["protocol"]},
            "then": {"properties": without},
            "else": {"properties": needed},
        }
        rules.append({"if": {"properties": chosen, "required": ["stimulus"]}, "then": rule})
    return rules


def _stimulus(kind: type[Stimulus], supplied: Collection[str] = ()) -> Schema:
    """The keys of a kind: its fields, and the mapping of its parts. `supplied` : fields that may be missing"""
    keys = {name: key for name, key in kind.keys().items() if name != "kind"}
    keys |= {name: replace(keys[name], required=False) for name in supplied}
    swept = {name: field.swept for name, field in kind.fields.items()}
    forms = {name: _value(key, "swept" if swept.get(name, True) else "number") for name, key in keys.items()}
    if issubclass(kind, Named):
        parts = kind.part_keys()
        values = {n: _value(key, "swept") for n, key in parts.items()}
        values |= {n: {"anyOf": [values[n], {"type": "string"}]} for n in kind.named_by}
        part = _mapping(parts, values) if parts else _ref("part")
        forms[kind.setting] = {"type": "object", "additionalProperties": part, "minProperties": 1}
    if issubclass(kind, Events):
        of_one = kind.event_keys()
        event = _mapping(of_one, {name: _value(key, "swept") for name, key in of_one.items()})
        forms["events"] = {"type": "array", "minItems": 1, "items": event | {"required": []}}  # a file may have them
    if FROM not in keys:
        return _mapping(keys, forms)
    whole = _mapping(keys, forms)
    return whole | {"required": [], "anyOf": [{"required": [FROM]}, {"required": whole["required"]}]}


def _taken(kind: type[Stimulus]) -> Schema:
    """The protocols that take a kind of stimulus."""
    chosen = {"stimulus": {"properties": {"kind": {"const": kind.kind}}, "required": ["kind"]}}
    return {"if": {"properties": chosen, "required": ["stimulus"]}, "then": {"properties": _protocols(kind)}}


def _protocols(kind: type[Stimulus]) -> dict[str, Schema]:
    """The protocols that a kind of stimulus or of command may have."""
    legal = [name for name, protocol in protocols().items() if protocol.takes(kind)]
    return {"protocol": {"properties": {"kind": {"enum": legal}}}}


def _field_keys(kind: type[Stimulus]) -> dict[str, Key]:
    return {name: key for name, key in kind.keys().items() if name in kind.fields}


def _solvers() -> list[Schema]:
    """With a tolerance, or with a method and its setting."""
    by = {s: tuple(m for m in METHODS if setting_of(m) == s) for s in ("local_error", "dt")}
    forms = [("tolerance", METHODS, ["tolerance"]), *((s, methods, ["method", s]) for s, methods in by.items())]
    bounds = {"minimum": SMALLEST_ERROR, "maximum": LARGEST_ERROR}
    values = {"tolerance": {"allOf": [_ref("number")]}, "local_error": {"allOf": [_ref("number")], **bounds}}
    return [
        _mapping({a: KEYS[a], "method": replace(KEYS["method"], legal=methods), "certify": KEYS["certify"]}, values)
        | {"required": required}
        for a, methods, required in forms
    ]


def _forms(**more: Schema) -> Schema:
    """An axis or a distribution: one of its forms."""
    lists = {form: _list(words) for form, words in (FORMS | DISTRIBUTIONS).items()}
    return {"type": "object", "properties": lists | more, "additionalProperties": False} | dict.fromkeys(
        ("minProperties", "maxProperties"), 1
    )


def _list(words: str) -> Schema:
    """A list of numbers as `words` show it: `[low, high]`, or of any length: `[value, value, ...]`."""
    length = len(words.split(","))
    bounds = {"minItems": 1} if "..." in words else {"minItems": length, "maxItems": length}
    return {"description": words, "type": "array", "items": _ref("number"), **bounds}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
