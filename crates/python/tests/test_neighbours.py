"""Other packages on our tables: polars' own reader and writer, DuckDB over a stream; with deletion vectors too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
from conftest import FIXTURES

from deltaic import DeltaTable, Schema, write_deltalake

ROWS = pl.DataFrame({"id": [1, 2, 3, 4], "text": ["a", "b", None, "d"], "part": ["x", "y", "y", "x"]})

POLARS = """
import sys, deltaic
deltaic.install_as_deltalake()
import polars as pl
place, columns = sys.argv[1], sys.argv[2].split(",")
print(pl.read_delta(place).select(columns).sort(columns).rows())
print(pl.scan_delta(place).filter(pl.col("id") > 2).select(columns).sort(columns).collect().rows())
pl.DataFrame({"id": [9], "text": ["z"], "part": ["x"]}).write_delta(place, mode="append")
print(pl.scan_delta(place).select(pl.col("id").max()).collect().item())
"""


def polars(place: str) -> list[str]:
    command = [sys.executable, "-c", POLARS, place, "id,part"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("deletion_vectors", ["false", "true"])
def test_polars_reads_and_writes(place: str, deletion_vectors: str) -> None:
    properties = {"delta.enableDeletionVectors": deletion_vectors}
    write_deltalake(place, ROWS, partition_by=["part"], configuration=properties)
    table = DeltaTable(place)
    table.delete("id = 3")
    found = pl.DataFrame(table.deletion_vectors())
    assert found["selection_vector"].to_list() == ([[True, False]] if deletion_vectors == "true" else [])
    assert polars(place) == ["[(1, 'x'), (2, 'y'), (4, 'x')]", "[(4, 'x')]", "9"]


def test_duckdb_reads_a_stream(place: str) -> None:
    write_deltalake(place, ROWS)
    rows = DeltaTable(place).scan(predicate="id > 1").read_all()
    assert duckdb.sql("SELECT count(*), max(text) FROM rows").fetchall() == [(3, "d")]


def test_polars_takes_schemas_and_rows(place: str) -> None:
    write_deltalake(place, ROWS)
    table = DeltaTable(place)
    assert pl.Schema(table.schema()) == ROWS.schema
    assert pl.DataFrame(table.scan()).sort("id").equals(ROWS)
    assert Schema.from_arrow(ROWS.to_arrow().schema) == table.schema()


def test_what_the_log_tells_of_files(place: str) -> None:
    write_deltalake(place, ROWS, partition_by=["part"])
    table = DeltaTable(place)
    rows = pl.DataFrame(table.get_add_actions())
    assert rows["path"].to_list() == table.files()
    first = rows.sort(pl.col("partition").struct.field("part")).row(0, named=True)
    assert (first["num_records"], first["partition"]) == (2, {"part": "x"})
    assert (first["min"], first["max"]) == ({"id": 1, "text": "a"}, {"id": 4, "text": "d"})
    assert first["null_count"] == {"id": 0, "text": 0}
    flat = pl.DataFrame(table.get_add_actions(flatten=True))
    assert {"min.id", "max.text", "null_count.id", "partition.part"} <= set(flat.columns)
    assert all(size == Path(place, name).stat().st_size for name, size in table._table.get_add_file_sizes().items())


@pytest.mark.parametrize("name", sorted(path.relative_to(FIXTURES).as_posix() for path in FIXTURES.glob("*/*/table")))
def test_every_fixture_opens_or_says_why_not(name: str) -> None:
    """Whatever the table is like, Python sees rows, the same through a dataset, or an exception of ours: no panic, no crash."""
    from deltaic.exceptions import DeltaError

    try:
        table = DeltaTable(str(FIXTURES / name))
        table.files(), table.partitions(), table.get_add_actions(), table.history(3), table.schema().to_arrow()
        rows, dataset = table.to_pyarrow_table(), table.to_pyarrow_dataset()
        assert table.count() == rows.num_rows
        read = dataset.to_table()
        assert read.schema == rows.schema
        for column in rows.column_names:
            # As text, for NaN is not even itself.
            assert sorted(map(repr, read[column].to_pylist())) == sorted(map(repr, rows[column].to_pylist()))
    except DeltaError as error:
        assert error.kind is not None
        assert len(str(error).splitlines()) == 1
