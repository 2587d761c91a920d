"""Makes configuration.md from the structs of hilrt.config, so that the page cannot say anything else than the code."""

import inspect
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec.inspect import Field, StructType, Type

from hilrt.config import Config
from hilrt.config.notes import notes_of

PAGE = Path(__file__).with_suffix(".md")
HEAD = """# Configuration

One TOML file per task. This page is made from `hilrt/config` by `just docs`.

* Relative paths start at the working directory.
* `--set table.key=value` overrides a value on the command line; the right side is TOML, or plain text.
* `hilrt schema --out FILE` writes what this page says for editors ([the command line](../guide/command-line.md)).
* A key that is not listed here is an error, never ignored. Keys of the reference workflow that are elsewhere here, or
  not available yet, are refused with a word on where they went.
"""
NAMES = {
    "IntType": "integer",
    "FloatType": "number",
    "StrType": "text",
    "BoolType": "true or false",
    "AnyType": "anything",
}
BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "multiple_of": "a multiple of"}


def main() -> int | str:
    """Write the page; with --check, only say whether it is up to date."""
    page = HEAD + "".join(section(msgspec.inspect.type_info(Config), ""))
    if "--check" in sys.argv:
        same = PAGE.read_text(encoding="utf-8") == page
        return 0 if same else "docs/reference/configuration.md is stale: run `just docs`"
    PAGE.write_text(page, encoding="utf-8")
    return 0


def section(struct: Type, path: str) -> list[str]:
    """One struct, then the structs inside it, in the order in which a task file has them."""
    assert isinstance(struct, StructType)
    notes, rows, inner = notes_of(struct.cls), [], []
    for field in struct.fields:
        child, step = struct_in(field)
        if child:
            inner += section(child, step.replace("@", f"{path}.{field.name}" if path else field.name))
        else:
            rows.append(
                f"| `{field.name}` | {kind(field.type)} | {default(field)} | {notes.get(field.name, '')} |\n"
            )
    title = f"[{path}]" if path else "Top level"
    table = ["| key | value | default | meaning |\n|---|---|---|---|\n", *rows] if rows else []
    return [f"\n## {title}\n\n{inspect.getdoc(struct.cls)}\n\n", *table, *inner] if rows else inner


def struct_in(field: Field) -> tuple[Type | None, str]:
    """The struct that a field holds, if it holds one, and how its table is headed; @ stands for the field's path."""
    value: Any = field.type
    heading = "@"
    if isinstance(value, msgspec.inspect.DictType):
        value, heading = value.value_type, "@.<name>"
    elif isinstance(value, msgspec.inspect.VarTupleType):
        value, heading = value.item_type, "[@]"
    elif isinstance(value, msgspec.inspect.UnionType):
        value = next((t for t in value.types if isinstance(t, StructType)), value)
    return (value, heading) if isinstance(value, StructType) else (None, "")


def kind(value: Any) -> str:
    """What may be given, in words."""
    match type(value).__name__:
        case "LiteralType":
            return " or ".join(f"`{toml(v)}`" for v in value.values)
        case "UnionType":
            return " or ".join(kind(t) for t in value.types if not isinstance(t, msgspec.inspect.NoneType))
        case "TupleType":
            kinds = {kind(t) for t in value.item_types}
            return f"{len(value.item_types)} x {kinds.pop()}" if len(kinds) == 1 else "list"
        case "VarTupleType":
            return f"list of {kind(value.item_type)}"
        case "DictType":
            return f"by name: {kind(value.value_type)}"
        case name:
            bounds = ((sign, getattr(value, bound, None)) for bound, sign in BOUNDS.items())
            limits = [f"{sign} {limit:,}" for sign, limit in bounds if limit is not None]
            pattern = [f"like `{value.pattern}`"] if getattr(value, "pattern", None) else []
            return " ".join([NAMES[name], *([", ".join(limits)] if limits else []), *pattern])


def default(field: Field) -> str:
    """The default as it would stand in the file."""
    if field.required:
        return "required"
    made = field.default_factory is not msgspec.NODEFAULT
    value = field.default_factory() if made else field.default
    if value is None:
        return "absent"
    return f"`{toml(value)}`"


def toml(value: Any) -> str:
    """A value as TOML has it, which for numbers, text and lists is as JSON has it."""
    return msgspec.json.format(msgspec.json.encode(value), indent=-1).decode().replace(",", ", ")


if __name__ == "__main__":
    sys.exit(main())
