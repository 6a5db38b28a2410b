"""A value that is read from a config when it is first asked for, with the mistakes in it."""

from collections.abc import Callable
from typing import Generic, TypeVar, overload

from hhcore.base.errors import UserError

T = TypeVar("T")


class part(Generic[T]):  # noqa: N801 (used like `property`)
    """A property that is made once. If that ends in a UserError, whoever asks gets the same one.

    So a part that is made of a wrong one has its mistakes and no others, and these are listed once.
    """

    def __init__(self, make: Callable[..., T]):
        self.make, self.name, self.__doc__ = make, make.__name__, make.__doc__

    @overload
    def __get__(self, whole: None, owner: type) -> "part[T]": ...
    @overload
    def __get__(self, whole: object, owner: type) -> T: ...
    def __get__(self, whole, owner):
        if whole is None:
            return self
        made = vars(whole).setdefault("_parts", {})
        if self.name not in made:
            try:
                made[self.name] = self.make(whole)
            except UserError as error:
                made[self.name] = error
        if isinstance(made[self.name], UserError):
            raise made[self.name].with_traceback(None)
        return made[self.name]


def made_or(whole: object, name: str, otherwise: T) -> T:
    """A part, or what stands for it where it is wrong and what is made of it can still be judged."""
    try:
        return getattr(whole, name)
    except UserError:
        return otherwise


def parts_of(owner: type) -> list[str]:
    """The names of the parts of a class and of those that it extends, which come first, as written."""
    return [name for cls in reversed(owner.__mro__) for name, value in vars(cls).items() if isinstance(value, part)]
