"""How the searches of a neuron are kept in its row of the store: those of the widths in lists, three alone."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from hhcore.protocols.restitution.runs import folded, folded_schema, unfolded
from hhcore.protocols.rheobase.searching import found_in, found_schema, record_of
from hhcore.simulation.result import Column, Record
from hhcore.simulation.search.thresholds import Thresholds

WIDE = "widths"
RHEOBASE, CHRONAXIE, SHOCKED = "rheobase_", "chronaxie_", "shock_"  # of columns
ALONE = (RHEOBASE, CHRONAXIE, SHOCKED)
Searches = Mapping[str, Thresholds]  # of n neurons by ALONE; by WIDE of all widths, those of a neuron in a row


def kept_schema() -> pa.Schema:
    """The columns of `kept`."""
    return pa.unify_schemas([folded_schema(found_schema()), *map(found_schema, ALONE)])


def kept(found: Searches) -> Record:
    """The columns of n neurons."""
    n = len(found[RHEOBASE].low)
    record = folded(record_of(found[WIDE]), found_schema(), np.full(n, len(found[WIDE].low) // max(n, 1)))
    for prefix in ALONE:
        record |= record_of(found[prefix], prefix)
    return record


def of_widths(record: Mapping[str, Column]) -> Thresholds:
    """The thresholds of all widths of all neurons in a record, those of a neuron one after the other."""
    return found_in(unfolded(record, found_schema()))


def searches(record: Mapping[str, Column]) -> Searches:
    """All that a record holds."""
    return {WIDE: of_widths(record)} | {prefix: found_in(record, prefix) for prefix in ALONE}
