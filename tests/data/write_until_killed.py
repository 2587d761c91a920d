"""Journal steps from the first missing one on, and say on stdout how many are surely written."""

import sys
from pathlib import Path

from hilrt.data.journal import episode_path, next_episode, read_episode
from hilrt.data.journalwriter import JournalWriter
from hilrt.step.features import from_schema
from hilrt.step.record import Mode, Record, encode_into

STEPS = 40  # of each episode, the final one included


def main(folder: Path, schema: str) -> None:
    """Go on in the newest episode, then open further ones."""
    features = from_schema(schema)
    newest = max(0, next_episode(folder) - 1)
    path = episode_path(folder, newest)
    done = newest * STEPS + (len(read_episode(path).records) if path.exists() else 0)
    scratch = bytearray()
    with JournalWriter(folder, features, "pick") as journal:
        while True:
            episode, step = divmod(done, STEPS)
            record = Record(
                episode=episode,
                step=step,
                mode=Mode.TRAIN,
                final=step == STEPS - 1,
                monotonic_ns=done,
                wall_ns=done,
                state=done.to_bytes(8, "little"),
            )
            journal.write(
                encode_into(record, scratch), done.to_bytes(8, "little") * (features.frame_bytes // 8)
            )
            done += 1
            sys.stdout.write(f"{done}\n")
            sys.stdout.flush()


main(Path(sys.argv[1]), sys.argv[2])
