"""The JSON Schema of the task file says what reading a task file says, and what each key means."""

import json
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from hilrt.cli.app import app
from hilrt.config import Config
from hilrt.config.notes import notes_of
from hilrt.config.schema import encoded

ROOT = Path(__file__).parents[2]
TASKS = sorted(ROOT.glob("configs/**/*.toml"))
TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
SCHEMA = json.loads(encoded())


def breaks(value, rule, at="$"):
    """Where a value breaks a rule of draft 7."""
    if "$ref" in rule:
        return breaks(value, SCHEMA["definitions"][rule["$ref"].rpartition("/")[2]], at)
    found = [error for each in rule.get("allOf", ()) for error in breaks(value, each, at)]
    if "anyOf" in rule and all(breaks(value, each, at) for each in rule["anyOf"]):
        found.append(f"{at}: none of anyOf")
    if "enum" in rule and value not in rule["enum"]:
        found.append(f"{at}: not in enum")
    if kind := rule.get("type"):
        if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            return [*found, f"{at}: no {kind}"]
        found += [f"{at}: {word}" for word, holds in limits(value, rule) if not holds]
    if isinstance(value, dict):
        known, more = rule.get("properties", {}), rule.get("additionalProperties", True)
        found += [f"{at}: without {key}" for key in rule.get("required", ()) if key not in value]
        for key, inner in value.items():
            if key not in known and more is False:
                found.append(f"{at}.{key}: unknown")
            else:
                found += breaks(inner, known.get(key, more if isinstance(more, dict) else {}), f"{at}.{key}")
    if isinstance(value, list):
        found += [
            error
            for i, inner in enumerate(value)
            for error in breaks(inner, rule.get("items", {}), f"{at}[{i}]")
        ]
    return found


def limits(value, rule):
    """Each limit of a rule, and whether a value of the right type keeps to it."""
    checks = {
        "minimum": lambda x: value >= x,
        "exclusiveMinimum": lambda x: value > x,
        "maximum": lambda x: value <= x,
        "exclusiveMaximum": lambda x: value < x,
        "multipleOf": lambda x: value % x == 0,
        "minLength": lambda x: len(value) >= x,
        "minItems": lambda x: len(value) >= x,
        "maxItems": lambda x: len(value) <= x,
        "pattern": lambda x: re.search(x, value),
    }
    return [(word, check(rule[word])) for word, check in checks.items() if word in rule]


WORDS = {
    "$schema", "$ref", "title", "description", "default", "definitions", "type", "properties", "required",
    "additionalProperties", "items", "anyOf", "allOf", "enum", "minimum", "exclusiveMinimum", "maximum",
    "exclusiveMaximum", "multipleOf", "minLength", "minItems", "maxItems", "pattern",
}  # fmt: skip


def words_of(rule):
    """All words of a schema, and of those in it."""
    yield from rule
    tables = [
        *rule.get("properties", {}).values(),
        *rule.get("definitions", {}).values(),
        *rule.get("anyOf", ()),
    ]
    for inner in [*tables, *rule.get("allOf", ()), rule.get("items"), rule.get("additionalProperties")]:
        if isinstance(inner, dict):
            yield from words_of(inner)


def tables_of(kind):
    """Every struct of the configuration, by its name."""
    if isinstance(kind, msgspec.inspect.StructType):
        yield kind.cls.__name__, kind.cls
        for field in kind.fields:
            yield from tables_of(field.type)
    for name in ("types", "item_types"):
        for inner in getattr(kind, name, ()):
            yield from tables_of(inner)
    for name in ("value_type", "item_type"):
        if inner := getattr(kind, name, None):
            yield from tables_of(inner)


def test_the_schema_has_no_word_that_is_not_tried_here():
    """So that what follows tries all of it; all of them are of draft 7."""
    assert set(words_of(SCHEMA)) <= WORDS


@pytest.mark.parametrize("task", TASKS, ids=lambda path: path.stem)
def test_task_files_fit(task):
    """Every one that comes with hilrt."""
    assert breaks(tomllib.loads(task.read_text()), SCHEMA) == []


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("env.fsp=10", "$.env.fsp: unknown"),
        ('env.fps="ten"', "$.env.fps: no integer"),
        ("env.fps=0", "$.env.fps: minimum"),
        ('teleop.type="wand"', "$.teleop.type: not in enum"),
        ("robot.cameras.front.widht=3", "$.robot.cameras.front.widht: unknown"),
        ("processor.inverse_kinematics.end_effector_bounds.min=[0.0]", "min: minItems"),
        ("seed=true", "$.seed: no integer"),
    ],
)
def test_what_is_wrong_is_seen(wrong, where):
    """As hilrt itself refuses it; none of this is in the task files."""
    tree = tomllib.loads((ROOT / "configs" / "sim_so100.toml").read_text())
    keys, _, value = wrong.partition("=")
    *parents, last = keys.split(".")
    here = tree
    for key in parents:
        here = here.setdefault(key, {})
    here[last] = tomllib.loads(f"v = {value}")["v"]
    assert any(error.endswith(where) for error in breaks(tree, SCHEMA))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(tree, Config, strict=True)


def test_each_key_says_what_it_means():
    """As its docstring does, on keys that hold tables, too; and each table what it is."""
    structs = dict(tables_of(msgspec.inspect.type_info(Config)))
    rules = {**SCHEMA["definitions"], "Config": SCHEMA}
    assert set(structs) == set(rules)
    assert len(structs) > 25
    for name, struct in structs.items():
        told = {key: rule.get("description") for key, rule in rules[name]["properties"].items()}
        assert set(told) == set(struct.__struct_fields__)
        assert {key: told[key] for key in notes_of(struct)} == notes_of(struct)
        assert rules[name]["description"].split() == struct.__doc__.split()
    assert sum(len(notes_of(struct)) for struct in structs.values()) > 100


def test_defaults_are_shown():
    """Where a key may be left out; nothing is null, which TOML has not."""
    fps = SCHEMA["definitions"]["Camera"]["properties"]["fps"]
    assert (fps["type"], fps["default"]) == ("integer", 30)
    assert "null" not in json.dumps(SCHEMA)


def test_the_command_prints_or_writes_it(tmp_path):
    """The same; a file that cannot be written is an error."""
    printed = CliRunner().invoke(app, ["schema"], catch_exceptions=False)
    assert json.loads(printed.stdout) == SCHEMA
    file = tmp_path / "hilrt.schema.json"
    done = CliRunner().invoke(app, ["schema", "--out", str(file)], catch_exceptions=False)
    assert json.loads(file.read_text()) == SCHEMA
    assert "#:schema ./hilrt.schema.json" in done.stdout
    CliRunner().invoke(app, ["schema", "--out", str(file)], catch_exceptions=False)  # anew
    refused = CliRunner().invoke(app, ["schema", "--out", str(tmp_path / "nowhere" / "x.json")])
    assert "cannot be written" in str(refused.exception)


@pytest.mark.parametrize("text", ["[env]\n", "{}", '{"title": "mine"}', "[]", ""])
def test_the_command_writes_over_no_other_file(text, tmp_path):
    """A task file, say, whose name was typed by a slip."""
    file = tmp_path / "task.toml"
    file.write_text(text)
    refused = CliRunner().invoke(app, ["schema", "--out", str(file)])
    assert "no schema that hilrt wrote" in str(refused.exception)
    assert file.read_text() == text
