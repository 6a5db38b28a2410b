"""What the pages say is so: links, examples, definitions, the code map."""

import ast
import doctest
import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from hhcore.base import tables
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import FIELDS, write_numerics
from hhcore.config.experiment import read_experiments
from hhcore.protocols.fi import curves as fi
from hhcore.protocols.results import write_tables, write_traces
from hhcore.protocols.sensitivity import indices as sensitivity
from hhcore.schemes.solver import SCHEMES
from hhcore.simulation import beats
from hhcore.simulation.features import DEFINITIONS
from hhcore.sweep.store import update_shard

ROOT = Path(__file__).parents[1]
FOLDERS = ("config", "docs", "results")
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
    benchmarks = (ROOT / "docs/benchmarks.md").read_text()
    quoted = re.findall(r"([\d,.]+)\s+times", README.read_text())
    assert len(quoted) > 5
    for number in quoted:
        assert re.search(rf"(?<![\d,.]){number}(?![\d,.])", benchmarks), f"README says {number}: copy it from the table"


def test_the_bounds_of_the_functions_are_those_of_the_tests():
    from test_primitives import BOUNDS

    page = (ROOT / "docs/architecture.md").read_text()
    for name, (_, bound) in BOUNDS.items():
        assert re.search(rf"^\| `{name}` \| .* \| {bound:g} \|$", page, re.MULTILINE), name


@pytest.mark.parametrize(
    "fields",
    [
        DEFINITIONS,
        beats.LAST_BEAT,
        beats.DEFINITIONS,
        tables.SPIKE_FIELDS,
        FIELDS,
        fi.CURVE_DEFINITIONS,
        fi.summary_definitions("uA/cm^2", "uA_cm2"),
        sensitivity.DEFINITIONS,
    ],
    ids=["features", "last_beat", "beats", "spikes", "numerics", "fi_curves", "fi_summary", "sobol_indices"],
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
    write_numerics(experiment, calibrate(experiment, progress=lambda done, total: None), numerics)
    update_shard(experiment, "all", shard, progress=lambda done, total: None)
    write_tables(experiment, [shard], numerics, folder)
    write_traces(experiment, numerics, folder / "traces.parquet")
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
    found = pd.read_parquet("results/squid_conductances/features.parquet")
    rows = [found.iloc[i] for i in range(len(found))]
    own = [r for r in rows if (r["sodium_g_mS_cm2"], r["potassium_g_mS_cm2"]) == (120.0, 36.0)]
    expected = [(r["amplitude_uA_cm2"], r["firing_rate_Hz"]) for r in own]
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


def test_the_method_page_knows_every_solver():
    text = METHOD.read_text()
    for scheme in SCHEMES.values():
        assert f"`{scheme.name}`" in text
        assert re.search(rf"order {scheme.order}\b", text)


def code_map() -> list[tuple[str, list[Path]]]:
    """(storey, its files) of the table in CONTRIBUTING.md, from the top."""
    storeys: list[tuple[str, list[Path]]] = []
    for storey, where in re.findall(r"^\| ([\w ]*)\| (`.*?`) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE):
        if storey.strip():
            storeys.append((storey.strip(), []))
        for pattern in re.findall(r"`(.*?)`", where):
            found = sorted(ROOT.glob(pattern))
            assert found, pattern
            storeys[-1][1].extend(found)
    return storeys


def test_code_map_names_every_file_once():
    there = {path for path in (ROOT / "hhcore").rglob("*.py") if path.name != "__init__.py"}
    named = [path for _, files in code_map() for path in files if path in there]
    assert sorted(named) == sorted(there)


def test_imports_go_one_way():
    level = {}
    for height, (_, files) in enumerate(code_map()):
        for path in files:
            module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            level[module.removesuffix(".__init__")] = height
    for module, height in level.items():
        path = ROOT / (module.replace(".", "/") + ".py")
        if module.startswith("hhcore") and path.exists():
            for imported in imports(path):
                assert level.get(imported, 0) <= height, f"{module} imports {imported}"


def test_tables_and_plots_stay_out_of_model_compile_and_solve():
    asked = {"features", "spikes", "beat_table"}  # of a Result: these fetch pandas when they are asked
    files = {path for storey, files in code_map() if storey in ("base", "model", "compile", "solve") for path in files}
    assert {"rosenbrock.py", "text.py", "rest.py", "simulate.py", "result.py", "reference.py", "file.py"} < {f.name for f in files}
    found = {path.name: packages(ast.parse(path.read_text()), asked) for path in files if path.suffix == ".py"}
    assert {name for name, used in found.items() if used & {"pandas", "pyarrow", "matplotlib"}} == set()
    without = packages(ast.parse((ROOT / "hhcore/simulation/result.py").read_text()), set())
    assert "pandas" in without


def packages(node: ast.AST, skipped: set[str]) -> set[str]:
    """Packages that are imported anywhere in a syntax tree, but not in functions of these names."""
    if isinstance(node, ast.FunctionDef) and node.name in skipped:
        return set()
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    inside = [packages(child, skipped) for child in ast.iter_child_nodes(node)]
    return {name.split(".")[0] for name in names}.union(*inside)


def imports(path: Path) -> list[str]:
    """Modules of the package that a file imports at its top, `from hhcore import fi` as hhcore.protocols.fi.curves."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hhcore"):
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found
