"""What the pages say is so: links, examples, definitions, the code map."""

import ast
import doctest
import graphlib
import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

import hhcore
from hhcore.base import tables
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import numerics_fields, provenance, write_numerics
from hhcore.config.reader import read_experiments
from hhcore.protocols.current_clamp import CurrentClamp
from hhcore.protocols.dose_response import analysis as dose_response
from hhcore.protocols.excitability.protocol import excitability_definitions
from hhcore.protocols.fi import curves as fi
from hhcore.protocols.hysteresis import definitions as hysteresis
from hhcore.protocols.hysteresis.ramps import ramp_definitions
from hhcore.protocols.pacing import Pacing
from hhcore.protocols.phase_response import PhaseResponse
from hhcore.protocols.phase_response.analysis import FIELDS as PHASE_RESPONSE
from hhcore.protocols.refractory.protocol import recovery_definitions, refractory_definitions
from hhcore.protocols.restitution import S1S2, DynamicRestitution
from hhcore.protocols.restitution.points import point_definitions
from hhcore.protocols.rheobase.searching import STATUS, threshold_definitions
from hhcore.protocols.sensitivity import indices as sensitivity
from hhcore.protocols.shapes import Shapes
from hhcore.protocols.strength_duration.tables import curve_definitions, feature_definitions
from hhcore.protocols.traces.table import write_traces
from hhcore.protocols.voltage_clamp import VoltageClamp
from hhcore.results.write import write_tables
from hhcore.schemes.solver import SCHEMES
from hhcore.simulation import beats, shapes
from hhcore.simulation.action_potentials import USUAL
from hhcore.simulation.features import DEFINITIONS
from hhcore.simulation.outputs import MEASURES
from hhcore.sweep.store import update_shard

ROOT = Path(__file__).parents[1]
FOLDERS = ("config", "docs", "docs/design", "results")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).glob("*.md"))])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
RESULTS, METHOD, README = ROOT / "docs/results.md", ROOT / "docs/method.md", ROOT / "README.md"

EXPERIMENT = """
squid_conductances:
  model: hodgkin_huxley_1952
  stimulus: {kind: step, amplitude: {values: [0, 5, 10, 20]}}
  parameters: {sodium.g: {values: [110, 120]}, potassium.g: {scale: {values: [1, 1.1]}}}
  initial_state: model
  duration: 60
  solver: {method: rk4, dt: 0.05}
  traces: [{amplitude: 10, sodium.g: 120, potassium.g: 36}]
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = page.parent / path if path else page
        assert goal.exists(), target
        assert not anchor or anchor in anchors(goal), target


def test_figures_are_small_and_shown():
    shown = {(page.parent / link).resolve() for page in PAGES for link in LINK.findall(page.read_text())}
    for figure in (ROOT / "docs/figures").iterdir():
        assert figure.stat().st_size < 200_000, figure.name
        assert figure.resolve() in shown, figure.name


def test_python_of_the_readme_gives_what_it_says():
    examples = [example for block in blocks(README, "pycon") for example in doctest.DocTestParser().get_examples(block)]
    assert any(example.want for example in examples)
    test = doctest.DocTest(examples, {}, README.name, str(README), 0, None)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


def test_config_of_the_readme_is_one():
    (block,) = blocks(README, "yaml")
    (experiment,) = read_experiments(yaml.safe_load(block)).values()
    assert experiment.shape == (3, 9, 81)
    assert experiment.unit("temperature.T") == "K"


def test_readme_quotes_the_benchmarks():
    rows = re.findall(r"^\| ([\w ,]+) \| ([\d,.]+) \|$", README.read_text(), re.MULTILINE)
    assert len(rows) == 4
    benchmarks = (ROOT / "docs/benchmarks.md").read_text()
    times = dict(re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| [^|]+\(([\d,.]+)\) \|", benchmarks, re.MULTILINE))
    assert dict(rows).items() <= times.items(), "copy the times within 1 us from docs/benchmarks.md"


def test_the_bounds_of_the_functions_are_those_of_the_tests():
    from test_primitives import BOUNDS

    page = (ROOT / "docs/design/compiler.md").read_text()
    for name, (_, bound) in BOUNDS.items():
        assert re.search(rf"^\| `{name}` \| .* \| {bound:g} \|$", page, re.MULTILINE), name


@pytest.mark.parametrize(
    "fields",
    [
        DEFINITIONS,
        beats.last_beat_definitions(),
        beats.beat_definitions(),
        tables.SPIKE_FIELDS,
        numerics_fields(CurrentClamp.accuracy),
        numerics_fields(Pacing.accuracy),
        shapes.OF_NEURONS,
        shapes.DEFINITIONS,
        numerics_fields(Shapes.accuracy),
        S1S2.definitions,
        DynamicRestitution.definitions,
        point_definitions(USUAL, 1.0) | S1S2.own_fields | DynamicRestitution.own_fields,
        numerics_fields(S1S2.accuracy),
        numerics_fields(VoltageClamp.accuracy),
        threshold_definitions("uA/cm^2", "amplitude") | STATUS,
        excitability_definitions("uA/cm^2"),
        feature_definitions("uA/cm^2"),
        curve_definitions("uA/cm^2"),
        refractory_definitions("mV"),
        recovery_definitions("mV"),
        hysteresis.definitions("uA/cm^2"),
        hysteresis.level_definitions("uA/cm^2"),
        ramp_definitions("uA/cm^2"),
        PhaseResponse.definitions,
        PHASE_RESPONSE,
        numerics_fields(PhaseResponse.accuracy),
        fi.CURVE_DEFINITIONS,
        fi.summary_definitions("uA/cm^2", "uA_cm2"),
        sensitivity.DEFINITIONS,
        dose_response.POINTS | dose_response.RESPONSE,
        dose_response.FITS,
    ],
    ids=[
        "features",
        "last_beat",
        "beats",
        "spikes",
        "numerics",
        "of pacing",
        "shapes of neurons",
        "shapes",
        "of shapes",
        "s1s2",
        "dynamic_restitution",
        "restitution",
        "of restitution",
        "of voltage_clamp",
        "rheobase",
        "excitability",
        "of strength_duration",
        "strength_duration",
        "refractory",
        "recovery",
        "of hysteresis",
        "hysteresis",
        "ramps",
        "phase response",
        "phase_response",
        "of phase_response",
        "fi_curves",
        "fi_summary",
        "sobol_indices",
        "dose_response",
        "dose_response_fits",
    ],
)
def test_every_definition_is_on_the_page(fields):
    lines = RESULTS.read_text().splitlines()
    for name, (unit, definition) in fields.items():
        assert f"| `{name}` | {unit} | {definition} |" in lines


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A folder with the results of a small grid, under the name that the examples use."""
    base = tmp_path_factory.mktemp("docs")
    (experiment,) = read_experiments({"experiments": yaml.safe_load(EXPERIMENT)}).values()
    folder = base / "results" / experiment.name
    shard = folder / "shards" / "all.parquet"
    shard.parent.mkdir(parents=True)
    numerics = folder / "numerics.parquet"
    write_numerics(experiment, calibrate(experiment, progress=lambda *_: None), numerics)
    update_shard(experiment, "all", shard, progress=lambda done, total: None)
    write_tables(experiment, [shard], numerics, folder)
    write_traces(experiment, provenance(experiment, numerics), folder / "traces.parquet")
    return base


