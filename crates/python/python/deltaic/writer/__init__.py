"""Write rows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from .. import _internal
from .._options import names, strings
from ..table import DeltaTable

__all__ = ["write_deltalake"]


def write_deltalake(
    table_or_uri: str | os.PathLike[str] | DeltaTable,
    data: Any,
    *,
    partition_by: list[str] | str | None = None,
    mode: Literal["error", "append", "overwrite", "ignore"] = "error",
    name: str | None = None,
    description: str | None = None,
    configuration: Mapping[str, str | None] | None = None,
    schema_mode: Literal["merge", "overwrite"] | None = None,
    storage_options: Mapping[str, str] | None = None,
    predicate: str | None = None,
    target_file_size: int | None = None,
) -> None:
    """Writes rows to a table, by one commit; makes the table where there is none.

    Columns are found by name. A value is stored as it is or not at all: where it would have to change, nothing is written.

    :param table_or_uri: a path, a URI or a table, which is moved to the version with the rows
    :param data: anything with ``__arrow_c_stream__`` or ``__arrow_c_array__`` (of pyarrow, pandas, polars, DuckDB and others),
        or an iterable of such objects that share a schema; rows are taken as they come
    :param partition_by: the columns that part the files of a table that is made
    :param mode: where there is a table already: ``error`` fails, ``append`` adds the rows, ``overwrite`` puts them in the place
        of those that are there, ``ignore`` does nothing
    :param name: the name of a table that is made
    :param description: what a table that is made is about
    :param configuration: properties of a table that is made
    :param schema_mode: ``merge`` adds columns that the table lacks, ``overwrite`` replaces the schema with that of the rows;
        otherwise rows that do not fit are an error
    :param storage_options: credentials, endpoints and such; what is missing is taken from the environment
    :param predicate: SQL, with ``mode="overwrite"``: only rows for which it is true are replaced, and it must be true for those
        that are written
    :param target_file_size: about how large files become, in bytes
    :raises SchemaMismatchError: the rows do not fit the table
    :raises CommitFailedError: others changed meanwhile what this write depends on

    >>> import tempfile, deltaic
    >>> place = tempfile.mkdtemp()
    >>> rows = deltaic.DeltaTable.create(place, deltaic.Schema([deltaic.Field("id", "long")])).scan()
    >>> write_deltalake(place, rows, mode="append")
    >>> deltaic.DeltaTable(place).version()
    1
    """
    options: _internal.WriteOptions = {
        "mode": mode,
        "schema_mode": schema_mode,
        "partition_by": names(partition_by),
        "predicate": predicate,
        "target_file_size": target_file_size,
        "name": name,
        "description": description,
        "configuration": strings(configuration) or {},
    }
    if not isinstance(table_or_uri, DeltaTable):
        _internal.write_table(os.fspath(table_or_uri), strings(storage_options), data, options)
    elif mode == "error":
        raise_exists(table_or_uri)
    else:
        table_or_uri._table.write(data, options)


def raise_exists(table: DeltaTable) -> None:
    """There is a table: it was given."""
    from ..exceptions import InvalidArgumentError

    message = f"there is a table already: pass mode='append', 'overwrite' or 'ignore' (table: {table.table_uri})"
    raise InvalidArgumentError(message)
