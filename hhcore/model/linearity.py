"""Which variables are straight lines of the membrane potential, while all other states stay."""

import myokit

from hhcore.model.model import Model

_TERMS = (myokit.Plus, myokit.Minus, myokit.PrefixPlus, myokit.PrefixMinus)


def is_linear(model: Model, name: str) -> bool:
    """Whether a variable is a + b V in the text of the model, where neither a nor b depends on the potential V."""
    return _degree(model.myokit.get(name).rhs(), model.potential) is not None


def _degree(e: myokit.Expression, potential: str) -> int | None:
    """0 if an expression does not depend on the potential, 1 if it is linear in it, else None."""
    if isinstance(e, myokit.Derivative):
        return _degree(e.var().rhs(), potential)
    if isinstance(e, myokit.Name):
        variable = e.var()
        if variable.qname() == potential:
            return 1
        return 0 if variable.is_state() or variable.is_bound() else _degree(variable.rhs(), potential)
    parts = [_degree(part, potential) for part in e]
    if not any(part != 0 for part in parts):
        return 0
    if None in parts:
        return None
    if isinstance(e, _TERMS):
        return 1
    if isinstance(e, myokit.Multiply):
        return 1 if sum(parts) == 1 else None
    if isinstance(e, myokit.Divide):
        return 1 if parts[1] == 0 else None
    if isinstance(e, myokit.If):
        return 1 if parts[0] == 0 else None
    return None
