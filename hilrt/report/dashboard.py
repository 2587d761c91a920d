"""`hilrt dashboard`: TensorBoard's server on runs, until Ctrl-C. It is a program of its own; a run opens no socket."""

import importlib.util
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hilrt.errors import DashboardError
from hilrt.run.shelf import FIGURES

Say = Callable[[str], None]

ADDRESS = re.compile(r"TensorBoard \S+ at (http://\S+)")
RELOAD_S = 5
"""Between two looks at what a run has written meanwhile."""


def dashboard(say: Say, paths: Sequence[Path], port: int) -> None:
    """Show runs until the person presses Ctrl-C, or the process is told to end.

    Args:
        say: takes a line for the user.
        paths: folders of runs, or of many.
        port: of this computer; nothing outside it is let in.

    Raises:
        DashboardError: TensorBoard is not there, a folder has no figures, the port is taken.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise DashboardError(
            "TensorBoard is not installed", f"Install it: {sys.executable} -m pip install tensorboard"
        )
    for path in paths:
        _require_figures(path)
    with TemporaryDirectory(prefix="hilrt-dashboard-") as folder:
        alone = (
            len(paths) == 1 and not (paths[0] / FIGURES).is_dir()
        )  # the runs that begin meanwhile are seen, too
        _serve(say, paths[0] if alone else _linked(paths, Path(folder)), port)


def _require_figures(path: Path) -> None:
    if not path.is_dir():
        raise DashboardError(
            f"{path} is not a folder", "Give the folder of a run, or start in the one that has runs/"
        )
    if not any(path.rglob("events.out.tfevents.*")):
        raise DashboardError(
            f"{path} has no figures", "A training writes them from its start on: hilrt train CONFIG"
        )


def _linked(paths: Sequence[Path], folder: Path) -> Path:
    """Links to the figures of each in one folder, by the names of the runs, for TensorBoard takes one folder."""
    for path in dict.fromkeys(path.resolve() for path in paths):
        figures = path / FIGURES if (path / FIGURES).is_dir() else path
        name, number = path.name, 2
        while (folder / name).is_symlink():
            name, number = f"{path.name}-{number}", number + 1
        (folder / name).symlink_to(figures)
    return folder


def _serve(say: Say, folder: Path, port: int) -> None:
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(port)]
    command += ["--reload_interval", str(RELOAD_S)]
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN  # by `nohup`: it is to outlive its terminal
    }
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            _watch(say, server, port)
        except KeyboardInterrupt:
            say("")  # behind the terminal's ^C
        finally:
            server.terminate()
            for number, handler in before.items():
                signal.signal(number, handler)


def _watch(say: Say, server: "subprocess.Popen[str]", port: int) -> None:
    """Tell the address when it is there; read on until the server ends, which it should not.

    Raises:
        DashboardError: why it has ended.
    """
    assert server.stderr
    last: deque[str] = deque(maxlen=5)
    for line in server.stderr:
        last.append(line.strip())
        if found := ADDRESS.search(line):
            address = found[1]
            say(f"every figure:  {address}")
            say(f"boards:        {address}#custom_scalars")
            say(f"runs compared: {address}#hparams")
            say("Ctrl-C ends it.")
    if "in use" in " ".join(last):
        raise DashboardError(
            f"port {port} is taken, perhaps by another dashboard: http://localhost:{port}",
            f"Give another one: --port {port + 1}",
        )
    raise DashboardError(f"TensorBoard has ended: {' '.join(last)}", "Nothing of a run is lost by that")
