"""Datasets of others, damaged or not of the format, by every command that reads them."""

import io
import itertools
import json
import random

import others
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mutations import COUNT, VALUES, on_disk, survey
from rich.console import Console
from test_foreign import LENGTHS, columns, taken

from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.rules import verify
from hilrt.errors import DatasetError, UnmappableError
from hilrt.report.dataset import described
from hilrt.report.inventory import inventory

DATA = "data/chunk-000/file-000.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
FINAL = "hilrt/final-000000.parquet"
TASKS = "meta/tasks.parquet"
SHAPES = ([0], [-1], [2], [1 << 20], [3, 4], [24, 32])
TYPES = ("text", "float99", "float32", "int64", "string", "image", "video", "bool")
COLUMNS = {
    "text": "x",
    "null": None,
    "bool": True,
    "negative": -7,
    "huge": 1 << 62,
    "infinite": float("inf"),
    "nan": float("nan"),
    "list": [1.0, 2.0],
    "nothing in it": [],
    "nulls in it": [None, None],
    "texts": ["x"],
    "picture": {"bytes": b"none", "path": None},
    "path": {"bytes": None, "path": "x.png"},
    "struct": {"x": 1},
}
"""What each cell of a column becomes."""
KNOWN = {
    "total_episodes 0",
    "total_frames 0",
    "fps 0",
    "shape []",
    "dtype 'image'",
    "episode_index gone",
    "action gone",
    "action text",
    "next.reward text",
    "next.reward null",
    "observation.images.laptop huge",
    "timestamp text",
    "tasks null",
    "meta/episodes/chunk_index text",
}


def information(whole):
    """Each value of info.json another one, or gone."""
    info = json.loads(whole)
    features = info["features"]
    places = [(info, key) for key in info if key != "codebase_version"]
    places += [(feature, key) for feature in features.values() for key in feature]
    for holder, key in places:
        wrong = {"shape": SHAPES, "dtype": TYPES}.get(key, ())
        before = holder[key]
        for value in (*VALUES, *wrong):
            holder[key] = value
            yield f"{key} {value!r}", json.dumps(info).encode()
        del holder[key]
        yield f"{key} gone", json.dumps(info).encode()
        holder[key] = before


def tables(whole):
    """Each column of a file another one, gone, or twice; and a file without rows."""
    table = pq.read_table(io.BytesIO(whole))
    yield "no rows", table.slice(0, 0)
    for at, name in enumerate(table.column_names):
        yield f"{name} gone", table.remove_column(at)
        yield f"{name} twice", table.append_column(name, table.column(at))
        for kind, cell in COLUMNS.items():
            yield f"{name} {kind}", table.set_column(at, name, pa.array([cell] * len(table)))
        gap = pa.chunked_array([pa.nulls(1, table.column(at).type), *table.column(at).slice(1).chunks])
        yield f"{name} empty in a row", table.set_column(at, name, gap)


def written(damage):
    """Its name, and what the file has in it then."""
    name, table = damage
    if isinstance(table, bytes):
        return damage
    file = io.BytesIO()
    pq.write_table(table, file)
    return name, file.getvalue()


def verified(root, _):
    list(verify(root, lambda _: None))


def shown(root, _):
    for part in described(inventory(root)):
        Console(file=io.StringIO()).print(part, markup=False, highlight=False)


def imported(root, out):
    taken(root, out)


def read_whole(root, _):
    dataset = open_dataset(root)
    for number in range(len(dataset)):
        episode = dataset.episode(number, frames=True)
        for index in range(len(episode.records)):
            episode.images(index)


def chosen(damages):
    """Those that once ended in a traceback, and some of the others."""
    known, further = [], []
    for damage in damages:
        (known if damage[0] in KNOWN else further).append(damage)
    return known + random.Random(0).sample(further, min(COUNT // 30, len(further)))


def tried(root, name, read):
    """Have `read` read the dataset with each of some damages to a file of it."""
    whole = (root / name).read_bytes()
    damages = chosen((information if name.endswith("json") else tables)(whole))
    coming, refusals = iter(damages), (DatasetError, UnmappableError)
    survey(whole, on_disk(root / name, read), refusals, lambda *_: written(next(coming)), len(damages))


@pytest.mark.parametrize("use", [verified, shown, imported])
@pytest.mark.parametrize(
    ("name", "video"), [("meta/info.json", False), (DATA, False), (EPISODES, True), (TASKS, False)]
)
def test_whatever_others_wrote_is_read_or_refused(name, video, use, tmp_path):
    """Other values in info.json, other columns in a table: each is read, told as a violation, or refused by name."""
    others.write(tmp_path / "theirs", columns(), LENGTHS, video=video)
    outs = map(str, itertools.count())
    tried(tmp_path / "theirs", name, lambda: use(tmp_path / "theirs", tmp_path / next(outs)))


@pytest.mark.parametrize("use", [read_whole, verified])
@pytest.mark.parametrize("name", [DATA, EPISODES, FINAL])
def test_whatever_others_did_to_ours_is_read_or_refused(name, use, record_session, root):
    """Of a dataset of hilrt, too, whose tables another tool has changed."""
    record_session(range(2), steps=2)
    fold(root)
    tried(root, name, lambda: use(root, None))
