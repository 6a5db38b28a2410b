"""Whether the equations of a model are the same at every time, so that a beat may begin at any."""

from hhcore.base.errors import UserError
from hhcore.model.model import Model


def check_autonomous(model: Model, where: str) -> None:
    """Raise UserError, which begins with `where`, if equations beside the injected current have a formula of time."""
    if timed := readers_of_time(model):
        raise UserError(
            f"{where}: in {model.name!r} {' and '.join(timed)} {'follows' if len(timed) == 1 else 'follow'} a formula "
            "of time, so that no beat is like another; name the stimulus in it as `current`, or take another protocol"
        )


def readers_of_time(model: Model) -> tuple[str, ...]:
    """The variables that name the time and that a derivative depends on, other than through the injected current."""
    time, waiting = model.myokit.time(), list(model.myokit.states())
    found, seen = set(), {model.current.name}
    while waiting:
        reader = waiting.pop()
        for variable in {reference.var() for reference in reader.rhs().references()}:
            if variable is time:
                found.add(reader.qname())
            elif not variable.is_state() and not variable.is_bound() and variable.qname() not in seen:
                seen.add(variable.qname())
                waiting.append(variable)
    return tuple(sorted(found))
