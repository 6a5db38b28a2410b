"""Kernels on disk: their text and machine code, named by the hash of all that determines them."""

import os
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import platformdirs

from hhcore.base.digests import code_digest, digest
from hhcore.base.errors import UserError
from hhcore.base.files import atomic_write
from hhcore.compile.language.machine import compiled, cpu_digest, load
from hhcore.compile.parts import ObserverText, StimulusText
from hhcore.model.model import Model


def kernel_digest(model: Model, method: str, stimulus: StimulusText, observers: tuple[ObserverText, ...] = ()) -> str:
    """Hash that names the kernel of a model and its variants, a scheme, a kind of stimulus and observers.

    Equal digests compute equal bits.
    """
    code = version("llvmlite"), code_digest("compile", "schemes")
    return digest(_base(model).digest, method, *code, stimulus, *observers)


def kernel_name(model: Model, method: str, stimulus: StimulusText, observers: tuple[ObserverText, ...] = ()) -> str:
    """The file name of a kernel, without its ending."""
    parts = _base(model).name, method, stimulus.kind, kernel_digest(model, method, stimulus, observers)
    return "_".join(parts)


def _base(model: Model) -> Model:
    """The model with the values of its file: values enter a kernel when it runs."""
    return model.base or model


def cache_directory() -> Path:
    """Where kernels are kept: $HHCORE_CACHE, or the user's cache folder."""
    return Path(os.environ.get("HHCORE_CACHE") or platformdirs.user_cache_path("hhcore"))


def keep(path: Path, content: str | bytes) -> None:
    """Write a file of the cache. Raises UserError if its folder cannot be written to."""
    try:
        with atomic_write(path) as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise UserError(
            f"cannot keep kernels in {path.parent} ({error}); set HHCORE_CACHE to another folder"
        ) from error


_loaded: dict[str, SimpleNamespace] = {}


def load_kernel(
    model: Model, method: str, stimulus: StimulusText, observers: tuple[ObserverText, ...] = ()
) -> SimpleNamespace:
    """The kernel of these parts; generated and compiled if this machine has not met it before.

    `path` is the file of its text. Each kind of CPU has a folder of its own for machine code.
    """
    name = kernel_name(model, method, stimulus, observers)
    if name not in _loaded:
        text, code = cache_directory() / f"{name}.py", cache_directory() / cpu_digest() / f"{name}.bin"
        kernel = _kept(text, code)
        if kernel is None:
            from hhcore.compile.text import generate  # brings SymPy with it, which a kept kernel does not need

            generated = generate(_base(model), method, stimulus, observers)
            made = compiled(generated)
            keep(text, generated)
            keep(code, made)
            kernel = load(made)
        kernel.path = text
        _loaded[name] = kernel
    return _loaded[name]


def _kept(text: Path, code: Path) -> SimpleNamespace | None:
    """The kernel of a text and its machine code, unless one of the files is missing or damaged."""
    try:
        kernel = load(code.read_bytes())
        return kernel if kernel.source == digest(text.read_bytes().decode()) else None
    except (OSError, ValueError):
        return None
