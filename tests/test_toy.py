"""A kind of experiment in tests/toy, found by its entry point, through real Snakemake; nothing else is edited."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from test_workflow import ROOT, SMALL, Folder

from hhcore.model.model import load_model
from hhcore.simulation.reference import reference

TOY = Path(__file__).parent / "toy"
AMPLITUDES = [-10.0, -5.0, -2.0, 0.0]
ANODE_BREAK = {
    "protocol": {"kind": "anode_break", "watched": "20 ms"},
    "stimulus": {"kind": "step", "amplitude": {"values": AMPLITUDES}},
    "parameters": {"sodium.g": {"values": [110, 120]}},
    "solver": {"tolerance": "0.001 mV"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    """A folder with the toy beside the package, as if it were installed."""
    made = Folder(tmp_path_factory.mktemp("toy"), tmp_path_factory.mktemp("cache"))
    shutil.copytree(TOY, made.path, dirs_exist_ok=True)
    made.config(**ANODE_BREAK)
    return made


@pytest.fixture(scope="module")
def run(folder) -> Path:
    """The results of the toy's experiment."""
    folder.run()
    return folder.path / "results" / "e"


def test_nothing_of_the_toy_is_in_the_package():
    sources = [*(ROOT / "hhcore").rglob("*.py"), *(ROOT / "workflow").rglob("*")]
    assert not [path for path in sources if path.is_file() and "anode" in path.read_text()]


def test_tables_figure_caption_and_report_are_there(run):
    tables = {path.stem for path in run.glob("*.parquet")}
    assert tables == {"features", "failures", "numerics", "overshoot"}
    figures = {path.stem for path in (run / "figures").glob("*.svg")}
    assert (
        figures
        == {path.stem for path in (run / "figures").glob("*.png")}
        == {"rebound", "work_precision", "accuracy_map"}
    )
    report = (run.parent / "report.html").read_text()
    for words in ("Overshoot after the release", "held the neuron", "rebound.svg"):
        assert words in report, words


def test_columns_have_units_and_definitions(run):
    schema = pq.read_schema(run / "features.parquet")
    assert schema.field("rebound_mV").metadata[b"unit"] == b"mV"
    assert b"after the release" in schema.field("rebound_mV").metadata[b"definition"]
    assert b"rebound_error_mV" in " ".join(schema.names).encode()


def test_the_rebound_is_that_of_scipy(run):
    """The second run begins in each neuron's own state at the end of the first."""
    features, model = pd.read_parquet(run / "features.parquet"), load_model("hodgkin_huxley_1952")
    for row in features.itertuples():
        point = {"sodium.g": row.sodium_g_mS_cm2}
        held = reference(model, point | {"amplitude": row.amplitude_uA_cm2}, duration=40.0)
        free = reference(model, point, duration=20.0, initial_state=held.final)
        highest = max([held.final[model.potential], *free.peaks, free.final[model.potential]])
        assert row.rebound_mV == pytest.approx(highest, abs=0.001)
        assert row.rebound_spike_count == len(free.spike_times)
    assert features.rebound_spike_count[features.amplitude_uA_cm2 == -10].eq(1).all()  # it fires without a stimulus
    assert features.rebound_spike_count[features.amplitude_uA_cm2 == 0].eq(0).all()


def test_the_solver_is_certified_by_the_error_of_the_rebound(run):
    numerics = pd.read_parquet(run / "numerics.parquet")
    assert numerics[numerics.chosen].rebound_error_mV.max() <= 0.001 < numerics.rebound_error_mV.max()
    says = pq.read_schema(run / "features.parquet").metadata
    assert float(says[b"hhcore.rebound_error_worst_mV"]) <= 0.001 and says[b"hhcore.tolerance_mV"] == b"0.001"
    page = (run / "summary.html").read_text()
    assert "Rebound error" in page and "after the release" in page


def test_final_states_of_all_neurons_are_kept(run):
    shard = pq.read_table(run / "shards/all.parquet")
    assert np.all(np.array(shard["final"].to_pylist()).shape == (8, 4))


def test_a_second_run_does_nothing_and_a_grown_grid_simulates_new_points(run, folder):
    assert folder.planned() == set()
    folder.config(**ANODE_BREAK | {"stimulus": {"kind": "step", "amplitude": {"values": [*AMPLITUDES, -7.0]}}})
    folder.run()
    assert folder.simulated() == 2
    folder.config(**ANODE_BREAK | {"protocol": {"kind": "anode_break", "watched": "21 ms"}})
    folder.run()
    assert folder.simulated() == 8  # its own key is part of the context


MISTAKES = {
    "misspelt": ({"kind": "anode_brake", "watched": 20}, "did you mean 'anode_break'?"),
    "missing": ({"kind": "anode_break"}, "the key 'watched' is missing"),
    "negative": ({"kind": "anode_break", "watched": -1}, "protocol.watched: -1 ms is not above 0"),
    "volts": ({"kind": "anode_break", "watched": "3 mV"}, "cannot be converted to ms"),
}


def test_a_mistake_in_its_own_keys_is_one_sentence(folder):
    wrong = {name: SMALL | ANODE_BREAK | {"protocol": protocol} for name, (protocol, _) in MISTAKES.items()}
    (folder.path / "config/config.yaml").write_text(yaml.safe_dump({"experiments": wrong}))
    done = folder.snakemake("-n")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    for name, (_, message) in MISTAKES.items():
        assert re.search(rf"experiments\.{name}\b.*{re.escape(message)}", done.stderr), done.stderr


def test_the_page_on_extending_shows_the_toy():
    page = (ROOT / "docs/extend.md").read_text()
    blocks = dict(re.findall(r"^`(anode_break/\S+)`:\n\n```\w*\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    files = {path.relative_to(TOY).as_posix(): path.read_text() for path in TOY.rglob("*") if path.is_file()}
    own = {name: text for name, text in files.items() if "dist-info" not in name and "__pycache__" not in name}
    assert blocks == own
