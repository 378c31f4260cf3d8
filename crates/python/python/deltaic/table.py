"""A table: open it, read it, change it, keep it up."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from . import _filters, _internal
from ._filters import FilterConjunction, FilterType
from ._options import names, strings
from .exceptions import DeltaError, InvalidArgumentError
from .schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

__all__ = ["DeltaTable", "Metadata", "ProtocolVersions"]


class ProtocolVersions(NamedTuple):
    """What readers and writers must know to use a table."""

    min_reader_version: int
    min_writer_version: int
    writer_features: list[str] | None
    reader_features: list[str] | None


class Metadata:
    """Name, partition columns and properties of a table."""

    def __init__(self, table: _internal.RawDeltaTable) -> None:
        self._metadata: dict[str, Any] = json.loads(table.metadata())

    @property
    def id(self) -> str:
        """What tells this table from any other."""
        return str(self._metadata["id"])

    @property
    def name(self) -> str | None:
        """The table's name."""
        return self._metadata.get("name")

    @property
    def description(self) -> str | None:
        """What the table is about."""
        return self._metadata.get("description")

    @property
    def partition_columns(self) -> list[str]:
        """The columns that part the table's files."""
        return list(self._metadata["partitionColumns"])

    @property
    def created_time(self) -> int | None:
        """When the table was made, in milliseconds since 1970."""
        return self._metadata.get("createdTime")

    @property
    def configuration(self) -> dict[str, str]:
        """The table's properties."""
        return dict(self._metadata.get("configuration") or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metadata) and self._metadata == other._metadata

    def __repr__(self) -> str:
        return (
            f"Metadata(id: {self.id}, name: {self.name}, description: {self.description}, partition_columns: "
            f"{self.partition_columns}, created_time: {self.created_time}, configuration: {self.configuration})"
        )


