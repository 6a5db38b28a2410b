"""From the text of a kernel to machine code: LLVM's optimiser, object code that can be kept, functions to call."""

import ctypes
import hashlib
import json
import os
from functools import lru_cache
from types import SimpleNamespace

import llvmlite.binding as llvm
import numpy as np

from hhcore.compile.translate import translate
from hhcore.digests import digest

DTYPES = {"f8": np.dtype(np.float64), "i8": np.dtype(np.int64), "b1": np.dtype(np.bool_)}
C_TYPES = {"f8": ctypes.c_double, "i8": ctypes.c_int64}


def cpu() -> tuple[str, str]:
    """Name and features of the CPU that is compiled for: this one, or the one that $HHCORE_CPU names."""
    name = os.environ.get("HHCORE_CPU")
    return (name, "") if name else (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


def cpu_digest() -> str:
    """Hash of the kind of CPU, and of the version of what compiles for it."""
    return digest(*cpu(), llvm.llvm_version_info)


def compiled(text: str) -> bytes:
    """Object code of a kernel's text, behind a line that says what is in it: for `load`."""
    translation = translate(text)
    machine = _machine()
    module = _optimised(translation.text, machine)
    code = machine.emit_object(module)
    about = {"entries": translation.entries, "constants": translation.constants, "digest": _hash(code)}
    return json.dumps(about).encode() + b"\n" + code


def load(kept: bytes) -> SimpleNamespace:
    """The constants and functions of what `compiled` made. Raises ValueError if it is damaged.

    Functions take numbers and arrays in C order of the types in their text, and release Python's lock while they run.
    """
    line, _, code = kept.partition(b"\n")
    about = json.loads(line)
    if about["digest"] != _hash(code):
        raise ValueError("the machine code is damaged")
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    functions = {name: Function(engine, name, kinds) for name, kinds in about["entries"].items()}
    return SimpleNamespace(**about["constants"], **functions)


def optimised(text: str) -> str:
    """What LLVM makes of a kernel's text, in LLVM's language."""
    return str(_optimised(translate(text).text, _machine()))


def assembly(text: str) -> str:
    """The machine code of a kernel's text for people to read."""
    machine = _machine()
    return machine.emit_assembly(_optimised(translate(text).text, machine))


def _hash(code: bytes) -> str:
    return hashlib.blake2b(code, digest_size=16).hexdigest()


@lru_cache
def _initialised() -> llvm.Target:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    return llvm.Target.from_triple(llvm.get_process_triple())


def _machine() -> llvm.TargetMachine:
    name, features = cpu()
    return _initialised().create_target_machine(
        cpu=name, features=features, opt=3, reloc="default", codemodel="jitdefault", jit=True
    )


def _optimised(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    """LLVM's module after its passes for speed, which keep every operation's rounding."""
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = llvm.get_process_triple(), str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = options.loop_interleaving = options.loop_unrolling = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


class Function:
    """Machine code to call: arrays are handed over as a pointer and the length of each axis.

    Holds the engine that owns the code.
    """

    def __init__(self, engine: llvm.ExecutionEngine, name: str, kinds: list[str]):
        types: list[type] = []
        for kind in kinds:
            types += [ctypes.c_void_p, *[ctypes.c_int64] * kind.count(":")] if "[" in kind else [C_TYPES[kind]]
        self.engine, self.name = engine, name
        self.code = ctypes.CFUNCTYPE(ctypes.c_int64, *types)(engine.get_function_address(name))
        self.shapes = [(DTYPES[kind.split("[")[0]], kind.count(":")) for kind in kinds]

    def __call__(self, *arguments: object) -> int:
        """Call it; what comes back of a function that returns nothing means nothing."""
        given: list[object] = []
        for argument, (dtype, axes) in zip(arguments, self.shapes, strict=True):
            if not axes:
                given.append(argument)
                continue
            if not (argument.dtype == dtype and argument.ndim == axes and argument.flags.c_contiguous):
                raise TypeError(f"{self.name}: arrays must be {dtype} of {axes} axes in C order")
            given += [argument.ctypes.data, *argument.shape]
        return self.code(*given)