def run(block: str) -> dict[str, object]:
    namespace: dict[str, object] = {}
    exec(compile(block, "example", "exec"), namespace)
    return namespace


def test_every_column_is_on_the_page(results):
    page = RESULTS.read_text()
    files = list((results / "results/squid_conductances").glob("*.parquet"))
    assert len(files) == 7
    for file in files:
        assert f"## `{file.name}`" in page
        for column in pq.read_schema(file).names:
            assert f"`{column}`" in page, column


def test_examples_find_the_curve_of_the_unchanged_axon(results, monkeypatch):
    monkeypatch.chdir(results)
    found = pd.read_parquet("results/squid_conductances/fi_curves.parquet")
    rows = [found.iloc[i] for i in range(len(found))]
    own = [r for r in rows if (r["sodium_g_mS_cm2"], r["potassium_g_mS_cm2"]) == (120.0, 36.0)]
    expected = [(r["amplitude_uA_cm2"], r["steady_rate_Hz"]) for r in own]
    assert len(expected) == 4 and expected[-1][1] > 0
    answers = [space["curve"] for space in map(run, blocks(RESULTS, "python")) if "curve" in space]
    assert len(answers) == 3
    for answer in answers:
        columns = [column.tolist() for column in frame(answer).values()]
        assert list(zip(*columns, strict=True)) == expected


def test_examples_join_spikes_and_neurons(results, monkeypatch):
    monkeypatch.chdir(results)
    spaces = [run(block) for block in blocks(RESULTS, "python")]
    (spikes,) = (space["spikes"] for space in spaces if "spikes" in space)
    (rasters,) = (space["rasters"].fetchall() for space in spaces if "rasters" in space)
    own = spikes[(spikes["sodium_g_mS_cm2"] == 120) & (spikes["potassium_g_mS_cm2"] == 36)]
    trains = {amplitude: train["time_ms"].tolist() for amplitude, train in own.groupby("amplitude_uA_cm2")}
    assert len(trains[10.0]) > 2
    assert dict(rasters) == trains
    intervals = own[own["amplitude_uA_cm2"] == 10]["interval_ms"].to_numpy()
    assert np.isnan(intervals[0]) and np.array_equal(intervals[1:], np.diff(trains[10.0]))


