"""Changes a dataset and is killed (-9) at its K-th touch of the disk: a fresh copy of the dataset for each K.

    python killed.py fold|delete|until-killed ROOT COPIES

`COPIES/K` is what the kill at touch K left behind; the last one is of a process that was not killed.
`until-killed` folds ROOT itself, and says when it begins: somebody else kills it.
"""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.rewrite import delete_episodes

TOUCHES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}


def change(what, root):
    """The work itself."""
    if what == "delete":
        delete_episodes(root, [0], lambda _: None)
    else:
        fold(root)


def die_at(touch):
    """Let this process be killed when it touches the disk for that time."""
    touches = count(1)

    def hook(event, arguments):
        wrote = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in TOUCHES or wrote) and next(touches) == touch:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(what, root, copies):
    if what == "until-killed":
        sys.stdout.write("begins\n")
        sys.stdout.flush()
        change(what, Path(root))
        return
    for touch in count(1):
        copy = Path(copies, f"{touch:03d}")
        shutil.copytree(root, copy)
        if (child := os.fork()) == 0:
            die_at(touch)
            change(what, copy)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
