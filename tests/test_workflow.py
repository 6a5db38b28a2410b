"""The workflow as a user runs it: real Snakemake, from a config file to the report, and what runs again when."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars
import pyarrow.parquet as pq
import pytest
import yaml

from hhcore.model.model import load_model
from hhcore.simulation.reference import reference

ROOT = Path(__file__).parents[1]
TABLES = ("features", "failures", "numerics")
FIGURES = ("work_precision", "accuracy_map")
STEP_TABLES, STEP_FIGURES = (
    ("traces", "spikes", "fi_curves", "fi_summary"),
    ("traces", "fi_curves", "spike_count_map", "rheobase_map", "oscillation_range"),
)
PULSE_TABLES, PULSE_FIGURES = ("traces", "spikes", "beats"), ("traces", "restitution", "apd_map")
STEPS, PULSES = ("small_grid", "strong_and_short", "single"), ("paced",)
OWN = {
    **dict.fromkeys(STEPS, (STEP_TABLES, STEP_FIGURES)),
    "single": (STEP_TABLES, (*STEP_FIGURES, "outputs")),
    **dict.fromkeys(PULSES, (PULSE_TABLES, PULSE_FIGURES)),
    "sampled": (
        ("spikes", "fi_curves", "fi_summary", "sobol_indices"),
        ("fi_curves", "sample_scatter", "sobol_indices"),
    ),
    "scattered": (("spikes",), ("sample_scatter",)),
}
CLAMPED = {
    "clamped": (
        ("traces", "currents", "iv", "iv_summary", "activation", "activation_fits"),
        ("traces", "currents", "iv", "activation"),
    )
}
SMALL = {
    "model": "../model.mmt",
    "stimulus": {"kind": "step", "amplitude": {"values": [0, 10, 20]}},
    "parameters": {"sodium.g": {"values": [110, 120]}},
    "initial_state": "rest",
    "duration": 40,
    "solver": {"method": "rk4", "dt": 0.05},
}


class Folder:
    """A working folder with its own copy of the workflow and of hhcore, so that both can be edited.

    steps : whether each step of an experiment has a job, as if it were large
    """

    def __init__(self, path: Path, cache: Path, steps: bool = True):
        self.path, self.cache = path, cache
        for name in ("workflow", "profiles", "config", "hhcore"):
            shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", path)
        shutil.copy(ROOT / "hhcore/models/hodgkin_huxley_1952.mmt", path / "model.mmt")
        if steps:
            self.edit("hhcore/sweep/estimate.py", "SMALL_STEPS = 1e8", "SMALL_STEPS = 0")

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        env = os.environ | {"PYTHONPATH": str(self.path), "HHCORE_CACHE": str(self.cache)}
        command = [sys.executable, "-m", "snakemake", *arguments]
        return subprocess.run(command, cwd=self.path, env=env, capture_output=True, text=True)

    def run(self, *arguments: str) -> str:
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def planned(self, *arguments: str) -> set[str]:
        """Rules that would run now."""
        return set(re.findall(r"^(\w+) +\d+$", self.run("-n", *arguments), re.MULTILINE)) - {"total"}

    def config(self, **changes) -> None:
        (self.path / "config/config.yaml").write_text(yaml.safe_dump({"experiments": {"e": SMALL | changes}}))

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.path / file).read_text()
        assert old in text
        (self.path / file).write_text(text.replace(old, new))

    def simulated(self, experiment: str = "e") -> int:
        """Neurons that the last job of the experiment's shard had to simulate."""
        logs = [self.path / f"results/logs/{experiment}/{job}.log" for job in ("simulate_all", "experiment")]
        (log,) = (log.read_text() for log in logs if log.exists())
        return int(["0", *re.findall(r"of ([\d,]+) new neurons", log)][-1].replace(",", ""))

    def bytes(self, experiment: str) -> dict[str, bytes]:
        """All tables and figures by name; not the hidden files that a killed process leaves where it wrote."""
        folder = self.path / "results" / experiment
        files = [*folder.glob("[!.]*.parquet"), *folder.glob("figures/[!.]*")]
        return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(files)}


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, cache) -> tuple[Folder, str]:
    """A finished run of config/test.yaml on two cores, and what it printed."""
    folder = Folder(tmp_path_factory.mktemp("whole"), cache, steps=False)
    return folder, folder.run("--configfile", "config/test.yaml", "--cores", "2")


