"""A JSON Schema of the task file, for editors: its keys, their values and limits, their defaults, what each means.

Draft 7, which editors of TOML know. What msgspec makes is of a later draft, and of JSON: TOML has no null.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec.inspect import StructType, Type

from hilrt.config import Config
from hilrt.config.notes import notes_of
from hilrt.errors import ConfigError

DRAFT = "http://json-schema.org/draft-07/schema#"
TITLE = "hilrt task file"
NULL = {"type": "null"}


def schema() -> dict[str, Any]:
    """The schema. Rules that compare values with each other are not in it: `hilrt` checks them when it reads a file."""
    _, definitions = msgspec.json.schema_components([Config], ref_template="#/definitions/{name}")
    structs = {struct.__name__: struct for struct in _structs(msgspec.inspect.type_info(Config))}
    tables = {name: _simple(_told(table, structs[name])) for name, table in definitions.items()}
    whole = tables.pop(Config.__name__) | {"title": TITLE}
    return {"$schema": DRAFT, **whole, "definitions": tables}


def encoded() -> str:
    """The schema as text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def write(path: Path) -> None:
    """Write the schema into a file: a new one, or over an earlier schema.

    Raises:
        ConfigError: it has something else in it, or cannot be written.
    """
    if path.is_file() and not _earlier(path):
        raise ConfigError(
            str(path), "is there already, and is no schema that hilrt wrote.", "Name another file."
        )
    try:
        path.write_text(encoded(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror}.") from None


def _earlier(path: Path) -> bool:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("title") == TITLE


def _structs(kind: Type) -> Iterator[type]:
    """Each struct in a type, however deep."""
    if isinstance(kind, StructType):
        yield kind.cls
    for value in (getattr(kind, name) for name in kind.__struct_fields__):
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, msgspec.inspect.Field):
                yield from _structs(inner.type)
            elif isinstance(inner, Type):
                yield from _structs(inner)


def _told(definition: dict[str, Any], struct: type) -> dict[str, Any]:
    """With what each key means."""
    notes = notes_of(struct)
    keys = {
        key: value | {"description": notes[key]} if key in notes else value
        for key, value in definition["properties"].items()
    }
    return definition | {"properties": keys}


def _simple(tree: Any) -> Any:  # noqa: ANN401 - any JSON value
    """In the words of draft 7, and without null."""
    if isinstance(tree, list):
        return [_simple(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    tree = {key: _simple(value) for key, value in tree.items()}
    if NULL in tree.get("anyOf", ()):
        left = [kind for kind in tree.pop("anyOf") if kind != NULL]
        tree |= left[0] if len(left) == 1 else {"anyOf": left}
    if "default" in tree and (tree["default"] is None or "$ref" in tree):  # absent, or a whole table
        del tree["default"]
    if "prefixItems" in tree and not tree["items"]:
        first, *others = tree.pop("prefixItems")
        tree["items"] = first if all(other == first for other in others) else {}
    if "$ref" in tree and len(tree) > 1:  # draft 7 sees nothing beside it
        tree["allOf"] = [{"$ref": tree.pop("$ref")}]
    return tree
