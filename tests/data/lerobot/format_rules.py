"""LeRobotDataset v3.0 as its description has it, checked with plain json, pyarrow, av and Pillow: none of hilrt's code.

`violations(root)` is a list of sentences; empty for a dataset that any reader of the format opens.
"""

import io
import json
import math

import av
import pyarrow.parquet as pq
from PIL import Image

COUNTED = {
    "timestamp": "float32",
    **dict.fromkeys(["frame_index", "episode_index", "index", "task_index"], "int64"),
}
ARROW = {"float32": "float", "float64": "double", "int64": "int64", "bool": "bool", "string": "string"}


def violations(root):
    """All that is wrong with the dataset in `root`."""
    found = []
    info = json.loads((root / "meta/info.json").read_text())
    found += list(_info(root, info))
    tasks = _tasks(root, info, found)
    episodes = _episodes(root, info, tasks, found)
    if found:
        return found
    _rows(root, info, episodes, tasks, found)
    for key, feature in info["features"].items():
        if feature["dtype"] == "video":
            _videos(root, info, key, feature, episodes, found)
    return found


def _info(root, info):
    if info["codebase_version"] != "v3.0":
        yield "version"
    for key in (
        "fps",
        "total_episodes",
        "total_frames",
        "total_tasks",
        "chunks_size",
        "data_files_size_in_mb",
    ):
        if not isinstance(info[key], int):
            yield f"{key} is {info[key]!r}"
    if info["splits"] != {"train": f"0:{info['total_episodes']}"}:
        yield "splits"
    if info["data_path"] != "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet":
        yield "data_path"
    has_video = any(f["dtype"] == "video" for f in info["features"].values())
    video_path = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    if info["video_path"] != (video_path if has_video else None):
        yield "video_path"
    for key, dtype in COUNTED.items():
        if info["features"][key]["dtype"] != dtype or info["features"][key]["shape"] != [1]:
            yield f"{key} is not {dtype} (1,)"
    for key, feature in info["features"].items():
        if not {"dtype", "shape", "names"} <= feature.keys() or "/" in key:
            yield f"feature {key}"


def _tasks(root, info, found):
    table = pq.read_table(root / "meta/tasks.parquet")
    index = json.loads(table.schema.metadata[b"pandas"])["index_columns"]
    if index != ["task"] or str(table.schema.field("task_index").type) != "int64":
        found.append("tasks.parquet: the index is not task, or task_index not int64")
    rows = table.to_pylist()
    if [row["task_index"] for row in rows] != list(range(info["total_tasks"])):
        found.append("tasks.parquet: indices")
    return [row["task"] for row in rows]


def _episodes(root, info, tasks, found):
    episodes = []
    for path in sorted((root / "meta/episodes").glob("*/*.parquet")):
        place = int(path.parent.name[-3:]), int(path.stem[-3:])
        for row in pq.read_table(path).to_pylist():
            if (row["meta/episodes/chunk_index"], row["meta/episodes/file_index"]) != place:
                found.append(f"episode {row['episode_index']} is not where it says")
            episodes.append(row)
    if [row["episode_index"] for row in episodes] != list(range(info["total_episodes"])):
        found.append("episode_index")
    start = 0
    for row in episodes:
        if (row["dataset_from_index"], row["dataset_to_index"]) != (start, start + row["length"]):
            found.append(f"from/to of episode {row['episode_index']}")
        start += row["length"]
        if not row["tasks"] or not set(row["tasks"]) <= set(tasks):
            found.append(f"tasks of episode {row['episode_index']}")
    if start != info["total_frames"]:
        found.append("total_frames")
    return episodes


def _rows(root, info, episodes, tasks, found):
    paths = sorted((root / "data").glob("*/*.parquet"))
    named = [
        info["data_path"].format(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])
        for row in episodes
    ]
    if {str(path.relative_to(root)) for path in paths} != set(named):
        found.append("data files are not those that the episodes name")
    index = 0
    for path in paths:
        table = pq.read_table(path)
        _types(info, table.schema, found)
        for row in table.to_pylist():
            episode = next(e for e in episodes if e["dataset_from_index"] <= index < e["dataset_to_index"])
            frame = index - episode["dataset_from_index"]
            place = row["index"], row["episode_index"], row["frame_index"]
            if place != (index, episode["episode_index"], frame):
                found.append(f"row {index} says it is {place}")
            if abs(row["timestamp"] - frame / info["fps"]) > 1e-4:
                found.append(f"timestamp of row {index}")
            if row["task_index"] not in map(tasks.index, episode["tasks"]):
                found.append(f"task of row {index}")
            if named[episode["episode_index"]] != str(path.relative_to(root)):
                found.append(f"row {index} is in another file")
            _pictures(info, row, index, found)
            index += 1
    if index != info["total_frames"]:
        found.append(f"{index} rows")


def _types(info, schema, found):
    wanted = {key for key, feature in info["features"].items() if feature["dtype"] != "video"}
    if set(schema.names) != wanted:
        found.append(f"columns {set(schema.names) ^ wanted}")
    for key in wanted & set(schema.names):
        feature, kind = info["features"][key], str(schema.field(key).type)
        if feature["dtype"] == "image":
            expected = "struct<bytes: binary, path: string>"
        elif feature["shape"] == [1]:
            expected = ARROW[feature["dtype"]]
        else:
            expected = f"fixed_size_list<element: {ARROW[feature['dtype']]}>[{feature['shape'][0]}]"
        if kind.replace("item", "element") != expected:
            found.append(f"{key} is {kind}, not {expected}")
        names = feature["names"]
        if names is not None and feature["dtype"] != "image" and len(names) != feature["shape"][0]:
            found.append(f"names of {key}")


def _pictures(info, row, index, found):
    for key, feature in info["features"].items():
        if feature["dtype"] == "image":
            try:
                width, height = Image.open(io.BytesIO(row[key]["bytes"])).size
            except Exception:
                found.append(f"{key} of row {index} is no picture")
            else:
                if [height, width, 3] != feature["shape"]:
                    found.append(f"{key} of row {index} is {height}x{width}")
        elif row.get(key) is None and feature["dtype"] != "video":
            found.append(f"{key} of row {index} is empty")


def _videos(root, info, key, feature, episodes, found):
    files = {}
    for episode in episodes:
        at = {name: episode[f"videos/{key}/{name}"] for name in ("chunk_index", "file_index")}
        path = root / info["video_path"].format(video_key=key, **at)
        if path not in files:
            with av.open(str(path)) as video:
                frames = list(video.decode(video=0))
            files[path] = [frame.time for frame in frames]
            if any([frame.height, frame.width, 3] != feature["shape"] for frame in frames):
                found.append(f"size of {path.name}")
        begin, end = episode[f"videos/{key}/from_timestamp"], episode[f"videos/{key}/to_timestamp"]
        if not math.isclose(end - begin, episode["length"] / info["fps"], abs_tol=1e-4):
            found.append(f"{key} of episode {episode['episode_index']} lasts {end - begin}")
        for frame in range(episode["length"]):
            wanted = begin + frame / info["fps"]
            if min(abs(time - wanted) for time in files[path]) > 1e-4:
                found.append(f"{key} has no picture for frame {frame} of episode {episode['episode_index']}")
    if {str(p) for p in (root / "videos" / key).glob("*/*.mp4")} != set(map(str, files)):
        found.append(f"video files of {key} are not those that the episodes name")
    if sum(map(len, files.values())) != info["total_frames"]:
        found.append(f"videos of {key} have {sum(map(len, files.values()))} pictures")
