"""Kernels that run in a page: the text of the run, for one lane, with an observer that notes the whole way."""

import hashlib
import json
from collections.abc import Mapping

from hhcore.base.digests import code_digest, digest
from hhcore.compile.cache import cache_directory, check_private, keep, kept
from hhcore.compile.module import kernel_name
from hhcore.model.model import NOTHING, Model
from hhcore.report.path import ROOM, Path
from hhcore.report.payload import Payload
from hhcore.report.webassembly import BrowserCode, browser_code
from hhcore.simulation.engine import kernel_parts
from hhcore.simulation.integration import MOST_COUNTED, MOST_STEPS
from hhcore.simulation.observers import Spikes
from hhcore.simulation.observers.spikes import BUFFER
from hhcore.simulation.stimuli.stimulus import Stimulus

# What static/kernel.js must know of the text.
CONSTANTS = (
    *("W", "N", "ROWS", "STATE", "SLOPE", "PARAMETER", "INPUTS", "SEGMENT", "STIMULUS_PARTS"),
    *("ADAPTIVE", "CLAMPED"),
)
# By which a page finds out whether the machine rounds once.
TRIAL = '''

def trial(numbers: "f8[:]"):
    """The last number = the first times the second plus the third."""
    numbers[3] = fma(numbers[0], numbers[1], numbers[2])
'''
CODE = "report/webassembly.py", "report/fused.py.in", "report/kernels.py"  # besides what determines any kernel


def kernel(model: Model, method: str, kind: type[Stimulus], payload: Payload) -> tuple[str, Mapping[str, object]]:
    """The name of a kernel in a page, and what the page must know of it; its code goes into the payload.

    One kernel serves all variants of a model, and all values of its parameters and of the fields of the stimulus.
    Raises UserError if the equations need what kernels lack.
    """
    observers = Spikes(), Path(drawn(model))
    name = digest(kernel_name(model, method, *kernel_parts(kind, observers)), code_digest(*CODE))
    code = _cached(name) or _made(name, model.base or model, method, kind, observers)
    described = {
        "hardware": payload.code(code.hardware),
        "software": payload.code(code.software),
        "constants": {constant: code.constants[constant] for constant in CONSTANTS},
        "entries": code.entries,
        "quiet": list(code.constants["QUIET"]),
        "states": len(model.states),
        "currents": len(model.currents),
        "driven": model.current.name != NOTHING,
        "buffers": {"spikes": BUFFER, "points": ROOM},
        "most_steps": MOST_STEPS * model.ms,
        "most_counted": MOST_COUNTED,
    }
    return name, described


def drawn(model: Model) -> tuple[str, ...]:
    """What a page draws: the states, the membrane currents, and the injected current if there is one."""
    injected = () if model.current.name == NOTHING else (model.current.name,)
    return (*model.states, *model.currents, *injected)


def _made(name: str, model: Model, method: str, kind: type[Stimulus], observers: tuple) -> BrowserCode:
    from hhcore.compile.text import generate  # loads SymPy, which a cached kernel does not need

    code = browser_code(generate(model, method, *kernel_parts(kind, observers), lanes=1) + TRIAL)
    about = {"constants": {n: v for n, v in code.constants.items() if n in (*CONSTANTS, "QUIET")}}
    about |= {"entries": code.entries, "hardware": len(code.hardware)}
    content = json.dumps(about).encode() + b"\n" + code.hardware + code.software
    keep(cache_directory() / "browser" / f"{name}.bin", _hash(content) + b"\n" + content)
    return code


def _cached(name: str) -> BrowserCode | None:
    """A kernel from the cache, None if it is missing, damaged, or not this user's."""
    path = cache_directory() / "browser" / f"{name}.bin"
    check_private(path.parent)
    try:
        mark, _, content = kept(path).partition(b"\n")
    except OSError:
        return None
    if mark != _hash(content):
        return None
    line, _, modules = content.partition(b"\n")
    about = json.loads(line)
    length = about["hardware"]
    return BrowserCode(modules[:length], modules[length:], about["constants"], about["entries"])


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode()
