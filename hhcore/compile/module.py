"""The cache of kernels: text and machine code, named by the hash of all that determines them."""

import os
import re
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
    versions = version("llvmlite"), code_digest("compile", "schemes")
    return digest(_base(model).digest, method, *versions, stimulus, *observers)


def kernel_name(model: Model, method: str, stimulus: StimulusText, observers: tuple[ObserverText, ...] = ()) -> str:
    """The file name of a kernel, without extension."""
    name = re.sub(r"[^\w.-]", "_", _base(model).name)  # in a rule of the workflow, a brace would be a wildcard
    return "_".join([name, method, stimulus.kind, kernel_digest(model, method, stimulus, observers)])


def _base(model: Model) -> Model:
    """The model with the values of its file, since a kernel reads values when it runs."""
    return model.base or model


def cache_directory() -> Path:
    """Where kernels are kept: $HHCORE_CACHE, or the user's cache folder."""
    return Path(os.environ.get("HHCORE_CACHE") or platformdirs.user_cache_path("hhcore"))


def keep(path: Path, content: str | bytes) -> None:
    """Write a file of the cache. Raises UserError if its folder is not writable."""
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
    """Load the kernel of these parts; generate and compile it if it is not in the cache.

    `path` is the file of its text. Each kind of CPU has its own folder of machine code.
    """
    name = kernel_name(model, method, stimulus, observers)
    if name not in _loaded:
        text_path, code_path = cache_directory() / f"{name}.py", cache_directory() / cpu_digest() / f"{name}.bin"
        kernel = _cached(text_path, code_path)
        if kernel is None:
            from hhcore.compile.text import generate  # loads SymPy, which a cached kernel does not need

            text = generate(_base(model), method, stimulus, observers)
            code = compiled(text)
            keep(text_path, text)
            keep(code_path, code)
            kernel = load(code)
        kernel.path = text_path
        _loaded[name] = kernel
    return _loaded[name]


def _cached(text: Path, code: Path) -> SimpleNamespace | None:
    """The kernel of two files of the cache, None if one is missing or damaged."""
    try:
        kernel = load(code.read_bytes())
        return kernel if kernel.source == digest(text.read_bytes().decode()) else None
    except (OSError, ValueError):
        return None