def frame(answer: object) -> dict[str, np.ndarray]:
    """Columns of a data frame of any of the three libraries."""
    if isinstance(answer, duckdb.DuckDBPyRelation):
        return answer.fetchnumpy()
    return {name: answer[name].to_numpy() for name in answer.columns}


def test_step_halving_of_the_method_page_gives_the_error_it_says():
    (block,) = blocks(METHOD, "python")
    said = float(re.search(r"Here that is ([\d.]+) µs", METHOD.read_text())[1])
    assert run(block)["error_us"] == pytest.approx(said, rel=0.1)


def test_the_page_on_own_models_does_what_it_says(tmp_path, monkeypatch):
    page = ROOT / "docs/own_model.md"
    model, variants = blocks(page, "mmt")
    (tmp_path / "neuron.mmt").write_text(model)
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_examples(blocks(page, "pycon")[0])
    test = doctest.DocTest(examples, {}, page.name, str(page), 0, None)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0
    header, rest = variants.split("\n", 2)[2], model.split("\n", 2)[2]
    (tmp_path / "neuron.mmt").write_text("[[model]]\nname: neuron\n" + header + rest)
    import hhcore

    assert hhcore.load_model("neuron.mmt:leaky").parameters["leak.g"].value == 1


def test_the_page_on_pacing_does_what_it_says():
    page = ROOT / "docs/pacing.md"
    assert blocks(page, "python") and blocks(page, "yaml")
    for block in blocks(page, "yaml"):
        read_experiments(yaml.safe_load(block))
    for block in blocks(page, "python"):
        run(block)


def test_the_page_on_python_does_what_it_says():
    hysteresis, grid = map(run, blocks(ROOT / "docs/python.md", "python"))
    # The rest of the squid axon is unstable above 9.78 uA/cm^2 (Hassard 1978).
    assert min(hysteresis["up"]) == 10.0 and min(hysteresis["down"]) == 6.5
    assert len(grid["run"].features) == 10


def test_the_page_on_outputs_does_what_it_says():
    """Its config is that of its first example; numbers, columns and entries of the certificate are those it names."""
    page = (ROOT / "docs/outputs.md").read_text()
    (block,) = blocks(ROOT / "docs/outputs.md", "python")
    said = re.search(r"takes ([\d.]+) pmol/cm² of sodium at 10 µA/cm², and ([\d.]+) at 20", page).groups()
    assert [f"{ions:.1f}" for ions in run(block)["ions"]] == list(said)
    charge = hhcore.run(yaml.safe_load(blocks(ROOT / "docs/outputs.md", "yaml")[0]), progress=False)["charge"]
    assert (charge.features["early_conductance_mS_cm2"] > 20).all() and "outputs" in charge.figures()
    for name, there in (
        ("sodium_charge_error_worst_nC_cm2", charge.numbers),
        ("sodium_charge_error_nC_cm2", charge.numerics),
    ):
        assert name in there and f"`{name}`" in page
    assert all(f"`{measure}`" in page for measure in MEASURES)


def test_the_page_on_shapes_does_what_it_says(capsys):
    page = ROOT / "docs/shapes.md"
    (config,), (said,) = blocks(page, "yaml"), blocks(page, "text")
    (experiment,) = read_experiments(yaml.safe_load(config)).values()
    assert experiment.protocol == Shapes() and experiment.n_points == 116
    grid, prompt = map(run, blocks(page, "python"))
    assert capsys.readouterr().out.startswith(said)
    assert grid["run"].features["spike_count"].tolist()[0] == 1
    assert len(prompt["result"].shapes) == 4


@pytest.mark.parametrize(
    "page", ["excitability", "hysteresis", "phase_response", "refractory", "rheobase", "strength_duration"]
)
def test_a_page_on_searches_prints_what_it_says(page, capsys):
    """Its configs are legal, and its program prints the text below it."""
    file = ROOT / f"docs/{page}.md"
    for block in blocks(file, "yaml"):
        read_experiments(yaml.safe_load(block))
    (program,), (said,) = blocks(file, "python"), blocks(file, "text")
    run(program)
    assert capsys.readouterr().out == said


def test_the_page_on_drugs_does_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # where it writes the file of a model
    page = ROOT / "docs/drugs.md"
    (config,) = blocks(page, "yaml")
    (experiment,) = read_experiments(yaml.safe_load(config)).values()
    assert [drug.parameter for drug in experiment.treatments[0].targets] == ["ikr.g", "ical.P"]
    assert experiment.n_points == 21
    for block, said in zip(blocks(page, "python"), blocks(page, "text"), strict=True):
        run(block)
        assert capsys.readouterr().out == said


