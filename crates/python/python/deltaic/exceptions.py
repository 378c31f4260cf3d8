"""What goes wrong, by what to do about it."""

from __future__ import annotations

__all__ = [
    "CommitFailedError",
    "DeltaError",
    "DeltaProtocolError",
    "InvalidArgumentError",
    "SchemaMismatchError",
    "TableNotFoundError",
]


class DeltaError(Exception):
    """Any error of this package.

    ``kind`` names it for programs: ``storage``, ``version_not_found``, ``concurrent_append`` and so on; ``None`` where the
    package itself, not its engine, refuses a call.
    """

    kind: str | None = None


class TableNotFoundError(DeltaError):
    """There is no table at that place."""


class InvalidArgumentError(DeltaError, ValueError):
    """The call cannot be done as it was put; nothing was changed."""


class SchemaMismatchError(DeltaError, ValueError):
    """The rows do not fit the table's schema; nothing was changed."""


class CommitFailedError(DeltaError):
    """Others committed meanwhile what this commit depends on: load the table anew, and try again.

    With ``kind`` ``commit_unknown`` nobody knows whether the commit stands: look at the table's history first.
    """


class DeltaProtocolError(DeltaError):
    """The table needs a feature that this package lacks, or breaks the protocol."""
