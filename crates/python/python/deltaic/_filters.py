"""Filters of Python's world, as the engine takes them: SQL text for rows, texts for partition values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from .exceptions import InvalidArgumentError

Filter = tuple[str, str, Any]
"""``(column, operator, value)``; the operators are ``=``, ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in`` and ``not in``."""
FilterConjunction = list[Filter]
FilterType = FilterConjunction | list[FilterConjunction]
"""Filters that must all hold, or a list of such lists, one of which must hold."""

NativeFilter = tuple[str, str, "str | None | list[str | None]"]

_COMPARISONS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def partition_filters(filters: Sequence[Filter] | None) -> list[NativeFilter]:
    """The filters with their values as partition values are written."""
    return [_native(part) for part in filters or []]


def sql(filters: FilterType) -> str | None:
    """The filters as a predicate in SQL; ``None`` where there is nothing to filter."""
    if not filters:
        return None
    if all(isinstance(part, tuple) for part in filters):
        return _all(filters)
    if any(isinstance(part, tuple) for part in filters):
        raise InvalidArgumentError("filters are a list of tuples, or a list of lists of tuples: this mixes both")
    return " OR ".join(f"({_all(part)})" for part in filters)


def partition_text(value: Any) -> str | None:
    """A value as the log writes partition values; ``None`` stands for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") if value.tzinfo is None else _utc(value).isoformat(sep=" ") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return str(value)


def _native(part: Filter) -> NativeFilter:
    column, operator, value = _checked(part)
    if operator in ("in", "not in"):
        return column, operator, [partition_text(one) for one in _values(value)]
    return column, operator, partition_text(value)


def _all(filters: Iterable[Any]) -> str:
    parts = [_one(_checked(part)) for part in filters]
    return " AND ".join(parts) if parts else "true"


def _one(part: Filter) -> str:
    column, operator, value = part
    name = "`" + column.replace("`", "``") + "`"
    if operator in ("in", "not in"):
        values = ", ".join(_literal(one) for one in _values(value))
        empty = "false" if operator == "in" else "true"
        return f"({name} {operator.upper()} ({values}))" if values else empty
    if value is None and operator in ("=", "!="):
        return f"({name} IS NULL)" if operator == "=" else f"({name} IS NOT NULL)"
    return f"({name} {operator} {_literal(value)})"


def _checked(part: Any) -> Filter:
    if not isinstance(part, (tuple, list)) or len(part) != 3 or not isinstance(part[0], str):
        raise InvalidArgumentError(f"a filter is a tuple (column, operator, value), not {part!r}")
    column, operator, value = part
    wanted = " ".join(str(operator).lower().split())
    if wanted not in ("in", "not in") and wanted not in _COMPARISONS:
        raise InvalidArgumentError(f"{operator!r} is no operator of a filter: use =, !=, <, <=, >, >=, in or not in")
    return column, _COMPARISONS.get(wanted, wanted), value


def _values(value: Any) -> list[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InvalidArgumentError(f"in and not in take a list of values, not {value!r}")
    return list(value)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return f"TIMESTAMP_NTZ '{value.isoformat(sep=' ')}'"
        return f"TIMESTAMP '{_utc(value).isoformat(sep=' ')}Z'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, float):
        return repr(value) + "D" if value == value and abs(value) != float("inf") else f"CAST('{value}' AS DOUBLE)"
    if isinstance(value, (int, Decimal)):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    item = getattr(value, "item", None)
    if callable(item):  # numpy's scalars
        return _literal(item())
    raise InvalidArgumentError(f"a value of type {type(value).__name__} cannot be compared with a column's")


def _utc(value: datetime) -> datetime:
    return value.astimezone(timezone.utc).replace(tzinfo=None)
