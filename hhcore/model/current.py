"""Which variable of a model may be its injected current, by its role and its unit."""

import re

import myokit

NAMED = re.compile(r"stim|(^|_)i?_?(app|ext|inj)|applied|external|inject|pace", re.IGNORECASE)
UNITS = (myokit.units.A, myokit.units.A / myokit.units.m**2, myokit.units.A / myokit.units.F)


def likely_currents(model: myokit.Model, potential: myokit.Variable) -> list[myokit.Variable]:
    """Variables that may be the injected current, the most likely first.

    Such a variable is a term of dV/dt, or of a sum in it; it depends on no state, and its unit is that of a current, a
    current density or a current per capacitance. It has a name like `i_stim` or `I_app`; only if none has, one that
    depends on time.
    """
    terms = _Terms(model, potential)
    likely = [v for v in terms.currents if _is_named(v)] or [v for v in terms.currents if v in terms.timed]
    return sorted(likely, key=lambda v: (v not in terms.timed, v.qname()))


def paced(
    model: myokit.Model, potential: myokit.Variable, injected: myokit.Variable | None = None
) -> list[myokit.Variable]:
    """The terms as in `likely_currents` that depend on time, under any name.

    injected : the variable whose formula a stimulus replaces; None if there is none
    """
    terms = _Terms(model, potential, injected)
    return sorted((v for v in terms.currents if v in terms.timed), key=lambda v: v.qname())


def summands(e: myokit.Expression) -> set[myokit.Variable]:
    """The variables that an expression adds up, whatever constant multiplies them, and whatever divides them."""
    if isinstance(e, myokit.Name):
        variable = e.var()
        if not variable.is_intermediary():
            return set()
        return (summands(variable.rhs()) if isinstance(variable.rhs(), _SUM) else set()) or {variable}
    if isinstance(e, _SUM):
        return set().union(*map(summands, e))
    if isinstance(e, myokit.Divide):
        return summands(e[0])
    if isinstance(e, myokit.Multiply):
        varying = [factor for factor in e if not factor.is_constant()]
        return summands(varying[0]) if len(varying) == 1 else set()
    return set()


def _is_named(variable: myokit.Variable) -> bool:
    return bool(NAMED.search(variable.name()))


def _is_current(variable: myokit.Variable) -> bool:
    unit = variable.unit()
    if unit is None or unit == myokit.units.dimensionless:
        return _is_named(variable)
    return any(myokit.Unit.can_convert(unit, other) for other in UNITS)


class _Terms:
    """The terms of dV/dt that depend on no state.

    timed   : variables that depend on time
    varying : those that depend on states
    """

    def __init__(self, model: myokit.Model, potential: myokit.Variable, injected: myokit.Variable | None = None):
        self.found: dict[myokit.Variable, None] = {}
        self.timed: set[myokit.Variable] = {model.time()}
        self.varying: set[myokit.Variable] = set(model.states())
        for equation in (e for block in model.solvable_order().values() for e in block):
            variable, read = equation.lhs.var(), {r.var() for r in equation.rhs.references()}
            if not variable.is_state() and variable is not injected:
                self.timed |= {variable} if read & self.timed else set()
                self.varying |= {variable} if read & self.varying else set()
        slope = potential.rhs()
        while isinstance(slope, myokit.Name) and slope.var().is_intermediary():
            slope = slope.var().rhs()  # a name for dV/dt
        self.collect(slope)

    @property
    def currents(self) -> list[myokit.Variable]:
        return [variable for variable in self.found if _is_current(variable)]

    def collect(self, e: myokit.Expression) -> None:
        """Find the terms that depend on no state."""
        if isinstance(e, myokit.Name):
            variable = e.var()
            if variable not in self.varying:
                self.found[variable] = None
            elif isinstance(variable.rhs(), _SUM) and not variable.is_state():
                self.collect(variable.rhs())
        elif isinstance(e, _SUM):
            for part in e:
                self.collect(part)
        elif isinstance(e, myokit.If | myokit.Piecewise):
            for part in [*list(e)[1:-1:2], list(e)[-1]]:
                self.collect(part)
        elif isinstance(e, myokit.Multiply | myokit.Divide):
            factors = [e[0]] if isinstance(e, myokit.Divide) else list(e)
            # A constant beside something that depends on a state is its conductance or its size.
            terms = [f for f in factors if self.varies(f)] or factors
            for part in terms:
                self.collect(part)

    def varies(self, e: myokit.Expression) -> bool:
        return bool(self.varying & {r.var() for r in e.references()})


_SUM = myokit.Plus | myokit.Minus | myokit.PrefixPlus | myokit.PrefixMinus
