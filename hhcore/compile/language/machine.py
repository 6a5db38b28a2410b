"""From the text of a kernel to machine code: LLVM's optimiser, object code that can be kept, functions to call."""

import ctypes
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from types import SimpleNamespace

import llvmlite.binding as llvm
import numpy as np

from hhcore.base.digests import digest
from hhcore.base.errors import UserError, closest
from hhcore.compile.language.bounds import NOTE
from hhcore.compile.language.translate import translate
from hhcore.compile.language.values import KernelError

DTYPES = {"f8": np.dtype(np.float64), "i8": np.dtype(np.int64), "b1": np.dtype(np.bool_)}
C_TYPES = {"f8": ctypes.c_double, "i8": ctypes.c_int64}
FASTEST = 3  # of LLVM's levels of optimisation


def cpu() -> tuple[str, str]:
    """Name and features of the CPU that is compiled for: this one, or the one that $HHCORE_CPU names."""
    name = os.environ.get("HHCORE_CPU")
    return (_checked(name), "") if name else (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


_TRIAL = """
import sys
import llvmlite.binding as llvm
llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(cpu=sys.argv[1])
machine.emit_object(llvm.parse_assembly("define void @f() { ret void }"))
"""


@lru_cache
def _checked(name: str) -> str:
    """The name of a CPU. Raises UserError for one that LLVM cannot compile kernels for.

    LLVM would end the process that asks for it, so another process tries. Asked for `help`, LLVM prints all names.
    """
    tried, helped = (
        subprocess.run([sys.executable, "-c", _TRIAL, word], capture_output=True, text=True, check=False)
        for word in (name, "help")
    )
    names = [line.split()[0] for line in helped.stderr.splitlines() if line.endswith(" processor.")]
    if name not in names:
        raise UserError(f"HHCORE_CPU: no CPU of this machine's kind is called {name!r}; {closest(name, names)}")
    if tried.returncode:
        raise UserError(f"HHCORE_CPU: {name!r} has no 64 bits; this machine's CPU is {llvm.get_host_cpu_name()!r}")
    return name


def cpu_digest() -> str:
    """Hash of the kind of CPU and of system, and of the version of what compiles for them."""
    return digest(*cpu(), llvm.get_process_triple(), llvm.llvm_version_info)


def compiled(text: str, checked: bool = False) -> bytes:
    """Object code of a kernel's text, behind the hash of all that follows and a line on what is in it: for `load`.

    checked : whether calls raise KernelError for an index outside its array. Such code is not optimised, so that it is
              made in a fraction of the time; the bits are the same
    """
    translation = translate(text, checked)
    level = 0 if checked else FASTEST
    machine = _machine(level)
    module = _optimised(translation.text, machine, level)
    about = {"source": digest(text), "entries": translation.entries, "constants": translation.constants}
    about["places"] = translation.places
    content = json.dumps(about).encode() + b"\n" + machine.emit_object(module)
    return _hash(content) + b"\n" + content


def load(kept: bytes) -> SimpleNamespace:
    """The constants and functions of what `compiled` made, and `source`, the digest of its text.

    Functions take numbers and arrays in C order of the types in their text, and release Python's lock while they run.
    Raises ValueError if it is damaged.
    """
    mark, _, content = kept.partition(b"\n")
    if mark != _hash(content):
        raise ValueError("the machine code is damaged")
    line, _, code = content.partition(b"\n")
    about = json.loads(line)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    places = about["places"]
    functions = {name: Function(engine, name, kinds, places) for name, kinds in about["entries"].items()}
    return SimpleNamespace(source=about["source"], **about["constants"], **functions)


def optimised(text: str) -> str:
    """What LLVM makes of a kernel's text, in LLVM's language."""
    return str(_optimised(translate(text).text, _machine()))


def assembly(text: str) -> str:
    """The machine code of a kernel's text for people to read."""
    machine = _machine()
    return machine.emit_assembly(_optimised(translate(text).text, machine))


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode()


@lru_cache
def _initialised() -> llvm.Target:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    return llvm.Target.from_triple(llvm.get_process_triple())


def _machine(level: int = FASTEST) -> llvm.TargetMachine:
    name, features = cpu()
    return _initialised().create_target_machine(
        cpu=name, features=features, opt=level, reloc="default", codemodel="jitdefault", jit=True
    )


def _optimised(text: str, machine: llvm.TargetMachine, level: int = FASTEST) -> llvm.ModuleRef:
    """LLVM's module after its passes for speed, which keep every operation's rounding."""
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = llvm.get_process_triple(), str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = options.slp_vectorization = options.loop_interleaving = options.loop_unrolling = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


class Function:
    """Machine code to call: arrays are handed over as a pointer and the length of each axis.

    Holds the engine that owns the code. `places` are those of a checked translation.
    """

    def __init__(
        self, engine: llvm.ExecutionEngine, name: str, kinds: list[str], places: Sequence[tuple[str, str]] = ()
    ):
        types: list[type] = []
        for kind in kinds:
            types += [ctypes.c_void_p, *[ctypes.c_int64] * kind.count(":")] if "[" in kind else [C_TYPES[kind]]
        self.engine, self.name = engine, name
        address = engine.get_function_address(name)
        if not address:
            raise ValueError(f"no function {name!r} in the machine code")
        self.code = ctypes.CFUNCTYPE(ctypes.c_int64, *types)(address)
        self.places = places
        self.note = (ctypes.c_int64 * 3).from_address(engine.get_global_value_address(NOTE)) if places else [0]
        self.shapes = [(DTYPES[kind.split("[")[0]], kind.count(":")) for kind in kinds]

    def __call__(self, *arguments: object) -> int:
        """Call it; what comes back of a function that returns nothing means nothing.

        Raises KernelError where checked code met an index outside its array.
        """
        given: list[object] = []
        for argument, (dtype, axes) in zip(arguments, self.shapes, strict=True):
            if not axes:
                given.append(argument)
                continue
            in_order = argument.flags.c_contiguous and argument.flags.aligned
            if not (argument.dtype == dtype and argument.ndim == axes and in_order):
                raise TypeError(f"{self.name}: arrays must be {dtype} of {axes} axes in C order, aligned")
            given += [argument.ctypes.data, *argument.shape]
        result = self.code(*given)
        if self.note[0]:
            raise self._outside()
        return result

    def _outside(self) -> KernelError:
        """What checked code noted, which is forgotten."""
        place, index, length = self.note
        self.note[0] = 0
        where, source = self.places[place - 1]
        return KernelError(f"{where}: index {index} of an axis of length {length}: {source}")
