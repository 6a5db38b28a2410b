"""Parquet in and out: schema, bytes, damage, and three independent readers."""

import datetime
import os
import re
import socket
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hhcore
from hhcore.base import tables
from hhcore.base.errors import UserError

FIELDS = {
    "rate_Hz": ("Hz", "spikes per time"),
    "count": ("1", "spikes"),
    "status": ("1", "how it went"),
    "unused": ("ms", "a column that is not there"),
}
MADE = {"model": "hodgkin_huxley_1952", "source": "Hodgkin & Huxley, 6.3 °C"}
TIMES = np.array([1.5, 20.25, 3.0, 4.0, 5.0, 0.1 + 0.2])
OFFSETS = np.array([0, 2, 2, 5, 5, 6])
NEURONS = [0, 0, 2, 2, 2, 4]


def columns():
    return {
        "rate_Hz": np.array([1.0, np.nan, 0.1 + 0.2, -0.0]),
        "count": np.ma.masked_array(np.array([1, 2, 3, 4], dtype=np.int32), [False, True, False, False]),
        "status": np.array(["ok", "diverged", "ok", "ok"], dtype=object),
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.parquet"


@pytest.fixture
def written(path):
    tables.write(path, tables.table(columns(), FIELDS), MADE)
    return path


@pytest.fixture
def spikes(tmp_path):
    tables.write(tmp_path / "spikes.parquet", tables.spikes(TIMES, OFFSETS), MADE)
    return tmp_path / "spikes.parquet"


def test_some_rows_and_some_columns(written, monkeypatch):
    monkeypatch.setattr(tables, "BATCH", 3)
    found, rows = tables.read_rows(written, lambda batch: batch["count"].to_numpy(zero_copy_only=False) != 1)
    assert rows.tolist() == [1, 2, 3] and found["status"].to_pylist() == ["diverged", "ok", "ok"]
    found, rows = tables.read_rows(written, lambda batch: np.zeros(len(batch), bool))
    assert rows.size == found.num_rows == 0 and found.schema.names == tables.schema(written).names == [*columns()]
    assert tables.read(written, ["status"]).schema.names == ["status"]


def test_values_come_back_and_undefined_ones_are_null(written):
    found = tables.read(written)
    assert repr(found["rate_Hz"].to_pylist()) == "[1.0, None, 0.30000000000000004, -0.0]"
    assert found["count"].to_pylist() == [1, None, 3, 4]
    assert found["status"].to_pylist() == ["ok", "diverged", "ok", "ok"]
    assert found.schema.types == [pa.float64(), pa.int32(), pa.string()]


def test_units_and_definitions_are_in_the_fields(written):
    schema = pq.read_schema(written)
    assert schema.names == ["rate_Hz", "count", "status"]
    for field in schema:
        unit, definition = FIELDS[field.name]
        assert field.metadata == {b"unit": unit.encode(), b"definition": definition.encode()}


def test_metadata_comes_back_and_is_prefixed_in_the_file(written):
    assert tables.metadata(written) == MADE | {"table": "table"}
    in_file = {key.decode(): value.decode() for key, value in pq.read_metadata(written).metadata.items()}
    assert re.fullmatch("[0-9a-f]{32}", in_file.pop("hhcore.seal"))
    kept = {key: value for key, value in in_file.items() if key != "ARROW:schema"}
    assert kept == {f"hhcore.{k}": v for k, v in MADE.items()} | {"hhcore.table": "table"}


def test_metadata_of_others_is_left_out(written):
    with tables.writer(written, pa.schema([], metadata={"pandas": "{}"}), {"model": "m"}) as file:
        file.add_key_value_metadata({"pandas": "{}"})
    assert tables.metadata(written) == {"model": "m", "table": "table"}


def test_infinity_is_a_number():
    assert tables.table({"rate_Hz": np.array([np.inf, np.nan])}, FIELDS)["rate_Hz"].to_pylist() == [np.inf, None]


def test_a_column_without_a_definition_is_refused():
    with pytest.raises(KeyError, match="rate_kHz"):
        tables.table({"rate_kHz": np.zeros(1)}, FIELDS)


def test_equal_content_gives_equal_bytes(tmp_path):
    """In another folder, under another name, in another process with another seed of its hashes."""
    first, second = tmp_path / "a" / "b.parquet", tmp_path / "c" / "b.parquet"
    tables.write(first, tables.table(columns(), FIELDS), MADE)
    program = "\n".join(
        [
            "import sys; sys.path[:0] = sys.argv[2:]",
            "from pathlib import Path; import test_tables as t; from hhcore.base import tables",
            "tables.write(Path(sys.argv[1]), tables.table(t.columns(), t.FIELDS), t.MADE)",
        ]
    )
    folders = [os.path.dirname(__file__), os.path.dirname(os.path.dirname(hhcore.__file__))]
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", program, str(second), *folders], check=True, env=environment)
    assert first.read_bytes() == second.read_bytes()


def test_nothing_of_the_machine_is_in_a_file(written):
    content = written.read_bytes()
    today = datetime.date.today().isoformat()
    for word in (socket.gethostname(), str(written.parent), today, "pandas"):
        assert word.encode() not in content, word


def test_software_names_hhcore_and_what_it_computes_with():
    found = tables.software()
    assert found["hhcore"] == hhcore.__version__
    assert found["numpy"] == np.__version__
    assert {"llvmlite", "myokit", "sympy", "pyarrow", "scipy"} < set(found)
    assert all(re.match(r"\d+\.\d+", number) for number in found.values())


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path):
    path = tmp_path / "temperature=6" / "table.parquet"
    tables.write(path, tables.table(columns(), FIELDS), MADE)
    assert tables.read(path).column_names == ["rate_Hz", "count", "status"]


