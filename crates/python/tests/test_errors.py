"""Exceptions: their classes, and one line each."""

from __future__ import annotations

import pytest

from deltaic import DeltaTable, write_deltalake
from deltaic.exceptions import CommitFailedError, DeltaError, DeltaProtocolError, InvalidArgumentError, TableNotFoundError

CASES = {
    "no table": (lambda t, p: DeltaTable(p + "-none"), TableNotFoundError, "not_a_delta_table"),
    "no version": (lambda t, p: DeltaTable(p, version=9), DeltaError, "version_not_found"),
    "a version below 0": (lambda t, p: DeltaTable(p, version=-1), ValueError, None),
    "not yet": (lambda t, p: t.load_as_version(9), DeltaError, "version_not_found"),
    "no time": (lambda t, p: t.load_as_version("yesterday"), ValueError, "invalid_argument"),
    "no SQL": (lambda t, p: t.delete("value ="), InvalidArgumentError, "invalid_expression"),
    "no column": (lambda t, p: t.to_pyarrow_table(columns=["x"]), ValueError, "unknown_column"),
    "no column in a filter": (lambda t, p: t.to_pyarrow_table(filters=[("x", "=", 1)]), ValueError, "unknown_column"),
    "no operator": (lambda t, p: t.to_pyarrow_table(filters=[("value", "~", 1)]), ValueError, None),
    "no filter": (lambda t, p: t.to_pyarrow_table(filters=[("value", 1)]), ValueError, None),
    "no mode": (lambda t, p: write_deltalake(p, t.scan(), mode="add"), ValueError, "invalid_argument"),
    "no schema mode": (
        lambda t, p: write_deltalake(p, t.scan(), mode="append", schema_mode="add"),
        ValueError,
        "invalid_argument",
    ),
    "an option that is none": (
        lambda t, p: DeltaTable("s3://b/t", storage_options={"AWS_ALLOW_HTTP": "maybe"}),
        DeltaError,
        "invalid_argument",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_exceptions(years: DeltaTable, place: str, name: str) -> None:
    call, kind, expect = CASES[name]
    with pytest.raises(kind) as caught:
        call(years, place)
    assert isinstance(caught.value, DeltaError)
    assert caught.value.kind == expect
    assert len(str(caught.value).splitlines()) == 1
    assert not any(word in str(caught.value) for word in ("panicked", "backtrace", ".rs:"))


def test_a_table_that_needs_more_than_there_is(place: str, tmp_path) -> None:
    log = tmp_path / "table/_delta_log"
    log.mkdir(parents=True)
    features = '"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["teleport"],"writerFeatures":["teleport"]'
    (log / f"{0:020}.json").write_text(
        f'{{"protocol":{{{features}}}}}\n'
        '{"metaData":{"id":"a","format":{"provider":"parquet","options":{}},'
        '"schemaString":"{\\"type\\":\\"struct\\",\\"fields\\":[]}","partitionColumns":[],"configuration":{}}}\n'
    )
    with pytest.raises(DeltaProtocolError, match="teleport"):
        DeltaTable(place)
    assert DeltaTable.is_deltatable(place)


def test_conflicts_have_a_kind(years: DeltaTable, place: str) -> None:
    other = DeltaTable(place)
    years.delete("value = 2")
    with pytest.raises(CommitFailedError) as caught:
        other.delete("value = 3")
    assert caught.value.kind in ("concurrent_append", "concurrent_delete_delete", "concurrent_delete_read")
    other.update_incremental()
    other.delete("value = 3")
    assert other.count() == 3
