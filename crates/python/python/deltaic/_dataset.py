"""Tables as datasets of pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as fs

from . import _internal
from .exceptions import DeltaError

if TYPE_CHECKING:
    from ._filters import NativeFilter
    from .table import ProtocolVersions

_PLAIN_FEATURES = {"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"}
"""The reader features that say nothing about how files are read."""


def dataset(
    table: _internal.RawDeltaTable, protocol: ProtocolVersions, partitions: list[NativeFilter]
) -> ds.Dataset:
    """Over the files, where their rows are the table's; else over this package's scan."""
    # A filter on any other column is refused here, whichever dataset it is.
    places = dict(zip(table.files(partitions), table.file_uris(partitions)))
    features = set(protocol.reader_features or [])
    is_plain = protocol.min_reader_version in (1, 3) and features <= _PLAIN_FEATURES
    if is_plain and all(place.startswith("/") for place in places.values()):
        return _of_files(table, places)
    return DeltaDataset(table, partitions)


def _of_files(table: _internal.RawDeltaTable, places: dict[str, str]) -> ds.Dataset:
    schema = _schema(table)
    # Spark writes timestamps in nanoseconds that may overflow.
    format = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))
    local = fs.LocalFileSystem()
    rows = pa.table(table.get_add_actions(True))
    parts = [name for name in rows.column_names if name.startswith("partition.")]
    fragments = []
    for row in range(rows.num_rows):
        path = rows["path"][row].as_py()
        if path in places:
            guarantee = _guarantee({name: rows[name][row] for name in parts})
            fragments.append(format.make_fragment(places[path], local, partition_expression=guarantee))
    return ds.FileSystemDataset(fragments, schema, format, local)


def _guarantee(values: dict[str, pa.Scalar]) -> pc.Expression:
    expression = pc.scalar(True)
    for name, value in values.items():
        column = pc.field((name.removeprefix("partition."),))
        holds = column == value if value.is_valid else column.is_null()
        expression = holds if expression.equals(pc.scalar(True)) else expression & holds
    return expression


def _schema(table: _internal.RawDeltaTable) -> pa.Schema:
    return pa.schema(_internal.arrow_schema_of_json(table.schema()))


class DeltaDataset(ds.Dataset):  # type: ignore[misc]
    """A dataset whose rows this package reads: only the columns that are asked for."""

    def __init__(
        self,
        table: _internal.RawDeltaTable,
        partitions: list[NativeFilter],
        rows: pc.Expression | None = None,
    ) -> None:
        # Pyarrow's own constructor is for datasets of its own; every method that would look for what it makes is below.
        self._table = table
        self._partitions = partitions
        self._rows = rows
        self._columns = _schema(table)

    @property
    def schema(self) -> pa.Schema:
        """The schema of the table."""
        return self._columns

    @property
    def partition_expression(self) -> pc.Expression:
        """Nothing is known of all rows."""
        return pc.scalar(True)

    def scanner(
        self,
        columns: list[str] | dict[str, pc.Expression] | None = None,
        filter: pc.Expression | None = None,
        batch_size: int = 131_072,
        use_threads: bool = True,
        memory_pool: pa.MemoryPool | None = None,
        **_others: Any,
    ) -> ds.Scanner:
        """A scan; the parameters are those of ``pyarrow.dataset.Dataset.scanner``."""
        rows = _both(self._rows, filter)
        reader = pa.RecordBatchReader.from_stream(
            self._table.scan(self._needed(columns, rows), None, self._partitions)
        )
        return ds.Scanner.from_batches(
            reader,
            columns=columns,
            filter=rows,
            batch_size=batch_size,
            use_threads=use_threads,
            memory_pool=memory_pool,
        )

    def to_batches(self, *arguments: Any, **options: Any) -> Iterator[pa.RecordBatch]:
        """The rows, batch by batch."""
        return self.scanner(*arguments, **options).to_batches()  # type: ignore[no-any-return]

    def to_table(self, *arguments: Any, **options: Any) -> pa.Table:
        """The rows, in memory."""
        return self.scanner(*arguments, **options).to_table()

    def head(self, num_rows: int, *arguments: Any, **options: Any) -> pa.Table:
        """The first rows."""
        return self.scanner(*arguments, **options).head(num_rows)

    def take(self, indices: Any, *arguments: Any, **options: Any) -> pa.Table:
        """The rows at these places."""
        return self.to_table(*arguments, **options).take(indices)

    def count_rows(self, filter: pc.Expression | None = None, **_options: Any) -> int:
        """How many rows there are."""
        if filter is None and self._rows is None and not self._partitions:
            return self._table.count()
        return sum(batch.num_rows for batch in self.to_batches(columns=[], filter=filter))

    def filter(self, expression: pc.Expression) -> DeltaDataset:
        """The dataset of the rows for which the expression is true."""
        return DeltaDataset(self._table, self._partitions, _both(self._rows, expression))

    def sort_by(self, sorting: Any, **options: Any) -> ds.Dataset:
        """The rows in order, in memory."""
        return ds.dataset(self.to_table()).sort_by(sorting, **options)

    def join(self, *arguments: Any, **options: Any) -> ds.Dataset:
        """The rows joined with others, in memory."""
        return ds.dataset(self.to_table()).join(*arguments, **options)

    def join_asof(self, *arguments: Any, **options: Any) -> ds.Dataset:
        """The rows joined with others by nearness, in memory."""
        return ds.dataset(self.to_table()).join_asof(*arguments, **options)

    def get_fragments(self, filter: pc.Expression | None = None) -> Iterator[ds.Fragment]:
        """There are none: the rows are not those of files."""
        raise DeltaError("the table's rows are not the rows of its files: scan the dataset, it has no fragments")

    def replace_schema(self, schema: pa.Schema) -> DeltaDataset:
        """The schema is the table's."""
        raise DeltaError("the dataset has the schema of its table: cast the rows that it reads")

    def __reduce__(self) -> Any:
        raise TypeError("a dataset over a scan cannot be pickled: open the table where it is needed")

    def _needed(self, columns: Any, rows: pc.Expression | None) -> list[str] | None:
        """The columns that have to be read: at least one, which carries the number of rows."""
        if columns is None:
            return None
        asked = set() if isinstance(columns, dict) else set(columns)
        expressions = [*(columns.values() if isinstance(columns, dict) else []), *([] if rows is None else [rows])]
        unknown = asked - set(self._columns.names)
        if unknown:
            raise KeyError(f"the table has no column {sorted(unknown)}")
        needed = [
            field.name
            for field in self._columns
            if field.name in asked or any(_looks_at(one, field.name, self._columns) for one in expressions)
        ]
        return needed or self._columns.names[:1]


def _both(one: pc.Expression | None, other: pc.Expression | None) -> pc.Expression | None:
    return (one if other is None else other) if one is None or other is None else one & other


def _looks_at(expression: pc.Expression, name: str, schema: pa.Schema) -> bool:
    """Whether the expression needs the column: whether it means nothing without it."""
    without = schema.remove(schema.get_field_index(name)).empty_table()
    try:
        ds.Scanner.from_batches(without.to_reader(), columns={"it": expression}).to_table()
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return True
    return False