# Whole or not at all


def test_a_failed_write_leaves_the_old_file_and_nothing_else(written, monkeypatch):
    before = written.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        tables.write(written, tables.table({"count": np.arange(9)}, FIELDS), {})
    assert written.read_bytes() == before
    assert os.listdir(written.parent) == [written.name]


def test_an_error_between_two_parts_leaves_the_old_file_and_nothing_else(spikes):
    before, part = spikes.read_bytes(), tables.spikes(TIMES, OFFSETS)
    with (
        pytest.raises(OSError, match="No space left"),
        tables.writer(spikes, part.schema, MADE) as file,
    ):
        file.write_table(part)
        raise OSError(28, "No space left on device")
    assert spikes.read_bytes() == before
    assert os.listdir(spikes.parent) == [spikes.name]


def test_the_file_is_on_disk_before_it_takes_its_place(path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append(f"replace {os.path.dirname(a)}"), replace(a, b)))
    tables.write(path, tables.table(columns(), FIELDS), MADE)
    assert done == ["fsync", f"replace {path.parent}"]


def test_a_new_version_replaces_the_old_one(written):
    tables.write(written, tables.table({"count": np.arange(2)}, FIELDS), {})
    assert tables.read(written).to_pydict() == {"count": [0, 1]}
    assert tables.metadata(written) == {"table": "table"}


# Damage


