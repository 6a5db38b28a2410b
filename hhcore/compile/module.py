"""Kernels on disk: one file per model and scheme, named by the hash of all that determines it, and imported."""

import importlib.util
import os
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import platformdirs

from hhcore.digests import code_digest, digest
from hhcore.errors import UserError
from hhcore.files import whole
from hhcore.model import Model

LANES = 16  # neurons in a block of a kernel: two AVX-512 registers


def kernel_digest(model: Model, method: str) -> str:
    """Hash that names the kernel of a model and its variants, and a scheme: equal digests compute equal bits."""
    return digest(_base(model).digest, method, version("numba"), code_digest("compile", "schemes", "solvers.py"))


def kernel_name(model: Model, method: str) -> str:
    """The file name of a kernel, without its ending."""
    return f"{_base(model).name}_{method}_{kernel_digest(model, method)}"


def _base(model: Model) -> Model:
    """The model with the values of its file: values enter a kernel when it runs."""
    return model.base or model


def cache_directory() -> Path:
    """Where kernels are kept: $HHCORE_CACHE, or the user's cache folder."""
    return Path(os.environ.get("HHCORE_CACHE") or platformdirs.user_cache_path("hhcore"))


def cpu_digest() -> str:
    """Hash of the kind of CPU that numba compiles for: its name and its features."""
    from numba.core.registry import cpu_target

    return digest(*cpu_target.target_context.codegen().magic_tuple())


def keep(path: Path, text: str) -> None:
    """Write a file of the cache. Raises UserError if its folder cannot be written to."""
    try:
        with whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot keep kernels in {path.parent} ({error}); set HHCORE_CACHE to another folder"
        ) from error


def load_kernel(model: Model, method: str) -> ModuleType:
    """The kernel module of a model and a scheme, generated if this machine has not met it before.

    Each kind of CPU has a folder of its own, in which numba keeps machine code beside the module: its index of several
    kinds is written apart from their code, so that two machines at once could leave one with the code of the other.
    """
    stem = kernel_name(model, method)
    name = f"hhcore_kernel_{stem}"
    if name in sys.modules:
        return sys.modules[name]
    path = cache_directory() / cpu_digest() / f"{stem}.py"
    if not path.exists():
        from hhcore.compile.text import generate  # brings SymPy with it, which a cached kernel does not need

        keep(path, generate(_base(model), method))
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
