"""Find the kinds of a thing: each is a class in a file or folder of its own, and nothing lists them.

Those of hhcore lie in one folder. Other packages add theirs by an entry point: its name is free, its value is a module
with such classes.
"""

from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


@lru_cache
def discover(package: str, group: str, base: type[T]) -> tuple[type[T], ...]:
    """The subclasses of `base` in a package, sorted by module, then those of entry points.

    package : `hhcore.simulation.stimuli`; a folder in it offers what its `__init__` imports
    group   : of the entry points, `hhcore.stimuli`
    """
    names = sorted(module.name for module in iter_modules(import_module(package).__path__))
    modules = [import_module(f"{package}.{name}") for name in names]
    modules += [entry.load() for entry in sorted(entry_points(group=group), key=lambda entry: entry.value)]
    return tuple(dict.fromkeys(kind for module in modules for kind in _kinds(module, base)))


def _kinds(module: ModuleType, base: type[T]) -> list[type[T]]:
    """The subclasses of `base` that a module or folder defines."""
    known = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, base)]
    return [kind for kind in known if kind is not base and kind.__module__.startswith(module.__name__)]
