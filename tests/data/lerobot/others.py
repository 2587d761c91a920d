"""A dataset as others write it: plain pyarrow and av, all episodes of a camera in one video."""

import io
import json

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

HEIGHT, WIDTH = 24, 32


def picture(index):
    """What the camera saw at a row of the dataset."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([rows * 4, columns * 4, np.full_like(rows, 10 * index)], axis=-1).astype(np.uint8)


def png(index):
    """The same as a file."""
    file = io.BytesIO()
    Image.fromarray(picture(index)).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": f"frame-{index:06d}.png"}


def film(path, count, fps):
    """A video of `count` pictures."""
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"g": "2", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
        container.mux(stream.encode(None))


AXES = ("height", "width", "channels")


def write(
    root,
    columns,
    lengths,
    *,
    camera="observation.images.laptop",
    video=False,
    names=None,
    fps=10,
    axes=AXES,
    nameless=False,
    lists=False,
    tasks=("lift it",),
):
    """Write a dataset.

    `columns` are arrays of all rows by feature; `names` of their numbers, null where not given. `axes`: the order in
    which info.json gives a picture's, without their names if `nameless`. `lists`: columns are lists of any length, as
    converters and merges leave them. `tasks` go round, an episode each.
    """
    total, key = sum(lengths), camera
    kind = "video" if video else "image"
    features = {
        name: {"dtype": str(a.dtype), "shape": list(a.shape[1:]) or [1], "names": (names or {}).get(name)}
        for name, a in columns.items()
    }
    sizes = dict(zip(AXES, (HEIGHT, WIDTH, 3), strict=True))
    shape = [sizes[axis] for axis in axes]
    features[key] = {"dtype": kind, "shape": shape, "names": None if nameless else list(axes)}
    starts = np.cumsum([0, *lengths])
    place = {
        "timestamp": np.concatenate([np.arange(n) / fps for n in lengths]).astype(np.float32),
        "frame_index": np.concatenate([np.arange(n) for n in lengths]),
        "episode_index": np.repeat(np.arange(len(lengths)), lengths),
        "index": np.arange(total),
        "task_index": np.repeat(np.arange(len(lengths)) % len(tasks), lengths),
    }
    for name, array in place.items():
        features[name] = {"dtype": str(array.dtype), "shape": [1], "names": None}
    table = {name: pa.array(a.tolist(), kind_of(a, lists)) for name, a in {**columns, **place}.items()}
    if video:
        film(root / f"videos/{key}/chunk-000/file-000.mp4", total, fps)
    else:
        table[key] = pa.array([png(index) for index in range(total)])
    for folder in ("data/chunk-000", "meta/episodes/chunk-000"):
        (root / folder).mkdir(parents=True)
    pq.write_table(pa.table(table), root / "data/chunk-000/file-000.parquet")
    episodes = []
    for number, length in enumerate(lengths):
        start = int(starts[number])
        row = {"episode_index": number, "tasks": [tasks[number % len(tasks)]], "length": length}
        row |= {"data/chunk_index": 0, "data/file_index": 0}
        row |= {"dataset_from_index": start, "dataset_to_index": start + length}
        if video:
            row |= {f"videos/{key}/chunk_index": 0, f"videos/{key}/file_index": 0}
            row |= {
                f"videos/{key}/from_timestamp": start / fps,
                f"videos/{key}/to_timestamp": (start + length) / fps,
            }
        episodes.append(row | {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0})
    pq.write_table(pa.Table.from_pylist(episodes), root / "meta/episodes/chunk-000/file-000.parquet")
    known = pa.table({"task_index": range(len(tasks)), "task": tasks})
    pandas = json.dumps(
        {"index_columns": ["task"], "column_indexes": [], "columns": [], "pandas_version": "2"}
    )
    pq.write_table(known.replace_schema_metadata({"pandas": pandas}), root / "meta/tasks.parquet")
    info = {
        "codebase_version": "v3.0",
        "robot_type": "so101_follower",
        "total_episodes": len(lengths),
        "total_frames": total,
        "total_tasks": len(tasks),
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": fps,
        "splits": {"train": f"0:{len(lengths)}"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
        if video
        else None,
        "features": features,
    }
    (root / "meta/info.json").write_text(json.dumps(info))


def kind_of(array, lists):
    """Arrow's type of a column."""
    scalar = pa.from_numpy_dtype(array.dtype)
    return scalar if array.ndim == 1 else pa.list_(scalar, -1 if lists else array.shape[1])