@pytest.fixture(scope="module")
def small(tmp_path_factory, cache) -> Folder:
    """A finished run of one small experiment, edited by the tests and set right again."""
    folder = Folder(tmp_path_factory.mktemp("small"), cache)
    folder.config()
    folder.run()
    return folder


def test_everything_promised_is_there(whole):
    folder, printed = whole
    for experiment, (own_tables, own_figures) in (OWN | CLAMPED).items():
        results = folder.path / "results" / experiment
        promised, drawn = {*TABLES, *own_tables}, {*FIGURES, *own_figures}
        assert {path.stem for path in results.glob("*.parquet") if path.stat().st_size} == promised
        for kind in ("svg", "png"):
            assert {path.stem for path in results.glob(f"figures/*.{kind}") if path.stat().st_size} == drawn
        assert "doi:10.1113/jphysiol.1952.sp004764" in (results / "summary.html").read_text()
        assert f"results/{experiment}/features.parquet" in printed
    assert "small_grid: 54 neurons to simulate, about" in printed and "results/report.html" in printed
    assert re.search(r"Finished in \d+ s\. Work: .*experiment [\d.]+ s \(\d+%\)", printed)


def test_report_opens_offline(whole):
    report = (whole[0].path / "results/report.html").read_text()
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', report)
    for text in (
        "small_grid",
        "What was run",
        "Rheobase",
        "F-I curves",
        "Restitution",
        "Action potentials, one row",
        "Sobol indices",
    ):
        assert text in report


def test_features_have_the_promised_columns_units_and_order(whole):
    path = whole[0].path / "results/small_grid/features.parquet"
    axes = ["amplitude_uA_cm2", "sodium_g_mS_cm2", "potassium_g_mS_cm2"]
    features = ["spike_count", "firing_rate_Hz", "spike_count_rate_Hz", "first_spike_ms", "last_spike_ms"]
    features += ["mean_isi_ms", "cv_isi", "adaptation_index"]
    features += ["peak_mV", "trough_mV", "turning_points", "status", "failed_ms", "spike_time_error_us", "fragile"]
    schema = pq.read_schema(path)
    assert schema.names == axes + features
    assert all(field.metadata[b"unit"] and field.metadata[b"definition"] for field in schema)
    assert schema.field("sodium_g_mS_cm2").metadata[b"unit"] == b"mS/cm^2"
    table = pd.read_parquet(path)
    order = [(a, g, p) for g in (108, 120, 132) for p in (32.4, 36) for a in range(0, 41, 5)]
    assert [tuple(row) for row in table[axes].round(9).to_numpy()] == order
    assert polars.read_parquet(path)["spike_count"].to_list() == table.spike_count.tolist()


CERTIFICATE = ("solver", "solver_method", "solver_accuracy", "tolerance_us", "reference", "reference_runs")
CERTIFICATE += ("spike_time_error_worst_us", "spike_time_error_median_us", "fragile_in_sample")
MADE_WITH = {f"version_{name}" for name in ("hhcore", "llvmlite", "myokit", "numpy", "pyarrow", "scipy", "sympy")}


@pytest.mark.parametrize("experiment", OWN)
def test_every_table_carries_the_certificate(whole, experiment):
    folder = whole[0].path / "results" / experiment
    sample = pd.read_parquet(folder / "numerics.parquet").query("chosen")
    errors = sample.spike_time_error_us.dropna()
    for path in sorted(folder.glob("*.parquet")):
        query = f"select decode(key), decode(value) from parquet_kv_metadata('{path}')"
        by_arrow = {key.decode(): text.decode() for key, text in pq.read_metadata(path).metadata.items()}
        by_duckdb = dict(duckdb.sql(query).fetchall())
        assert by_duckdb.items() >= {key: text for key, text in by_arrow.items() if key != "ARROW:schema"}.items()
        says = {key: by_duckdb[f"hhcore.{key}"] for key in (*CERTIFICATE, *MADE_WITH)}
        assert all(says.values()), path.name
        assert (says["solver_method"],) == tuple(sample.method.unique())
        assert (float(says["solver_accuracy"]),) == tuple(sample.accuracy.unique())
        assert int(says["reference_runs"]) == len(sample)
        if len(errors):
            assert float(says["spike_time_error_worst_us"]) == pytest.approx(errors.max(), rel=0.01)
            assert float(says["spike_time_error_median_us"]) == pytest.approx(errors.median(), rel=0.01)


def test_beats_of_a_paced_grid_against_scipy(whole):
    folder = whole[0].path / "results/paced"
    features, beats = (pd.read_parquet(folder / f"{name}.parquet") for name in ("features", "beats"))
    assert len(features) == 15 and len(beats) == 15 * 5
    rows = features.index[(features.amplitude_uA_cm2 == 40) & (features.period_ms == 15)]
    mine = beats[beats.neuron == rows[0]]
    point = {"amplitude": 40.0, "width": 0.5, "period": 15.0, "number": 5.0, "start": 1.3}
    exact = reference(load_model("hodgkin_huxley_1952"), point, duration=110.0, stimulus="pulse_train")
    assert mine.beat_spike_count.sum() == len(exact.spike_times) == 5
    assert mine.onset_ms.tolist() == [1.3 + 15 * i for i in range(5)]
    assert mine.resting_potential_mV.tolist() == pytest.approx([exact.at(t)[0] for t in mine.onset_ms], abs=1e-3)
    assert mine.ap_peak_mV.tolist() == pytest.approx(exact.peaks[exact.peaks > 0], abs=1e-2)
    assert features.apd90_ms[rows[0]] == mine.apd90_ms.iloc[-1]
    ended = beats[(beats.beat > 0) & (beats.beat_status == "ok")]
    assert features.last_beat.tolist() == ended.groupby("neuron").beat.max().reindex(range(15), fill_value=4).tolist()


def test_spikes_agree_with_features_in_three_readers(whole):
    folder = whole[0].path / "results/small_grid"
    counts = pd.read_parquet(folder / "features.parquet").spike_count
    by_pandas = pd.read_parquet(folder / "spikes.parquet").neuron.value_counts().reindex(counts.index, fill_value=0)
    query = f"select neuron, count(*) from '{folder}/spikes.parquet' group by neuron"
    by_duckdb = dict(duckdb.sql(query).fetchall())
    by_polars = dict(polars.read_parquet(folder / "spikes.parquet").group_by("neuron").len().rows())
    assert by_pandas.tolist() == counts.tolist()
    assert by_duckdb == by_polars == {n: c for n, c in counts.items() if c}


def test_a_second_run_does_nothing_and_a_dry_run_tells_the_cost(whole):
    folder, _ = whole
    again = folder.run("--configfile", "config/test.yaml")
    assert "Nothing to be done" in again
    for path in folder.path.rglob("*.py"):
        path.touch()
    assert folder.planned("--configfile", "config/test.yaml") == set()
    dry = folder.snakemake("-n", "--configfile", "config/test.yaml")
    assert "Nothing to be done" in dry.stdout and "features.parquet" in dry.stdout.splitlines()[-1]


def test_same_bytes_on_one_core_in_another_folder(whole, cache, tmp_path):
    other = Folder(tmp_path / "elsewhere", cache)
    targets = ["small_grid/figures/fi_curves.svg", "sampled/figures/sobol_indices.svg"]
    other.run(*(f"results/{target}" for target in targets), "--configfile", "config/test.yaml", "--cores", "1")
    for experiment, files in (("small_grid", 17), ("sampled", 8)):
        theirs = whole[0].bytes(experiment)
        ours = other.bytes(experiment)
        assert len(ours) >= files and ours == {name: theirs[name] for name in ours}


def test_growing_simulates_the_new_points_shrinking_none(small, cache, tmp_path):
    assert small.simulated() == 6
    grown = {"kind": "step", "amplitude": {"values": [0, 5, 10, 20]}}
    small.config(stimulus=grown)
    small.run()
    assert small.simulated() == 2
    fresh = Folder(tmp_path / "fresh", cache)
    fresh.config(stimulus=grown)
    fresh.run()
    assert fresh.simulated() == 8 and fresh.bytes("e") == small.bytes("e")
    small.config()
    small.run()
    assert small.simulated() == 0
    assert len(pd.read_parquet(small.path / "results/e/features.parquet")) == 6


TABLES_ON = {"tables_current_clamp_fi", "figures_current_clamp_fi", "report", "all"}  # from the tables on
FIGURES_ON = TABLES_ON - {"tables_current_clamp_fi"}
ALL = {"calibrate", "simulate"} | TABLES_ON


