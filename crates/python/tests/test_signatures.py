"""The API next to that of ``deltalake`` 1.6: every public name, parameter and default is here, or listed below with the reason."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from deltaic import schema

PROPERTIES = "what a commit records beside its change, how often it is tried, and what runs after it, cannot be set yet"
WRITER = "how parquet files are written cannot be set yet"
FILESYSTEM = "rows are read by this package's own storage, not by a file system of pyarrow"
VERB = "the engine has no such verb yet"
PRUNING = "files are found by filters on partition columns"

MISSING_NAMES = {
    "deltalake": {
        "BloomFilterProperties": WRITER,
        "ColumnProperties": WRITER,
        "WriterProperties": WRITER,
        "CommitProperties": PROPERTIES,
        "PostCommitHookProperties": PROPERTIES,
        "Transaction": PROPERTIES,
        "QueryBuilder": "SQL over several tables is the business of an engine such as DuckDB, which takes our streams",
        "TableFeatures": "features cannot be added to a table yet",
        "convert_to_deltalake": VERB,
        "enable_nanosecond_timestamps": "timestamps in nanoseconds are refused unless the table has them, without a switch",
        "init_tracing": "traces are not exported yet",
        "rust_core_version": "`__version__` is the version of both halves",
    },
    "deltalake.table": {},
    "deltalake.writer": {
        "BloomFilterProperties": WRITER,
        "ColumnProperties": WRITER,
        "WriterProperties": WRITER,
        "convert_to_deltalake": VERB,
    },
    "deltalake.schema": {},
    "deltalake.exceptions": {},
}

MISSING_METHODS = {
    "DeltaTable": {
        "alter": VERB,
        "create_write_transaction": "files that others wrote cannot be committed from Python yet",
        "generate": VERB,
        "merge": VERB,
        "optimize": VERB,
        "repair": VERB,
        "restore": VERB,
        "table_config": "deprecated there; it repeats what the constructor was given",
        "update": VERB,
        "__datafusion_table_provider__": "it needs the same build of DataFusion on both sides",
    },
    "ArrayType": {"from_arrow": "only whole schemas come from Arrow"},
    "Field": {
        "from_arrow": "only whole schemas come from Arrow",
        "to_arrow": "only types and schemas have a form in Arrow",
        "__arrow_c_schema__": "only types and schemas have a form in Arrow",
    },
    "MapType": {"from_arrow": "only whole schemas come from Arrow"},
    "PrimitiveType": {"from_arrow": "only whole schemas come from Arrow"},
    "StructType": {"from_arrow": "only whole schemas come from Arrow"},
    "VariantType": {"from_arrow": "only whole schemas come from Arrow"},
    "Schema": {"invariants": "the engine checks them; they are not shown yet"},
}

EVERYWHERE = {
    "args": "the arguments that it takes are deprecated there",
    "commit_properties": PROPERTIES,
    "post_commithook_properties": PROPERTIES,
    "writer_properties": WRITER,
    "filesystem": FILESYSTEM,
    "file_pruning_predicate": PRUNING,
}

MISSING_PARAMETERS = {
    "DeltaTable.__init__": {"skip_stats": "statistics are read only when a predicate needs them, always"},
    "DeltaTable.create": {"raise_if_key_not_exists": "a property that Delta does not know is an error, always"},
    "DeltaTable.to_pyarrow_dataset": {
        "parquet_read_options": "they would hold for tables that pyarrow reads itself, and not for others",
        "schema": "the dataset has the table's schema",
        "as_large_types": "the dataset has the table's schema",
    },
    "Schema.to_arrow": {"as_large_types": "Arrow's readers cast: the scan has one form for each type"},
}

CLASSES = [
    ("deltalake", "DeltaTable"),
    ("deltalake", "Metadata"),
    ("deltalake", "Field"),
    ("deltalake", "Schema"),
    ("deltalake", "VariantType"),
    ("deltalake.table", "ProtocolVersions"),
    ("deltalake.schema", "ArrayType"),
    ("deltalake.schema", "MapType"),
    ("deltalake.schema", "PrimitiveType"),
    ("deltalake.schema", "StructType"),
]


def ours(module: str) -> Any:
    return importlib.import_module(module.replace("deltalake", "deltaic", 1))


@pytest.mark.parametrize("module", MISSING_NAMES)
def test_names(module: str) -> None:
    theirs = importlib.import_module(module)
    wanted = set(getattr(theirs, "__all__", None) or [])
    here = {name for name in wanted if hasattr(ours(module), name)}
    assert wanted - here == set(MISSING_NAMES[module]), "list what is missing, and only that"


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_methods(module: str, name: str) -> None:
    theirs, mine = getattr(importlib.import_module(module), name), getattr(ours(module), name)
    wanted = {one for one in dir(theirs) if not one.startswith("_") or one in ("__arrow_c_schema__", "__datafusion_table_provider__")}
    # What a class of Rust shows as an attribute, an object of Python has once it is made.
    shown = {one for one in dir(mine) if one in wanted} | set(inspect.signature(mine).parameters)
    if issubclass(mine, schema._Type):
        shown.add("type")
    assert wanted - shown == set(MISSING_METHODS.get(name, {})), "list what is missing, and only that"


def functions() -> list[str]:
    import deltalake

    table = [
        f"DeltaTable.{name}"
        for name, value in vars(deltalake.DeltaTable).items()
        if callable(getattr(deltalake.DeltaTable, name)) and not name.startswith("_")
    ]
    here = [name for name in table if name.split(".")[1] not in MISSING_METHODS["DeltaTable"]]
    types = ["Field", "ArrayType", "MapType", "PrimitiveType", "StructType", "Schema", "Schema.to_arrow"]
    return ["write_deltalake", "DeltaTable.__init__", *here, *types]


def parameters(path: str, package: str) -> dict[str, Any]:
    target: Any = importlib.import_module(package)
    for part in path.split("."):
        target = getattr(target, part, None) or getattr(importlib.import_module(f"{package}.schema"), part)
    return {name: one.default for name, one in inspect.signature(target).parameters.items() if name != "self"}


@pytest.mark.parametrize("path", functions())
def test_parameters(path: str) -> None:
    wanted, here = parameters(path, "deltalake"), parameters(path, "deltaic")
    missing = {name for name in wanted if name not in here} - set(EVERYWHERE)
    assert missing == set(MISSING_PARAMETERS.get(path, {})), "list what is missing, and only that"
    for name in set(wanted) & set(here):
        # There, some defaults are objects that only look like their values.
        assert repr(wanted[name]) == repr(here[name]), name


def test_whatever_is_listed_as_missing_has_a_reason() -> None:
    tables = [*MISSING_NAMES.values(), *MISSING_METHODS.values(), *MISSING_PARAMETERS.values(), EVERYWHERE]
    assert all(reason for table in tables for reason in table.values())
