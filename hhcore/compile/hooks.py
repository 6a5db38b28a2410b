"""Functions through which the driver of a kernel calls the hooks of all observers in turn."""

import ast
import textwrap
from collections.abc import Sequence

from hhcore.compile.parts import ObserverText

WIDTH = 116  # of a line
WHOLE = "\0"  # stands for a space at which no line ends

# By hook: arguments before and after those of the observer, operator that joins results, result without observers.
_ALERTED = ("accepted", "turned", "high", "low", "v1", "d0", "d1", "j")
_HOOKS = {
    "alert": (("Z",), _ALERTED, " | ", "False"),
    "start": (("Z",), ("i", "j"), "", ""),
    "enter": (("Z",), ("i", "k", "begins", "j"), "", ""),
    "step": (("Z",), ("i", "j"), "", ""),
    "over": (("Z",), ("j",), " | ", "False"),
    "end": (("Z",), ("i", "j"), "", ""),
    "room": ((), ("lanes",), " & ", "True"),
}
_SURVEY = {"survey": (("Z",), (), "", "")}  # only in kernels whose observers name variables
_SURVEYING = ("remember(Z)", "observers_survey(")  # what the driver calls for them


def observing(observers: Sequence[ObserverText]) -> str:
    """The text of the observers, and for each hook a function `observers_HOOK` that calls it on all that have it."""
    texts = [f"\n\n{observer.text.strip()}\n" for observer in observers]
    hooks = _HOOKS | (_SURVEY if surveying(observers) else {})
    return "".join([*texts, *(_caller(hook, *hooks[hook], observers) for hook in hooks)])


def surveying(observers: Sequence[ObserverText]) -> bool:
    """Whether an observer names variables of the model."""
    return any(observer.variables for observer in observers)


def with_arguments(driver: str, observers: Sequence[ObserverText]) -> str:
    """Fill the arguments of the observers into the driver, at TYPED_ARGUMENTS and ARGUMENTS; drop calls for nobody."""
    kinds = [(name, kind) for o in observers for name, (_, kind) in zip(_names(o), o.arguments, strict=True)]
    typed = [f'{name}: "{kind.replace(" ", WHOLE)}"' for name, kind in kinds]  # no line ends inside a text
    names = "".join(f"{name}, " for o in observers for name in _names(o))

    def filled(line: str) -> str:
        full = line.replace("TYPED_ARGUMENTS,", ", ".join(typed)).replace("ARGUMENTS, ", names)
        full = full.replace("ARGUMENTS)", f"{names.removesuffix(', ')})")
        return line if full == line else _wrapped(full).replace(WHOLE, " ")

    dropped = () if surveying(observers) else _SURVEYING
    return "\n".join(filled(line) for line in driver.split("\n") if not line.strip().startswith(dropped))


def _wrapped(line: str) -> str:
    """Break a long line of arguments inside its parentheses."""
    inside = " " * (len(line) - len(line.lstrip()) + 4)
    call, close, after = line.rpartition(")")
    whole, short = (
        textwrap.fill(text, WIDTH, subsequent_indent=inside, break_long_words=False, break_on_hyphens=False)
        for text in (line, call)
    )
    return whole if close in whole.rpartition("\n")[2] else short + close + after


def _names(observer: ObserverText) -> list[str]:
    """The names of an observer's arguments in the driver. Raises ValueError if one is the name of a hook."""
    for name, _ in observer.arguments:
        if name in _HOOKS | _SURVEY:
            raise ValueError(f"observer {observer.name}: no argument may have the name of a hook, {name}")
    return [f"{observer.name}_{name}" for name, _ in observer.arguments]


def _caller(
    hook: str,
    before: tuple[str, ...],
    after: tuple[str, ...],
    operator: str,
    default: str,
    observers: Sequence[ObserverText],
) -> str:
    calls = [f"{o.name}_{hook}({', '.join([*before, *_names(o), *after])})" for o in observers if _has(o, hook)]
    calls = ["dense(Z)", *calls] if hook in _SURVEY else calls
    body = [f"return ({operator.join(calls) or default})"] if operator else calls or ["pass"]
    arguments = ", ".join([*before, *(name for o in observers for name in _names(o)), *after])
    head = "@inline\n" if hook in ("alert", "over") else ""
    lines = [f"def observers_{hook}({arguments}):", *(f"    {line}" for line in body)]
    return f"\n\n{head}" + "".join(f"{_wrapped(line)}\n" for line in lines)


def _has(observer: ObserverText, hook: str) -> bool:
    functions = (node.name for node in ast.parse(observer.text).body if isinstance(node, ast.FunctionDef))
    return f"{observer.name}_{hook}" in functions
