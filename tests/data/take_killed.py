"""Takes a session into copies of a run, each killed (-9) at its K-th touch of the disk.

python take_killed.py RUN SESSION COPIES

`COPIES/K` is what the kill at touch K left behind; the last one is of a process that was not killed.
"""

import os
import shutil
import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lerobot"))
from killed import die_at

from hilrt.data.format import Scan
from hilrt.data.journal import episode_files
from hilrt.data.sessions import look, take


def taken(run, session):
    """Take in what is not there yet."""
    with Scan(episode_files(session / "journal")[0], None) as scan:
        features = scan.header.features
    take(run, session, look(run, session, features).fresh, earlier=False)


def main(run, session, copies):
    for touch in count(1):
        copy = Path(copies, f"{touch:03d}")
        shutil.copytree(run, copy)
        if (child := os.fork()) == 0:
            die_at(touch)
            taken(copy, Path(session))
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
