"""Writing: modes, inputs, deletions, upkeep."""

from __future__ import annotations

import threading

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import values

from deltaic import DeltaTable, Field, Schema, write_deltalake
from deltaic.exceptions import DeltaError, SchemaMismatchError

ROWS = pa.table({"value": [1, 2, 3]})

INPUTS = {
    "a table": lambda: ROWS,
    "a batch": lambda: ROWS.to_batches()[0],
    "a reader": lambda: ROWS.to_reader(),
    "a list of batches": lambda: ROWS.to_batches(max_chunksize=1),
    "a generator of batches": lambda: (batch for batch in ROWS.to_batches(max_chunksize=2)),
    "a reader over a generator": lambda: pa.RecordBatchReader.from_batches(ROWS.schema, iter(ROWS.to_batches())),
    "pandas": lambda: pd.DataFrame({"value": [1, 2, 3]}),
    "polars": lambda: pl.DataFrame({"value": [1, 2, 3]}),
    "DuckDB": lambda: duckdb.sql("SELECT unnest([1, 2, 3])::BIGINT AS value"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs(place: str, name: str) -> None:
    write_deltalake(place, INPUTS[name]())
    assert values(DeltaTable(place).to_pyarrow_table()) == [1, 2, 3]


def test_a_scan_is_an_input(place: str, tmp_path) -> None:
    write_deltalake(place, ROWS)
    write_deltalake(tmp_path / "other", DeltaTable(place).scan(predicate="value > 1"))
    assert values(DeltaTable(tmp_path / "other").to_pyarrow_table()) == [2, 3]


@pytest.mark.parametrize(
    ("mode", "expect"),
    [("append", [1, 2, 3, 9]), ("overwrite", [9]), ("ignore", [1, 2, 3]), ("error", None)],
)
@pytest.mark.parametrize("through_table", [False, True])
def test_modes(place: str, mode: str, expect: list | None, through_table: bool) -> None:
    write_deltalake(place, ROWS)
    table = DeltaTable(place)
    target, more = table if through_table else place, pa.table({"value": [9]})
    if expect is None:
        with pytest.raises(DeltaError, match="already"):
            write_deltalake(target, more, mode=mode)
        return
    write_deltalake(target, more, mode=mode)
    assert values(DeltaTable(place).to_pyarrow_table()) == expect
    if through_table:
        assert table.version() == DeltaTable(place).version()


@pytest.mark.parametrize("wrong", [{"other": [1]}, {"value": [1], "other": [2]}, {"value": ["text"]}])
def test_rows_that_do_not_fit(place: str, wrong: dict) -> None:
    write_deltalake(place, ROWS)
    for kind in (SchemaMismatchError, ValueError, DeltaError):
        with pytest.raises(kind):
            write_deltalake(place, pa.table(wrong), mode="append")
    assert DeltaTable(place).version() == 0


def test_schema_modes(place: str) -> None:
    write_deltalake(place, ROWS)
    write_deltalake(place, pa.table({"value": [4], "more": ["x"]}), mode="append", schema_mode="merge")
    assert [field.name for field in DeltaTable(place).schema().fields] == ["value", "more"]
    write_deltalake(place, pa.table({"only": [1.5]}), mode="overwrite", schema_mode="overwrite")
    assert [field.name for field in DeltaTable(place).schema().fields] == ["only"]


def test_replace_a_part(years: DeltaTable, place: str) -> None:
    write_deltalake(years, pa.table({"year": ["2021"], "value": [7]}), mode="overwrite", predicate="year = '2021'")
    assert values(years.to_pyarrow_table()) == [1, 4, 5, 7]


def test_what_a_new_table_is_called(place: str) -> None:
    properties = {"delta.appendOnly": "true", "owner": None}
    write_deltalake(place, ROWS, name="numbers", description="a few", configuration=properties)
    metadata = DeltaTable(place).metadata()
    assert (metadata.name, metadata.description) == ("numbers", "a few")
    assert metadata.configuration["delta.appendOnly"] == "true"
    assert DeltaTable(place).version() == 0


def test_create(place: str) -> None:
    schema = Schema([Field("day", "date", nullable=False), Field("value", "long")])
    table = DeltaTable.create(place, schema, partition_by=["day"], name="n", configuration={"owner": "me"})
    assert (table.version(), table.schema(), table.files()) == (0, schema, [])
    assert table.metadata().configuration["owner"] == "me"
    with pytest.raises(DeltaError, match="already"):
        DeltaTable.create(place, schema)
    assert DeltaTable.create(place, schema, mode="ignore").version() == 0
    assert DeltaTable.create(place, ROWS.schema, mode="overwrite").schema() == Schema([Field("value", "long")])


def test_delete(years: DeltaTable) -> None:
    counts = years.delete("value = 2")
    assert counts["num_deleted_rows"] == 1
    assert values(years.to_pyarrow_table()) == [1, 3, 4, 5]
    years.delete()
    assert (years.count(), years.version()) == (0, 3)


def test_vacuum(years: DeltaTable, place: str) -> None:
    years.delete("year = '2020'")
    with pytest.raises(ValueError, match="168"):
        years.vacuum(retention_hours=0)
    listed = years.vacuum(retention_hours=0, enforce_retention_duration=False)
    assert len(listed) == 1
    assert years.vacuum(retention_hours=0, enforce_retention_duration=False, full=True, keep_versions=[0]) == []
    deleted = years.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert deleted == listed
    assert values(DeltaTable(place).to_pyarrow_table()) == [2, 3, 4, 5]


def test_the_log_is_kept(years: DeltaTable, place: str, tmp_path) -> None:
    years.create_checkpoint()
    years.compact_logs(0, 1)
    years.cleanup_metadata()
    log = {path.name for path in (tmp_path / "table/_delta_log").iterdir()}
    assert {"_last_checkpoint", f"{1:020}.checkpoint.parquet", f"{0:020}.{1:020}.compacted.json"} <= log
    assert DeltaTable(place).count() == 5


def test_many_threads_append_through_one_object(place: str) -> None:
    write_deltalake(place, ROWS)
    table = DeltaTable(place)
    threads = [threading.Thread(target=write_deltalake, args=(table, ROWS), kwargs={"mode": "append"}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert DeltaTable(place).count() == 15


def test_rows_that_cannot_be_had(place: str) -> None:
    def broken():
        yield ROWS.to_batches()[0]
        raise KeyError("no more")

    for data, kind in [(7, TypeError), ([], ValueError), ([1], TypeError), (broken(), DeltaError)]:
        with pytest.raises(kind):
            write_deltalake(place, data)
    assert not DeltaTable.is_deltatable(place)
