"""Arguments in the forms that the native half takes."""

from __future__ import annotations

from collections.abc import Mapping


def strings(options: Mapping[str, str | None] | None) -> dict[str, str] | None:
    """The options that have a value."""
    if options is None:
        return None
    return {str(key): str(value) for key, value in options.items() if value is not None}


def names(columns: list[str] | str | None) -> list[str] | None:
    """One name, or several."""
    return [columns] if isinstance(columns, str) else columns
