"""The equations of a model as Myokit writes them in Python."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import myokit
import myokit.formats.python

from hhcore.model.model import Model


@dataclass(frozen=True)
class Equations:
    """A model in Python: run(math, *inputs) returns the values of `outputs`, first the slopes of the states."""

    run: Callable[..., tuple[float, ...]]
    inputs: list[str]
    outputs: list[str]


@cache
def equations(model: Model) -> Equations:
    """The model's equations in solvable order, as Myokit writes them in Python, one assignment a line."""
    inputs = [*model.states, *model.parameters, model.current.name, model.myokit.time().qname()]
    assignments = [e for block in model.myokit.solvable_order().values() for e in block if _key(e.lhs) not in inputs]
    slopes = [f"dot({name})" for name in model.states]
    outputs = slopes + [name for name in map(_key, (e.lhs for e in assignments)) if name not in slopes]
    names = {name: f"v{i}" for i, name in enumerate([*inputs, *outputs])}
    writer = myokit.formats.python.PythonExpressionWriter()
    writer.set_lhs_function(lambda lhs: names[_key(lhs)])
    body = [*map(writer.eq, assignments), f"return {', '.join(names[name] for name in outputs)},"]
    arguments = ", ".join(["math", *(names[name] for name in inputs)])
    space: dict[str, Callable] = {}
    exec(compile(f"def run({arguments}):\n    " + "\n    ".join(body), model.name, "exec"), space)
    return Equations(space["run"], inputs, outputs)


def _key(lhs: myokit.LhsExpression) -> str:
    name = lhs.var().qname()
    return f"dot({name})" if isinstance(lhs, myokit.Derivative) else name
