"""The text through which the driver of a kernel goes from segment to segment of all parts of a stimulus."""

import ast
import re

from hhcore.compile.parts import CURRENT, HOLDING, SHOCK, PartText, StimulusText

NUMBERS = ("level", "rise")  # of a segment, besides its end

_ADVANCE = '''

def advance(Z, lanes, table, t, j):
    """Lane j goes on to the segments at time t.

    Returns when the first of them ends, whether one begins, and whether steps of the integration start anew.
    """
    first, begins, anew, before = inf, False, False, {abrupt}
{parts}
    Z[HELD + j] = {held}
    return first, begins, anew or {abrupt} != before
'''

_PART = """\
# {name}
finish, k = Z[FINISH_{i} + j], lanes[SEGMENT + {i}, j]
if finish <= t:
    while finish <= t:
        k += 1
        {results} = {segment}({arguments})
        {stores}
    lanes[SEGMENT + {i}, j], Z[FINISH_{i} + j], Z[ONSET_{i} + j], begins = k, finish, t, True
    {begun}
first = min(first, finish)
"""


def library(stimulus: StimulusText) -> str:
    """The functions of the parts: those of one kind once."""
    texts = dict.fromkeys(text.strip() for part in stimulus.parts for text in (part.segment, part.beat) if text)
    return "".join(f"\n\n{_named(text, stimulus)}\n" for text in texts)


def advancing(stimulus: StimulusText, parameters: int) -> str:
    """The function `advance`, and its constants. The numbers of the stimulus follow `parameters` of the model."""
    rows = {name: f"Z[PARAMETER_{parameters + i} + j]" for i, name in enumerate(stimulus.fields)}
    parts = "".join(_part(i, part, stimulus, rows) for i, part in enumerate(stimulus.parts))
    indented = "\n".join(f"    {line}" for line in parts.splitlines())
    levels = {f"Z[LEVEL_{i} + j]": p for i, p in enumerate(stimulus.parts) if p.constant and p.acts == CURRENT}
    held = " + ".join([*([] if stimulus.absolute else [rows[HOLDING]]), *levels]) or "0.0"
    abrupt = " + ".join(level for level, part in levels.items() if part.restarts) or "0.0"
    constants = [
        f"LEADING = {stimulus.leading}  # the part of the stimulus whose segments observers enter",
        f"CLAMPED = {stimulus.clamps}",
        f"HOLDING = PARAMETER_{parameters + stimulus.fields.index(HOLDING)}",
    ]
    return "\n\n" + "\n".join(constants) + "\n" + _ADVANCE.format(parts=indented, held=held, abrupt=abrupt)


def inputs(stimulus: StimulusText) -> dict[str, int]:
    """Rows of the kernel's array that are constant in a segment, with the number of them, one after the other."""
    return {"HELD": 1, **dict.fromkeys(("LEVEL", "RISE", "ONSET"), len(stimulus.parts))}


def _part(i: int, part: PartText, stimulus: StimulusText, rows: dict[str, str]) -> str:
    numbers = NUMBERS if part.rises else NUMBERS[:1]
    stores = [f"Z[{name.upper()}_{i} + j] = {name}" for name in numbers]
    known = {name: rows[field] for name, field in part.numbers}
    known |= {"k": "k", "table": "table", **{name: f"Z[{name.upper()}_{i} + j]" for name in NUMBERS}}
    return _PART.format(
        i=i,
        name=part.name or stimulus.kind,
        results=", ".join(["finish", *numbers]),
        segment=_name(part.segment.strip(), stimulus),
        arguments=", ".join(known[argument] for argument in _arguments(part.segment)),
        stores="\n        ".join(stores),
        begun=_begun(i, part),
    )


def _begun(i: int, part: PartText) -> str:
    """What happens where a segment of the part begins, besides a new level."""
    if part.acts == SHOCK:
        return f"Z[STATE + POTENTIAL + j] = Z[STATE + POTENTIAL + j] + Z[LEVEL_{i} + j]\n    anew = True"
    return "anew = True" if part.restarts and not part.constant else "pass"


def _arguments(segment: str) -> list[str]:
    function = next(n for n in ast.parse(segment).body if isinstance(n, ast.FunctionDef) and n.name == "segment")
    return [argument.arg for argument in function.args.args]


def _name(segment: str, stimulus: StimulusText) -> str:
    """The name of the function `segment` of a text in the kernel."""
    texts = list(dict.fromkeys(part.segment.strip() for part in stimulus.parts))
    return f"segment_{texts.index(segment)}" if len(texts) > 1 else "segment"


def _named(text: str, stimulus: StimulusText) -> str:
    return re.sub(r"\bdef segment\(", f"def {_name(text, stimulus)}(", text) if "def segment(" in text else text
