"""Reading: versions, files, rows."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from conftest import FIXTURES, values

from deltaic import DeltaTable, write_deltalake
from deltaic.exceptions import DeltaError


@pytest.mark.parametrize(
    ("arguments", "expect"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"partitions": [("year", "=", "2021")]}, [2, 3]),
        ({"partitions": [("year", "!=", "2021")]}, [1, 4]),
        ({"partitions": [("year", "in", ["2020", "2022"])]}, [1, 4]),
        ({"partitions": [("year", "=", None)]}, [5]),
        ({"partitions": [("year", "=", "")]}, [5]),
        ({"filters": [("value", ">", 2)]}, [3, 4, 5]),
        ({"filters": [("value", ">", 2), ("year", "=", "2021")]}, [3]),
        ({"filters": [[("value", "=", 1)], [("year", "==", "2022")]]}, [1, 4]),
        ({"filters": [("value", "in", [1, 5])]}, [1, 5]),
        ({"filters": [("value", "not in", [1, 5])]}, [2, 3, 4]),
        ({"filters": [("value", "in", [])]}, []),
        ({"filters": [("year", "=", None)]}, [5]),
        ({"filters": [("year", "!=", None)]}, [1, 2, 3, 4]),
        ({"filters": []}, [1, 2, 3, 4, 5]),
        ({"filters": pc.field("value") > 3}, [4, 5]),
        ({"filters": pc.field("year") == "2021", "columns": ["value"]}, [2, 3]),
        ({"partitions": [("year", "=", "2021")], "filters": [("value", "<", 3)]}, [2]),
    ],
)
def test_rows(years: DeltaTable, arguments: dict, expect: list) -> None:
    assert values(years.to_pyarrow_table(**arguments)) == expect
    assert sorted(years.to_pandas(**arguments)["value"]) == expect


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, pa.bool_()),
        (7, pa.int32()),
        (2.5, pa.float64()),
        (Decimal("12.30"), pa.decimal128(5, 2)),
        ("it's a \\ `path`\n", pa.string()),
        (b"\x00\xff", pa.binary()),
        (datetime.date(2024, 2, 29), pa.date32()),
        (datetime.datetime(2024, 2, 29, 1, 2, 3, 4), pa.timestamp("us")),
        (datetime.datetime(2024, 2, 29, 1, 2, 3, 4, datetime.timezone.utc), pa.timestamp("us", "UTC")),
    ],
)
def test_a_filter_for_each_type(place: str, value: object, kind: pa.DataType) -> None:
    write_deltalake(place, pa.table({"a.`b`": pa.array([value, None], kind), "row": [1, 2]}))
    found = DeltaTable(place).to_pyarrow_table(filters=[("a.`b`", "=", value)])
    assert found.to_pylist() == [{"a.`b`": value, "row": 1}]


def test_columns_come_in_the_order_asked_for(years: DeltaTable) -> None:
    assert years.to_pyarrow_table(columns=["value", "year"]).column_names == ["value", "year"]


def test_a_filter_on_a_column_that_parts_nothing_filters_rows_or_is_refused(years: DeltaTable) -> None:
    for call in (years.to_pyarrow_table, years.to_pandas):
        assert list(call(partitions=[("value", "=", "2")])["value"])[0] in (2, pa.scalar(2))
        assert len(call(partitions=[("value", "=", "2")])) == 1
    for list_of in (years.files, years.file_uris, years.partitions):
        with pytest.raises(ValueError, match="value"):
            list_of([("value", "=", "2")])


def test_versions(years: DeltaTable, place: str) -> None:
    assert DeltaTable(place, version=0).count() == 3
    assert (years.version(), years.count()) == (1, 5)
    years.load_as_version(0)
    assert (years.version(), years.count()) == (0, 3)
    years.update_incremental()
    assert years.version() == 1
    newest = datetime.datetime.fromtimestamp(years.history()[0]["timestamp"] / 1000, datetime.timezone.utc)
    for time in (newest, newest.isoformat(), newest.replace(tzinfo=None)):
        years.load_as_version(0)
        years.load_as_version(time)
        assert years.version() == 1
    with pytest.raises(DeltaError, match="after the last"):
        years.load_as_version("2999-01-01")


def test_files(years: DeltaTable, place: str) -> None:
    assert sorted(name.split("/")[0] for name in years.files([("year", "=", "2021")])) == ["year=2021"]
    assert len(years.files()) == 4
    assert sorted(years.file_uris()) == sorted(f"{place}/{name}" for name in years.files())
    found = [partition["year"] for partition in years.partitions()]
    assert sorted(found, key=str) == ["2020", "2021", "2022", None]


def test_what_the_log_says(years: DeltaTable) -> None:
    history = years.history()
    assert [(entry["version"], entry["operation"]) for entry in history] == [(1, "WRITE"), (0, history[1]["operation"])]
    assert len(years.history(1)) == 1
    assert years.metadata().partition_columns == ["year"]
    assert years.protocol().min_reader_version == 1
    assert years.table_uri.startswith("file:///")
    assert years.transaction_version("nobody") is None
    assert "version=1" in repr(years)
    assert "<td>year</td>" in years._repr_html_()


def test_without_files_says_what_needs_them(years: DeltaTable, place: str) -> None:
    table = DeltaTable(place, without_files=True)
    assert (table.version(), len(table.history()), len(table.schema().fields)) == (1, 2, 2)
    calls = [table.files, table.file_uris, table.partitions, table.count, table.to_pyarrow_table, table.to_pandas, table.scan]
    for call in calls:
        with pytest.raises(DeltaError, match="without_files"):
            call()


def test_rows_as_they_come(years: DeltaTable) -> None:
    reader = years.scan(columns=["value"], predicate="value > 1")
    assert reader.schema.names == ["value"]
    assert sorted(value for batch in reader for value in pa.table(batch)["value"].to_pylist()) == [2, 3, 4, 5]
    reader = years.scan()
    assert reader.read_all().num_rows == 5
    with pytest.raises(DeltaError, match="read already"):
        reader.read_all()
    assert values(pa.table(years.scan())) == [1, 2, 3, 4, 5]


def test_changes() -> None:
    table = DeltaTable(str(FIXTURES / "change_data_feed/partitioned/table"))
    changes = pa.table(table.load_cdf(starting_version=1))
    assert {"_change_type", "_commit_version", "_commit_timestamp"} <= set(changes.column_names)
    deleted = pa.table(table.load_cdf(starting_version=1, predicate="_change_type = 'delete'", columns=["_change_type"]))
    assert set(deleted["_change_type"].to_pylist()) <= {"delete"}
    assert deleted.column_names == ["_change_type"]
    with pytest.raises(DeltaError):
        table.load_cdf(starting_version=1000)
    assert pa.table(table.load_cdf(starting_version=1000, allow_out_of_range=True)).num_rows == 0


def test_is_deltatable(years: DeltaTable, place: str, tmp_path) -> None:
    assert DeltaTable.is_deltatable(place)
    assert DeltaTable.is_deltatable(tmp_path / "table")
    assert not DeltaTable.is_deltatable(str(tmp_path / "other"))
