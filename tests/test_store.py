"""The store: only new points are simulated, damage repairs itself, shards do not matter."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiments
from hhcore.simulation.result import Result
from hhcore.sweep import hashing, store
from hhcore.sweep.estimate import estimate
from hhcore.sweep.gather import _distributed, gather, row_blocks
from hhcore.sweep.keys import grid_keys, point_keys, shard_points


def experiment(amplitudes=(0, 5, 10, 20), conductances=(110, 120), dt=0.05, **changes):
    config = {
        "model": "hodgkin_huxley_1952",
        "stimulus": {"kind": "step", "amplitude": {"values": list(amplitudes)}},
        "parameters": {"sodium.g": {"values": list(conductances)}},
        "initial_state": "rest",
        "duration": 30,
        "solver": {"method": "rk4", "dt": dt},
    }
    return read_experiments({"experiments": {"e": config | changes}})["e"]


def update(e, folder: Path, shards=("all",)) -> int:
    """Neurons simulated."""
    return sum(store.update_shard(e, s, folder / f"{s}.parquet", progress=lambda *_: None) for s in shards)


def whole(e, paths: list[Path]) -> Result:
    """All neurons of a small grid."""
    (found,) = gather(e, paths, [range(e.n_points)])
    return found


def result(e, folder: Path, shards=("all",)) -> list[bytes]:
    found = whole(e, [folder / f"{s}.parquet" for s in shards])
    return [a.tobytes() for a in (found.spike_times, found.offsets, found.peak, found.trough, found.status)]


def test_a_grown_grid_simulates_only_its_new_points(tmp_path):
    assert update(experiment(), tmp_path) == 8
    assert update(experiment(), tmp_path) == 0
    assert update(experiment(amplitudes=(0, 5, 10, 15, 20)), tmp_path) == 2
    assert update(experiment(conductances=(100, 110, 120)), tmp_path) == 4


def test_a_shrunk_grid_simulates_nothing_and_growing_back_neither(tmp_path):
    update(experiment(), tmp_path)
    assert update(experiment(amplitudes=(5, 20)), tmp_path) == 0
    assert update(experiment(), tmp_path) == 0


def test_a_new_axis_keeps_the_points_at_the_old_value(tmp_path):
    update(experiment(), tmp_path)
    more = {"sodium.g": {"values": [110, 120]}, "leak.g": {"values": [0.2, 0.3]}}
    assert update(experiment(parameters=more), tmp_path) == 8


def test_an_axis_of_initial_states_grows_like_any_other(tmp_path):
    stated = {"from": "rest", "membrane.V": -65}
    assert update(experiment(initial_state=stated), tmp_path) == 8
    assert update(experiment(initial_state=stated | {"membrane.V": {"values": [-65, -60]}}), tmp_path) == 8
    assert update(experiment(initial_state=stated | {"membrane.V": {"range": [-70, -60, 5]}}), tmp_path) == 8
    assert update(experiment(initial_state=stated | {"from": "model"}), tmp_path) == 8


def test_growing_gives_the_bytes_of_a_run_from_scratch(tmp_path):
    update(experiment(), tmp_path / "grown")
    grown = experiment(amplitudes=(0, 2, 5, 10, 15, 20))
    update(grown, tmp_path / "grown")
    update(grown, tmp_path / "fresh")
    assert result(grown, tmp_path / "grown") == result(grown, tmp_path / "fresh")
    assert (tmp_path / "grown/all.parquet").read_bytes() == (tmp_path / "fresh/all.parquet").read_bytes()


@pytest.mark.parametrize("change", [{"dt": 0.04}, {"duration": 31}, {"spikes": {"threshold": -10}}])
def test_another_context_simulates_everything(tmp_path, change):
    update(experiment(), tmp_path)
    assert update(experiment(**change), tmp_path) == 8


def test_number_of_shards_does_not_change_the_result(tmp_path):
    e = experiment(amplitudes=range(40))
    update(e, tmp_path / "one")
    for bits in (1, 2, 3):
        shards = [format(i, f"0{bits}b") for i in range(2**bits)]
        assert update(e, tmp_path / str(bits), shards) == e.n_points
        assert result(e, tmp_path / str(bits), shards) == result(e, tmp_path / "one")


def test_a_grid_that_needs_more_shards_takes_over_what_is_there(tmp_path):
    e = experiment(amplitudes=range(20))
    update(e, tmp_path)
    assert update(e, tmp_path, ("0", "1")) == 0
    assert update(e, tmp_path, ("00", "01", "10", "11")) == 0
    (tmp_path / "all.parquet").unlink()
    assert update(e, tmp_path) == 0


@pytest.mark.parametrize("damage", [b"", b"PAR1 and then nothing", None])
def test_a_damaged_shard_is_simulated_again(tmp_path, damage):
    e = experiment()
    update(e, tmp_path)
    path = tmp_path / "all.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20] if damage is None else damage)
    assert update(e, tmp_path) == 8
    assert path.read_bytes() == whole


def test_grid_order_and_permuted_axes(tmp_path):
    e, turned = experiment(), experiment(amplitudes=(20, 0, 10, 5))
    update(e, tmp_path)
    assert update(turned, tmp_path) == 0
    order = [3, 0, 2, 1, 7, 4, 6, 5]  # amplitudes vary fastest
    one = whole(e, [tmp_path / "all.parquet"])
    other = whole(turned, [tmp_path / "all.parquet"])
    assert np.array_equal(one.peak[order], other.peak)
    assert np.array_equal(np.diff(one.offsets)[order], np.diff(other.offsets))


def test_many_row_blocks_hold_the_same_neurons_as_one(tmp_path, monkeypatch):
    e = experiment(parameters={"sodium.g": {"values": [100, 110, 120]}})
    shards = [format(i, "02b") for i in range(4)]
    update(e, tmp_path, shards)
    paths = [tmp_path / f"{shard}.parquet" for shard in shards]
    at_once = whole(e, paths)
    monkeypatch.setattr("hhcore.sweep.gather.NEURONS", 5)  # curves of four amplitudes stay whole
    monkeypatch.setattr("hhcore.sweep.gather.BATCH", 2)
    assert row_blocks(e, 4) == [range(4), range(4, 8), range(8, 12)]
    parts = list(gather(e, paths, row_blocks(e, 4)))
    for name in ("spike_times", "peak", "trough", "status", "ended", "steps"):
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(at_once, name)), name
    assert np.array_equal(np.concatenate([np.diff(part.offsets) for part in parts]), np.diff(at_once.offsets))


def test_more_row_blocks_than_files_that_may_be_open(tmp_path):
    """150 row blocks and 32 shards, where a process may open 128 files: the same neurons as in one piece."""
    script = (
        "import resource, sys; from pathlib import Path; import hhcore.sweep.gather as g; from test_store import *;"
        "e = experiment(amplitudes=range(20), conductances=range(100, 130), duration=20);"
        f"folder = Path({str(tmp_path)!r}); update(e, folder); one = result(e, folder);"
        "shards = [format(i, '05b') for i in range(32)]; update(e, folder, shards);"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)); g.BATCH = 7; g.FAN_OUT = 16;"
        "g.NEURONS = 4; blocks = g.row_blocks(e, 4);"
        "parts = list(g.gather(e, [folder / f'{s}.parquet' for s in shards], blocks));"
        "assert len(parts) == len(blocks) == 150;"
        "whole = [np.concatenate([getattr(p, n) for p in parts]) for n in ('spike_times', 'peak', 'trough', 'status')];"
        "offsets = np.r_[0, np.cumsum(np.concatenate([np.diff(p.offsets) for p in parts]))];"
        "assert [a.tobytes() for a in (whole[0], offsets, *whole[1:])] == one; print('same')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parent)
    assert done.stdout.strip() == "same", done.stdout + done.stderr


@pytest.mark.parametrize("fan_out", [2, 3, 64])
def test_rows_are_distributed_to_parts_whatever_the_number_of_files(monkeypatch, tmp_path, fan_out):
    monkeypatch.setattr("hhcore.sweep.gather.FAN_OUT", fan_out)
    monkeypatch.setattr("hhcore.sweep.gather.BATCH", 4)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    numbers = np.random.default_rng(1).permutation(100)
    batches = [pa.table({"row": pa.array(part)}) for part in np.array_split(numbers, 9)]
    parts = _distributed(batches, batches[0].schema, lambda batch: batch["row"].to_numpy() // 10, range(12))
    assert [sorted(part["row"].to_pylist()) for part in parts] == [
        list(range(k, k + 10)) for k in range(0, 100, 10)
    ] + [
        [],
        [],
    ]
    assert not list(tmp_path.iterdir())


def test_a_new_shard_is_simulated_in_the_order_of_its_keys(tmp_path):
    e = experiment()
    points, keys = shard_points(e, "all")
    assert keys.tolist() == sorted(keys.tolist()) == point_keys(points).tolist()
    grid = e.points(np.arange(e.n_points))
    assert sorted(points.tolist()) == sorted(grid.tolist())


def test_a_store_that_lacks_points_is_said_to(tmp_path):
    update(experiment(), tmp_path)
    with pytest.raises(UserError, match="lacks points of the grid; delete the file and run"):
        whole(experiment(amplitudes=(0, 7)), [tmp_path / "all.parquet"])


def test_a_shard_without_neurons_is_sound_and_one_that_is_damaged_is_set_aside(tmp_path):
    e, shards = experiment(), [format(i, "05b") for i in range(32)]
    update(e, tmp_path, shards)
    paths = [tmp_path / f"{shard}.parquet" for shard in shards]
    filled = [path for path in paths if pq.read_metadata(path).num_rows]
    assert 1 < len(filled) <= 8
    filled[0].write_bytes(b"PAR1")
    with pytest.raises(UserError, match=rf"1 shard damaged or of another version \({filled[0].name}\)"):
        whole(e, paths)
    assert sorted(path.name for path in tmp_path.iterdir() if path not in paths) == [f"{filled[0].stem}.damaged"]
    update(e, tmp_path, [filled[0].stem])
    store.tables.write(filled[1], pq.read_table(filled[1]), {"context": "another"})
    with pytest.raises(UserError, match=rf"1 shard damaged or of another version \({filled[1].name}\)"):
        whole(e, paths)


def test_keys_of_a_grid_are_those_of_its_points(monkeypatch):
    monkeypatch.setattr("hhcore.sweep.keys.BATCH", 5)
    more = {"sodium.g": {"values": [100, 110]}, "leak.g": {"values": [0.2, 0.3, 0.4]}}
    zipped = {"combine": "zip", "amplitudes": (1, 2, 3), "parameters": {"leak.g": {"values": [0.1, -0.0, 0.3]}}}
    for e in (experiment(parameters=more), experiment(amplitudes=(5,), parameters={}), experiment(**zipped)):
        rows, keys = (np.concatenate(parts) for parts in zip(*grid_keys(e), strict=True))
        assert rows.tolist() == list(range(e.n_points))
        assert np.array_equal(keys, point_keys(e.points(rows)))


def test_keys_with_one_first_half_are_told_apart():
    held = np.array([[1, 4], [2, 1], [2, 5], [2, 9], [7, 0]], dtype=np.uint64)
    asked = np.array([[2, 9], [2, 1], [2, 6], [7, 0], [8, 0], [0, 4]], dtype=np.uint64)
    assert store.positions(asked, held).tolist() == [3, 1, -1, 4, -1, -1]
    assert store.positions(asked, held[:0]).tolist() == [-1] * 6


def test_keys_spread_evenly_and_differ():
    e = experiment(amplitudes=np.linspace(0, 40, 4001).tolist())
    keys = point_keys(e.points(np.arange(e.n_points)))
    assert len(np.unique(keys, axis=0)) == e.n_points
    counts = np.bincount((keys[:, 0] >> np.uint64(60)).astype(int), minlength=16)
    assert abs(counts - e.n_points / 16).max() < 5 * np.sqrt(e.n_points / 16)
    assert np.array_equal(point_keys(np.array([[0.0, 1.0]])), point_keys(np.array([[-0.0, 1.0]])))
    assert not np.array_equal(point_keys(np.array([[0.0, 1.0]])), point_keys(np.array([[1.0, 0.0]])))


def test_the_code_that_certifies_every_neuron_is_part_of_their_context(monkeypatch):
    hashed = []
    monkeypatch.setattr(hashing, "code_digest", lambda *names: hashed.append(set(names)))
    for certify in ("sample", "all"):
        hashing.context_digest(experiment(solver={"method": "rk4", "dt": 0.05, "certify": certify}))
    assert (
        hashed[1] - hashed[0] == {"simulation/spike_errors.py", "simulation/spike_errors.py.in"}
        and hashed[0] < hashed[1]
    )


def test_shards_are_counted_by_work():
    small, large = estimate(experiment()), estimate(experiment(amplitudes=range(20000), duration=6000))
    assert small.shards == ("all",)
    assert len(large.shards) == 2 and large.neurons == 40000
    assert large.simulated_s == pytest.approx(240000.0)


def test_shards_of_short_runs_are_counted_by_neurons():
    e = experiment(amplitudes=np.linspace(0, 1, 1500).tolist(), conductances=np.linspace(1, 2, 1500).tolist())
    assert len(estimate(e).shards) == 4  # 2.25 million neurons, a million or so in each


def test_a_job_that_simulates_does_not_wait_for_libraries_it_does_not_need(tmp_path):
    """pandas and SciPy take half a second each to import, SymPy one: more than a small shard."""
    update(experiment(), tmp_path)
    script = (
        "import sys; from pathlib import Path; from hhcore.certify.certificate import resolved;"
        "from test_store import *;"
        f"update(experiment(amplitudes=(0, 7)), Path({str(tmp_path)!r}));"
        "print({'pandas', 'sympy', 'matplotlib', 'scipy.integrate', 'scipy.stats'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parent)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr
