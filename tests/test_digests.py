"""What results depend on is hashed: code by lists that agree with the imports, an experiment by all of its fields."""

import ast
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import hhcore
from hhcore.compile import module
from hhcore.config.keys import EXPERIMENT
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import all_analyses, analyses
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import protocols
from hhcore.experiments.treatments import Block
from hhcore.model.model import Quantity
from hhcore.results import dependencies
from hhcore.schemes.solver import Solver
from hhcore.sweep import hashing
from hhcore.sweep.hashing import RHEOBASE, SIMULATION, context_digest, grid_digest

PACKAGE = Path(hhcore.__file__).parent
SCRIPTS = PACKAGE.parent / "workflow" / "scripts"
# See test_the_digest_of_a_kernel_covers_its_compiler.
KERNEL = ("compile", "schemes", "model/clock.py", "model/variables.py")

# What steps import and their results depend on only by something that has a digest of its own, or not at all.
EXEMPT = {
    "__init__.py": "public names",
    "base/errors.py": "messages",
    "base/checks.py": "messages about a config",
    "base/digests.py": "how digests are made: another way makes others",
    "base/registry.py": "finds protocols, whose code has a digest",
    "base/files.py": "how a file takes its place, not what is in it",
    "base/seals.py": "how a file is sealed, not what is in it",
    "base/progress.py": "lines on the terminal",
    "base/board.py": "lines on the terminal",
    "base/words.py": "lines on the terminal",
    "base/watch.py": "lines on the terminal",
    "model": "a model enters by its own digest",
    "config": "a config enters by the values of the experiment",
    "grid/axes.py": "axes enter by their values",
    "grid/designs.py": "designs enter by their points",
    "grid/listed.py": "lists enter by the fields of a protocol",
    "experiments/analysis.py": "a contract without results of its own",
    "experiments/answers.py": "lines of the report",
    "simulation/display.py": "how a prompt shows results",
    "sweep/speed.py": "estimates of time",
    "sweep/held.py": "lines on the terminal",
    "certify/expected.py": "estimates of time",
    "sweep/estimate.py": "estimates, and names of shards, which are outputs",
}
ROOMS = {"protocols": "rooms enter by the code that a protocol or an analysis names"}
PROTOCOL_EXEMPT = {
    "simulation/spike_errors.py": "counts where every neuron is certified: see error_code",
    "simulation/reference.py": "checks the solver, does not simulate",
    "simulation/crossings.py": "checks the solver, does not simulate",
    "simulation/equations.py": "checks the solver, does not simulate",
    "simulation/jumps.py": "checks the solver, does not simulate",
    "simulation/heights.py": "judges solvers, does not simulate",
    "protocols/voltage_clamp/twin.py": "checks the solver, does not simulate",
    "protocols/restitution/twin.py": "checks the solver, does not simulate",
    "protocols/restitution/points.py": "tables are made later",
    "protocols/phase_response/curves.py": "tables are made later",
    "protocols/phase_response/twin.py": "checks the solver, does not simulate",
    "protocols/restitution/keys.py": "values of a config are hashed as they are read",
    "protocols/hysteresis/definitions.py": "columns are made later",
    "protocols/strength_duration/tables.py": "tables are made later",
    "protocols/strength_duration/laws.py": "tables are made later",
}
# Besides, of single steps.
STEP_EXEMPT = {
    "simulate": {
        "base/tables.py": "a store that is written otherwise holds the same",
        "base/units.py": "values of a config are hashed as they are read",
        "certify": "hands over the solver, which is hashed",
        "simulation/features.py": "features are derived later",
        "simulation/beats.py": "features are derived later",
        "simulation/bursts.py": "features are derived later",
        "simulation/shapes.py": "features are derived later",
        "simulation/heights.py": "judges solvers, does not simulate",
        "simulation/outputs.py": "the variables and windows that it hands to an observer are settings of the protocol",
    },
    "calibrate": {
        "certify/origin.py": "binds a table to its experiment",
        "base/units.py": "values of a config are hashed as they are read",
        "simulation/features.py": "solvers are judged by spike times, extremes, beats and shapes",
        "simulation/bursts.py": "solvers are judged by spike times, extremes, beats and shapes",
    },
    "tables": {
        "base/hashing.py": "in the context",
        "simulation": "in the context",
        "sweep": "in the context",
        "experiments/protocol.py": "in the context",
        "experiments/relative.py": "in the context",
        "certify": "what it writes is an input",
        "results/late.py": "late tables have recipes of their own",
        "compile": "in the context",
        "schemes": "in the context",
    },
    "figures": {
        "base": "tables come as they are",
        "certify/origin.py": "compares the origin of tables",
        "sweep/hashing.py": "compares the origin of tables",
        "grid": "axes enter by the tables",
        "experiments": "an experiment enters by the tables and by model texts",
        "simulation": "tables come as they are",
        "schemes": "tables come as they are",
        "compile": "tables come as they are",
    },
}
STEP_EXEMPT["report"] = {"certify/origin.py": "compares the origin of tables"}
NOT_LATE = ("base/hashing.py", "experiments/relative.py", "results/late.py")
STEP_EXEMPT["late_tables"] = {k: v for k, v in STEP_EXEMPT["tables"].items() if k not in NOT_LATE}
CONFIG = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": {"values": [0, 10, 20]}},
    "parameters": {"sodium.g": {"values": [110, 120]}},
    "initial_state": "rest",
    "duration": 40,
    "solver": {"method": "rk4", "dt": 0.05},
}