@pytest.mark.parametrize(
    ("file", "old", "new", "rules"),
    [
        ("model.mmt", "# Initial values", "# Starting values", set()),
        ("model.mmt", "g = 120 [mS/cm^2]", "g = 121 [mS/cm^2]", ALL),
        ("model.mmt", "desc: Maximal sodium", "desc: Largest sodium", TABLES_ON),
        ("hhcore/schemes/tableaus.py", "c=(0.5, 0.5,", "c=(0.50, 0.5,", ALL),
        ("hhcore/compile/runtime/primitives.py.in", "p = fma(fma(", "p = fma( fma(", ALL),
        ("hhcore/simulation/threads.py", "CHUNK = ", "CHUNK = 2 * ", ALL),
        ("hhcore/simulation/features.py", "in the whole run", "during the run", TABLES_ON),
        ("hhcore/sweep/gather.py", "neurons read at a time", "neurons read together", TABLES_ON),
        ("hhcore/simulation/spike_trains.py.in", "Fill the rows", "Fill all rows", TABLES_ON),
        ("hhcore/simulation/spike_errors.py.in", "Fill", "Set", ALL),
        ("hhcore/base/units.py", "µ", "μ", TABLES_ON),
        ("hhcore/figures/style.py", "figure", "figure", set()),
        ("hhcore/grid/points.py", "The points of a grid", "Points of a grid", ALL),
        ("hhcore/experiments/protocol.py", "COMMON = ", "COMMON  = ", ALL),
        ("hhcore/protocols/current_clamp/protocol.py", "CHECKED_MS, ", "CHECKED_MS,  ", ALL),
        ("hhcore/protocols/fi/curves.py", "amplitudes of the grid", "grid's amplitudes", TABLES_ON),
        ("hhcore/protocols/fi/figures.py", "Firing rate", "Rate of firing", FIGURES_ON),
        ("hhcore/protocols/fi/captions/rheobase_map.rst", "heobase", "heo-base", {"report", "all"}),
        ("hhcore/protocols/sensitivity/indices.py", "RESAMPLES = 100", "RESAMPLES = 99", set()),  # nothing is sampled
        ("hhcore/protocols/pacing/protocol.py", "class Pacing", "class  Pacing", set()),  # a step does not pace
        ("hhcore/results/resources.py", "MARGIN = 4.0", "MARGIN = 5.0", set()),
        ("hhcore/base/errors.py", "run the same command again", "run it again", set()),
        ("hhcore/report/static/page.css", "margin: 0;", "margin: 0px;", {"report", "all"}),
        ("workflow/report/summary.rst", "Model and source", "Source and model", set()),  # of Snakemake's own report
        ("config/README.md", "config", "config", set()),
    ],
)
def test_an_edit_runs_again_what_depends_on_it(small, file, old, new, rules):
    before = (small.path / file).read_text()
    small.edit(file, old, new)
    try:
        assert small.planned() == rules
    finally:
        (small.path / file).write_text(before)
        small.run("--touch")


def test_snakemakes_own_report_has_captions_and_no_large_table(small):
    before = (small.path / "workflow/rules/common.smk").read_text()
    report = snakemakes_report(small)
    assert "Features, one row per neuron" in report and "Rheobase, the smallest amplitude of the grid" in report
    small.edit("workflow/rules/common.smk", "REPORTED_ROWS = 100_000", "REPORTED_ROWS = 5")
    report = snakemakes_report(small)
    (small.path / "workflow/rules/common.smk").write_text(before)
    assert "F-I summary, one row per curve" in report  # 2 rows
    assert "Features, one row per neuron" not in report  # 6 rows
    assert "includes tables of at most" in report


def snakemakes_report(folder):
    """What `snakemake --report` writes."""
    page = folder.path / "snakemake.html"
    folder.run("--report", page.name)
    text = page.read_text()
    page.unlink()
    return text


