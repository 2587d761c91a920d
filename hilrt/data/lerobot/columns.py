"""A step as a row of a dataset, and back, exactly.

All of `Record` but the episode's number, which is its place, and what a reward classifier said, of which the labels
have what was wrong (`hilrt.data.labels.overrides`).

Names that the ecosystem knows come first; what only hilrt knows is under `hilrt.`. Where a record has no vector, its
columns are NaN here and 0 on disk, where `hilrt.told` says which are there: the reference's merge makes nulls of NaN,
which its loader refuses. Datasets of earlier versions have NaN, and no such column. Shapes of (1,) are plain columns,
longer ones fixed-size lists.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hilrt.config import MOTORS
from hilrt.data.lerobot.cells import meaningless
from hilrt.data.lerobot.layout import Feature
from hilrt.errors import EpisodeDamagedError
from hilrt.step.features import Features
from hilrt.step.record import GripperCommand, Mode, Record, Source, gripper_index

Arrays = dict[str, npt.NDArray[Any]]

IMAGES = "observation.images."
PLACE = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""Where a row stands; every dataset of the format has these."""

_FLAGS = {"next.success": "success", "next.terminated": "terminated", "next.truncated": "truncated"}
_COUNTS = {
    "hilrt.step": "step",
    "hilrt.mode": "mode",
    "hilrt.monotonic_ns": "monotonic_ns",
    "hilrt.wall_ns": "wall_ns",
    "hilrt.policy_version": "policy_version",
    "hilrt.missed": "missed",
    "hilrt.bus_faults": "bus_faults",
    "hilrt.limits": "limits",
}

TOLD = "hilrt.told"
"""Which of these a row has, the first by bit 0."""
_MAYBE = {
    "action": "action",
    "hilrt.policy_action": "policy_action",
    "hilrt.operator_action": "operator_action",
    "hilrt.joint_goal": "joint_goal",
    "hilrt.frame_ages_ms": "frame_ages_ms",
}
SUCCESS = 0.9
"""A reward that a tool has changed says success from here on, as those of others do: a penalty may be off."""

_PICTURE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


def table_of(features: Features, *, video: bool) -> dict[str, Feature]:
    """The columns of a dataset of these steps, in their order.

    Args:
        features: of the steps.
        video: whether pictures are kept as video.
    """
    gripper = ("gripper",) if features.gripper else ()
    acts = (*features.action, *gripper)
    joints = tuple(f"{side}.{m}" if side else m for side in features.sides for m in MOTORS)
    cameras = tuple(image.name for image in features.images)
    names = ["height", "width", "channels"]
    kind = "video" if video else "image"
    pictures = {IMAGES + i.name: Feature(kind, (i.height, i.width, 3), names) for i in features.images}
    return {
        "observation.state": _vector("float32", features.state),
        **pictures,
        "action": _vector("float32", acts),
        "next.reward": _scalar("float32"),
        "next.done": _scalar("bool"),
        **dict.fromkeys(_FLAGS, _scalar("bool")),
        "complementary_info.is_intervention": _scalar("float32"),
        **dict.fromkeys(_COUNTS, _scalar("int64")),
        "hilrt.reward": _scalar("float64"),
        "hilrt.policy_action": _vector("float32", acts),
        "hilrt.operator_action": _vector("float32", features.action),
        "hilrt.joint_goal": _vector("float32", joints),
        **({"hilrt.frame_ages_ms": _vector("float64", cameras)} if cameras else {}),
        TOLD: _scalar("int64"),
        **{name: _scalar(dtype) for name, dtype in PLACE.items()},
    }


def arrow_schema(table: dict[str, Feature]) -> pa.Schema:
    """Of the files in data/; videos have no column there, and types that nobody knows are left out."""
    kinds = ((key, _arrow_type(feature)) for key, feature in table.items() if feature.dtype != "video")
    return pa.schema([pa.field(key, kind) for key, kind in kinds if kind is not None])


