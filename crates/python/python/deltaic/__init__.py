"""Delta Lake tables as Arrow, pandas and polars.

>>> from deltaic import DeltaTable, write_deltalake
"""

from __future__ import annotations

import sys

from . import exceptions, schema, table, writer
from ._internal import __version__
from .schema import DataType, Field, Schema, VariantType
from .table import DeltaTable, Metadata
from .writer import write_deltalake

__all__ = [
    "DataType",
    "DeltaTable",
    "Field",
    "Metadata",
    "Schema",
    "VariantType",
    "__version__",
    "install_as_deltalake",
    "write_deltalake",
]


def install_as_deltalake() -> None:
    """Lets libraries that import ``deltalake`` use this package, for the rest of this process.

    :raises RuntimeError: ``deltalake`` itself was imported already: call this first
    """
    this = sys.modules[__name__]
    known = sys.modules.get("deltalake")
    if known is not None and known is not this:
        raise RuntimeError("deltalake was imported already: call install_as_deltalake before that")
    sys.modules["deltalake"] = this
    for module in (exceptions, schema, table, writer):
        sys.modules[module.__name__.replace(__name__, "deltalake", 1)] = module
