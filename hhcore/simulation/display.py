"""How a prompt and a notebook show results and traces."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from hhcore.schemes.solver import Solver

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5  # rows in a notebook


def solved_by(solver: Solver | None, certificate: Mapping[str, str]) -> str:
    """What a short text says of a solver, and the error of one that a tolerance chose."""
    if solver is None:
        return ""
    said = f"; {solver.method}, {solver.setting} {solver.accuracy:.3g}"
    if not certificate:
        return said
    key, error = next((key, text) for key, text in certificate.items() if "_99_percent_" in key)
    name, _, unit = key.partition("_99_percent_")
    measured = f"{name.replace('_', ' ')} {error} {unit}" if error[0].isdigit() else error  # or why there is none
    return f"{said}: {measured}"


def html_table(thing: object, frame: "pd.DataFrame") -> str:
    """What a notebook shows: the short text, and the first rows of a data frame."""
    table = frame.head(SHOWN).to_html(border=0, na_rep="")
    rest = f"<div>{len(frame):,} rows, {SHOWN} of them shown</div>" if len(frame) > SHOWN else ""
    return f'<div>{escape(str(thing).strip("<>"))}</div><div style="overflow-x: auto">{table}</div>{rest}'
