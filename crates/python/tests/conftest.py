"""What the tests share: a folder for tables, and the workspace's fixtures."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from deltaic import DeltaTable, write_deltalake

FIXTURES = Path(__file__).parents[3] / "fixtures"


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Where a table may be made."""
    return str(tmp_path / "table")


@pytest.fixture
def years(place: str) -> DeltaTable:
    """A table of two versions, parted by year."""
    rows = pa.table({"year": ["2020", "2021", "2021"], "value": [1, 2, 3]})
    write_deltalake(place, rows, partition_by="year")
    write_deltalake(place, pa.table({"year": ["2022", None], "value": [4, 5]}), mode="append")
    return DeltaTable(place)


def values(rows: pa.Table, column: str = "value") -> list:
    """A column's values, sorted."""
    return sorted(rows[column].to_pylist())