def to_arrays(records: Sequence[Record], features: Features) -> Arrays:
    """Records by column; vectors have shape (records, size).

    Raises:
        EpisodeDamagedError: a vector is not as long as it should be.
    """
    axes, joints = len(features.action), len(MOTORS) * len(features.sides)
    ages = np.full((len(records), len(features.images)), np.nan)
    for row, record in zip(ages, records, strict=True):
        row[:] = record.frame_ages_ms or np.nan
    done = [record.terminated or record.truncated for record in records]
    told = [sum(bool(getattr(r, field)) << bit for bit, field in enumerate(_MAYBE.values())) for r in records]
    return {
        TOLD: np.array(told, np.int64),
        "observation.state": _stacked([r.state for r in records], len(features.state)),
        "action": _acts([r.action for r in records], [r.gripper for r in records], features),
        "next.reward": np.array([r.reward for r in records], np.float32),
        "next.done": np.array(done),
        **{name: np.array([getattr(r, field) for r in records], bool) for name, field in _FLAGS.items()},
        "complementary_info.is_intervention": np.array([r.source for r in records], np.float32),
        **{name: np.array([getattr(r, field) for r in records], np.int64) for name, field in _COUNTS.items()},
        "hilrt.reward": np.array([r.reward for r in records], np.float64),
        "hilrt.policy_action": _acts(
            [r.policy_action for r in records], [r.policy_gripper for r in records], features
        ),
        "hilrt.operator_action": _stacked([r.operator_action for r in records], axes),
        "hilrt.joint_goal": _stacked([r.joint_goal for r in records], joints),
        **({"hilrt.frame_ages_ms": ages} if features.images else {}),
    }


def to_records(arrays: Arrays, features: Features, episode: int, *, final: bool = False) -> list[Record]:
    """Inverse of `to_arrays`, as the steps of that episode; where a tool has changed `next.reward`, that one holds.

    Raises:
        EpisodeDamagedError: a cell means nothing.
    """
    for name, cells, wrong in meaningless(arrays, features):
        if wrong.any():
            at = int(wrong.argmax())
            raise EpisodeDamagedError(f"episode {episode}", f"{name} is {cells[at]} at its row {at}")
    arrays = _with_rewards(arrays)
    axes = len(features.action)
    n = len(arrays["hilrt.step"])
    unused = int(GripperCommand.STAY) if final else stay(features)
    act, policy = arrays["action"].reshape(n, -1), arrays["hilrt.policy_action"].reshape(n, -1)
    there = {name: _there(arrays, name, axes) for name in _MAYBE.keys() & arrays.keys()}
    vectors = {
        "state": [row.tobytes() for row in arrays["observation.state"].reshape(n, -1)],
        "action": _unstacked(act[:, :axes], there["action"]),
        "policy_action": _unstacked(policy[:, :axes], there["hilrt.policy_action"]),
        "operator_action": _unstacked(
            arrays["hilrt.operator_action"].reshape(n, -1), there["hilrt.operator_action"]
        ),
        "joint_goal": _unstacked(arrays["hilrt.joint_goal"].reshape(n, -1), there["hilrt.joint_goal"]),
        "gripper": act[:, axes].astype(int).tolist() if features.gripper else [unused] * n,
        "policy_gripper": policy[:, axes].astype(int).tolist() if features.gripper else [unused] * n,
        "reward": arrays["hilrt.reward"].tolist(),
        "source": [Source(int(source)) for source in arrays["complementary_info.is_intervention"]],
        "frame_ages_ms": _ages(arrays, there) if features.images else [()] * n,
    }
    plain = {**_FLAGS, **_COUNTS}
    columns = {**vectors, **{field: arrays[name].tolist() for name, field in plain.items()}}
    columns["mode"] = [Mode(mode) for mode in columns["mode"]]
    rows = zip(*columns.values(), strict=True)
    return [Record(episode=episode, final=final, **dict(zip(columns, row, strict=True))) for row in rows]


def relabelled(arrays: Arrays) -> npt.NDArray[np.bool_]:
    """Rows whose `next.reward` is no longer the one that hilrt wrote."""
    changed: npt.NDArray[np.bool_] = arrays["next.reward"] != arrays["hilrt.reward"].astype(np.float32)
    return changed


def _with_rewards(arrays: Arrays) -> Arrays:
    changed, reward = relabelled(arrays), arrays["next.reward"].astype(np.float64)
    success = np.where(changed, reward >= SUCCESS, arrays["next.success"])
    return arrays | {
        "hilrt.reward": np.where(changed, reward, arrays["hilrt.reward"]),
        "next.success": success,
    }


