"""The experiments of the Web Lab, for each cell that is here and each table of it."""

from collections.abc import Iterator

from .cells import RESTITUTION, S1S2, Cell, cells

# As their protocols have them, in ms.
CYCLE_LENGTHS = [2000, 1750, 1500, 1250, 1000, 900, 800, 700, 600, 550, 500, 450, 400, 350, 300]
INTERVALS = [*range(2000, 1000, -50), *range(1000, 700, -25), *range(700, 500, -20), *range(500, 10, -10)]
PERIOD = 1000
PREBEATS = 1000  # before S2
# Theirs have 1,000 or 10,000 beats at most. A cell that settles does so by Newton's method after 30; one that has not
# after 1000 has no state that repeats, and the certificate of more beats takes minutes.
STEADY = {"tolerance": 1e-6, "most_beats": 1000}
SOLVER = {"method": "rodas5p", "local_error": 1e-6}


def experiments() -> dict[str, object]:
    """The config of the paper."""
    return {"experiments": {name: body for cell in cells() for name, body in of_cell(cell)}}


def of_cell(cell: Cell) -> Iterator[tuple[str, dict[str, object]]]:
    """The experiments of one cell, by their names."""
    if cell.table(RESTITUTION, "APD") is not None:
        protocol = {
            "kind": "dynamic_restitution",
            "cycle_lengths": in_ms(CYCLE_LENGTHS),
            "carry_over": True,
            "by": "newton",
        } | STEADY
        yield name(cell, RESTITUTION), body(cell) | {"protocol": protocol}
    if cell.table(S1S2, "APD90") is not None:
        protocol = {"kind": "s1s2", "intervals": in_ms(INTERVALS), "prebeats": PREBEATS}
        yield name(cell, S1S2), body(cell, PERIOD) | {"protocol": protocol}
    for current, term in cell.blocks.items():
        if term is not None:
            own = body(cell, PERIOD)
            levels = {"scale": {"linspace": [0, 1, len(cell.scaled(current))]}}
            parameters = own.get("parameters", {}) | {f"oxmeta:{term}": levels}
            protocol = {"kind": "steady_state"} | STEADY
            yield name(cell, current), own | {"parameters": parameters, "protocol": protocol}


def name(cell: Cell, protocol: str) -> str:
    """Of an experiment."""
    return f"{cell.name}_{protocol}"


def body(cell: Cell, period: float | None = None) -> dict[str, object]:
    """What the experiments of a cell share; period : of its pulses, in ms, None where the protocol has it."""
    paced = {} if period is None else {"period": f"{period} ms"}
    return cell.body | {"stimulus": cell.body["stimulus"] | paced, "solver": SOLVER}


def in_ms(times: list[float]) -> list[str]:
    """Times with their unit, since some of the cells count in seconds."""
    return [f"{time} ms" for time in times]
