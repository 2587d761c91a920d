"""The task file that comes of it: options in the reference's order, with where they are from if that is not plain."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import tomlkit
from msgspec import Struct, structs
from tomlkit.items import Table

from hilrt.config import Config, taskfile
from hilrt.errors import ConfigError
from hilrt.setup.lerobot.reading import Claim, Reading, Row, shown

KEPT = ("env", "robot", "dataset", "processor.inverse_kinematics", "processor.reset")
"""Tables without which it would be another task: what hilrt refuses of them stays, for the user to mend."""
HEAD = """\
Made of {files} (LeRobot's HIL-SERL) by `hilrt import-config`.
Behind a value: its name there, or what it was. What is not here has hilrt's own default.
Every key is explained in docs/reference/configuration.md; relative paths start at the working directory."""


class Draft(Struct):
    """A task file in the making."""

    claims: dict[tuple[str, ...], Claim]
    refused: dict[tuple[str, ...], Claim]
    """Options that hilrt does not take: they stand in it as comments."""
    config: Config | None = None
    """Read back; None where hilrt refuses the file as a whole."""

    def text(self, files: Sequence[str]) -> str:
        """As TOML."""
        document = tomlkit.document()
        for line in HEAD.format(files=", ".join(Path(file).name for file in files)).splitlines():
            document.add(tomlkit.comment(line))
        document.add(tomlkit.nl())
        _fill(document, Config, self.claims, self.refused)
        return re.sub(r"\n{3,}", "\n\n", tomlkit.dumps(document)).rstrip() + "\n"


def draft(reading: Reading, out: Path) -> Draft:
    """Put together what was carried over, less what hilrt refuses; its own loader judges.

    Args:
        reading: of the files; what is refused is added to its troubles.
        out: the task file, which paths in it may start from.
    """
    made, found = Draft(reading.claims, {}), None
    while found is None:
        try:
            made.config = taskfile.from_tree(_tree(reading.claims), str(out), out.parent)
        except ConfigError as error:
            found = _refuse(reading, made, str(error).removeprefix(f"{out}: "))
        else:
            return made
    reading.troubles.append(found)
    return made


def _refuse(reading: Reading, made: Draft, message: str) -> Row | None:
    """Take back the option that an error names; where that cannot be, what is to be mended in the file."""
    where, _, problem = message.partition(": ")
    option = re.sub(r"\[\d+\]", "", where.removeprefix("$."))
    unknown = re.search(r"unknown key `([^`]*)`", problem)
    wanted = f"{option}.{unknown[1]}" if unknown else option
    paths = [path for path in reading.claims if f"{'.'.join(path)}.".startswith(f"{wanted}.")]
    if len(paths) == 1 and not any(f"{wanted}.".startswith(f"{kept}.") for kept in KEPT):
        made.refused[paths[0]] = structs.replace(reading.drop(paths[0], problem), comment=problem)
        return None
    return Row("", wanted, None, f"{problem} The file is not valid until that is mended.")


def _tree(claims: dict[tuple[str, ...], Claim]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, claim in claims.items():
        here = tree
        for key in path[:-1]:
            here = here.setdefault(key, {})
        here[path[-1]] = claim.value
    return tree


def _fill(
    table: Table | tomlkit.TOMLDocument,
    kind: Any,  # noqa: ANN401 - a struct, or what names it
    claims: dict[tuple[str, ...], Claim],
    refused: dict[tuple[str, ...], Claim],
) -> None:
    """Put the options of one table into it, in the order in which `kind` has them, tables last."""
    for key, claim in _sorted(kind, {path[0]: claim for path, claim in claims.items() if len(path) == 1}):
        item = tomlkit.item(claim.value)
        if claim.comment:
            item.comment(_line(claim.comment))
        table.add(key, item)
    for key, claim in ((path[0], claim) for path, claim in refused.items() if len(path) == 1):
        table.add(tomlkit.comment(_line(f"{key} = {shown(claim.value)}: {claim.comment}")))
    inner = {path[0]: None for path in (*claims, *refused) if len(path) > 1}
    for key, _ in _sorted(kind, inner):
        below = [
            {path[1:]: c for path, c in some.items() if path[0] == key and len(path) > 1}
            for some in (claims, refused)
        ]
        values = any(len(path) == 1 for some in below for path in some)
        made = tomlkit.table(is_super_table=not values)
        _fill(made, _below(kind, key), *below)
        if values and not isinstance(table, tomlkit.TOMLDocument):
            table.add(tomlkit.nl())
        table.add(key, made)


def _sorted(kind: Any, entries: dict[str, Any]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - a struct, or a dict's type
    """In the order of the struct's fields; names of a dict in their own."""
    fields = [field.name for field in structs.fields(kind)] if hasattr(kind, "__struct_fields__") else []
    yield from sorted(
        entries.items(), key=lambda entry: fields.index(entry[0]) if entry[0] in fields else len(fields)
    )


def _below(kind: Any, key: str) -> Any:  # noqa: ANN401 - what a field holds
    """What a table's table is: a struct, or a dict; None for what has no order of its own."""
    if hasattr(kind, "__struct_fields__"):
        held = next((field.type for field in structs.fields(kind) if field.name == key), None)
    else:
        held = next(iter(get_args(kind)[1:]), None)
    kinds = (held, *get_args(held))
    return next((one for one in kinds if get_origin(one) is dict or hasattr(one, "__struct_fields__")), None)


def _line(text: str) -> str:
    """Fit for a comment."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
