"""Runs on the shelf, as a user looks after them; all of them are real."""

import json
import re
import shutil
import signal
from pathlib import Path
from typing import NamedTuple

import jobs
import pytest
from typer.testing import CliRunner

from hilrt.cli.app import app
from hilrt.errors import HilrtError
from hilrt.policy.saved import load_meta, newest_checkpoint
from hilrt.report.runs import State

REAL = jobs.ROOT / "configs" / "so100.toml"
FAR = [*jobs.SMALL, "learner.online_steps=100000", "eval.every_steps=100000", "eval.episodes=1"]
ABSENT = ["robot.id=sim", "robot.port=/dev/ttyNONE", "robot.cameras={}"]


class Seen(NamedTuple):
    """What was asked while a run went on."""

    run: Path
    line: dict
    live: list
    deletion: str


def ask(*words, typed=None):
    """`hilrt runs ...` in this process: status, and what was said."""
    done = CliRunner().invoke(app, ["runs", *map(str, words)], input=typed)
    if isinstance(done.exception, HilrtError):
        return 2, str(done.exception)
    return done.exit_code, done.stdout


def answered(*words):
    """What a command answers a script."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def listed(folder):
    """`hilrt runs --json`, by name."""
    return {Path(line["folder"]).name: line for line in answered("runs", "--in", folder / "runs")}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with demonstrations and a run of each kind of end, and what was seen of one that went on."""
    folder = tmp_path_factory.mktemp("runs")
    jobs.record(folder)
    assert jobs.run(folder, "record", REAL, overrides=ABSENT).returncode == 2
    with jobs.LiveRun(folder, "train", jobs.SIM, overrides=FAR) as live:
        live.wait_for(lambda: live.status.control.online_steps > 10)
        line, now = listed(folder)[live.path.name], answered("status")
        status, deletion = ask("delete", live.path, "--yes")
        assert status == 2
        live.process.send_signal(signal.SIGINT)
        live.finish()
    return folder, Seen(live.path, line, now, deletion)


@pytest.fixture
def folder(workplace, tmp_path):
    """A copy, to change, with one more training: the same, but that its task file asks for fewer steps than it has."""
    runs = tmp_path / "runs"
    shutil.copytree(workplace[0] / "runs", runs)
    done = runs / "short-train-20261201-000000"
    shutil.copytree(runs / workplace[1].run.name, done)
    config = (done / "config.toml").read_text()
    (done / "config.toml").write_text(config.replace("online_steps = 100000", "online_steps = 10"))
    return tmp_path


def of_state(folder, state):
    """The only run that is so."""
    (name,) = [
        name for name, line in listed(folder).items() if line["state"] == state and line["kind"] != "record"
    ]
    return folder / "runs" / name


def test_each_run_is_listed_with_its_end(folder):
    """Done, cut, and failed before the arm moved; with steps, success and the newest checkpoint."""
    lines = {(line["kind"], line["state"]): line for line in listed(folder).values()}
    assert set(lines) == {("record", "done"), ("record", "failed"), ("train", "cut"), ("train", "done")}
    recorded, failed, cut = (
        lines[one] for one in (("record", "done"), ("record", "failed"), ("train", "cut"))
    )
    assert (recorded["success"]["successes"], recorded["success"]["episodes"]) == (2, 2)
    assert recorded["steps"] > 10
    assert cut["steps"] >= cut["checkpoint"] > 10
    assert cut["success"]["episodes"] == 1
    assert (failed["steps"], failed["checkpoint"], failed["task"]) == (0, None, "pick_lift")
    assert all(line["began"].startswith("20") and line["problem"] == "" for line in lines.values())


def test_a_training_that_was_killed_is_cut(folder):
    """It has no summary then."""
    cut = of_state(folder, State.CUT)
    (cut / "summary.json").unlink()
    (cut / "episodes.jsonl").unlink()
    line = listed(folder)[cut.name]
    assert line["state"] == "cut"
    assert line["steps"] == line["checkpoint"]


def test_the_list_fits_a_terminal(folder):
    """A line for each run, 80 characters wide."""
    with jobs.InTerminal(folder, "runs") as terminal:
        assert terminal.finish() == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", terminal.seen.decode())
    shown = [line.rstrip() for line in text.splitlines() if re.search(r"-\d{8}-\d{6} ", line)]
    assert len(shown) == 4
    assert max(map(len, shown)) <= 80


def test_a_damaged_run_is_listed_too(folder):
    """With what is wrong."""
    cut = of_state(folder, State.CUT)
    (cut / "config.toml").write_text("[env]\nnonsense = 1\n")
    line = listed(folder)[cut.name]
    assert "nonsense" in line["problem"]
    assert line["checkpoint"] > 10
    assert "nonsense" in ask("--in", folder / "runs")[1]


def test_a_run_that_goes_on_is_left_alone(workplace):
    """It is listed as running, and not deleted."""
    _, seen = workplace
    assert seen.line["state"] == "running"
    assert "is going on; stop it first" in seen.deletion
    assert seen.run.is_dir()


def test_clear_takes_failed_starts_alone(folder):
    """It lists them and asks; no means no."""
    before, clear = set(listed(folder)), ("clear", "--in", folder / "runs")
    failed = next(name for name, line in listed(folder).items() if line["state"] == "failed")
    status, text = ask(*clear, typed="n\n")
    assert (status, failed in text) == (1, True)
    assert set(listed(folder)) == before
    assert ask(*clear, typed="")[0] == 1  # nobody there to answer
    assert ask(*clear, typed="y\n")[0] == 0
    assert set(listed(folder)) == before - {failed}
    assert "has failed to start" in ask(*clear)[1]