def test_another_experiment_runs_nothing_of_the_first_again(small):
    before = (small.path / "config/config.yaml").read_text()
    both = {"experiments": {"another": SMALL, "e": SMALL}}
    (small.path / "config/config.yaml").write_text(yaml.safe_dump(both))
    dry = small.run("-n")
    (small.path / "config/config.yaml").write_text(before)
    assert re.search(r"^simulate +1$", dry, re.MULTILINE)
    assert "e: simulate" not in dry.replace("another: simulate", "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"durration": 5}, r"durration.*did you mean 'duration'"),
        ({"parameters": {"sodium.gbar": 1}}, r"sodium\.gbar.*did you mean 'sodium\.g'"),
        ({"parameters": {"sodium.g": "3 mV"}}, r"3 mV.*mS/cm\^2"),
        ({"duration": -5}, r"duration.*-5"),
        (
            {
                "stimulus": {
                    "kind": "step",
                    "amplitude": {"linspace": [0, 1, 1000000]},
                    "stop": {"range": [1, 40, 1e-4]},
                }
            },
            "points",
        ),
        ({"model": "nowhere.mmt"}, r"nowhere\.mmt"),
        ({"solver": {"method": "rk4", "dt": 50}}, "dt"),
        ({"duration": 1e14, "solver": {"tolerance": "1 us"}}, r"h on one core, in .* shards; at most 16,384"),
        ({"model": "../unmarked.mmt"}, "no state has `label membrane_potential`.*perhaps membrane.V"),
    ],
)
def test_a_bad_config_gets_one_message_before_any_job(cache, tmp_path, change, message):
    folder = Folder(tmp_path / "bad", cache)
    unmarked = (folder.path / "model.mmt").read_text().replace("    label membrane_potential\n", "")
    (folder.path / "unmarked.mmt").write_text(unmarked)
    folder.config(**change)
    done = folder.snakemake()
    printed = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in printed
    assert re.search(message, printed) and printed.count("Config error") == 1
    assert not (folder.path / "results").exists()


def test_a_file_that_is_no_yaml_gets_one_message(cache, tmp_path):
    folder = Folder(tmp_path / "bad", cache)
    (folder.path / "config/config.yaml").write_text("experiments: [1, {")
    done = folder.snakemake("--configfile", "config/config.yaml")
    assert done.returncode != 0 and "Traceback" not in done.stderr and "YAML" in done.stderr


def test_a_neuron_that_fails_is_a_row_with_a_status_and_a_step_that_is_unstable_is_refused(cache, tmp_path):
    folder = Folder(tmp_path / "failing", cache)
    fast = {"parameters": {"membrane.C": {"values": [0.0001, 1]}}}
    folder.config(**fast)
    refused = folder.snakemake()
    assert refused.returncode != 0 and "Traceback" not in refused.stderr
    assert re.search(r"Error\. experiments\.e\.solver\.dt: 0\.05 ms is unstable.*give dt below", refused.stderr)
    assert not (folder.path / "results/e/features.parquet").exists()
    folder.config(**fast, solver={"method": "tsit5", "local_error": 1e-6})
    folder.run()
    features = pd.read_parquet(folder.path / "results/e/features.parquet")
    assert features.status.tolist() == ["stalled"] * 3 + ["ok"] * 3
    failures = pd.read_parquet(folder.path / "results/e/failures.parquet")
    assert failures.neuron.tolist() == [0, 1, 2] and failures.membrane_V_mV.between(-100, 60).all()
    assert failures.failed_ms.tolist() == features.failed_ms.dropna().tolist()
    assert "3 failed" in (folder.path / "results/e/summary.html").read_text()


TRACED = {"traces": [{"amplitude": 10, "sodium.g": 120}]}


def test_shards_go_before_traces(cache, tmp_path):
    folder = Folder(tmp_path / "traced", cache)
    folder.config(**TRACED)
    said = folder.run("results/e/traces.parquet", "results/e/shards/all.parquet", "--cores", "1")
    assert 0 < said.index("simulate shard all") < said.index("make the tables of traces")


@pytest.fixture(scope="module")
def little(tmp_path_factory, cache) -> Folder:
    """A finished run of a small experiment, whose one job makes all."""
    folder = Folder(tmp_path_factory.mktemp("little"), cache, steps=False)
    folder.config(**TRACED)
    assert folder.planned() == {"experiment_current_clamp_fi_traces", "report", "all"}
    folder.run("--cores", "2")
    return folder


def test_a_small_experiment_in_one_job_has_the_bytes_of_one_in_many(little, cache, tmp_path):
    folder = Folder(tmp_path / "steps", cache)
    folder.config(**TRACED)
    folder.run("--cores", "2")
    assert folder.bytes("e") == little.bytes("e")


