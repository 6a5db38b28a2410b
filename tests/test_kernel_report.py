"""The report on kernels: what it counts, and that every pass it leaves out matters."""

import platform
import re

import pytest

import hhcore
from benchmarks import kernel_report as report
from hhcore.compile.cost import operations
from hhcore.compile.text import generate
from hhcore.simulation.engine import kernel_parts

NAME = "fitzhugh_nagumo_1961"
MODEL = hhcore.load_model(NAME)


def table(page: str, first: str) -> dict[str, dict[str, str]]:
    """Rows by their first cell, cells by the heads, of the table whose first head this is."""
    lines = page[page.index(f"| {first} |") :].split("\n\n")[0].splitlines()
    heads, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0].strip("`"): dict(zip(heads, row, strict=True)) for row in rows}


@pytest.mark.slow
def test_the_page_of_a_small_model(monkeypatch):
    monkeypatch.setattr(report, "SCHEMES", {"rk4": report.SCHEMES["rk4"]})
    monkeypatch.setattr(report, "NEURONS", 16)
    monkeypatch.setattr(report, "STEPS", 20)
    page = report.page(NAME)
    assert page.startswith(f"# {MODEL.title}: what a step costs") and "$" not in page
    (row,) = table(page, "scheme").values()
    text = generate(MODEL, "rk4", *kernel_parts(hhcore.Step))
    found = sum((operations(text, name) for name in ("propose", "attempt", "conclude", "accept")), report.Counter())
    assert {kind: int(row[kind]) for kind in ("exp", *report.KINDS)} == {k: found[k] for k in ("exp", *report.KINDS)}
    assert float(row["later (s)"]) > 0 and float(row["first process (s)"]) > 0
    left_out = table(page, "passes")
    assert left_out.keys() == report.PASSES.keys()
    assert all(left_out["all"][kind] == row[kind] for kind in ("exp", "fma", "multiply", "add", "divide"))


def test_every_pass_that_is_left_out_changes_the_kernel():
    model = hhcore.load_model("hodgkin_huxley_1952")
    whole = generate(model, "rk4", *kernel_parts(hhcore.Step))
    for name, without in report.PASSES.items():
        with without():
            assert (generate(model, "rk4", *kernel_parts(hhcore.Step)) == whole) == (name == "all"), name
    assert generate(model, "rk4", *kernel_parts(hhcore.Step)) == whole


STEP = ["\tmovabsq\t$slopes.1, %r14", "\tvfmadd213pd\t%zmm0, %zmm1, %zmm2", "\tcallq\t*%r14", "\tmovq\t%r14, %rax"]


@pytest.mark.parametrize(
    ("end", "length"),
    [("\tretq", 5 + 2), ("\tjmpq\t*%rax", 5 + 2 * 2), ("\tjne\t.LBB0_1", None), ("\tcallq\t*%rbp", None)],
)
def test_instructions_are_counted_through_calls_and_not_in_loops(end, length):
    bodies = {"turn": [line.strip() for line in [*STEP, end]], "slopes.1": ["vmulpd\t%zmm0, %zmm1, %zmm2", "retq"]}
    assert report.straight_length("turn", bodies) == length


def test_a_step_in_machine_code_has_about_as_many_instructions_as_operations(monkeypatch):
    """Of a CPU whose code has no loops, whichever CPU the tests run on."""
    if platform.machine() != "x86_64":
        pytest.skip("the CPU that is named here is an x86-64 one")
    monkeypatch.setenv("HHCORE_CPU", "skylake-avx512")
    text = generate(MODEL, "rk4", *kernel_parts(hhcore.Step))
    found = report.step_operations(text)
    arithmetic = sum(found[kind] for kind in report.ARITHMETIC) / report.lanes(text)
    assert arithmetic / 2 < report.read_instructions(text) < 4 * arithmetic


def test_instructions_are_those_of_the_cpu_where_it_counts(tmp_path, monkeypatch):
    """`perf` says 1000 for a process and 50 for each step: 64 neurons take 4000 steps each, once or three times."""
    perf = tmp_path / "perf"
    count = "1000 + times * 256000 * 50"
    perf.write_text(f"""#!/bin/sh
while [ "$1" != -- ]; do shift; done; shift
times=$(echo "$3" | sed 's/.*, \\([0-9]\\))).*/\\1/')
"$@"
echo "$(({count})),,instructions:u,1,100.00,," >&2
""")
    perf.chmod(0o755)
    monkeypatch.setattr(report, "PERF", (str(perf), *report.PERF[1:]))
    assert report.hardware_instructions(NAME, "rk4") == 50
    perf.write_text("#!/bin/sh\necho '<not supported>,,instructions:u,0,100.00,,' >&2\n")
    assert report.hardware_instructions(NAME, "rk4") is None
    monkeypatch.setattr(report, "PERF", (str(tmp_path / "none"),))
    assert report.hardware_instructions(NAME, "rk4") is None


def test_a_second_process_finds_the_kernel_of_the_first(monkeypatch):
    """It does not load SymPy, which takes longer than all else."""
    seen = re.compile(r"engine\(.*\); ")
    run = report.subprocess.run

    def watched(command, **settings):
        loaded = "import sys; print('sympy' in sys.modules, file=sys.stderr); "
        command = [*command[:2], seen.sub(lambda found: found[0] + loaded, command[2])]
        done = run(command, **settings)
        sympy.append(done.stderr.strip())
        return done

    sympy: list[str] = []
    monkeypatch.setattr(report.subprocess, "run", watched)
    report.process_seconds(NAME, "rk4")
    assert sympy == ["True", "False", "False", "False"]
