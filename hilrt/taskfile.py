"""Read a task file into a `Config`: parse, override, convert, check; every error says where and what.

The file's own text, with the overrides applied and its comments kept, goes into the run folder.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from hilrt.config import SIM_CAMERAS, SIM_TASKS, Camera, Config
from hilrt.errors import ConfigError


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a task file, apply `a.b=c` overrides, check it.

    Raises:
        ConfigError: absent, not TOML, unknown or ill-typed key, contradicting values.
    """
    return from_tree(document(path, overrides).unwrap(), str(path))


def document(path: Path, overrides: Sequence[str] = ()) -> tomlkit.TOMLDocument:
    """The file with its overrides applied and its comments kept; `tomlkit.dumps` writes it back."""
    try:
        parsed = tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, _toml_names(path.parent), 1, 0.4)
        hint = f"Did you mean {path.parent / near[0]}?" if near else "Check the path."
        raise ConfigError(str(path), "no such file.", hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}.") from None
    except TOMLKitError as error:
        raise ConfigError(str(path), f"not valid TOML: {error}.") from None
    for text in overrides:
        _override(parsed, text)
    return parsed


def from_tree(tree: dict[str, Any], source: str) -> Config:
    """Convert parsed TOML to a checked `Config`; `source` names it in errors."""
    _check_finite(tree, "$", source)
    try:
        config = msgspec.convert(tree, Config, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(source, *_explain(_name_camera(str(error), tree), tree)) from None
    check(config, source)
    return config


def _toml_names(folder: Path) -> list[str]:
    return [p.name for p in folder.glob("*.toml")] if folder.is_dir() else []


def _override(tree: MutableMapping[str, Any], text: str) -> None:
    """Apply one `a.b=c`; the right side is TOML, or a bare string where it is not."""
    keys, equals, value = text.partition("=")
    if not equals or not keys.strip():
        raise ConfigError(f"--set {text}", "expected key.path=value.")
    *parents, last = keys.strip().split(".")
    for key in parents:
        tree = tree.setdefault(key, {})
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


def _name_camera(message: str, tree: dict[str, Any]) -> str:
    """Put the camera's name where msgspec only says that it is some item of the table."""
    if "cameras[...]" not in message:
        return message
    for name, table in tree["robot"]["cameras"].items():
        try:
            msgspec.convert(table, Camera, strict=True)
        except msgspec.ValidationError:
            return message.replace("cameras[...]", f"cameras.{name}")
    return message


def _explain(message: str, tree: dict[str, Any]) -> tuple[str, str]:
    """Add to msgspec's complaint what was given, what is allowed, and the nearest known name."""
    found = re.search(r" - at `([^`]*)`", message)
    path = found.group(1) if found else "$"
    head = message.split(" - at ", 1)[0]
    parts = path.split(".")[1:]
    unknown = re.search(r"unknown field `([^`]*)`", head)
    if unknown:
        known = list(_type_at(parts).__struct_fields__)
        near = difflib.get_close_matches(unknown.group(1), known, 1, 0.6)
        cure = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."
        return f"{path}: unknown key `{unknown.group(1)}`.", cure
    if head.startswith("Invalid enum value"):
        head += f"; allowed: {', '.join(map(str, get_args(_type_at(parts))))}"
    elif "got" not in head and "missing" not in head:
        head += f", got {_value_at(parts, tree)!r}"
    return f"{path}: {head[0].lower()}{head[1:]}.", ""


def _type_at(parts: Sequence[str]) -> Any:  # noqa: ANN401 - a struct, or whatever a field holds
    """Type of the value at a path such as `robot.cameras.front`; tables are looked into."""
    here: Any = Config
    for name in parts:
        field = next((f.type for f in msgspec.structs.fields(here) if f.name == name), here)
        here = next((a for a in get_args(field) if hasattr(a, "__struct_fields__")), field)
    return here


def _value_at(parts: Sequence[str], tree: Any) -> Any:  # noqa: ANN401 - any TOML value
    for name in parts:
        tree = tree[name.split("[")[0]]
    return tree


Fail = Callable[[str, str], None]


def check(config: Config, source: str) -> None:
    """Check values against each other.

    Raises:
        ConfigError: the first contradiction found.
    """

    def fail(path: str, problem: str) -> None:
        raise ConfigError(source, f"$.{path}: {problem}")

    _check_workspace(config, fail)
    _check_devices(config, fail)
    if config.teleop.scripted.hold_steps[0] > config.teleop.scripted.hold_steps[1]:
        fail("teleop.scripted.hold_steps", "the shortest exceeds the longest.")
    opening = config.processor.reset.fixed_reset_joint_positions[-1]
    if not 0.0 <= opening <= 100.0:
        where = "processor.reset.fixed_reset_joint_positions"
        fail(where, f"the last, {opening}, is the gripper's opening: 0 closed .. 100 open.")
    if config.learner.bc_weight_final > config.learner.bc_weight:
        fail("learner.bc_weight_final", "exceeds bc_weight; the weight only falls.")


def _check_workspace(config: Config, fail: Fail) -> None:
    kinematics = config.processor.inverse_kinematics
    box, step = kinematics.end_effector_bounds, kinematics.end_effector_step_sizes
    where = "processor.inverse_kinematics.end_effector_bounds"
    for axis, low, high in zip("xyz", box.min, box.max, strict=True):
        size = getattr(step, axis)
        if low >= high:
            fail(where, f"min {axis} = {low} is not below max {axis} = {high}. Swap or widen them.")
        if high - low <= size:
            fail(where, f"{axis} spans {high - low:.3f} m, not more than one step of {size} m.")
    if kinematics.urdf_path and not Path(kinematics.urdf_path).is_file():
        fail("processor.inverse_kinematics.urdf_path", f"no such file: {kinematics.urdf_path}.")


def _check_devices(config: Config, fail: Fail) -> None:
    if config.sim is None and not config.robot.port:
        fail("robot.port", "empty. Name the arm's serial device, or add a [sim] table.")
    if config.sim is None and config.teleop.type == "scripted":
        fail("teleop.type", '"scripted" needs the simulator. Use "keyboard", or add a [sim] table.')
    if config.sim is not None and config.robot.port:
        fail("robot.port", f"is {config.robot.port}, but [sim] brings its own. Remove one of the two.")
    if config.sim is not None and config.env.task not in SIM_TASKS:
        fail("env.task", f'"{config.env.task}" is not simulated; there are: {", ".join(SIM_TASKS)}.')
    for name, camera in config.robot.cameras.items():
        where = f"robot.cameras.{name}"
        if camera.type == "sim" and config.sim is None:
            fail(f"{where}.type", '"sim" needs a [sim] table.')
        if camera.type == "sim" and name not in SIM_CAMERAS:
            fail(where, f"the simulator has no camera of this name; there are: {', '.join(SIM_CAMERAS)}.")
        if camera.fps < config.env.fps:
            fail(f"{where}.fps", f"{camera.fps} is below env.fps = {config.env.fps}.")
        if len(camera.fourcc) != 4:
            fail(f"{where}.fourcc", f'"{camera.fourcc}" has not four characters.')
