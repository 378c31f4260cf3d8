"""Schemas: the types of a table's columns.

>>> schema = Schema([Field("id", "long", nullable=False), Field("tags", ArrayType("string"))])
>>> schema.fields[0]
Field(id, PrimitiveType("long"), nullable=False)
>>> Schema.from_json(schema.to_json()) == schema
True
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from . import _internal

__all__ = ["ArrayType", "DataType", "Field", "MapType", "PrimitiveType", "Schema", "StructType", "VariantType"]


class _Type:
    """What all types share: a form in JSON, by which they are equal, and one in Arrow."""

    type: str

    def _json(self) -> Any:
        raise NotImplementedError

    def to_json(self) -> str:
        """The type as the log writes it."""
        return json.dumps(self._json(), separators=(",", ":"), ensure_ascii=False)

    def __arrow_c_schema__(self) -> object:
        return self.to_arrow().__arrow_c_schema__()

    def to_arrow(self) -> _internal.ArrowSchema:
        """The type in Arrow, for whatever reads ``__arrow_c_schema__``; a type that is no struct is the one field of one."""
        return _arrow([{"name": "", "type": self._json(), "nullable": True, "metadata": {}}])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Type) and self._json() == other._json()

    def __hash__(self) -> int:
        return hash(self.to_json())


class PrimitiveType(_Type):
    """A type without parts: ``string``, ``long``, ``integer``, ``short``, ``byte``, ``float``, ``double``, ``boolean``, ``binary``,
    ``date``, ``timestamp``, ``timestamp_ntz``, ``decimal(<precision>,<scale>)``."""

    def __init__(self, data_type: str) -> None:
        self.type = data_type
        # Whatever is no type is refused here, and not when a table is made of it.
        self.to_arrow()

    def _json(self) -> str:
        return self.type

    @staticmethod
    def from_json(type_json: str) -> PrimitiveType:
        """The type that the log writes so."""
        return _expect(_type(json.loads(type_json)), PrimitiveType)

    def __repr__(self) -> str:
        return f'PrimitiveType("{self.type}")'


class VariantType(_Type):
    """Values of any type, as they come."""

    type = "variant"

    def _json(self) -> str:
        return self.type

    @staticmethod
    def from_json(type_json: str) -> VariantType:
        """The type that the log writes so."""
        return _expect(_type(json.loads(type_json)), VariantType)

    def __repr__(self) -> str:
        return "VariantType()"


class ArrayType(_Type):
    """Lists of values of one type."""

    type = "array"

    def __init__(self, element_type: DataType | str, contains_null: bool = True) -> None:
        self.element_type = _given(element_type)
        self.contains_null = contains_null

    def _json(self) -> dict[str, Any]:
        return {"type": "array", "elementType": self.element_type._json(), "containsNull": self.contains_null}

    @staticmethod
    def from_json(type_json: str) -> ArrayType:
        """The type that the log writes so."""
        return _expect(_type(json.loads(type_json)), ArrayType)

    def __repr__(self) -> str:
        return f"ArrayType({self.element_type!r}, contains_null={self.contains_null})"


class MapType(_Type):
    """Keys of one type with values of another."""

    type = "map"

    def __init__(
        self, key_type: DataType | str, value_type: DataType | str, value_contains_null: bool = True
    ) -> None:
        self.key_type = _given(key_type)
        self.value_type = _given(value_type)
        self.value_contains_null = value_contains_null

    def _json(self) -> dict[str, Any]:
        key, value = self.key_type._json(), self.value_type._json()
        return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": self.value_contains_null}

    @staticmethod
    def from_json(type_json: str) -> MapType:
        """The type that the log writes so."""
        return _expect(_type(json.loads(type_json)), MapType)

    def __repr__(self) -> str:
        return f"MapType({self.key_type!r}, {self.value_type!r}, value_contains_null={self.value_contains_null})"


class Field:
    """A named part of a struct, or a column."""

    def __init__(
        self, name: str, type: DataType | str, nullable: bool = True, metadata: Mapping[str, Any] | None = None
    ) -> None:
        self.name = name
        self.type = _given(type)
        self.nullable = nullable
        self.metadata: dict[str, Any] = dict(metadata or {})

    def _json(self) -> dict[str, Any]:
        kind = self.type._json()
        return {"name": self.name, "type": kind, "nullable": self.nullable, "metadata": self.metadata}

    def to_json(self) -> str:
        """The field as the log writes it."""
        return json.dumps(self._json(), separators=(",", ":"), ensure_ascii=False)

    @staticmethod
    def from_json(field_json: str) -> Field:
        """The field that the log writes so."""
        return _field(json.loads(field_json))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Field) and self._json() == other._json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        metadata = f", metadata={self.metadata}" if self.metadata else ""
        return f"Field({self.name}, {self.type!r}, nullable={self.nullable}{metadata})"


class StructType(_Type):
    """Named parts."""

    type = "struct"

    def __init__(self, fields: list[Field]) -> None:
        self.fields = list(fields)

    def _json(self) -> dict[str, Any]:
        return {"type": "struct", "fields": [field._json() for field in self.fields]}

    @staticmethod
    def from_json(type_json: str) -> StructType:
        """The type that the log writes so."""
        return _expect(_type(json.loads(type_json)), StructType)

    def to_arrow(self) -> _internal.ArrowSchema:
        """The parts as an Arrow schema, for whatever reads ``__arrow_c_schema__``."""
        return _arrow(self._json()["fields"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.fields!r})"


class Schema(StructType):
    """The columns of a table.

    It has the Arrow capsule: ``pyarrow.schema(schema)`` and ``polars.Schema(schema)`` take it as it is.
    """

    @staticmethod
    def from_json(schema_json: str) -> Schema:
        """The schema that the log writes so."""
        return Schema(_expect(_type(json.loads(schema_json)), StructType).fields)

    @staticmethod
    def from_arrow(data_type: Any) -> Schema:
        """The schema of a table for rows of this Arrow schema: anything with ``__arrow_c_schema__``."""
        return Schema.from_json(_internal.json_of_arrow_schema(data_type))

    def json(self) -> dict[str, Any]:
        """The schema as the log writes it, as a dictionary."""
        return self._json()

    def __repr__(self) -> str:
        return f"Schema([{', '.join(repr(field) for field in self.fields)}])"


_Wanted = TypeVar("_Wanted", bound=_Type)

DataType = PrimitiveType | ArrayType | MapType | StructType | VariantType


def _arrow(fields: list[dict[str, Any]]) -> _internal.ArrowSchema:
    return _internal.arrow_schema_of_json(json.dumps({"type": "struct", "fields": fields}))


def _given(kind: DataType | str) -> DataType:
    return _type(kind) if isinstance(kind, str) else kind


def _type(kind: Any) -> DataType:
    if kind == "variant":
        return VariantType()
    if isinstance(kind, str):
        return PrimitiveType(kind)
    match kind.get("type"):
        case "struct":
            return StructType([_field(field) for field in kind["fields"]])
        case "array":
            return ArrayType(_type(kind["elementType"]), kind["containsNull"])
        case "map":
            return MapType(_type(kind["keyType"]), _type(kind["valueType"]), kind["valueContainsNull"])
        case other:
            raise ValueError(f"{other!r} is no type of a Delta table")


def _field(field: Any) -> Field:
    return Field(field["name"], _type(field["type"]), field["nullable"], field.get("metadata") or {})


def _expect(kind: DataType, wanted: type[_Wanted]) -> _Wanted:
    if not isinstance(kind, wanted):
        raise ValueError(f"the text is a {kind!r}, not a {wanted.__name__}")
    return kind