def experiment(**changes) -> Experiment:
    body = {key: value for key, value in (CONFIG | changes).items() if value is not None}
    (found,) = read_experiments({"experiments": {"e": body}}).values()
    return found


def imported(path: Path) -> set[Path]:
    """The files of the package that a file imports, at its top or in a function; not those for type checkers alone."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    for_checkers = [n for n in nodes if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    skipped = {id(part) for node in for_checkers for part in ast.walk(node)}
    found = set()
    for node in (n for n in nodes if isinstance(n, ast.ImportFrom) and id(n) not in skipped):
        if (node.module or "").split(".")[0] == "hhcore":
            found |= {place for alias in node.names for place in files(f"{node.module}.{alias.name}")}
    return found


def files(name: str) -> list[Path]:
    """The file of a module, or of what a module defines, by its name; `__init__` only if it is what is named."""
    parts = name.split(".")[1:]
    places = [PACKAGE.joinpath(*parts).with_suffix(".py"), PACKAGE.joinpath(*parts[:-1]).with_suffix(".py")]
    places += [PACKAGE.joinpath(*parts[:-1], "__init__.py")]
    return [path for path in places if path.exists()][:1]


def script(step: str) -> set[Path]:
    """The files that the script of a step imports; late tables have none of their own."""
    return imported(PACKAGE / "results/late.py" if step == "late_tables" else SCRIPTS / f"{step}.py")


def closure(begin: set[Path]) -> set[str]:
    """These files and all that they may import, from the package's folder on."""
    found, waiting = set(), begin
    while waiting:
        found |= waiting
        waiting = set().union(*map(imported, waiting)) - found
    return {path.relative_to(PACKAGE).as_posix() for path in found if has_code(path)}


def has_code(path: Path) -> bool:
    """Whether there is more in a file than a docstring."""
    return len(ast.parse(path.read_text()).body) > 1


def covers(entry: str | Path, path: str) -> bool:
    """Whether a file is an entry of a list, or lies in it."""
    entry = entry.relative_to(PACKAGE).as_posix() if isinstance(entry, Path) else entry
    return path == entry or path.startswith(f"{entry}/")


CONTEXT = (*KERNEL, *SIMULATION)
CODE = {
    "simulate": (*CONTEXT, *RHEOBASE),
    "calibrate": (*CONTEXT, *RHEOBASE, *dependencies.CALIBRATION),
    "tables": dependencies.tables([]),
    "late_tables": (*dependencies.TABLES, *dependencies.GRID, "results/late.py"),
    "figures": dependencies.figures([]),
    "report": (
        *CONTEXT,
        *RHEOBASE,
        *dependencies.CALIBRATION,
        *dependencies.tables([]),
        *dependencies.figures([]),
        *dependencies.REPORT,
    ),
}


@pytest.mark.parametrize("step", CODE)
def test_the_code_of_a_step_is_what_it_imports(step):
    exempt = {*EXEMPT} - ({"model"} if step == "report" else set())  # whose equations are typeset there
    assert left_out(closure(script(step)), [*CODE[step], *exempt, *ROOMS, *STEP_EXEMPT[step]]) == []


def left_out(paths: set[str], entries: list[str | Path]) -> list[str]:
    """Files that should be hashed, or exempt above with a reason."""
    return sorted(path for path in paths if not any(covers(entry, path) for entry in entries))


