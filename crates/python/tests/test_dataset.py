"""Datasets: pyarrow's own over files, ours where rows are not those of files."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from conftest import values

from deltaic import DeltaTable, write_deltalake
from deltaic.exceptions import DeltaError

PROPERTIES = {
    "plain": {},
    "deletion vectors": {"delta.enableDeletionVectors": "true"},
    "column mapping": {"delta.columnMapping.mode": "name"},
    "all": {
        "delta.enableDeletionVectors": "true",
        "delta.columnMapping.mode": "name",
        "delta.enableTypeWidening": "true",
        "delta.checkpointPolicy": "v2",
    },
}


@pytest.fixture(params=PROPERTIES)
def table(request: pytest.FixtureRequest, place: str) -> DeltaTable:
    rows = {"value": [1, 2, 3, 4, 5, 6], "text": list("abcdef"), "part": [1, 1, None, 2, 2, 2]}
    write_deltalake(place, pa.table(rows), partition_by="part", configuration=PROPERTIES[request.param])
    table = DeltaTable(place)
    table.delete("value = 5")
    return table


@pytest.mark.parametrize(
    ("rows", "expect"),
    [
        (None, [1, 2, 3, 4, 6]),
        (pc.field("value") > 2, [3, 4, 6]),
        (pc.field("part") == 2, [4, 6]),
        (pc.field("part").is_null(), [3]),
        ((pc.field("part") == 1) & (pc.field("text") == "b"), [2]),
    ],
)
def test_rows(table: DeltaTable, rows: pc.Expression | None, expect: list) -> None:
    dataset = table.to_pyarrow_dataset()
    assert isinstance(dataset, ds.Dataset)
    assert dataset.schema == pa.schema(table.schema())
    assert values(dataset.to_table(filter=rows)) == expect
    assert dataset.to_table(columns=["value"], filter=rows).column_names == ["value"]
    assert dataset.count_rows(filter=rows) == len(expect)
    doubled = dataset.to_table(columns={"twice": pc.field("value") * 2}, filter=rows)
    assert values(doubled, "twice") == [2 * value for value in expect]
    if rows is not None:
        assert values(dataset.filter(rows).to_table(columns=["value"])) == expect
        assert dataset.filter(rows).count_rows() == len(expect)


def test_duckdb_scans_it(table: DeltaTable) -> None:
    dataset = table.to_pyarrow_dataset()
    query = "SELECT value FROM dataset WHERE part = 2 AND text > 'd' ORDER BY value"
    assert duckdb.sql(query).fetchall() == [(6,)]
    assert duckdb.sql("SELECT count(*) FROM dataset").fetchall() == [(5,)]
    assert dataset.head(2).num_rows == 2


def test_it_stays_at_its_version(table: DeltaTable) -> None:
    dataset = table.to_pyarrow_dataset()
    table.delete()
    assert (table.count(), dataset.count_rows()) == (0, 5)


def test_partitions(table: DeltaTable) -> None:
    assert values(table.to_pyarrow_dataset([("part", "=", 2)]).to_table()) == [4, 6]
    assert table.to_pyarrow_dataset([("part", "=", "2")]).count_rows() == 2
    with pytest.raises(ValueError, match="value"):
        table.to_pyarrow_dataset([("value", "=", 2)])


def test_what_the_other_dataset_lacks_is_said(table: DeltaTable) -> None:
    dataset = table.to_pyarrow_dataset()
    if type(dataset) is ds.FileSystemDataset:
        assert len(list(dataset.get_fragments(pc.field("part") == 1))) == 1
        return
    for call in (dataset.get_fragments, lambda: dataset.replace_schema(dataset.schema)):
        with pytest.raises(DeltaError):
            call()
    public = {name for name in dir(ds.Dataset) if not name.startswith("_")}
    assert public <= set(vars(type(dataset))), "a method of pyarrow's own would look for what is not there"
