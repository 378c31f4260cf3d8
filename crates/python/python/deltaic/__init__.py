"""Delta Lake tables as Arrow, pandas and polars.

>>> from deltaic import DeltaTable, write_deltalake
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

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


DELTALAKE_API = "1.6.6"
"""The version of ``deltalake`` whose API this package follows."""


def install_as_deltalake() -> None:
    """Lets libraries that import ``deltalake`` use this package, for the rest of this process.

    They are told the version of ``deltalake`` whose API this is.

    :raises RuntimeError: ``deltalake`` itself was imported already: call this first
    """
    known = sys.modules.get("deltalake")
    if known is not None and getattr(known, "DeltaTable", None) is not DeltaTable:
        raise RuntimeError("deltalake was imported already: call install_as_deltalake before that")
    stand_in = ModuleType("deltalake", __doc__)
    vars(stand_in).update({name: globals()[name] for name in __all__}, __all__=__all__, __version__=DELTALAKE_API)
    # Libraries look for it, to know whether `deltalake` is installed.
    stand_in.__spec__ = ModuleSpec("deltalake", None)
    sys.modules["deltalake"] = stand_in
    for module in (exceptions, schema, table, writer):
        name = module.__name__.removeprefix(__name__ + ".")
        setattr(stand_in, name, module)
        sys.modules[f"deltalake.{name}"] = module
