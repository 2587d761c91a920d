"""Read a task file into a `Config`: parse, override, convert, check; every error says where and what.

The file's own text, with the overrides applied and its comments kept, goes into the run folder.
"""

import difflib
import math
import os
import re
import shutil
import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, get_args

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from hilrt.config import Config
from hilrt.config.crosscheck import check
from hilrt.config.elsewhere import explain_elsewhere
from hilrt.config.paths import expand
from hilrt.errors import ConfigError
from hilrt.errors.plain import plain

FROM_JSON = "If it is LeRobot's, make a task file of it: hilrt import-config FILE.json --out TASK.toml."


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a task file, apply `a.b=c` overrides, check it.

    Raises:
        ConfigError: absent, not TOML, unknown or ill-typed key, contradicting values.
    """
    return from_tree(document(path, overrides).unwrap(), named(path, overrides), path.parent)


def named(path: Path, overrides: Sequence[str]) -> str:
    """What errors call it."""
    return f"{path} with --set {' --set '.join(overrides)}" if overrides else str(path)


def document(path: Path, overrides: Sequence[str] = ()) -> tomlkit.TOMLDocument:
    """The file with its overrides applied and its comments kept; `tomlkit.dumps` writes it back."""
    try:
        text = path.read_text(encoding="utf-8")
        parsed = tomlkit.parse(text)
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, _toml_names(path.parent), 1, 0.4)
        hint = f"Did you mean {path.parent / near[0]}?" if near else "Check the path."
        raise ConfigError(str(path), "no such file.", hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {plain(error)}.") from None
    except TOMLKitError as error:
        if text.lstrip().startswith("{"):
            raise ConfigError(str(path), "is JSON; a task file is TOML.", FROM_JSON) from None
        raise ConfigError(str(path), f"not valid TOML: {error}.") from None
    for text in overrides:
        _override(parsed, text)
    return parsed


def edited(
    path: Path, tables: Mapping[str, Mapping[str, Any]], what: str, overrides: Sequence[str] = ()
) -> tomlkit.TOMLDocument:
    """The file with these values in its tables; the rest, comments too, is as it was.

    Args:
        path: the task file.
        tables: values by key, by the name of the table as in `a.b.c`; made if it is not there.
        what: names them in errors, as in "the limits found".
        overrides: as for `load`.

    Raises:
        ConfigError: the values do not suit the rest of the file.
    """
    parsed = document(path, overrides)
    for name, values in tables.items():
        here: MutableMapping[str, Any] = parsed
        for key in name.split("."):
            here = here.setdefault(key, tomlkit.table())
        here.update(values)
    from_tree(parsed.unwrap(), f"{path} with {what}", path.parent)
    return parsed


def write(path: Path, parsed: tomlkit.TOMLDocument) -> None:
    """Replace the file, whole or not at all.

    Raises:
        ConfigError: it cannot be written; it is then as it was.
    """
    path = path.resolve()
    beside = path.with_name(f"{path.name}.tmp")
    try:
        beside.write_text(tomlkit.dumps(parsed), encoding="utf-8")
        shutil.copymode(path, beside)
        os.replace(beside, path)  # noqa: PTH105 - beside copymode, which has no method
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {plain(error)}.") from error


def from_tree(tree: dict[str, Any], source: str, here: Path = Path()) -> Config:
    """Convert parsed TOML to a checked `Config`; `source` names it in errors, `here` is the folder that it lies in."""
    _check_finite(tree, "$", source)
    explain_elsewhere(tree, source)
    expand(tree, source, str(here))
    try:
        config = msgspec.convert(tree, Config, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(source, *_explain(_name_item(str(error), tree), tree)) from None
    check(config, source)
    return config


def _toml_names(folder: Path) -> list[str]:
    return [p.name for p in folder.glob("*.toml")] if folder.is_dir() else []


def _override(tree: MutableMapping[str, Any], text: str) -> None:
    """Apply one `a.b=c`; the right side is TOML, or a bare string where it is not."""
    keys, equals, value = text.partition("=")
    *parents, last = keys.strip().split(".")
    if not equals or not last or "" in parents:
        raise ConfigError(f"--set {text}", "expected key.path=value.")
    root = tree
    for depth, key in enumerate(parents, 1):
        if key not in tree:
            tree[key] = {}
        # from the root: of a table that the file has in several places a copy was given, which is stale now
        tree = reduce(getitem, parents[:depth], root)
        if not isinstance(tree, MutableMapping):
            raise ConfigError(f"--set {text}", f"`{key}` is a value, not a table.")
    try:
        tree[last] = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        tree[last] = value.strip()


def _check_finite(value: Any, path: str, source: str) -> None:  # noqa: ANN401 - any TOML value
    """TOML knows nan and inf; no quantity here does."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(source, f"{path}: {value} is not a number that anything can be set to.")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_finite(inner, f"{path}.{key}", source)
    elif isinstance(value, list):
        for inner in value:
            _check_finite(inner, path, source)


def _name_item(message: str, tree: dict[str, Any]) -> str:
    """Put the name where msgspec only says that it is some item of a table."""
    found = re.search(r"\$\.([\w.]+)\[\.\.\.\]", message)
    if not found:
        return message
    parts = found[1].split(".")
    field = _type_at(parts)
    kind = next(iter(get_args(field)[1:]), field)
    for name, item in _value_at(parts, tree).items():
        try:
            msgspec.convert(item, kind, strict=True)
        except msgspec.ValidationError:
            return message.replace(f"{found[1]}[...]", f"{found[1]}.{name}")
    return message


def _explain(message: str, tree: dict[str, Any]) -> tuple[str, str]:
    """Add to msgspec's complaint what was given, what is allowed, and the nearest known name."""
    found = re.search(r" - at `([^`]*)`", message)
    path = found.group(1) if found else "$"
    head = plain(message.split(" - at ", 1)[0])
    parts = path.split(".")[1:]
    unknown = re.search(r"unknown key `([^`]*)`", head)
    if unknown:
        known = list(_type_at(parts).__struct_fields__)
        near = difflib.get_close_matches(unknown.group(1), known, 1, 0.6)
        cure = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."
        return f"{path}: unknown key `{unknown.group(1)}`.", cure
    if head.endswith("can be chosen"):
        head += f": {', '.join(map(str, get_args(_type_at(parts))))}"
    elif re.search(r", got (text|true or false|a (whole )?number)$", head):
        head = f"{head.rpartition(', got ')[0]}, got {_shown(_value_at(parts, tree))}"
    elif "got" not in head and "missing" not in head:
        head += f", got {_shown(_value_at(parts, tree))}"
    return f"{path}: {head[0].lower()}{head[1:]}.", ""


def _shown(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """As a task file has it."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _type_at(parts: Sequence[str]) -> Any:  # noqa: ANN401 - a struct, or whatever a field holds
    """Type of the value at a path such as `robot.cameras.front`; tables are looked into."""
    here: Any = Config
    for name in parts:
        plain = name.partition("[")[0]
        field = next((f.type for f in msgspec.structs.fields(here) if f.name == plain), here)
        here = next((a for a in get_args(field) if hasattr(a, "__struct_fields__")), field)
    return here


def _value_at(parts: Sequence[str], tree: Any) -> Any:  # noqa: ANN401 - any TOML value
    for name, index in (part for path in parts for part in re.findall(r"([^\[\]]+)|\[(\d+)\]", path)):
        tree = tree[int(index)] if index else tree[name]
    return tree