class DeltaTable:
    """A table at one of its versions.

    The object stays at that version, whatever others commit, until :meth:`update_incremental` or
    :meth:`load_as_version` moves it, or a change is made through it. It may be used from several threads.
    """

    def __init__(
        self,
        table_uri: str | os.PathLike[str],
        version: int | None = None,
        storage_options: Mapping[str, str] | None = None,
        without_files: bool = False,
        log_buffer_size: int | None = None,
    ) -> None:
        """Opens a table.

        :param table_uri: a path, or a URI such as ``s3://bucket/table``
        :param version: the version; the newest if not given
        :param storage_options: credentials, endpoints and such; what is missing is taken from the environment
        :param without_files: never load the list of files: for versions, schemas, histories, and appending. Whatever needs
            the list says so
        :param log_buffer_size: accepted for compatibility: the log is read with as many requests at a time as serve
        :raises TableNotFoundError: there is no table
        :raises DeltaProtocolError: the table needs what this package lacks
        """
        if version is not None and version < 0:
            raise InvalidArgumentError(f"a version is a number from 0 on, not {version}")
        self._storage_options = strings(storage_options)
        self._without_files = without_files
        self._table = _internal.RawDeltaTable(os.fspath(table_uri), version, self._storage_options)

    @classmethod
    def create(
        cls,
        table_uri: str | os.PathLike[str],
        schema: Schema | Any,
        mode: Literal["error", "append", "overwrite", "ignore"] = "error",
        partition_by: list[str] | str | None = None,
        name: str | None = None,
        description: str | None = None,
        configuration: Mapping[str, str | None] | None = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> DeltaTable:
        """Makes a table without rows, and opens it.

        :param schema: the columns: a :class:`~deltaic.schema.Schema`, or anything with ``__arrow_c_schema__``
        :param mode: where there is a table already: ``error`` and ``append`` fail, ``ignore`` leaves it as it is, ``overwrite``
            replaces it, rows and schema
        :param configuration: the table's properties
        """
        known = schema if isinstance(schema, Schema) else Schema.from_arrow(schema)
        location, options = os.fspath(table_uri), strings(storage_options)
        columns, properties = names(partition_by) or [], strings(configuration) or {}
        _internal.create_table(
            location, options, known.to_json(), mode, columns, name, description, properties
        )
        return cls(location, storage_options=options)

    @staticmethod
    def is_deltatable(
        table_uri: str | os.PathLike[str], storage_options: Mapping[str, str] | None = None
    ) -> bool:
        """Whether there is a table at that place."""
        return _internal.is_deltatable(os.fspath(table_uri), strings(storage_options))

    @property
    def table_uri(self) -> str:
        """Where the table is. Ends with a slash."""
        return self._table.uri()

    def version(self) -> int:
        """The version that this object shows."""
        return self._table.version()

    def schema(self) -> Schema:
        """The columns, partition columns included."""
        return Schema.from_json(self._table.schema())

    def metadata(self) -> Metadata:
        """Name, partition columns and properties."""
        return Metadata(self._table)

    def protocol(self) -> ProtocolVersions:
        """What readers and writers must know to use the table."""
        known = json.loads(self._table.protocol())
        features = (known.get("writerFeatures"), known.get("readerFeatures"))
        return ProtocolVersions(known["minReaderVersion"], known["minWriterVersion"], *features)

    def history(self, limit: int | None = None) -> list[dict[str, Any]]:
        """What each version did, newest first, as far back as the log goes."""
        entries: list[dict[str, Any]] = json.loads(self._table.history(limit))
        return entries

    def files(self, partition_filters: FilterConjunction | None = None) -> list[str]:
        """The paths of the data files, as they are below the table's root.

        :param partition_filters: filters on partition columns, all of which must hold
        """
        self._needs_files("files")
        return self._table.files(_filters.partition_filters(partition_filters))

    def file_uris(self, partition_filters: FilterConjunction | None = None) -> list[str]:
        """Where the data files are: paths of local ones, URIs of others."""
        self._needs_files("file_uris")
        return self._table.file_uris(_filters.partition_filters(partition_filters))

    def partitions(self, partition_filters: FilterConjunction | None = None) -> list[dict[str, str | None]]:
        """The values of each partition that has files: texts, as the log writes them; ``None`` stands for null."""
        self._needs_files("partitions")
        found: list[dict[str, str | None]] = json.loads(
            self._table.partitions(_filters.partition_filters(partition_filters))
        )
        return found

    def get_add_actions(self, flatten: bool = False) -> _internal.ArrowTable:
        """What the log tells of each data file, in the order of :meth:`file_uris`.

        ``path``, ``size_bytes``, ``modification_time``, ``num_records``; for columns that have statistics ``null_count``, ``min`` and
        ``max``; ``partition``.

        :param flatten: the last four as one column for each of the table's, such as ``min.id``, and not as structs
        """
        self._needs_files("get_add_actions")
        return self._table.get_add_actions(flatten)

    def deletion_vectors(self) -> _internal.RecordBatchReader:
        """Which rows are live, of each file with a deletion vector.

        ``filepath`` is where the file is, as in :meth:`file_uris`; ``selection_vector`` has true for each row that is live.
        """
        self._needs_files("deletion_vectors")
        return self._table.deletion_vectors()

    def load_as_version(self, version: int | str | datetime) -> None:
        """Moves this object to another version.

        :param version: its number; or a time, and the version that was the newest then. A text is read as RFC 3339 or as a
            date; a time without a zone is one in UTC
        """
        if isinstance(version, bool) or not isinstance(version, (int, str, datetime)):
            raise TypeError(f"a version is an int, a str or a datetime, not {type(version).__name__}")
        if isinstance(version, int):
            if version < 0:
                raise InvalidArgumentError(f"a version is a number from 0 on, not {version}")
            self._table.load_version(version)
        else:
            self._table.load_timestamp(version.isoformat() if isinstance(version, datetime) else version)

    def update_incremental(self) -> None:
        """Moves this object to the newest version: reads the commits that are new."""
        self._table.update_incremental()

    def count(self) -> int:
        """How many rows there are: by the statistics of the files, where all have them."""
        self._needs_files("count")
        return self._table.count()

    def transaction_version(self, app_id: str) -> int | None:
        """The version that an application has written last; ``None`` where it has written none."""
        return self._table.transaction_version(app_id)

    def scan(
        self, columns: list[str] | None = None, predicate: str | None = None
    ) -> _internal.RecordBatchReader:
        """The rows, read as they are asked for: for whatever reads ``__arrow_c_stream__``.

        :param columns: these columns, in this order; all if not given
        :param predicate: SQL; only rows for which it is true
        """
        self._needs_files("scan")
        return self._table.scan(columns, predicate, [])

    def to_pyarrow_table(
        self,
        partitions: FilterConjunction | None = None,
        columns: list[str] | None = None,
        filters: FilterType | Any | None = None,
    ) -> pa.Table:
        """The rows as a table of pyarrow, in memory.

        :param partitions: filters on partition columns, all of which must hold; values may be texts. A column that is no
            partition column is an error
        :param columns: these columns, in this order; all if not given
        :param filters: filters on any columns, or an expression of pyarrow
        """
        import pyarrow as pa

        self._needs_files("to_pyarrow_table")
        native = _filters.partition_filters(partitions)
        if filters is None or isinstance(filters, (list, tuple)):
            predicate = _filters.sql(list(filters or []))
            return pa.table(self._table.read(columns, predicate, native))
        # What the expression looks at is not known: all columns are read.
        rows = pa.table(self._table.read(None, None, native)).filter(filters)
        return rows if columns is None else rows.select(columns)

    def to_pyarrow_dataset(self, partitions: FilterConjunction | None = None) -> ds.Dataset:
        """The rows as a dataset of pyarrow, which reads them when it is asked: at this version, wherever this object moves.

        Where the rows are those of the files, on this machine, it is pyarrow's own over these files, which skips those that a
        filter on partition columns rules out. Elsewhere (deletion vectors, column mapping, widened types, other storage)
        this package reads the columns that are asked for, and pyarrow filters the rows.

        :param partitions: filters on partition columns, all of which must hold
        """
        from ._dataset import dataset

        self._needs_files("to_pyarrow_dataset")
        return dataset(self._table.copy(), self.protocol(), _filters.partition_filters(partitions))

    def to_pandas(
        self,
        partitions: FilterConjunction | None = None,
        columns: list[str] | None = None,
        filters: FilterType | Any | None = None,
        types_mapper: Callable[[pa.DataType], Any] | None = None,
    ) -> pd.DataFrame:
        """The rows as a data frame of pandas; the parameters are those of :meth:`to_pyarrow_table`.

        :param types_mapper: as that of ``pyarrow.Table.to_pandas``
        """
        rows = self.to_pyarrow_table(partitions=partitions, columns=columns, filters=filters)
        return rows.to_pandas(types_mapper=types_mapper)

    def load_cdf(
        self,
        starting_version: int = 0,
        ending_version: int | None = None,
        starting_timestamp: str | None = None,
        ending_timestamp: str | None = None,
        columns: list[str] | None = None,
        predicate: str | None = None,
        allow_out_of_range: bool = False,
    ) -> _internal.RecordBatchReader:
        """The rows that a range of versions inserted, updated and deleted; both ends are included.

        ``_change_type``, ``_commit_version`` and ``_commit_timestamp`` say what, in which version and when.

        :param starting_timestamp: goes before ``starting_version``; as ``ending_timestamp`` before ``ending_version``
        :param allow_out_of_range: no rows, instead of an error, where the range begins after the newest version
        """
        times = (starting_timestamp, ending_timestamp)
        return self._table.load_cdf(
            starting_version, ending_version, *times, columns, predicate, allow_out_of_range
        )

    def delete(self, predicate: str | None = None) -> dict[str, Any]:
        """Deletes rows, and moves this object to the version without them.

        :param predicate: SQL; only rows for which it is true. All, if not given
        :return: what was counted: ``num_deleted_rows``, ``num_removed_files`` and others
        """
        return counted(self._table.delete(predicate), ["num_deleted_rows", "num_removed_files", "num_added_files"])

    def vacuum(
        self,
        retention_hours: int | None = None,
        dry_run: bool = True,
        enforce_retention_duration: bool = True,
        *,
        full: bool = False,
        keep_versions: list[int] | None = None,
    ) -> list[str]:
        """Deletes the files that no version within the retention needs; or lists them, which is the default.

        :param retention_hours: the table's own retention if not given
        :param dry_run: only list
        :param enforce_retention_duration: refuse a retention that is shorter than the table's
        :param full: look for files of any origin below the root, and not only for those that the log tells of
        :param keep_versions: versions whose files stay, too
        :return: the paths of the files
        """
        if retention_hours is not None and retention_hours < 0:
            raise InvalidArgumentError(f"retention_hours is a number from 0 on, not {retention_hours}")
        return self._table.vacuum(
            retention_hours, dry_run, enforce_retention_duration, full, keep_versions or []
        )

    def create_checkpoint(self) -> None:
        """Writes a checkpoint of this version: readers begin there, instead of at the first commit."""
        self._table.create_checkpoint()

    def cleanup_metadata(self) -> None:
        """Deletes the files of the log that have expired, by the table's own retention."""
        self._table.cleanup_metadata()

    def compact_logs(self, starting_version: int, ending_version: int) -> None:
        """Writes one file with what the commits of these versions do together, which readers read in their place."""
        self._table.compact_logs(starting_version, ending_version)

    def _needs_files(self, method: str) -> None:
        if self._without_files:
            raise DeltaError(f"{method} needs the list of files: open the table with without_files=False")

    def __repr__(self) -> str:
        return f"DeltaTable({self.table_uri!r}, version={self.version()})"

    def _repr_html_(self) -> str:
        from html import escape

        def cells(*texts: object) -> str:
            return "".join(f"<td>{escape(str(text))}</td>" for text in texts)

        rows = (f"<tr>{cells(field.name, field.type, field.nullable)}</tr>" for field in self.schema().fields)
        head = "<tr><th>column</th><th>type</th><th>nullable</th></tr>"
        return f"<p>{escape(repr(self))}</p><table>{head}{''.join(rows)}</table>"


def counted(report: str, always: list[str]) -> dict[str, Any]:
    """What was counted, by names of Python; 0 for what is there always."""
    found = {_snake(name): value for name, value in json.loads(report).items()}
    return {**dict.fromkeys(always, 0), **found}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
