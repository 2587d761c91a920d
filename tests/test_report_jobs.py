"""Reports of real runs on the simulated arm: what they say is what the runs' own files say."""

import subprocess
import sys

import jobs
import pytest
from webpage import Page

from hilrt.data.episodes import read_summaries
from hilrt.report.rates import Rate
from hilrt.run.provenance import provenances_of
from hilrt.step.record import Mode

TRAINING = [
    *jobs.SMALL,
    "learner.online_steps=40",
    "learner.online_step_before_learning=0",
    "processor.reset.control_time_s=2.0",
    "eval.every_steps=40",
    "eval.episodes=1",
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with demonstrations, and a small training that has ended."""
    folder = tmp_path_factory.mktemp("work")
    jobs.record(folder)
    done = jobs.run(folder, "train", jobs.SIM, overrides=TRAINING)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def reported(folder, *words):
    """`hilrt report`: what it printed, and its page."""
    command = [sys.executable, "-c", "from hilrt.cli import main; main()", "report", *map(str, words)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=jobs.PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    path = folder / done.stdout.splitlines()[0].removeprefix("report: ")
    return done.stdout, Page(path.read_text())


def test_a_training_is_what_its_summary_says(workplace):
    """Every figure that both have is the same; failures are shown, and machine and version."""
    run = jobs.newest_run(workplace, "train")
    told, (printed, found) = jobs.summary(run), reported(workplace, run)
    assert printed == f"report: {run / 'report.html'}\n"
    assert found.outside() == []
    assert [e["online_steps"] >= 40 for e in told["evaluations"]] == [False, True]
    first, last = (str(Rate(**e["success"])) for e in told["evaluations"])
    rows = found.table
    assert rows["success at step 0, cloned"] == [first]
    assert rows["success in the last evaluation"] == [
        last if told["evaluations"][-1]["online_steps"] else "-"
    ]
    assert rows["online steps"] == [f"{told['online_steps']:,} of 40"]
    assert rows["human minutes"] == [f"{told['human']['seconds'] / 60:.1f}"]
    assert rows["interventions"] == [str(told["human"]["interventions"])]
    assert rows["updates"] == [f"{told['updates']:,}"]
    assert rows["episodes, of them won"] == [f"{told['episodes']['train']}, {told['successes']['train']}"]
    assert rows["ticks"] == [f"{told['realtime']['ticks']:,}"]
    for phase in told["human"]["phases"]:
        shares = [phase[f"{kind}_rate"] for kind in ("success", "autonomous", "intervention")]
        row = [str(phase["episodes"]), *(f"{share:.1%}" for share in shares)]
        assert rows[f"until step {phase['until_steps']:,}"] == row
    lost = [e for e in read_summaries(run / "episodes.jsonl") if not e.success and not e.discarded]
    assert lost
    assert sum("data:image/png" in a.get("src", "") for _, a in found.elements) >= min(6, len(lost))
    (made_with,) = provenances_of(run)
    assert rows["hilrt"] == [f"{made_with.version} {made_with.commit}".strip()]
    assert (run / "config.toml").read_text() in found.words


def test_a_run_that_is_killed_has_a_report(workplace):
    """In its middle, beside the one that ended: both have a column, and the page says which was cut."""
    whole = jobs.newest_run(workplace, "train")
    endless = [*TRAINING, "learner.online_steps=100000"]
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=endless) as live:
        episodes = live.path / "episodes.jsonl"
        live.wait_for(lambda: any(e.mode is Mode.TRAIN for e in read_summaries(episodes)))
        live.process.kill()
        live.process.wait()
    printed, found = reported(workplace, whole, live.path, "--out", "both.html", "--figures", "figures")
    assert printed == "report: both.html\ncurves: figures\n"
    assert found.outside() == []
    assert "it was killed" in found.words
    assert found.table["online steps"][1].endswith("of 100,000")
    assert found.table["learner.online_steps"] == ["40", "100000"]
    assert (workplace / "figures" / "success.svg").is_file()


def test_demonstrations_have_a_report(workplace):
    """As many as its summary counts."""
    run = jobs.newest_run(workplace, "record")
    _, found = reported(workplace, run)
    assert f"Demonstrations kept: {jobs.summary(run)['episodes']['demo']}, " in found.words
