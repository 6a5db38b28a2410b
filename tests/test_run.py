"""hhcore.run: one call in this process makes what Snakemake makes, and keeps what is there."""

import copy
import io
import pickle
import re
import shutil
import subprocess
import sys
from math import inf
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from matplotlib.figure import Figure
from test_workflow import Folder

import hhcore
from hhcore.base import progress, tables
from hhcore.base.lock import locked, shared
from hhcore.compile.cache import cache_directory
from hhcore.interface import bar
from hhcore.interface.outcome import Run
from hhcore.results import steps
from hhcore.sweep import estimate

SQUID = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": {"values": [0, 10, 20]}},
    "parameters": {"sodium.g": {"values": [110, 120]}},
    "initial_state": "rest",
    "duration": 40,
    "solver": {"method": "rk4", "dt": 0.05},
}
CERTIFIED = SQUID | {"solver": {"tolerance": "1 us"}, "traces": [{"amplitude": 10, "sodium.g": 120}]}


def run(folder: Path, **changes) -> Run:
    return hhcore.run(**SQUID | changes, results=folder, name="e", progress=False)


def states(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of every file of an experiment."""
    files = [path for path in sorted(folder.rglob("[!.]*")) if path.is_file()]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture(scope="module")
def snakemake(tmp_path_factory) -> Folder:
    """A finished run of Snakemake."""
    folder = Folder(tmp_path_factory.mktemp("snakemake"), cache_directory())
    folder.config(**CERTIFIED)
    folder.run("--cores", "1")
    return folder


@pytest.fixture(scope="module")
def mine(snakemake, tmp_path_factory) -> Folder:
    """A folder with results of hhcore.run alone, for the same config."""
    folder = Folder(tmp_path_factory.mktemp("mine"), cache_directory())
    folder.config(**CERTIFIED)
    run = hhcore.run(folder.path / "config/config.yaml", results=folder.path / "results", progress=False)
    assert run.save_report() == folder.path / "results/report.html"
    return folder


def test_every_file_is_that_of_snakemake_byte_for_byte(snakemake, mine):
    theirs, ours = (
        {name: content for name, (_, content) in states(f.path / "results/e").items()} for f in (snakemake, mine)
    )
    assert len(ours) == 24
    assert ours == theirs
    assert (mine.path / "results/report.html").read_bytes() == (snakemake.path / "results/report.html").read_bytes()
    assert mine.planned() == set(), "Snakemake goes on where hhcore.run has ended"


def test_a_report_needs_a_folder_of_results():
    with pytest.raises(hhcore.UserError, match="save_report: the results of this run are temporary"):
        hhcore.run(**SQUID, progress=False).save_report()


def test_figures_that_are_current_are_kept(mine):
    before = states(mine.path / "results/e")
    again = hhcore.run({"experiments": {"e": CERTIFIED}}, results=mine.path / "results", progress=False)
    assert all(path.exists() for path in again.save_figures())
    assert states(mine.path / "results/e") == before


def test_what_snakemake_made_is_kept(snakemake):
    before = states(snakemake.path / "results/e")
    again = hhcore.run({"experiments": {"e": CERTIFIED}}, results=snakemake.path / "results", progress=False)
    assert again.simulated == 0 and states(snakemake.path / "results/e") == before
    pd.testing.assert_frame_equal(again.spikes, pd.read_parquet(snakemake.path / "results/e/spikes.parquet"))


def test_only_what_is_new_or_stale_is_made(tmp_path):
    assert run(tmp_path).simulated == 6
    wider = {"stimulus": {"kind": "step", "amplitude": {"values": [0, 10, 20, 30]}}}
    assert run(tmp_path, **wider).simulated == 2
    before = states(tmp_path / "e")
    (tmp_path / "e/spikes.parquet").unlink()
    assert run(tmp_path, **wider).simulated == 0
    after = states(tmp_path / "e")
    assert {name for name in after if after[name] != before[name]} == {
        *("summary.html", "features.parquet", "spikes.parquet", "failures.parquet"),
        *("fi_curves.parquet", "fi_summary.parquet"),
    }
    assert {name: content for name, (_, content) in after.items()} == {n: content for n, (_, content) in before.items()}
    assert run(tmp_path, **wider, duration=41).simulated == 8


def test_the_forms_of_a_config_give_the_same(tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text(yaml.safe_dump({"experiments": {"e": SQUID}}))
    of_file = hhcore.run(file, progress=False)
    for stimulus, parameters in [
        ({"kind": "step", "amplitude": {"values": np.array([0, 10, 20])}}, SQUID["parameters"]),
        (hhcore.Step(np.array([0, 10, 20])), {"sodium.g": [110, 120]}),
    ]:
        e = {key: SQUID[key] for key in ("model", "duration", "solver")}
        of_objects = hhcore.run(**e, stimulus=stimulus, parameters=parameters, progress=False)
        pd.testing.assert_frame_equal(of_file["e"].features, of_objects.features)
    alone = hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step(10.0), duration=40, method="rk4", dt=0.05)
    row = of_file.features.query("amplitude_uA_cm2 == 10 and sodium_g_mS_cm2 == 120")
    assert row["first_spike_ms"].tolist() == alone.features["first_spike_ms"].tolist()


def test_a_model_file_counts_from_the_config(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    source = Path(hhcore.__file__).parent / "models/hodgkin_huxley_1952.mmt"
    (tmp_path / "inside" / source.name).write_text(source.read_text())
    (tmp_path / "inside/my.yaml").write_text(yaml.safe_dump({"experiments": {"e": SQUID | {"model": source.name}}}))
    monkeypatch.chdir(tmp_path)
    assert len(hhcore.run("inside/my.yaml", progress=False).features) == 6


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ({**SQUID, "duratoin": 40}, "did you mean 'duration'?"),
        ({**SQUID, "model": "hodgkin_huxley"}, "did you mean 'hodgkin_huxley_1952'?"),
        ({"config": "none.yaml"}, "config file 'none.yaml' does not exist"),
        ({"config": {"experiments": {"e": SQUID}}, "model": "noble_1962"}, "run: give a config, or the keys of one"),
        ({"config": {"experiments": {"e": SQUID}}, "name": "e"}, "run: name='e' is given beside a config"),
        ({"config": 3}, "config: 3 is not a mapping"),
        ({}, "run: give a config, or the keys of one"),
        ({**SQUID, "model": hhcore.load_model("noble_1962")}, "is a loaded model; give its name, or the path of"),
        ({**SQUID, "threads": 0}, "threads: 0 is not"),
        ({**SQUID, "threads": "2"}, "threads: '2' is not"),
        ({**SQUID, "results": "/dev/null/here"}, r"results: /dev/null/here/experiment\S* cannot be read or written"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, sentence):
    with pytest.raises(hhcore.UserError, match=sentence):
        hhcore.run(**arguments)


def test_failed_neurons_fail_a_run_that_says_so(tmp_path):
    unstable = {
        "parameters": {"sodium.g": {"values": [120, 1e300]}},
        "initial_state": "model",
        "solver": {"method": "tsit5", "local_error": 1e-6},
    }
    assert len(run(tmp_path, **unstable).failures) == 3
    with pytest.raises(hhcore.UserError, match="3 neurons failed, and the config says `failed_neurons: fail`"):
        run(tmp_path, **unstable, failed_neurons="fail")
    both = {"bad": SQUID | unstable | {"failed_neurons": "fail"}, "good": SQUID}
    with pytest.raises(hhcore.UserError, match=r"bad/failures\.parquet says when"):
        hhcore.run({"experiments": both}, results=tmp_path, progress=False)
    assert (tmp_path / "good/features.parquet").exists()


def test_failed_neurons_without_a_folder_of_results_name_no_file():
    one = {
        "parameters": {"sodium.g": 1e300},
        "stimulus": {"kind": "step", "amplitude": 5},
        "initial_state": "model",
        "solver": {"method": "tsit5", "local_error": 1e-6},
    }
    with pytest.raises(hhcore.UserError, match="1 neuron failed") as raised:
        hhcore.run(**SQUID | one, failed_neurons="fail", progress=False)
    assert "; give `results`, a folder" in str(raised.value)


def test_what_is_current_is_read_where_nothing_can_be_locked(mine):
    """As in a folder that is read-only: here .lock cannot be opened."""
    (mine.path / "results/e/.lock").unlink()
    (mine.path / "results/e/.lock").mkdir()
    again = hhcore.run({"experiments": {"e": CERTIFIED}}, results=mine.path / "results", progress=False)
    assert again.simulated == 0
    (mine.path / "results/e/.lock").rmdir()


def test_two_at_once_share_the_work(tmp_path):
    program = f"import hhcore; print(hhcore.run(**{SQUID!r}, results={str(tmp_path)!r}, progress=False).simulated)"
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate()[0] for process in both) == ["0\n", "6\n"]


def test_snakemake_waits_for_its_turn(mine):
    with locked(mine.path / "results/e", lambda: None):
        refused = mine.snakemake("--cores", "1")
    assert refused.returncode == 1
    assert "Error. results/e is in use by hhcore.run; run the same command again" in refused.stderr
    assert not (mine.path / "results/logs").exists(), "no job began"


def test_it_waits_for_the_first_run_of_snakemake(tmp_path):
    """Which holds the folder of an experiment before there is one."""
    folder, waits = tmp_path / "results/e", Mock(side_effect=KeyError)
    with shared(folder), pytest.raises(KeyError), locked(folder, waits):
        pass
    with locked(folder, waits):
        pass


def test_ctrl_c_keeps_the_shards_that_are_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "STEPS_PER_SHARD", 9600.0)
    wider = {"stimulus": {"kind": "step", "amplitude": {"linspace": [0, 20, 11]}}}
    update = steps.update_shard

    def interrupted(experiment, shard, *arguments, **options):
        if shard == "1":
            raise KeyboardInterrupt
        return update(experiment, shard, *arguments, **options)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(steps, "update_shard", interrupted)
        run(tmp_path, **wider)
    held = pq.read_metadata(tmp_path / "e/shards/0.parquet").num_rows
    assert 0 < held < 22
    assert run(tmp_path, **wider).simulated == 22 - held


def test_a_kernel_that_is_half_copied_is_not_kept(tmp_path, monkeypatch):
    def half(source, target):
        Path(target).write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shutil, "copyfile", half)
        run(tmp_path)
    assert run(tmp_path).simulated == 6 and (tmp_path / "e/kernel.py").read_text() != "half"


def test_a_run_shows_what_it_has(tmp_path):
    axon = run(tmp_path, **CERTIFIED)
    assert set(axon.tables) < set(dir(axon)) and axon["e"].features is axon.features
    assert repr(axon).startswith(
        "e: 6 neurons of hodgkin_huxley_1952, 6 simulated now, 0 failed\ntsit5 with local_error"
    )
    assert "<td><code>fi_curves</code></td><td>6</td>" in axon._repr_html_()
    assert axon.features.attrs["units"]["amplitude_uA_cm2"] == "uA/cm^2"
    assert axon.features.attrs["solver_method"] == "tsit5"
    assert isinstance(axon.figure("fi_curves"), Figure)
    with pytest.raises(hhcore.UserError, match="did you mean 'fi_curves'"):
        axon.figure("fi_curve")
    with pytest.raises(AttributeError, match="did you mean 'features'"):
        _ = axon.feature


def test_the_certificate_of_one_neuron_has_no_statistics(tmp_path):
    one = {"stimulus": {"kind": "step", "amplitude": 10}, "parameters": {}}
    assert re.search("; spike-time error [0-9.]+ µs in 1 sampled neuron, against", repr(run(tmp_path, **one)))


def test_with_several_experiments_one_is_named(tmp_path):
    both = hhcore.run({"experiments": {"a": SQUID, "b": SQUID | {"duration": 41}}}, results=tmp_path, progress=False)
    assert list(both) == ["a", "b"] and len(both["b"].features) == 6
    with pytest.raises(AttributeError, match=r"run\['a'\].features"):
        _ = both.features


def test_long_work_has_lines_in_a_log_file(capfd, monkeypatch):
    with monkeypatch.context() as fast:
        for module in (bar, progress):
            fast.setattr(module, "EVERY_S", inf)  # a cold cache of kernels makes it long
        hhcore.run(**SQUID)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(bar, "EVERY_S", 0)
    monkeypatch.setattr(steps, "SAID_FROM", 0)
    hhcore.run(**SQUID)
    said, begun, finished = capfd.readouterr().err.splitlines()
    assert said.startswith("experiment: 6 neurons to simulate, about ") and said.endswith(" s on one core")
    assert begun == "experiment: 0 of 6 new neurons" and finished.startswith("experiment: 6 of 6 new neurons, ")
    hhcore.run(**SQUID, progress=False)
    assert capfd.readouterr() == ("", "")


def test_a_store_of_another_version_is_mentioned_once(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(estimate, "STEPS_PER_SHARD", 2400.0)
    monkeypatch.setattr(progress, "EVERY_S", inf)
    run(tmp_path)
    shards = sorted((tmp_path / "e/shards").iterdir())
    for path in shards:
        tables.write(path, tables.read(path).drop_columns("steps"), {})
    capfd.readouterr()
    assert len(shards) > 1 and hhcore.run(**SQUID, results=tmp_path, name="e").simulated == 6
    said = "e: the store holds neurons of another version of hhcore; they are simulated again\n"
    assert capfd.readouterr().err == said


def test_a_terminal_has_a_bar_which_goes_when_it_is_full(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = bar.watch("axons", shown=True)
    reach = shown.part(1, 4)
    shown.bar.mininterval = 0
    reach(3, 6)
    shown.write("a remark")
    shown.close()
    text = terminal.getvalue()
    assert "axons, shard 2 of 4:  38%|" in text and "a remark\n" in text
    assert text.endswith("\r") and not text.rsplit("\r", 2)[1].strip()


def test_a_temporary_folder_goes_with_its_run():
    axon = hhcore.run(**SQUID, progress=False)
    outcome, folder = axon["experiment"], axon.folder
    del axon
    assert len(outcome.spikes) and folder.exists()
    twin = copy.deepcopy(outcome)
    del outcome
    assert folder.exists()
    del twin
    assert not folder.exists()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_run_and_its_outcomes_can_be_copied_and_pickled(copied, mine):
    axon = hhcore.run({"experiments": {"e": CERTIFIED}}, results=mine.path / "results", progress=False)
    for thing in (axon, axon["e"]):
        pd.testing.assert_frame_equal(copied(thing).features, axon.features)
