"""What the translation makes of a small kernel, line by line, so that no change of it goes unseen.

After a change that is meant: `.venv/bin/python tests/test_language_golden.py`, then read the difference. Look at

- the arithmetic: one line for each operation of the text, in its order, `fma` where it is written and nowhere else, no
  `fast`, `nnan`, `contract` or other flag that lets LLVM round differently;
- loops over lanes: one block without branches, a `select` for each choice, the mark `!llvm.loop` at the way back;
- arrays that are `noalias`, indices that are `nsw`, and functions that are `internal` but for those called from Python;
- attributes: 512-bit registers, `alwaysinline` where the text says so.

A change of this text means new bits only if the arithmetic changes; the other tests of the language tell.
"""

from pathlib import Path

import pytest

from hhcore.compile.language.translate import translate

DATA = Path(__file__).parent / "data"
SOURCE = (DATA / "golden_kernel.py.in").read_text(encoding="utf-8")
GOLDEN = {DATA / "golden_kernel.ll": False, DATA / "golden_kernel_checked.ll": True}  # whether indices are checked


@pytest.mark.parametrize("path, checked", GOLDEN.items(), ids=lambda x: x.stem if isinstance(x, Path) else None)
def test_the_translation_is_the_one_that_was_read(path, checked):
    assert translate(SOURCE, checked).text == path.read_text(encoding="utf-8")


if __name__ == "__main__":
    for path, checked in GOLDEN.items():
        path.write_text(translate(SOURCE, checked).text, encoding="utf-8")