def stay(features: Features) -> int:
    """The gripper's command where none is in use."""
    return gripper_index([GripperCommand.STAY] * len(features.sides))


# --- arrow ---------------------------------------------------------------------------------------


def to_table(arrays: Arrays, pictures: dict[str, list[bytes]], schema: pa.Schema) -> pa.Table:
    """Rows for a file; `pictures` are the files of each camera by its column."""
    if TOLD in schema.names:
        arrays = arrays | {
            k: np.where(np.isnan(arrays[k]), 0, arrays[k]) for k in _MAYBE.keys() & arrays.keys()
        }
    return pa.table(
        [_arrow(arrays[f.name], f.type) if f.name in arrays else _files(pictures[f.name]) for f in schema],
        schema=schema,
    )


def from_table(table: pa.Table) -> Arrays:
    """Its columns that are numbers."""
    return {
        name: _numpy(column.combine_chunks())
        for name, column in zip(table.column_names, table.columns, strict=True)
        if not pa.types.is_struct(column.type)
    }


def files_of(table: pa.Table, key: str) -> list[bytes]:
    """A camera's pictures in a table, encoded."""
    return [value.as_py() for value in table.column(key).combine_chunks().field("bytes")]


def _arrow(array: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), kind.list_size)
    return pa.array(array.ravel())


def _files(files: list[bytes]) -> pa.Array:
    paths = pa.nulls(len(files), pa.string())
    return pa.StructArray.from_arrays([pa.array(files, pa.binary()), paths], fields=list(_PICTURE))


def _numpy(column: pa.Array) -> npt.NDArray[Any]:
    if pa.types.is_fixed_size_list(column.type):
        flat: npt.NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(column), -1)
    plain: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return plain


def _arrow_type(feature: Feature) -> pa.DataType | None:
    if feature.dtype == "image":
        return _PICTURE
    try:
        kind = pa.type_for_alias(feature.dtype)
    except ValueError:
        return None
    return kind if feature.shape == (1,) else pa.list_(kind, feature.shape[0])


# --- vectors -------------------------------------------------------------------------------------


def _scalar(dtype: str) -> Feature:
    return Feature(dtype, (1,), None)


def _vector(dtype: str, names: Sequence[str]) -> Feature:
    return Feature(dtype, (len(names),), list(names))


def _stacked(vectors: Iterable[bytes], size: int) -> npt.NDArray[np.float32]:
    nothing = np.full(size, np.nan, np.float32)
    rows = [np.frombuffer(vector, "<f4") if vector else nothing for vector in vectors]
    for row in rows:
        if len(row) != size:
            raise EpisodeDamagedError("a step", f"has a vector of {len(row)} numbers where {size} belong")
    return np.array(rows, np.float32).reshape(len(rows), size)


def _acts(actions: Sequence[bytes], grippers: Sequence[int], features: Features) -> npt.NDArray[np.float32]:
    axes = _stacked(actions, len(features.action))
    return np.column_stack([axes, np.array(grippers, np.float32)]) if features.gripper else axes


def _there(arrays: Arrays, name: str, axes: int) -> npt.NDArray[np.bool_]:
    """Rows that have one of `_MAYBE`; where nothing says so, those that are not all NaN, the gripper left out."""
    if TOLD in arrays:
        return np.array(arrays[TOLD] >> list(_MAYBE).index(name) & 1, bool)
    rows = arrays[name].reshape(len(arrays["hilrt.step"]), -1)
    rows = rows[:, :axes] if name in {"action", "hilrt.policy_action"} else rows
    return np.array(~np.isnan(rows).all(axis=1))


def _unstacked(rows: npt.NDArray[np.float32], there: npt.NDArray[np.bool_]) -> list[bytes]:
    return [row.tobytes() if has else b"" for row, has in zip(rows, there, strict=True)]


def _ages(arrays: Arrays, there: Arrays) -> list[tuple[float, ...]]:
    name = "hilrt.frame_ages_ms"
    rows = arrays[name].reshape(len(there[name]), -1)
    return [tuple(row.tolist()) if has else () for row, has in zip(rows, there[name], strict=True)]