@pytest.mark.parametrize("protocol", protocols().values(), ids=lambda protocol: protocol.kind)
def test_the_code_of_a_protocol_is_what_it_imports(protocol):
    exempt = [*EXEMPT, *STEP_EXEMPT["simulate"], *PROTOCOL_EXEMPT, *own_folders(protocol)]
    assert left_out(closure(set(protocol.code())), [*CONTEXT, *protocol.code(), *exempt]) == []


def own_folders(protocol: type) -> list[str]:
    """What makes rooms of the folders of a protocol's code."""
    return [(path.parent / "__init__.py").relative_to(PACKAGE).as_posix() for path in protocol.code()]


@pytest.mark.parametrize("analysis", all_analyses(), ids=lambda analysis: analysis.name)
def test_the_code_of_an_analysis_is_what_its_files_import(analysis):
    step = "late_tables" if analysis.source in ("tables", "model") else "tables"
    begin = {path for path in analysis.code() if isinstance(path, Path)}
    exempt = [
        *EXEMPT,
        *STEP_EXEMPT["tables"],  # of which own tables need fewer
        *(path for p in protocols().values() for path in [*p.code(), *own_folders(p)]),
    ]
    apart = ("/figures.py", "/answers.py")  # which are loaded where they are drawn, and said
    made = {path for path in closure(begin) if not path.startswith("figures/") and not path.endswith(apart)}
    assert left_out(made, [*CODE[step], *analysis.code(), *exempt]) == []
    begin = {path for path in [analysis.folder() / "figures.py"] if path.exists()}
    drawn = {path for path in closure(begin) if path.startswith(("figures", "protocols"))}
    assert left_out(drawn, [*CODE["figures"], *analysis.figure_code(), *exempt]) == []


@pytest.mark.parametrize("step", CODE)
def test_no_exemption_is_left_over(step):
    paths = closure(script(step))
    for entry in STEP_EXEMPT[step]:
        assert any(covers(entry, path) for path in paths), entry
        assert entry not in CODE[step], entry


def test_every_entry_of_a_list_is_there():
    for entries in CODE.values():
        assert [entry for entry in entries if not (PACKAGE / entry).exists()] == []


def test_a_text_that_is_compiled_is_hashed_with_the_module_that_compiles_it():
    hashed = [*SIMULATION, *dependencies.FEATURES, *dependencies.CALIBRATION, *KERNEL, *dependencies.REPORT]
    for text in PACKAGE.rglob("*.in"):
        name = text.relative_to(PACKAGE).as_posix()
        assert any(covers(entry, name) for entry in hashed), name


@pytest.mark.parametrize("step", CODE)
def test_data_of_a_module_are_hashed_with_it(step):
    """Such as `base/units.txt`: files of its folder that it names."""
    for entry in (entry for entry in CODE[step] if str(entry).endswith(".py")):
        folder, text = (PACKAGE / entry).parent, (PACKAGE / entry).read_text()
        data = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".py" and path.name in text]
        assert left_out({path.relative_to(PACKAGE).as_posix() for path in data}, CODE[step]) == []


def test_the_digest_of_a_kernel_covers_its_compiler(monkeypatch):
    hashed = []
    monkeypatch.setattr(module, "code_digest", lambda *names: hashed.extend(names) or "")
    module.kernel_digest(hhcore.load_model("hodgkin_huxley_1952"), "rk4", hhcore.Step.text())
    assert set(KERNEL) <= set(hashed)


def test_protocols_and_analyses_name_code_that_is_there():
    for protocol in protocols().values():
        assert protocol.code() and all(path.exists() for path in protocol.code())
    for analysis in all_analyses():
        for entry in (*analysis.code(), *analysis.figure_code()):
            assert (PACKAGE / entry).exists(), entry


def test_the_code_of_a_protocol_and_of_errors_is_in_the_context(monkeypatch):
    hashed = []
    monkeypatch.setattr(hashing, "code_digest", lambda *names: hashed.append(set(names)) or "")
    for certify in ("sample", "all"):
        context_digest(experiment(solver={"method": "rk4", "dt": 0.05, "certify": certify}))
    clamp = protocols()["current_clamp"]
    assert set(clamp.code()) < hashed[0] and hashed[1] - hashed[0] == set(clamp.error_code)