@pytest.mark.parametrize(
    ("file", "old", "new", "made"),
    [
        ("hhcore/protocols/fi/figures.py", "Firing rate", "Rate of firing", {"figures/fi_curves.svg"}),
        pytest.param(
            *("hhcore/protocols/fi/curves.py", "amplitudes of the grid", "grid's amplitudes", {"fi_curves.parquet"}),
            marks=pytest.mark.slow,
        ),
        ("hhcore/certify/sample.py", "RANDOM, EDGES", "RANDOM,  EDGES", {"numerics.parquet", "traces.parquet"}),
    ],
)
def test_the_job_of_a_small_experiment_makes_what_is_not_current(little, file, old, new, made):
    """None is simulated. A file that is kept is the same one, though Snakemake touches it."""
    folder, before = little.path / "results/e", (little.path / file).read_text()
    shown = ("numerics.parquet", "fi_curves.parquet", "traces.parquet", "figures/fi_curves.svg", "figures/traces.svg")
    files = {name: (folder / name).stat().st_ino for name in shown}
    little.edit(file, old, new)
    assert "experiment_current_clamp_fi_traces" in little.planned()
    little.run("--cores", "1")
    again = {name for name in shown if (folder / name).stat().st_ino != files[name]}
    assert again >= made and little.simulated() == 0 and little.planned() == set()
    assert ("numerics.parquet" in again) == ("numerics.parquet" in made)
    (little.path / file).write_text(before)
    little.run("--cores", "1")


def test_units_of_a_model_file_that_do_not_match_are_noted_at_the_start(cache, tmp_path):
    folder = Folder(tmp_path / "noted", cache)
    wrong = (folder.path / "model.mmt").read_text().replace("g * m^3 * h * (V - E)", "g * m^3 * h * V * (V - E)")
    (folder.path / "wrong_units.mmt").write_text(wrong)
    folder.config(model="../wrong_units.mmt")
    done = folder.snakemake("-n")
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("Note. wrong_units: units do not match in sodium.i on line") == 1


@pytest.mark.skipif(shutil.which("rsync") is None, reason="Snakemake's storage plugin fs needs rsync")
def test_results_may_lie_in_a_storage_that_is_not_this_folder(small, cache, tmp_path):
    folder, elsewhere = Folder(tmp_path / "here", cache), tmp_path / "elsewhere"
    folder.config()
    storage = ["--default-storage-provider", "fs", "--default-storage-prefix", str(elsewhere)]
    printed = folder.run("--cores", "1", *storage, "--shared-fs-usage", "none")
    assert not (folder.path / "results").exists() and f"Open {elsewhere}/results/report.html" in printed
    assert "features.parquet" in (elsewhere / "results/report.html").read_text()
    tables = sorted((elsewhere / "results/e").glob("*.parquet"))
    assert len(tables) == 6
    for table in tables:
        assert table.read_bytes() == (small.path / "results/e" / table.name).read_bytes(), table.name
    assert "Nothing to be done" in folder.run("--cores", "1", *storage, "--shared-fs-usage", "none")


def test_a_brace_in_the_name_of_a_folder_or_a_model_is_no_wildcard(tmp_path):
    (tmp_path / "a{x}b").mkdir()
    folder = Folder(tmp_path / "a{x}b", tmp_path / "cache")
    (folder.path / "model.mmt").rename(folder.path / "m{y}.mmt")
    folder.config(model="../m{y}.mmt")
    assert {"report", "calibrate", "simulate"} <= folder.planned()


@pytest.mark.parametrize("steps", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["one job", "many jobs"])
def test_a_damaged_shard_is_simulated_again(cache, tmp_path, steps):
    folder = Folder(tmp_path / "damaged", cache, steps=steps)
    folder.config()
    folder.run("--cores", "1")
    before, shard = folder.bytes("e"), folder.path / "results/e/shards/all.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 255
    shard.write_bytes(content)
    (folder.path / "results/e/features.parquet").unlink()
    first = folder.snakemake("--cores", "1")
    assert first.returncode == (1 if steps else 0), "a job of its own for the tables cannot make a shard"
    folder.run("--cores", "1")
    assert folder.bytes("e") == before and folder.planned() == set()


@pytest.mark.parametrize("steps", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["one job", "many jobs"])
def test_a_grid_can_grow_in_a_storage(cache, tmp_path, steps):
    pytest.importorskip("snakemake_storage_plugin_fs")
    if not shutil.which("rsync"):
        pytest.skip("no rsync")
    folder, elsewhere = Folder(tmp_path / "here", cache, steps=steps), tmp_path / "elsewhere"
    storage = ["--default-storage-provider", "fs", "--default-storage-prefix", str(elsewhere), "--cores", "1"]
    storage += ["--shared-fs-usage", "none"]
    for values in ([0, 10], [0, 10, 20]):
        folder.config(stimulus={"kind": "step", "amplitude": {"values": values}})
        folder.run(*storage)
        assert len(pd.read_parquet(elsewhere / "results/e/features.parquet")) == 2 * len(values)
