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
from hhcore.model.model import Model


def kernel_digest(model: Model, method: str) -> str:
    """Hash that names the kernel of a model and its variants, and a scheme: equal digests compute equal bits."""
    return digest(_base(model).digest, method, version("llvmlite"), code_digest("compile", "schemes"))


def kernel_name(model: Model, method: str) -> str:
    """The file name of a kernel, without its ending."""
    return f"{_base(model).name}_{method}_{kernel_digest(model, method)}"


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


def load_kernel(model: Model, method: str) -> SimpleNamespace:
    """The kernel of a model and a scheme; generated and compiled if this machine has not met it before.

    `path` is the file of its text. Each kind of CPU has a folder of its own for machine code.
    """
    name = kernel_name(model, method)
    if name not in _loaded:
        text, code = cache_directory() / f"{name}.py", cache_directory() / cpu_digest() / f"{name}.bin"
        kernel = _kept(text, code)
        if kernel is None:
            from hhcore.compile.text import generate  # brings SymPy with it, which a kept kernel does not need

            generated = generate(_base(model), method)
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
