"""What the command line says of itself."""

import os
import re
import shlex
import signal
import subprocess
import sys

import jobs
import pytest
import typer
from commandline import commands
from typer.testing import CliRunner

from hilrt.cli import words
from hilrt.cli.app import app
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job

ORDER = [words.SET_UP, words.DEMONSTRATE, words.REWARD, words.TRAIN, words.JUDGE, words.LOOK_AFTER]
HEAVY = {"torch", "cv2", "pinocchio", "mujoco", "pyarrow", "av", "matplotlib"}
EACH = pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*one, id="-".join(one[0])) for one in commands()]
)
MAIN = "from hilrt.cli import main; main()"


def run(*arguments, **environment):
    """`hilrt` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_shows_groups_in_the_order_of_the_work():
    """`hilrt --help` has every command in a group, from a new arm to old runs, and no line is wider than 80."""
    text = run("--help").stdout
    headings = re.findall(r"^╭─ ([^─]+) ─", text, flags=re.MULTILINE)
    assert headings == ["Options", *ORDER]
    shown = re.findall(r"^│ ([a-z][a-z-]*) {2,}", text, flags=re.MULTILINE)
    assert set(typer.main.get_command(app).commands) == set(shown)
    assert max(map(len, text.splitlines())) <= 80


def test_help_tells_every_exit_status():
    """Those that scripts can meet: 0, 1, 2 and that of Ctrl-C; for 1 with the commands that the guide names."""
    shown = run("--help").stdout
    assert re.findall(r"(?m)^ (\d+) {2,}\S", shown) == ["0", "1", "2", "130"]
    page = (jobs.ROOT / "docs" / "guide" / "command-line.md").read_text()
    (line,) = re.findall(r"(?m)^\| 1 \|.*", page)
    (one,) = re.findall(r"(?ms)^ 1 .*?(?=^ 2 )", shown)
    named = [name for names in re.findall(r"\(([^)]*)\)", one) for name in names.split(", ")]
    assert named == re.findall(r"`hilrt ([a-z- ]+)`", line)


def loaded(*arguments):
    """Libraries that a command has imported when it ends."""
    code = (
        "import sys; from hilrt.cli.app import app\n"
        "try: app(sys.argv[1:], prog_name='hilrt')\n"
        "except SystemExit as end: print(*sys.modules, file=sys.stderr); sys.exit(end.code)"
    )
    words = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split()}


def test_help_needs_nothing_heavy():
    """`hilrt --help` imports no library that a robot needs, which takes seconds."""
    assert "typer" in (found := loaded("--help"))
    assert found & {*HEAVY, "numpy", "asyncio", "msgspec"} == set()


def test_lists_need_nothing_heavy(tmp_path):
    """Nor do those of runs and of checkpoints need what learns, sees or moves."""
    run = RunFolder.create(jobs.SIM, [f"runs_dir={tmp_path}"], Job.TRAIN).path
    for asked in (("runs", "--in", tmp_path), ("checkpoint", "list", run)):
        assert "msgspec" in (found := loaded(*asked))
        assert found & HEAVY == set()


@EACH
def test_each_command_ends_with_examples(path, command):
    """One or two lines that call it, and that it takes as they are."""
    heading, *lines = command.epilog.splitlines()
    assert heading == ("Example:" if len(lines) == 1 else "Examples:")
    assert 1 <= len(lines) <= 2
    for line in lines:
        assert len(line) <= 78
        hilrt, *given = shlex.split(line)
        assert (hilrt, *given[: len(path)]) == ("hilrt", *path)
        command.make_context(path[-1], given[len(path) :])  # raises UsageError


@EACH
def test_help_fits_a_terminal(path, command):
    """No line of a command's help is broken again by a terminal of 80 characters; -h shows it, as --help does."""
    _, *paragraphs = command.help.split("\n\n")
    assert [line for text in paragraphs for line in text.splitlines() if len(line) > 78] == []
    short, long = (CliRunner().invoke(app, [*path, option]) for option in ("-h", "--help"))
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output
    assert command.epilog.splitlines()[1] in long.output


def test_version_is_said():
    """`hilrt --version` prints the version, and here, in a working copy, the commit."""
    done = run("--version")
    assert done.returncode == 0
    git = ["git", "-C", str(jobs.ROOT), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    known = rf" \({commit}(-dirty)?\)" if commit else r"( \([0-9a-f]{12}\))?"
    assert re.fullmatch(rf"hilrt \d+\.\d+\.\d+{known}\n", done.stdout)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("hilrt find-", "find-port"), ("hilrt dataset in", "info"), ("hilrt train --re", "--resume")],
)
def test_the_shell_completes(typed, offered):
    """The shell asks hilrt how a word may go on."""
    count = str(len(typed.split()) - 1)
    done = run(_HILRT_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=count)
    assert offered in done.stdout.split()


def test_completion_can_be_installed():
    """The options for it are there, and what they print calls hilrt."""
    assert (
        "_HILRT_COMPLETE=complete_bash"
        in run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout
    )


def test_wrong_usage_has_status_2():
    """With the name of what is wrong."""
    done = run("train", "--resme", "runs/x")
    assert done.returncode == 2
    assert "--resme" in done.stderr


def test_ctrl_c_has_status_130(tmp_path):
    """Where a command only reads; here a task file that does not end."""
    task = tmp_path / "task.toml"
    os.mkfifo(task)
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # nohup has it ignored
    words = [sys.executable, "-c", f"{hear}; {MAIN}", "pipeline", str(task)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True) as process, task.open("w"):
        process.send_signal(signal.SIGINT)  # now that it reads
        _, said = process.communicate()
    assert process.returncode == 130, said
    assert "Traceback" not in said
