"""The events of the `[[protocol]]` in a .mmt file."""

from pathlib import Path

from hhcore.base.errors import UserError


def events_in(path: Path, where: str) -> list[dict[str, float]]:
    """The events of a file in their order, a mapping for each. Raises UserError for a file without any."""
    import myokit  # here, since it takes half a second, and few stimuli are files

    try:
        protocol = myokit.load(str(path))[1]
    except OSError as error:
        raise UserError(f"{where}: {path} cannot be read ({error.strerror}); give the path of a .mmt file") from error
    except (myokit.MyokitError, UnicodeDecodeError) as error:
        raise UserError(f"{where}: {path} is not a .mmt file that Myokit reads: {error}") from error
    if protocol is None or not protocol.events():
        raise UserError(f"{where}: {path} has no [[protocol]] with events; write them as `events: [...]`")
    return [
        {
            "level": event.level(),
            "start": event.start(),
            "length": event.duration(),
            "period": event.period(),
            "multiplier": float(event.multiplier()),
        }
        for event in protocol.events()
    ]