# Another value for each field of an experiment; what no digest holds has its reason here.
OTHER = {
    "model": hhcore.load_model("connor_stevens_1971"),
    "protocol": protocols()["pacing"](),
    "stimulus": hhcore.PulseTrain,
    "axes": (),
    "combine": "zip",
    "defaults": {"sodium.g": 1.0},
    "initial_state": "model",
    "duration": 41.0,
    "analysis_window": (1.0, 40.0),
    "threshold": 1.0,
    "rearm": -1.0,
    "solver": Solver("rk4", 0.04),
    "certify": "all",
    "treatments": (Block(Quantity("block.sodium.g", "%", 0.0), "sodium.g"),),
}
FREE = {
    "name": "names a folder",
    "celsius": "how figures write a value: in the recipes of tables and figures",
    "remarks": "lines on the terminal, which follow from the values",
    "failed_neurons": "decides whether the last rule fails",
    "dose_response": "settings of its own rule: DoseResponse.settings",
    "traces": "settings of their own rule: Traces.settings",
    "tolerance": "where a solver is given there is none; else see below",
    "methods": "where a solver is given there is one; else see below",
    "sample": "tested with a design below",
}


def digests(e: Experiment) -> tuple[str, str]:
    return context_digest(e), grid_digest(e)


def test_every_field_of_an_experiment_is_hashed_or_free_by_name():
    assert {field.name for field in fields(Experiment)} == {*OTHER, *FREE}


@pytest.mark.parametrize("field", OTHER)
def test_another_value_of_a_field_is_another_digest(field):
    e = experiment()
    assert digests(replace(e, **{field: OTHER[field]})) != digests(e)


# Another value for each key of a config; those that no digest holds are FREE, with the reason.
OTHER_KEYS = {
    "model": "connor_stevens_1971",
    "stimulus": {"kind": "step", "amplitude": 11, "start": 1},
    "clamp": {"kind": "step", "holding": -65, "amplitude": 10},
    "parameters": {"sodium.g": 121},
    "initial_state": "model",
    "duration": 41,
    "solver": {"method": "rk4", "dt": 0.04},
    "potential": "sodium.m",
    "current": "leak.E",
    "combine": "zip",
    "analysis_window": [1, 40],
    "spikes": {"threshold": 1},
    "protocol": {"kind": "current_clamp"},
    "sample": {"kind": "sobol", "n": 4, "seed": 1},
    "outputs": {"m": {"variable": "sodium.m", "measure": "max"}},
    "drugs": {"ttx": {"concentration": "1 nM", "targets": {"sodium.g": {"Kd": "3 nM"}}}},
    "block": {"sodium.g": 10},
}
SAME = {"protocol": "named, it is what the stimulus implies; the field of the experiment is tested above"}


def test_every_key_of_a_config_moves_a_digest_or_is_free_by_name():
    assert {*EXPERIMENT} == {*OTHER_KEYS, *(key for key in FREE if key in EXPERIMENT)}
    spread = {"parameters": {"sodium.g": {"uniform": [110, 120]}}, "stimulus": {"kind": "step", "amplitude": 10}}
    zipped = {"stimulus": {"kind": "step", "amplitude": {"values": [0, 10]}}}
    for key, value in OTHER_KEYS.items():
        with_this = {"sample": spread | {"sample": {"kind": "sobol", "n": 4, "seed": 2}}, "combine": zipped}
        others = with_this.get(key, {}) | ({"parameters": {}} if key == "model" else {})
        changed = others | {key: value} | ({"stimulus": None} if key == "clamp" else {})
        one, two = digests(experiment(**others)), digests(experiment(**changed))
        assert (one == two) == (key in SAME), key


@pytest.mark.parametrize("change", [{"tolerance": 2e-3}, {"methods": ("tsit5",)}])
def test_what_chooses_a_solver_is_hashed(change):
    e = experiment(solver={"tolerance": "1 us"})
    assert context_digest(replace(e, **change)) != context_digest(e)


def test_values_of_an_axis_and_points_of_a_design_are_hashed():
    one, two = (experiment(parameters={"sodium.g": {"values": [110, last]}}) for last in (120, 121))
    assert grid_digest(one) != grid_digest(two)
    spread = {"parameters": {"sodium.g": {"uniform": [110, 120]}}, "sample": {"kind": "sobol", "n": 4, "seed": 1}}
    one, two = (experiment(**spread | {"sample": spread["sample"] | {"seed": seed}}) for seed in (1, 2))
    assert grid_digest(one) != grid_digest(two)


def test_traces_determine_their_table():
    one, two = (experiment(traces=[{"amplitude": a, "sodium.g": 110}]) for a in (1, 2))
    settings = [next(a.settings for a in analyses(e) if a.name == "traces") for e in (one, two)]
    assert settings[0] != settings[1] and np.all([context_digest(one) == context_digest(two)])