def truncated(content):
    return content[: len(content) // 2]


def without_end(content):
    return content[:-1]


def flipped(content):
    """A flipped bit in the data of the first column, 1.0 as a little-endian double."""
    at = content.index(np.float64(1.0).tobytes())
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("damage", [truncated, without_end, flipped, lambda _: b"", lambda _: b"a,b\n1,2\n"])
def test_a_damaged_file_is_named_with_what_to_do(written, damage):
    written.write_bytes(damage(written.read_bytes()))
    with pytest.raises(UserError, match=r"table\.parquet is damaged,? .*delete it and run the experiment again"):
        tables.read(written)


def test_damaged_metadata(written):
    written.write_bytes(truncated(written.read_bytes()))
    with pytest.raises(UserError, match=r"table\.parquet is damaged,? .*delete it and run the experiment again"):
        tables.metadata(written)


def test_a_file_of_others_is_no_table_of_ours(path):
    pq.write_table(pa.table({}).replace_schema_metadata({b"hhcore.model": b"\xff"}), path)
    with pytest.raises(UserError, match=r"table\.parquet is damaged,? .*delete it and run the experiment again"):
        tables.metadata(path)


@pytest.mark.parametrize("reader", [tables.read, tables.metadata])
def test_a_missing_file(path, reader):
    with pytest.raises(UserError, match=r"table\.parquet does not exist; run the experiment"):
        reader(path)


# Spikes


def test_spikes_are_one_row_each_sorted_by_neuron_and_time(spikes):
    found = tables.read(spikes)
    assert found.schema.names == ["neuron", "time_ms"]
    assert found.schema.types == [pa.int32(), pa.float64()]
    assert found["neuron"].to_pylist() == NEURONS
    assert found["time_ms"].to_pylist() == TIMES.tolist()
    assert found.schema.field("time_ms").metadata[b"unit"] == b"ms"
    assert tables.metadata(spikes) == MADE | {"table": "spikes"}


@pytest.mark.parametrize("table", ["written", "spikes"])
def test_pandas_polars_and_duckdb_read_the_same(table, request):
    import duckdb
    import pandas as pd
    import polars as pl

    path = request.getfixturevalue(table)
    expected = tables.read(path).to_pylist()
    frame = pd.read_parquet(path)
    assert frame.astype(object).where(frame.notna(), None).to_dict("records") == expected
    assert pl.read_parquet(path).to_dicts() == expected
    relation = duckdb.sql(f"select * from '{path}'")
    assert [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()] == expected


def test_spikes_of_one_neuron_by_query(spikes):
    """What a user does first, in each of the three."""
    import duckdb
    import pandas as pd
    import polars as pl

    assert pd.read_parquet(spikes).query("neuron == 2").time_ms.tolist() == [3, 4, 5]
    assert pl.scan_parquet(spikes).filter(pl.col("neuron") == 2).collect()["time_ms"].to_list() == [3, 4, 5]
    assert duckdb.sql(f"select time_ms from '{spikes}' where neuron = 2").fetchall() == [(3,), (4,), (5,)]


@pytest.mark.parametrize("group", [2, 100])
def test_spikes_per_neuron_by_query(tmp_path, monkeypatch, group):
    """Silent neurons have no rows, so a count has to begin at the table of the neurons."""
    import duckdb
    import pandas as pd
    import polars as pl

    monkeypatch.setattr(tables, "ROW_GROUP", group)
    path = tmp_path / "spikes.parquet"
    tables.write(path, tables.spikes(TIMES, OFFSETS), MADE)
    counts = {0: 2, 2: 3, 4: 1}
    query = f"select neuron, count(*) from '{path}' group by neuron"
    assert dict(duckdb.sql(query).fetchall()) == counts
    assert dict(pl.read_parquet(path).group_by("neuron").len().rows()) == counts
    assert pd.read_parquet(path).groupby("neuron").size().to_dict() == counts
    every = f"select count(time_ms) from range(5) as n(i) left join '{path}' on neuron = i group by i order by i"
    assert duckdb.sql(every).fetchall() == [(2,), (0,), (3,), (0,), (1,)]


@pytest.mark.parametrize("group", [1, 3, 4, 100])
def test_row_groups_of_a_table(path, monkeypatch, group):
    monkeypatch.setattr(tables, "ROW_GROUP", group)
    tables.write(path, tables.table(columns(), FIELDS), MADE)
    assert pq.read_metadata(path).num_row_groups == -(-4 // group)
    assert tables.read(path)["count"].to_pylist() == [1, None, 3, 4]


def test_a_filter_reads_no_other_row_group(tmp_path, monkeypatch):
    """All bytes of the other groups are destroyed, and pandas, polars and DuckDB find what is asked for."""
    import duckdb
    import pandas as pd
    import polars as pl

    monkeypatch.setattr(tables, "ROW_GROUP", 1000)
    path, rates = tmp_path / "features.parquet", np.arange(5000) + 0.5
    conductance = np.repeat(np.linspace(96, 144, 25), 200)  # five to a group
    tables.write(path, tables.table({"g": conductance, "rate_Hz": rates}, FIELDS | {"g": ("1", "slow axis")}), MADE)
    content = bytearray(path.read_bytes())
    for group in (0, 1, 3, 4):
        for column in range(2):
            found = pq.read_metadata(path).row_group(group).column(column)
            begin = found.dictionary_page_offset or found.data_page_offset
            content[begin : begin + found.total_compressed_size] = bytes(found.total_compressed_size)
    path.write_bytes(content)
    wanted, expected = float(conductance[2500]), rates[2400:2600].tolist()
    assert pd.read_parquet(path, filters=[("g", "==", wanted)]).rate_Hz.tolist() == expected
    assert pl.scan_parquet(path).filter(pl.col("g") == wanted).collect()["rate_Hz"].to_list() == expected
    found = duckdb.sql(f"select rate_Hz from '{path}' where g = {wanted!r} order by 1").fetchall()
    assert [rate for (rate,) in found] == expected
    with pytest.raises(UserError, match="damaged"):
        tables.read(path)


@pytest.mark.parametrize("group", [1, 2, 4, 100])
def test_row_groups_are_cut_anywhere_and_lose_nothing(tmp_path, monkeypatch, group):
    monkeypatch.setattr(tables, "ROW_GROUP", group)
    path = tmp_path / "spikes.parquet"
    tables.write(path, tables.spikes(TIMES, OFFSETS), {})
    assert pq.ParquetFile(path).num_row_groups == -(-len(TIMES) // group)
    assert tables.read(path).to_pydict() == {"neuron": NEURONS, "time_ms": TIMES.tolist()}


def test_no_spikes_at_all(tmp_path):
    import duckdb
    import pandas as pd
    import polars as pl

    path = tmp_path / "spikes.parquet"
    tables.write(path, tables.spikes(np.empty(0), np.zeros(4, dtype=np.int64)), MADE)
    assert pd.read_parquet(path).shape == pl.read_parquet(path).shape == duckdb.sql(f"from '{path}'").shape == (0, 2)


def test_periodic_trains_take_less_than_plain_doubles(tmp_path):
    """The encodings are in force: neurons next to nothing, times below 8 bytes each."""
    spikes = 60
    times = (np.arange(spikes) * np.random.default_rng(3).uniform(8, 16, (1000, 1)) + 1.7).ravel()
    path = tmp_path / "spikes.parquet"
    tables.write(path, tables.spikes(times, np.arange(1001) * spikes), {})
    group = pq.read_metadata(path).row_group(0)
    neuron, time = (group.column(i) for i in range(2))
    assert "DELTA_BINARY_PACKED" in neuron.encodings
    assert "BYTE_STREAM_SPLIT" in time.encodings
    assert neuron.total_compressed_size < 0.2 * len(times)
    assert time.total_compressed_size < 7.2 * len(times)
