"""From the text of a kernel to WebAssembly, which browsers run.

LLVM writes an object file, as for any machine. One object file is a module but for its exports, which WebAssembly's
linkers make from its table of symbols ("linking", https://github.com/WebAssembly/tool-conventions). A kernel calls
nothing from outside, so this is all that `linked` has to do. The page gives it memory and a stack.

WebAssembly has no fused multiply-add whose rounding it promises: its relaxed one (`f64x2.relaxed_madd`) rounds once or
twice, as the machine likes. So there are two codes. `hardware` uses the relaxed one; a page takes it if multiplications
tried beforehand were rounded once, as the rules demand them all to be then. `software` computes it from operations that
are all rounded, in `fused.py.in`. Both give the bits of machine code.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import llvmlite.binding as llvm

from hhcore.compile.language.translate import translate

TRIPLE = "wasm32-unknown-unknown"
LEVEL = 2  # of LLVM's optimiser: at 3 the code is twice as large, and no faster
LARGE, LIGHT = 5000, 1  # lines of LLVM's language, and the level for more

_FUSED = "@llvm.fma.f64("
_RELAXED = """
declare <2 x double> @llvm.wasm.relaxed.madd.v2f64(<2 x double>, <2 x double>, <2 x double>)
define internal double @fused.in.hardware(double %a, double %b, double %c) alwaysinline nounwind {
  %x = insertelement <2 x double> poison, double %a, i32 0
  %y = insertelement <2 x double> poison, double %b, i32 0
  %z = insertelement <2 x double> poison, double %c, i32 0
  %r = call <2 x double> @llvm.wasm.relaxed.madd.v2f64(<2 x double> %x, <2 x double> %y, <2 x double> %z)
  %s = extractelement <2 x double> %r, i32 0
  ret double %s
}
"""

# https://webassembly.github.io/spec/core/binary/modules.html
CUSTOM, EXPORTS, BEFORE_EXPORTS = 0, 7, (1, 2, 3, 4, 5, 6)  # sections
SYMBOLS, FUNCTION, DATA, SECTION = 8, 0, 1, 3  # the table of symbols, and kinds in it
UNDEFINED, EXPLICIT_NAME = 0x10, 0x40  # flags of a symbol


@dataclass(frozen=True)
class BrowserCode:
    """A kernel for browsers.

    hardware, software : modules, with the machine's fused multiply-add and with one of other operations
    constants : of the text, by name
    entries   : types of the arguments of exported functions, by name
    """

    hardware: bytes
    software: bytes
    constants: dict[str, object]
    entries: dict[str, list[str]]


def browser_code(text: str) -> BrowserCode:
    """Compile a kernel's text, best one of a single lane, for browsers. Raises KernelError as `translate` does."""
    plain, without = translate(text), translate(in_software(text))
    exported = list(plain.entries)
    hardware = re.sub(r"declare double @llvm\.fma\.f64\(.*\)\n", lambda _: _RELAXED, plain.text)
    hardware = hardware.replace(f"call double {_FUSED}", "call double @fused.in.hardware(")
    software = re.sub(r"(define .* @fused\.\d+\(.*\)) ", r"\1 noinline ", without.text)
    modules = (linked(_object(code), exported) for code in (hardware, software))
    return BrowserCode(*modules, plain.constants, plain.entries)


def in_software(text: str) -> str:
    """A kernel's text with a function of its own in the place of `fma`."""
    body = (resources.files("hhcore") / "report" / "fused.py.in").read_text(encoding="utf-8")
    return re.sub(r"\bfma\(", "fused(", text) + body.split('"""', 2)[2]


@lru_cache
def _target() -> llvm.Target:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(TRIPLE)


def _object(text: str) -> bytes:
    level = LIGHT if text.count("\n") > LARGE else LEVEL
    machine = _target().create_target_machine(features="+simd128,+relaxed-simd,+bulk-memory", opt=level)
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = TRIPLE, str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine.emit_object(module)


def linked(code: bytes, exported: list[str]) -> bytes:
    """An object file as a module that exports these functions. Raises ValueError if one of them is not in it."""
    functions: dict[str, int] = {}
    before, after = code[:8], b""
    for kind, body in _sections(code):
        if kind == CUSTOM:
            functions |= _functions(body)
        elif kind in BEFORE_EXPORTS:
            before += _section(kind, body)
        else:
            after += _section(kind, body)
    if missing := [name for name in exported if name not in functions]:
        raise ValueError(f"the object file has no function {', '.join(missing)}")
    entries = [_name(name) + bytes([FUNCTION]) + _number(functions[name]) for name in exported]
    return before + _section(EXPORTS, _number(len(entries)) + b"".join(entries)) + after


def _sections(code: bytes) -> Iterator[tuple[int, bytes]]:
    reader = _Reader(code, 8)
    while reader.more():
        kind = reader.byte()
        yield kind, reader.take(reader.number())


def _functions(custom: bytes) -> dict[str, int]:
    """The number of each function of the module that a custom section names; {} of other sections."""
    reader, found = _Reader(custom), {}
    if reader.take(reader.number()) != b"linking":
        return found
    reader.number()  # version
    while reader.more():
        kind, body = reader.byte(), _Reader(reader.take(reader.number()))
        for _ in range(body.number() if kind == SYMBOLS else 0):
            what, flags = body.byte(), body.number()
            if what == DATA:
                body.take(body.number())
                for _ in () if flags & UNDEFINED else range(3):  # segment, offset, size
                    body.number()
                continue
            index = body.number()
            if what != SECTION and (not flags & UNDEFINED or flags & EXPLICIT_NAME):
                name = body.take(body.number()).decode()
                found |= {name: index} if what == FUNCTION and not flags & UNDEFINED else {}
    return found


class _Reader:
    """Reads bytes from the front; numbers are LEB128."""

    def __init__(self, content: bytes, at: int = 0):
        self.content, self.at = content, at

    def more(self) -> bool:
        return self.at < len(self.content)

    def byte(self) -> int:
        self.at += 1
        return self.content[self.at - 1]

    def take(self, count: int) -> bytes:
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self) -> int:
        result = shift = 0
        while True:
            byte = self.byte()
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return result


def _section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _number(len(body)) + body


def _name(text: str) -> bytes:
    return _number(len(text.encode())) + text.encode()


def _number(value: int) -> bytes:
    low, value = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _number(value) if value else bytes([low])
