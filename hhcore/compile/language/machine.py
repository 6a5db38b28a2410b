"""From the text of a kernel to machine code: LLVM's optimiser, object code to store, functions to call."""

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
LIGHT = 1  # for large kernels: their code is as fast, and made in three quarters of the time
LARGE = 5000  # lines of LLVM's language


def cpu() -> tuple[str, str]:
    """Name and features of the target CPU: this one, or the one that $HHCORE_CPU names."""
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
    """Return the name of a CPU. Raises UserError if LLVM cannot compile kernels for it.

    LLVM would end this process, so another one tries. Asked for `help`, LLVM prints all names.
    """
    trial, listing = (
        subprocess.run([sys.executable, "-c", _TRIAL, word], capture_output=True, text=True, check=False)
        for word in (name, "help")
    )
    names = [line.split()[0] for line in listing.stderr.splitlines() if line.endswith(" processor.")]
    if name not in names:
        raise UserError(f"HHCORE_CPU: no CPU of this machine's kind is called {name!r}; {closest(name, names)}")
    if trial.returncode:
        raise UserError(f"HHCORE_CPU: {name!r} has no 64 bits; this machine's CPU is {llvm.get_host_cpu_name()!r}")
    return name


def cpu_digest() -> str:
    """Hash of the kind of CPU, the system, and the version of LLVM."""
    return digest(*cpu(), llvm.get_process_triple(), llvm.llvm_version_info)


def compiled(text: str, checked: bool = False) -> bytes:
    """Compile a kernel's text, for `load`: a hash of what follows, a line that describes the code, the object code.

    checked : whether calls raise KernelError for an index outside its array. Checked code is not optimised and compiles
              in a fraction of the time; the bits are the same
    """
    translation = translate(text, checked)
    machine = _machine(0 if checked else FASTEST)
    module = _optimised(translation.text, machine, checked)
    about = {"source": digest(text), "entries": translation.entries, "constants": translation.constants}
    about["places"] = translation.places
    content = json.dumps(about).encode() + b"\n" + machine.emit_object(module)
    return _hash(content) + b"\n" + content


def load(content: bytes) -> SimpleNamespace:
    """Load what `compiled` returned: its constants and functions, and `source`, the digest of its text.

    Functions take numbers, and arrays in C order, of the types in the text. They release Python's lock while they run.
    Raises ValueError if the content is damaged.
    """
    mark, _, body = content.partition(b"\n")
    if mark != _hash(body):
        raise ValueError("the machine code is damaged")
    line, _, code = body.partition(b"\n")
    about = json.loads(line)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    places = about["places"]
    functions = {name: Function(engine, name, kinds, places) for name, kinds in about["entries"].items()}
    return SimpleNamespace(source=about["source"], **about["constants"], **functions)


def optimised(text: str) -> str:
    """A kernel's text after optimisation, in LLVM's language."""
    return str(_optimised(translate(text).text, _machine()))


def assembly(text: str) -> str:
    """A kernel's text as assembly, to read."""
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


def _optimised(text: str, machine: llvm.TargetMachine, checked: bool = False) -> llvm.ModuleRef:
    """Run LLVM's passes for speed, which keep the rounding of every operation."""
    level = 0 if checked else LIGHT if text.count("\n") > LARGE else FASTEST
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = llvm.get_process_triple(), str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = options.slp_vectorization = options.loop_interleaving = options.loop_unrolling = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


class Function:
    """Machine code to call: arrays are passed as a pointer and the length of each axis.

    Holds the engine that owns the code. `places` come from a checked translation.
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
        """Call it. The result of a function that returns nothing is undefined.

        Raises KernelError if checked code met an index outside its array.
        """
        passed: list[object] = []
        for argument, (dtype, axes) in zip(arguments, self.shapes, strict=True):
            if not axes:
                passed.append(argument)
                continue
            in_order = argument.flags.c_contiguous and argument.flags.aligned
            if not (argument.dtype == dtype and argument.ndim == axes and in_order):
                raise TypeError(f"{self.name}: arrays must be {dtype} of {axes} axes in C order, aligned")
            passed += [argument.ctypes.data, *argument.shape]
        result = self.code(*passed)
        if self.note[0]:
            raise self._outside()
        return result

    def _outside(self) -> KernelError:
        """The error that checked code noted; clears the note."""
        place, index, length = self.note
        self.note[0] = 0
        where, source = self.places[place - 1]
        return KernelError(f"{where}: index {index} of an axis of length {length}: {source}")