def test_a_kept_run_is_not_deleted(folder):
    """Until it is no longer kept; clear leaves it as well."""
    failed = folder / "runs" / next(n for n, line in listed(folder).items() if line["state"] == "failed")
    assert ask("keep", failed)[0] == 0
    assert listed(folder)[failed.name]["kept"]
    status, text = ask("delete", failed, "--yes")
    assert status == 2
    assert "hilrt runs keep --not" in text
    assert ask("clear", "--yes", "--in", folder / "runs")[0] == 0
    assert failed.is_dir()
    assert ask("keep", "--not", failed)[0] == 0
    assert ask("delete", failed, "--yes")[0] == 0
    assert not failed.exists()


def test_one_that_may_not_go_saves_all(folder):
    """Of several runs none is deleted where one is refused."""
    done, cut = of_state(folder, State.DONE), of_state(folder, State.CUT)
    ask("keep", cut)
    assert ask("delete", done, cut, "--yes")[0] == 2
    assert done.is_dir()
    assert cut.is_dir()


def contents(folder):
    """All files and folders, and how large they are."""
    return sorted((str(p.relative_to(folder)), p.lstat().st_size) for p in folder.rglob("*"))


def test_nothing_is_deleted_through_a_link(folder):
    """Neither by a link to a run, nor by links in one: what they lead to stays as it was."""
    cut = of_state(folder, State.CUT)
    outside = folder / "outside"
    shutil.copytree(cut, outside / cut.name)
    link = folder / "runs" / "linked-train-20261201-000000"
    link.symlink_to(outside / cut.name)
    shutil.rmtree(cut / "journal")
    (cut / "journal").symlink_to(outside / cut.name / "journal")
    (cut / "notes").mkdir()
    (cut / "notes" / "deep").symlink_to(outside)
    (cut / "one.txt").symlink_to(outside / cut.name / "log.txt")
    before = contents(outside)
    status, text = ask("delete", link, "--yes")
    assert status == 2
    assert "is a link" in text
    assert ask("delete", cut, "--yes")[0] == 0
    assert not cut.exists()
    assert contents(outside) == before
    assert link.is_dir()


def test_what_was_interrupted_can_be_deleted_again(folder):
    """config.toml goes last: without the rest it is a run still."""
    cut = of_state(folder, State.CUT)
    for inside in cut.iterdir():
        if inside.name != "config.toml":
            shutil.rmtree(inside) if inside.is_dir() else inside.unlink()
    assert ask("delete", cut, "--yes")[0] == 0
    assert not cut.exists()


def test_two_runs_beside_each_other(folder):
    """Only what differs of their task files, and what both came to."""
    done, cut = of_state(folder, State.DONE), of_state(folder, State.CUT)
    told = answered("runs", "compare", done, cut)
    assert told["runs"] == [str(done), str(cut)]
    assert told["differs"] == {"learner.online_steps": [10, 100000]}
    first, second = told["results"]
    assert (first["state"], second["state"]) == ("done", "cut")
    assert first["steps"] == second["steps"] > 10
    assert first["updates"] == load_meta(newest_checkpoint(done)).updates
    assert first["success"]["episodes"] == 1
    assert first["judged"] is None
    shown = ask("compare", done, cut)[1]
    assert f"A  {done}" in shown
    assert "learner.online_steps" in shown
    assert "seed" not in shown


def test_the_summary_says_whether_a_run_came_to_its_end(workplace):
    """A recording did, a training that was stopped did not."""
    folder, seen = workplace
    recorded, *_ = sorted(jobs.runs_of(folder, "record"), key=lambda run: run.name.startswith("so100"))
    assert jobs.summary(recorded)["finished"]
    assert not jobs.summary(seen.run)["finished"]


def test_status_answers_scripts(workplace):
    """Of each run that is alive: how far it is, and how its processes are."""
    (now,) = [line for line in workplace[1].live if line["run"] == workplace[1].run.name]
    assert (now["job"], now["goal"], now["unit"]) == ("train", 100000, "steps")
    assert now["reached"] > 10
    assert set(now["processes"]) == {"control", "recorder", "learner", "simulator"}


def test_eval_and_checkpoint_list_answer_scripts(folder):
    """One document on standard output, and the screen elsewhere; `hilrt runs compare` has the evaluation, too."""
    cut, done = of_state(folder, State.CUT), of_state(folder, State.DONE)
    judged = jobs.run(folder, "eval", cut, "--episodes", "1", "--json")
    assert judged.returncode == 0, judged.stderr
    answer = json.loads(judged.stdout)
    assert answer["summary"] == jobs.summary(folder / answer["folder"])
    assert answer["summary"]["finished"]
    assert "eval: done" in judged.stderr
    first, second = answered("runs", "compare", cut, done)["results"]
    assert first["judged"] == answer["summary"]["evaluations"][0]["success"]
    assert second["judged"] is None
    lines = answered("checkpoint", "list", cut)
    assert [line["newest"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[0]["steps"] == lines[0]["updates"] == 0
    assert lines[0]["evaluation"]["episodes"] == 1
    assert all(line["problem"] == "" for line in lines)
