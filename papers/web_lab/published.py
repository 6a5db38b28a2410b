"""The numbers of the Web Lab: those in the tables that are here, and how far off ours may be."""

from collections.abc import Iterator

import numpy as np

from hhcore.base.errors import UserError, closest

from .cells import ORIGIN, OWN, RESTITUTION, S1S2, Cell, cells, known

APD_SHARE, APD_MOST = 0.005, 1.2  # of a duration, and in ms
SLOPE = 0.02  # of a slope, and of 1
SCALED = 0.3  # of 100 %
SAMPLED, SAMPLED_SHARE = 0.02, 0.02  # in ms and of 100 %, where ours is measured as theirs
UNKNOWN = "The model has no parameter that is annotated so"


def published() -> dict[str, object]:
    """What would be in published.yaml."""
    return {"published": {name: entry for cell in cells() for name, entry in of_cell(cell)}}


def of_cell(cell: Cell) -> Iterator[tuple[str, dict[str, object]]]:
    """The numbers of one cell, by their names."""
    entries = {name: entry for part in (steady(cell), premature(cell), blocked(cell)) for name, entry in part}
    for name in cell.reasons:
        if name not in entries:
            raise UserError(f"{cell.folder / OWN}: reasons.{name} is not one of its numbers; {closest(name, entries)}")
    for name, entry in entries.items():
        reason = {"reason": cell.reasons[name]} if name in cell.reasons else {}
        yield f"{cell.name}_{name}", entry | {"quantity": f"{cell.name}: {entry['quantity']}"} | reason


def steady(cell: Cell) -> Iterator[tuple[str, dict[str, object]]]:
    """Steady-state restitution: two beats at each cycle length, and the slope of the first against the interval."""
    table, slope = cell.table(RESTITUTION, "APD"), cell.table(RESTITUTION, "restitution_slope")
    place = f"{ORIGIN}/{cell.name}/{RESTITUTION}"
    for i, beat in enumerate(("first", "second") if known(table) else ()):
        words = f"APD90 at steady state, {beat} beat, from 2000 ms on"
        yield f"steady_{beat}", durations(words, table[:, i], place)
        yield f"sampled_steady_{beat}", sampled(words, table[:, i], place)
    if known(slope):
        yield "sampled_steady_slope", slopes("Slope of it, measured as theirs", slope, place)


def premature(cell: Cell) -> Iterator[tuple[str, dict[str, object]]]:
    """S1-S2 restitution, from the interval of 2000 ms on."""
    words = {"APD90": "APD90 of S2", "DI": "Diastolic interval before S2"}
    place = f"{ORIGIN}/{cell.name}/{S1S2}"
    for name, quantity in words.items():
        table = cell.table(S1S2, name)
        if known(table):
            share = APD_SHARE if name == "APD90" else np.inf
            yield f"S1S2_{name}", durations(f"{quantity}, from 2000 ms on", table, place, share)
            yield f"sampled_S1S2_{name}", sampled(f"{quantity}, from 2000 ms on", table, place)
    if known(slope := cell.table(S1S2, "S1S2_slope")):
        yield "S1S2_slope", slopes("Slope of S1-S2 restitution", slope, place)
        yield "sampled_S1S2_slope", slopes("Slope of S1-S2 restitution, measured as theirs", slope, place)


def blocked(cell: Cell) -> Iterator[tuple[str, dict[str, object]]]:
    """APD90 under block, in per cent of that without."""
    for current, term in cell.blocks.items():
        place, words = f"{ORIGIN}/{cell.name}/{current}_block", f"APD90 with {current} from 0 to 100 % of it"
        entry = {"quantity": words, "value": cell.scaled(current).tolist(), "unit": "%", "place": place}
        yield f"block_{current}", entry | {"within": SCALED} | ({"reason": UNKNOWN} if term is None else {})
        if term is not None:
            measured = {"quantity": f"{words}, measured as theirs", "within": SAMPLED_SHARE}
            yield f"sampled_block_{current}", entry | measured


def durations(quantity: str, values: np.ndarray, place: str, share: float = APD_SHARE) -> dict[str, object]:
    """Durations or intervals as ours are measured; `share` of them is allowed, if it is below APD_MOST."""
    within = np.minimum(share * np.abs(values), APD_MOST)
    entry = {"quantity": quantity, "value": values.tolist(), "unit": "ms", "within": within.tolist()}
    return entry | {"place": place}


def sampled(quantity: str, values: np.ndarray, place: str) -> dict[str, object]:
    """The same, measured as theirs."""
    entry = {"quantity": f"{quantity}, measured as theirs", "value": values.tolist(), "unit": "ms"}
    return entry | {"within": SAMPLED, "place": place}


def slopes(quantity: str, values: np.ndarray, place: str) -> dict[str, object]:
    """Slopes."""
    within = SLOPE * np.maximum(np.abs(values), 1.0)
    return {
        "quantity": quantity,
        "value": values.tolist(),
        "unit": "1",
        "within": within.tolist(),
        "place": place,
    }
