"""The keys and words of an experiment in a config, checked, and its model."""

import dataclasses
from contextlib import suppress
from pathlib import Path

from hhcore.base.checks import Key, choice, fields, items, mapping, present, quoted, text
from hhcore.base.errors import UserError, collected
from hhcore.base.units import KELVIN
from hhcore.config.keys import CLAMP, EXPERIMENT, NAME, SPIKES
from hhcore.config.part import made_or, part
from hhcore.config.solver import check_solver
from hhcore.config.values import (
    read_model,
)
from hhcore.experiments.protocol import Protocol, default_protocol, protocols
from hhcore.grid.designs import check_sample
from hhcore.model.annotations import PREFIX
from hhcore.model.elsewhere import parameter_meant
from hhcore.model.model import FILE, Model
from hhcore.simulation.initial import OTHERS, initial_value
from hhcore.simulation.stimuli import commands, kind_of, kind_word, kinds
from hhcore.simulation.stimuli.segments import Segments
from hhcore.simulation.stimuli.stimulus import FROM, Stimulus


class Words:
    """An experiment while it is read: parts, each made of the config and of other parts.

    Here are the keys and words, and the model.
    """

    def __init__(self, name: str, written: object, base: Path):
        self.name, self.written, self.base = name, written, base
        self.where = f"experiments.{name if NAME.fullmatch(name) else quoted(name)}"

    @part
    def body(self) -> dict:
        """With `current: file` the stimulus is the one in the file, and need not be written."""
        written = self.written if isinstance(self.written, dict) else mapping(self.written, self.where)
        body = {key: value for key, value in written.items() if isinstance(key, str)}  # for others see `keys`
        from_file = body.get("current") == FILE and CLAMP not in body
        return {"stimulus": {"kind": FILE}, **body} if from_file else body

    @part
    def keys(self) -> None:
        """The name of the experiment, and its keys."""
        with collected() as noted:
            with noted():
                _check_name(self.name)
            with noted():
                mapping(self.written, self.where)
            fields(self.body, self.where, self.legal)

    @part
    def legal(self) -> dict[str, Key]:
        """The keys of an experiment; words in a wrong place that mean a parameter are known as such."""
        written, words = self.body.get(self._stimulus), {}
        with suppress(UserError):
            for word in {*self.body, *(written if isinstance(written, dict) else ())} - {*EXPERIMENT}:
                if found := isinstance(word, str) and parameter_meant(word, self.model):
                    celsius = " or as text like '6.3 degC'" if found.unit in KELVIN else ""
                    words[word] = f"`parameters: {{{found.name}: ...}}`, in {found.unit}{celsius}"
        keys = {
            "parameters": dataclasses.replace(
                EXPERIMENT["parameters"], elsewhere=EXPERIMENT["parameters"].elsewhere | words
            )
        }
        if CLAMP in self.body:
            keys |= {name: dataclasses.replace(EXPERIMENT[name], required=False) for name in ("stimulus", "duration")}
        if self._self_timed:
            keys["duration"] = dataclasses.replace(EXPERIMENT["duration"], required=False)
        return EXPERIMENT | keys

    def _written(self, key: str) -> object:
        """What is written for a key that must be there."""
        return present(self.body, key, self.where, EXPERIMENT if key == "model" else self.legal)

    def _word(self, key: str) -> str:
        """One of the legal words of a key, the first if it is left out."""
        legal = EXPERIMENT[key].legal
        return choice(self.body.get(key, legal[0]), legal, f"{self.where}.{key}")

    @part
    def combine(self) -> str:
        """How axes form a grid."""
        return self._word("combine")

    @part
    def failed_neurons(self) -> str:
        """Whether failed neurons fail the run."""
        return self._word("failed_neurons")

    @part
    def names(self) -> dict[str, str]:
        """The names of the model and of what is in it."""
        written = {"model": self._written("model")} | {
            k: self.body[k] for k in ("potential", "current") if k in self.body
        }
        with collected() as noted:
            for key, name in written.items():
                with noted():
                    text(name, f"{self.where}.{key}", EXPERIMENT[key].example)
        return ({"current": FILE} if self._from_file else {}) | written

    @part
    def model(self) -> Model:
        """The model by its name or file."""
        return read_model(**self.names, base=self.base, where=f"{self.where}.model")

    @property
    def _stimulus(self) -> str:
        """The key that has it: an injected current, or the command of a voltage clamp."""
        return CLAMP if CLAMP in self.body else "stimulus"

    @property
    def stimulus_where(self) -> str:
        """Where it stands."""
        return f"{self.where}.{self._stimulus}"

    @property
    def _from_file(self) -> bool:
        """Whether the model file states fields of the stimulus."""
        written = self.body.get(self._stimulus)
        return isinstance(written, dict) and written.get(FROM) == FILE and self._stimulus != CLAMP

    @part
    def stimulus_body(self) -> dict:
        """Its keys that are text, with what the model file states; for others see `stimulus_keys`."""
        written = self._written(self._stimulus)
        body = written if isinstance(written, dict) else mapping(written, self.stimulus_where)
        return {**self.stimulus_stated, **{key: value for key, value in body.items() if isinstance(key, str)}}

    @part
    def stimulus_stated(self) -> dict[str, float]:
        """The fields that the model file states, if the stimulus is from there."""
        kind = kinds().get(self.body["stimulus"].get("kind")) if self._from_file else None
        if kind is None or FROM not in kind.settled:
            return {}
        model = self.model
        try:
            return {name: value for name, value in kind.stated(model).items() if name not in self._supplied}
        except UserError as error:
            raise UserError(f"{self.stimulus_where}.{FROM}: {error}") from error

    @part
    def stimulus_read(self) -> tuple[type[Stimulus], dict]:
        """The kind of stimulus for its settings, and what is written for its fields."""
        legal = commands() if self._stimulus == CLAMP else kinds()
        kind, written = kind_of(self.stimulus_body, self.stimulus_where, self.base, legal)
        return kind.relative(written), written

    @part
    def stimulus(self) -> type[Stimulus]:
        """The kind of stimulus."""
        return self.stimulus_read[0]

    @part
    def stimulus_written(self) -> dict:
        """What is written for its fields, as far as it can be told."""
        if read := made_or(self, "stimulus_read", None):
            return read[1]
        settled = {key for kind in (*kinds().values(), *commands().values()) for key in kind.settled}
        return {key: value for key, value in self.stimulus_body.items() if key not in {"kind", *settled}}

    @part
    def stimulus_keys(self) -> None:
        """The kind of stimulus has the keys that it needs, and no others."""
        where, written = self.stimulus_where, self.stimulus_read[1]
        body = self._written(self._stimulus)
        with collected() as noted:
            with noted():
                fields({**body, **self.stimulus_stated}, where, self._stimulus_legal, self.legal)
            with noted():
                self._check_supplied(body if isinstance(body, dict) else {}, where)
            if CLAMP in self.body and "stimulus" in self.body:
                with noted():
                    raise UserError(
                        f"{self.where}: a neuron has a `stimulus` or a `clamp`, not both; leave one of them out"
                    )
            for name in (name for name, field in self.stimulus.fields.items() if not field.swept):
                if isinstance(written.get(name), dict):
                    with noted():
                        raise UserError(
                            f"{where}.{self.stimulus.place(name)}: {quoted(written[name])} is an axis; give one number "
                            "for all neurons"
                        )
            own = self._from_file or self.stimulus.kind == FILE
            if self.body.get("current") == FILE and CLAMP not in self.body and not own:
                kind = self.stimulus.kind
                pulses = f"take its pulses by `{{kind: {kind}, from: file}}`, " if FROM in self.stimulus.settled else ""
                raise UserError(
                    f"{where}: `current: file` is the stimulus in the model file, beside which there is no "
                    f"{quoted(kind)}; {pulses}leave the stimulus out, or name the current that it sets"
                )

    def _check_supplied(self, written: dict, where: str) -> None:
        """Raise UserError for fields of the stimulus that the protocol sets itself."""
        with collected() as noted:
            kind = made_or(self, "protocol_kind", None)
            for name in (name for name in (kind.supplies if kind else ()) if name in written):
                with noted():
                    raise UserError(
                        f"{where}.{name}: the protocol {quoted(kind.kind)} sets the {name} itself; leave it out"
                    )

    @property
    def _stimulus_legal(self) -> dict[str, Key]:
        """The keys of the stimulus; those that the protocol sets may be missing."""
        keys = self.stimulus.keys()
        return keys | {n: dataclasses.replace(keys[n], required=False) for n in self._supplied if n in keys}

    @part
    def without_effect(self) -> None:
        """Under a clamp nothing spikes, named segments are windows of their own, and protocols may ignore keys."""
        kind = made_or(self, "protocol_kind", None)
        reasons = dict(kind.ignores) if kind else {}
        reasons |= {"spikes": "under a clamp nothing spikes"} if CLAMP in self.body else {}
        if CLAMP in self.body and issubclass(self.stimulus, Segments):
            reasons["analysis_window"] = "each segment of the clamp is analysed by itself"
        with collected() as noted:
            for key in (key for key in reasons if key in self.body):
                with noted():
                    raise UserError(f"{self.where}.{key}: {reasons[key]}, so that this has no effect; leave it out")
            for key in (key for key in (kind.of_traces if kind else ()) if key in self.body.get("protocol", {})):
                if not self.body.get("traces"):
                    with noted():
                        raise UserError(
                            f"{self.where}.protocol.{key}: there are no `traces`, so that this has no effect; name "
                            "cells there, like `traces: [{}]`, or leave it out"
                        )

    @part
    def protocol_kind(self) -> type[Protocol]:
        """What reads the keys of the protocol; they are there, and no others."""
        if "protocol" not in self.body:
            return default_protocol(self.stimulus)
        body, where = self.body["protocol"], f"{self.where}.protocol"
        legal = [name for name, kind in protocols().items() if kind.takes(self.stimulus)]
        named = self._named_protocol
        if named and named.kind not in legal:
            raise UserError(
                f"{where}.kind: {quoted(named.kind)} takes {_taken(named)}, not a {quoted(self.stimulus.kind)}; change "
                f"one of them; legal protocols with it: {', '.join(legal)}"
            )
        kind = protocols()[kind_word(mapping(body, where), dict.fromkeys(legal), where, "kind: current_clamp")]
        fields(body, where, {"kind": Key(kind.title, f"kind: {kind.kind}"), **kind.keys})
        return kind

    @property
    def _self_timed(self) -> bool:
        """Whether the protocol says itself how long a run is, as far as can be told: a misspelled one may do so."""
        return self._named_protocol.self_timed if self._named_protocol else self._protocol_word is not None

    @property
    def _supplied(self) -> tuple[str, ...]:
        """The fields of the stimulus that the protocol sets itself, as far as can be told."""
        if self._named_protocol or self._protocol_word is None:
            return self._named_protocol.supplies if self._named_protocol else ()
        return tuple(dict.fromkeys(name for kind in protocols().values() for name in kind.supplies))

    @property
    def _protocol_word(self) -> str | None:
        """What is written for the kind of protocol, None if it is not text."""
        body = self.body.get("protocol")
        word = body.get("kind") if isinstance(body, dict) else None
        return word if isinstance(word, str) else None

    @property
    def _named_protocol(self) -> type[Protocol] | None:
        """The protocol that is named, whether it takes the stimulus or not; None if none is."""
        return protocols().get(self._protocol_word or "")

    @part
    def sample_body(self) -> None:
        """What is wrong in the design whatever is sampled."""
        if "sample" in self.body:
            check_sample(self.body["sample"], f"{self.where}.sample")

    @part
    def solver_body(self) -> dict:
        """What is written for the solver."""
        return mapping(self._written("solver"), f"{self.where}.solver")

    @part
    def solver_keys(self) -> None:
        """What is wrong in the solver whatever the model."""
        check_solver(self.solver_body, f"{self.where}.solver")

    @part
    def spikes_body(self) -> dict:
        """What is written for the spikes, its keys checked."""
        return fields(self.body.get("spikes", {}), f"{self.where}.spikes", SPIKES)

    @part
    def parameters_body(self) -> dict:
        """What is written for the parameters, by their own names."""
        where = f"{self.where}.parameters"
        return self._own_names(mapping(self.body.get("parameters", {}), where), where)

    def _own_names(self, body: dict, where: str) -> dict:
        """A mapping in which a term like `oxmeta:membrane_voltage` becomes the name of the variable with it."""
        found: dict = {}
        with collected() as noted:
            for written, value in body.items():
                with noted():
                    name = self._own_name(written, where)
                    if name in found:
                        raise UserError(f"{where}: {written!r} is {name!r}, which stands there too; leave one out")
                    found[name] = value
        return found

    def _own_name(self, written: str, where: str) -> str:
        if not written.startswith(PREFIX):
            return written
        model = self.model
        try:
            return model.annotated(written)
        except UserError as error:
            raise UserError(f"{where}: {error}") from error

    @part
    def states_body(self) -> dict:
        """What is written for initial values of states; none beside a word."""
        written = self._written("initial_state")
        body = mapping(written, f"{self.where}.initial_state") if isinstance(written, dict) else {}
        return {name: value for name, value in body.items() if name != OTHERS}

    @property
    def initial_written(self) -> dict:
        """The same by the names that initial values have in points."""
        return {initial_value(name): value for name, value in self.states_body.items()}

    @part
    def traces_body(self) -> list:
        """What is written for the traces."""
        where = f"{self.where}.traces"
        listed = items(self.body.get("traces", []), where, "[{amplitude: 10, ...}, ...], a list of points")
        with collected() as noted:
            for i, written in enumerate(listed):
                with noted():
                    listed[i] = self._own_names(mapping(written, f"{where}[{i}]"), f"{where}[{i}]")
        return listed


def _taken(protocol: type[Protocol]) -> str:
    """The stimuli that a protocol takes, in words."""
    injected = [name for name, kind in kinds().items() if protocol.takes(kind)]
    if not injected:
        return f"the `{CLAMP}` of the potential"
    return f"a stimulus of kind {' or '.join(injected)}"


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UserError(
            f"experiments: the name {quoted(name)} becomes a folder; use up to 100 letters, digits, _ and -"
        )
