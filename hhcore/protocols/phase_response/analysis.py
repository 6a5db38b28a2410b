"""Phase response curves as a table, their figures, and what they come down to."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.phase_response.cycle import WORDS as CYCLE_WORDS
from hhcore.protocols.phase_response.kicks import WORDS as KICK_WORDS

FIELDS = {
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "phase": ("1", "phase of the kick, from 0, the upward crossing of the threshold, to 1, the next one"),
    "potential_mV": ("mV", "potential at that phase, before the kick"),
    "kick_outcome": ("1", "; ".join(f"{word}: {meaning}" for word, meaning in KICK_WORDS.items())),
    "shift_cycles": (
        "cycles",
        "how much earlier spikes come long after the kick, from -0.5 to 0.5; null unless the kick shifts the cycle",
    ),
    "response_per_mV": ("cycles/mV", "shift per kick: above 0 where the kick advances spikes if it depolarises"),
    "new_phase": ("1", "phase after the kick, from 0 to 1: the phase and the shift, without whole cycles"),
    "infinitesimal_per_mV": ("cycles/mV", "limit of the response for small kicks; null where they do not shift"),
    "infinitesimal_error_per_mV": ("cycles/mV", "estimated error of the limit, without that of the solver"),
}


class PhaseCurves(Analysis):
    """phase_response.parquet and figures of the curves."""

    name = "phase_response"
    order = 24
    implied = True

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.protocol.kind == "phase_response"

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e = self.experiment
        rows, label = e.n_points * e.protocol.phases, "Phase response, one row per phase"
        return (TableFile("phase_response", rows, label, self.caption("phase_response_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """Of curves."""
        found = ("phase_response", "Phase response"), ("phase_transition", "New phase against old phase")
        return tuple(FigureFile(name, label, self.caption(name)) for name, label in found)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid", "phase_response": "neurons"}

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        """The rows of the neurons that have a curve."""
        protocol, mV = self.experiment.protocol, self.experiment.model.mV
        lists, phases = protocol.lists(block.result), protocol.phases
        kicked = np.isfinite(lists["kick_outcome"])
        rows = np.nonzero(kicked.any(axis=1))[0]
        potential, shift, outcome, slope, error = (values[rows].ravel() for values in lists.values())
        phase = np.tile(np.arange(phases) / phases, len(rows))
        columns = {
            "neuron": np.repeat(rows + block.rows.start, phases).astype(np.int32),
            "phase": phase,
            "potential_mV": potential * mV,
            "kick_outcome": np.array([*KICK_WORDS], dtype=object)[outcome.astype(np.int64)],
            "shift_cycles": shift,
            "response_per_mV": shift / (protocol.kick * mV),
            "new_phase": (phase + shift) % 1.0,
            "infinitesimal_per_mV": slope / mV,
            "infinitesimal_error_per_mV": error / mV,
        }
        return {"phase_response": tables.table(columns, FIELDS)}

    def answers(self, results: Results) -> Iterable[Answer]:
        """Types of curves, the period, and what the neurons without a curve do."""
        kinds = results.column("features", "response_type")
        counts = {kind: int((kinds == kind).sum()) for kind in ("I", "II")}
        words = ", ".join(f"type {kind} in {count:,} of {len(kinds):,}" for kind, count in counts.items() if count)
        yield Answer("Phase response", words or "none", "features", "response_type")
        yield from results.span("Period", "features", "period_ms")
        yield from results.span("Largest delay per largest advance", "features", "delay_share")
        cycles, numbers = np.unique(results.column("features", "cycle").astype(str), return_counts=True)
        for cycle, count in zip(cycles.tolist(), numbers.tolist(), strict=True):
            if cycle != "periodic":
                words = f"{cycle}: {CYCLE_WORDS[cycle]}"
                yield Answer(f"{count:,} of {len(kinds):,} neurons", words, "features", "cycle")
        stopping = int((results.column("features", "stopping_phases") > 0).sum())
        if stopping:
            words = f"at some phases of {stopping:,} neurons"
            yield Answer("The kick ends the firing", words, "features", "stopping_phases")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.phase_response import figures

        features, curves = tables["features"], tables["phase_response"]
        return {
            "phase_response": figures.phase_response(features, curves, context, self.experiment.protocol),
            "phase_transition": figures.phase_transition(features, curves, context),
        }


class ResponseExtremes(Analysis):
    """The extremes of curves against the axes of a grid."""

    name = "response_extremes"
    order = 25
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        """With an axis."""
        e = experiment
        return PhaseCurves.applies(e) and e.sample is None and bool(e.factors)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("response_extremes", "Extremes of phase response", self.caption("response_extremes")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.phase_response import figures

        return {"response_extremes": figures.response_extremes(tables["features"], context)}


class ResponseMap(Analysis):
    """A map over two axes of a grid."""

    name = "response_map"
    order = 26
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        """With two axes."""
        return ResponseExtremes.applies(experiment) and len(experiment.factors) > 1

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("response_map", "Map of phase response", self.caption("response_map")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.phase_response import figures

        return {"response_map": figures.response_map(tables["features"], context)}
