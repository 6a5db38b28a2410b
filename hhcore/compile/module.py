"""Kernels: text and machine code, named by the hash of all that determines them, loaded from the cache or made."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

from hhcore.base.digests import code_digest, digest
from hhcore.compile.cache import alone, cache_directory, check_private, keep, kept
from hhcore.compile.language.machine import compiled, cpu_digest, load
from hhcore.compile.parts import ObserverText, StimulusText
from hhcore.model.model import Model


def kernel_digest(model: Model, method: str, stimulus: StimulusText, observers: tuple[ObserverText, ...] = ()) -> str:
    """Hash that names the kernel of a model and its variants, a scheme, a kind of stimulus and observers.

    Equal digests compute equal bits.
    """
    versions = version("llvmlite"), code_digest("compile", "schemes", "model/clock.py", "model/variables.py")
    return digest(_base(model).digest, method, *versions, stimulus, *observers)


def kernel_name(model: Model, method: str, stimulus: StimulusText, observers: tuple[ObserverText, ...] = ()) -> str:
    """The file name of a kernel, without extension."""
    name = re.sub(r"[^\w.-]", "_", _base(model).name)  # in a rule of the workflow, a brace would be a wildcard
    return "_".join([name, method, stimulus.kind, kernel_digest(model, method, stimulus, observers)])


def _base(model: Model) -> Model:
    """The model with the values of its file, since a kernel reads values when it runs."""
    return model.base or model


_loaded: dict[str, SimpleNamespace] = {}


def load_kernel(
    model: Model, method: str, stimulus: StimulusText, observers: tuple[ObserverText, ...] = ()
) -> SimpleNamespace:
    """Load the kernel of these parts; generate and compile it if it is not in the cache.

    `path` is the file of its text. Each kind of CPU has its own folder of machine code.
    Raises UserError if others can write the cache, or this user cannot.
    """
    name = kernel_name(model, method, stimulus, observers)
    if name not in _loaded:
        text_path, code_path = cache_directory() / f"{name}.py", cache_directory() / cpu_digest() / f"{name}.bin"
        check_private(code_path.parent)
        kernel = _cached(text_path, code_path)
        if kernel is None:
            with alone(str(code_path)):  # jobs that start together compile a kernel once
                kernel = _cached(text_path, code_path)
                kernel = kernel or _compiled(text_path, code_path, _base(model), method, stimulus, observers)
        kernel.path = text_path
        _loaded[name] = kernel
    return _loaded[name]


def _compiled(text_path: Path, code_path: Path, *parts: object) -> SimpleNamespace:
    """Make a kernel of its parts and keep it."""
    with _without_collection():
        from hhcore.compile.text import generate  # loads SymPy, which a cached kernel does not need

        text = generate(*parts)
        code = compiled(text)
    keep(text_path, text)
    keep(code_path, code)
    return load(code)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Python looks for no garbage meanwhile: expressions and syntax trees are many, and all in use to the end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _cached(text: Path, code: Path) -> SimpleNamespace | None:
    """The kernel of two files of the cache, None if one is missing, damaged, or not this user's."""
    try:
        kernel = load(kept(code))
        return kernel if kernel.source == digest(kept(text).decode()) else None
    except (OSError, ValueError):
        return None