def test_the_method_page_knows_every_solver():
    text = METHOD.read_text()
    for scheme in SCHEMES.values():
        assert f"`{scheme.name}`" in text
        assert re.search(rf"order {scheme.order}\b", text)


def storeys() -> list[tuple[str, ...]]:
    """The folders of each storey in the table of CONTRIBUTING.md, from the bottom of the house."""
    rows = re.findall(r"^\| [\w ]+ \| (`hhcore/.*?`) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    return [tuple(re.findall(r"`(.*?)`", where)) for where in rows]


def modules() -> dict[str, Path]:
    """The files of the package by the name of their module; of a folder, that of its `__init__`."""
    files = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in (ROOT / "hhcore").rglob("*.py")}
    return {name.removesuffix("/__init__").replace("/", "."): path for name, path in files.items()}


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Modules of the package that a file imports at its top: not in functions, nor `if TYPE_CHECKING`."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = {f"{node.module}.{alias.name}": node.module for alias in node.names}
            found |= {name if name in known else module for name, module in inside.items()}
    return found & set(known)


def arrows() -> dict[str, set[str]]:
    """What each module of the package imports."""
    known = modules()
    return {name: imports(path, known) for name, path in known.items()}


def test_imports_of_a_file_are_found(tmp_path):
    (tmp_path / "some.py").write_text(
        "import hhcore.a\nfrom hhcore import b\nfrom hhcore.c import Thing\nimport numpy\n"
        "if TYPE_CHECKING:\n    import hhcore.d\ndef f():\n    import hhcore.d\n"
    )
    known = dict.fromkeys(("hhcore", "hhcore.a", "hhcore.b", "hhcore.c", "hhcore.d"), tmp_path)
    assert imports(tmp_path / "some.py", known) == {"hhcore.a", "hhcore.b", "hhcore.c"}


def test_code_map_names_every_folder_once():
    there = {f"hhcore/{path.name}" for path in (ROOT / "hhcore").iterdir() if path.is_dir()} - {"hhcore/__pycache__"}
    assert sorted(folder for storey in storeys() for folder in storey) == sorted(there)


def test_imports_go_down_the_storeys():
    level = {folder.replace("/", "."): height for height, storey in enumerate(storeys()) for folder in storey}
    level["hhcore.__main__"] = len(storeys())
    height = {name: level.get(".".join(name.split(".")[:2]), 0) for name in modules()}
    assert len(set(height.values())) == len(storeys()) + 1
    for name, imported in arrows().items():
        above = {other for other in imported if height[other] > height[name]}
        assert name == "hhcore" or not above, f"{name} imports {above}"


def test_no_file_is_in_a_circle_of_imports():
    found = arrows()
    assert "hhcore.base.errors" in found["hhcore.config.reader"]
    list(graphlib.TopologicalSorter(found).static_order())  # raises CycleError


def test_no_room_is_in_a_circle_of_imports():
    rooms: dict[str, set[str]] = {}
    for name, imported in arrows().items():
        inside = {room_of(other) for other in imported} - {"", room_of(name)}
        rooms.setdefault(room_of(name), set()).update(inside)
    assert "fi" in rooms["sensitivity"] and len(rooms) > 5
    list(graphlib.TopologicalSorter(rooms).static_order())  # raises CycleError


def room_of(module: str) -> str:
    """The folder in hhcore/protocols/ that a module lies in, "" if in none."""
    package, _, inside = module.partition("hhcore.protocols.")
    return inside.split(".")[0]


def test_tables_and_plots_stay_out_of_what_simulates():
    asked = {"features", "spikes", "beats", "shapes", "frame"}  # of a Result: these fetch pandas when they are asked
    folders = ("base", "model", "schemes", "compile", "simulation")
    files = {path for folder in folders for path in (ROOT / "hhcore" / folder).rglob("*.py")}
    files -= {ROOT / "hhcore/base/tables.py"}
    assert len(files) > 40
    found = {path.name: packages(ast.parse(path.read_text()), asked) for path in files}
    assert {name for name, used in found.items() if used & {"pandas", "pyarrow", "matplotlib"}} == set()
    without = packages(ast.parse((ROOT / "hhcore/simulation/result.py").read_text()), set())
    assert "pandas" in without


def packages(node: ast.AST, skipped: set[str]) -> set[str]:
    """Packages imported anywhere in a syntax tree, not in functions of these names, not for type checkers."""
    if isinstance(node, ast.FunctionDef) and node.name in skipped:
        return set()
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return set()
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    inside = [packages(child, skipped) for child in ast.iter_child_nodes(node)]
    return {name.split(".")[0] for name in names}.union(*inside)
