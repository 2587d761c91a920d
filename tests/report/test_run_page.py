"""Reports of runs whose files are written here; those of real ones: tests/test_report_jobs.py."""

import json
import os
import uuid
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter
from webpage import Page

from hilrt.config import taskfile
from hilrt.data.episodes import EpisodeSummary, SummaryFile
from hilrt.errors import JournalFormatError, NoCurvesError, RunFolderError, RunWriteError
from hilrt.jobs.report import report
from hilrt.report.comparison import compared
from hilrt.report.metrics import Metrics
from hilrt.report.page.counters import counters_of
from hilrt.report.page.curves import curve_of, page_figure
from hilrt.report.page.document import differences, document
from hilrt.report.page.markup import Html, tag
from hilrt.report.page.outcome import figures, outcome
from hilrt.report.page.story import Story
from hilrt.report.rates import rate_of
from hilrt.run.folder import RunFolder
from hilrt.shm.status import Status
from hilrt.step.record import Mode

ROOT = Path(__file__).parents[2]
SIM, REAL = ROOT / "configs" / "sim_so100.toml", ROOT / "configs" / "so100.toml"
NAME = "sim-so100-train-20260102-030405"
HOSTILE = """</title><script>alert(1)</script> & "<img src='http://x.example/y' onerror=z>" $\\frac$"""


def episode(number, ends, *, steps=30, success=True, human=0, mode=Mode.TRAIN, **rest):
    """`ends`: online steps at its end."""
    return EpisodeSummary(
        episode=number, mode=mode, steps=steps, success=success, autonomous=success and not human,
        human_steps=human, interventions=int(human > 0), first_human_step=0 if human else None, return_=0.0,
        terminated=success, truncated=not success, discarded=False, wall_ns=1767322800_000000000 + number,
        duration_s=3.0, policy_version=0, online_steps=ends, **rest,
    )  # fmt: skip


TRAINING = [
    episode(0, 0, mode=Mode.EVAL, success=False),
    episode(1, 0, mode=Mode.EVAL),
    episode(2, 30, human=15),
    episode(3, 60, success=False, human=30),
    episode(4, 90),
    episode(5, 90, mode=Mode.EVAL),
    episode(6, 90, mode=Mode.EVAL),
]
TOLD = {
    "job": "train",
    "online_steps": 90,
    "wall_s": 61.0,
    "updates": 1234,
    "realtime": {
        "ticks": 300,
        "missed": 2,
        "lateness_p50_us": 110.0,
        "lateness_p99_us": 1200.0,
        "lateness_max_us": 2500.0,
        "restarts": 1,
    },
}


def made(folder, episodes=TRAINING, told=TOLD, name=NAME, task=SIM, overrides=()):
    """A run's folder with these files."""
    run = RunFolder.fill(folder / name, task, overrides)
    file = SummaryFile(run.episodes)
    for each in episodes:
        file.append(each)
    if told:
        run.write_json("summary.json", told)
    return run.path


def page(*runs):
    return Page(document([Story.read(run) for run in runs]))


def test_markup_escapes_all_but_markup():
    """Text and attributes are escaped once, markup is not again."""
    inner = tag("b", "<&>")
    assert inner == "<b>&lt;&amp;&gt;</b>"
    assert tag("p", inner, '"', class_='a"b') == '<p class="a&quot;b"><b>&lt;&amp;&gt;</b>&quot;</p>'
    assert isinstance(inner, Html)


def test_a_training(tmp_path):
    """Success, where it began, steps, human time, thirds, clock: from its files, and nothing from elsewhere."""
    found = page(made(tmp_path, overrides=["sim.clock=realtime"]))
    assert found.outside() == []
    assert (
        "After 90 online steps and 0.1 human minutes the policy alone won 2 of 2 episodes (100%, 95 % interval "
        "34% .. 100%). The policy cloned from the demonstrations, at step 0, won 1 of 2 episodes"
        in found.words
    )
    assert found.table["success at step 0, cloned"] == [str(rate_of(1, 2))]
    assert found.table["success in the last evaluation"] == [str(rate_of(2, 2))]
    assert found.table["interventions"] == ["2"]
    assert found.table["until step 30"] == ["1", "100.0%", "0.0%", "50.0%"]
    assert found.table["until step 90"] == ["1", "100.0%", "100.0%", "0.0%"]
    assert found.table["lateness, worst"] == ["2.500 ms"]
    assert found.table["missed"] == ["2"]
    assert "fps = 10" in found.words
    assert "svg" in found.tags()
    assert "2026-01-0" in found.table["began"][0]


def test_the_checker_would_see_what_is_outside():
    """Positive control."""
    text = '<p onclick="x"><img src="http://a/b.png"></p><style>@import x; a { background: url(y) }</style>'
    assert len(Page(text + "<script></script>").outside()) == 5


def test_a_hostile_task_name_stays_text(tmp_path):
    """In the heading and the title, whatever it is made of; so does what a log says."""
    run = made(tmp_path, task=REAL, overrides=[f"env.task={json.dumps(HOSTILE)}"])
    line = f"2026-01-02 03:04:05,678 control WARNING hilrt.control: lost {HOSTILE}\n"
    (run / "log.txt").write_text(line + "Traceback\n" + line)
    found = page(run)
    assert found.outside() == []
    assert found.headings[0] == HOSTILE
    assert found.table["2026-01-02 03:04:05"] == ["control", "warning", f"lost {HOSTILE}", "2x"]


def test_a_hostile_run_name_stays_text_in_curves(tmp_path):
    """A legend has names: no formula, no markup, no letters that break a drawing."""
    runs = [made(tmp_path, name=f"a-train-20260102-03040{i} <b>&$\\frac$\x01字") for i in range(2)]
    drawn = Page(page_figure([curve_of(Story.read(run)) for run in runs]))
    assert {"b", "script"}.isdisjoint(drawn.tags())
    assert "a-train-20260102-030400 <b>&$\\frac$?字" in drawn.words


def test_a_run_that_was_killed(tmp_path):
    """Without a summary, and with a last line cut short, the page tells what was until then, and says so."""
    run = made(tmp_path, TRAINING[:5], told=None)
    whole = (run / "episodes.jsonl").read_bytes()
    (run / "episodes.jsonl").write_bytes(whole[:-20])
    found = page(run)
    assert "it was killed" in found.words
    assert (
        "After 60 online steps and 0.1 human minutes the policy won 0 of the last 2 training" in found.words
    )
    assert "Did it keep the clock?" not in found.headings


def test_a_run_that_was_resumed_and_killed(tmp_path):
    """Its summary is that of an earlier start: the steps are those of its episodes, and the page says so."""
    story = Story.read(made(tmp_path, [*TRAINING, episode(7, 140, steps=50)]))
    assert story.online_steps == 140
    assert "older than its episodes" in story.unfinished
    assert "(judged at step 90)" in outcome(story)


@pytest.mark.parametrize("told", [None, TOLD])
def test_a_run_that_goes_on(tmp_path, told):
    """At its first start or resumed, whatever its files say; once its supervisor has ended it does not."""
    run = made(tmp_path, told=told)
    tag_ = RunFolder(run).tag
    with Status.create(tag_) as status:
        status.supervisor.job, status.supervisor.pid = "train", os.getpid()
        assert "This run goes on" in page(run).words
        status.unlink()
    assert "This run goes on" not in page(run).words


def test_a_run_that_starts_goes_on(tmp_path):
    """From the making of its folder on, before there is anything in shared memory."""
    folder = RunFolder.fill(tmp_path / NAME, SIM, ())
    assert "This run goes on" in Story.read(folder.path).unfinished


def test_a_run_that_was_stopped(tmp_path):
    """Its summary says so; one of an earlier hilrt, which did not say it, counts as finished."""
    stopped = Story.read(made(tmp_path, told={**TOLD, "finished": False}))
    assert "stopped before its end" in stopped.unfinished
    assert Story.read(made(tmp_path, name=NAME.replace("0405", "0406"))).unfinished == ""


def test_a_run_that_won_every_episode(tmp_path):
    """Its rate is the upper end of its interval, and is drawn."""
    won = [episode(number, 30, mode=Mode.EVAL) for number in range(30)]
    assert "svg" in page(made(tmp_path, won)).tags()


def test_a_run_with_damaged_side_files(tmp_path):
    """What they tell is left out; the figures are worth a report."""
    run = made(tmp_path)
    for name in ("conditions.json", "provenance.json"):
        (run / name).write_text("{")
    assert page(run).table["updates"] == ["1,234"]


def test_a_run_with_no_episode_yet(tmp_path):
    """It has a page; nothing is drawn."""
    found = page(made(tmp_path, [], told=None))
    assert "No episode has ended yet." in found.words
    assert "svg" not in found.tags()


def test_two_runs(tmp_path):
    """A column for each, curves over each other, and the options that differ, defaults included."""
    other = [*TRAINING[:2], episode(2, 30), episode(3, 30, mode=Mode.EVAL, success=False)]
    overrides = ["seed=7", "processor.reset.reset_time_s=9.5"]
    second = NAME.replace("0405", "0406")
    runs = [made(tmp_path), made(tmp_path, other, {**TOLD, "online_steps": 30}, second, overrides=overrides)]
    found = page(*runs)
    assert found.outside() == []
    assert [run.name in found.words for run in runs] == [True, True]
    assert found.table["success in the last evaluation"] == [str(rate_of(2, 2)), str(rate_of(0, 1))]
    assert found.table["processor.reset.reset_time_s"][1] == "9.5"
    assert found.table["seed"] == ["0", "7"]
    assert found.source.count("<svg") == 1
    stories = [Story.read(run) for run in runs]
    names = {row[0] for row in differences(stories)}
    assert names == {"seed", "processor.reset.reset_time_s"}


def test_own_files_of_runs_do_not_differ(tmp_path, monkeypatch):
    """Each has its own copy of its encoder; a path to another place does, from whichever folder it is looked at."""
    monkeypatch.chdir(tmp_path)
    runs = [made(tmp_path, name=NAME.replace("0405", f"040{i}")) for i in range(2)]
    for run in runs:
        text = (run / "config.toml").read_text()
        (run / "config.toml").write_text(f'runs_dir = "{{here}}/deep"\n{text}')
    assert differences([Story.read(run.relative_to(tmp_path)) for run in runs]) == []
    text = (runs[0] / "config.toml").read_text()
    (runs[0] / "config.toml").write_text(text.replace("{here}/deep", "elsewhere"))
    assert differences([Story.read(run) for run in runs]) == [("runs_dir", "elsewhere", "{here}/deep")]


def test_runs_of_other_kinds(tmp_path):
    """Demonstrations, an evaluation, a policy at work: each in its own words, none with curves."""
    demos = [episode(0, 0, mode=Mode.DEMO), episode(1, 0, mode=Mode.DEMO, success=False)]
    demos[1] = msgspec.structs.replace(demos[1], discarded=True)
    runs = [
        made(tmp_path, demos, None, "x-record-20260102-030405"),
        made(tmp_path / "run" / "evals", TRAINING[:2], None, "20260102-030406"),
        made(tmp_path, [episode(0, 30), episode(1, 60, human=3)], None, "x-run-20260102-030407"),
        made(tmp_path, [], {**TOLD, "job": "teleoperate"}, "x-teleoperate-20260102-030408"),
    ]
    stories = [Story.read(run) for run in runs]
    said = [outcome(story) for story in stories]
    assert said[0] == "Demonstrations kept: 1, with 30 steps. Not kept: 1."
    assert said[1].startswith("The policy alone won 1 of 2 episodes (50%")
    assert said[2].startswith(
        "The policy at work won 2 of 2 episodes (100%, 95 % interval 34% .. 100%), without"
    )
    assert said[3].startswith("The arm was driven by hand")
    assert stories[1].name == "run/evals/20260102-030406"
    assert figures(stories[1])["autonomous success"] == str(rate_of(1, 2))
    assert [curve_of(story) for story in stories] == [None] * 4
    assert all(page(run).outside() == [] for run in runs)


def test_two_policies_on_the_same_places(tmp_path):
    """Both are in the sentences; the figures are the first one's, as in the summary."""
    pairs = [
        msgspec.structs.replace(episode(i, 0, mode=Mode.EVAL, success=i % 2 == 0), policy_version=i % 2)
        for i in range(12)
    ]
    told = {**TOLD, "job": "eval", "comparison": compared("new", "old <b>", pairs)}
    story = Story.read(made(tmp_path, pairs, told))
    assert outcome(story).startswith(
        "On the same 6 places new won 6 times, old <b> 0 times. Only new won on 6 of"
    )
    assert "They differ: new is better." in outcome(story)
    assert figures(story)["autonomous success"] == str(rate_of(6, 6))
    assert "b" not in Page(document([story])).tags()


def test_pictures_are_in_the_page(tmp_path):
    """Map, films of failures and cameras that saw otherwise: as data, byte by byte."""
    run = made(tmp_path / "run" / "evals", TRAINING[:2], None, "20260102-030406")
    file = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    for name in ("map.png", "failures/episode_000000.png", "surroundings/front-framing-000000.png"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_bytes(file)
    found = page(run)
    assert [tag for tag, _ in found.elements].count("img") == 3
    assert found.outside() == []
    assert "front-framing-000000: a demonstration, and the run" in found.words


def test_pictures_that_are_links_stay_out_of_the_page(tmp_path):
    """A page is sent to others: it has nothing from outside the run's folder."""
    run, outside = made(tmp_path), tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_text("private")
    (run / "map.png").symlink_to(outside / "secret.png")
    (run / "failures").symlink_to(outside)
    (run / "surroundings").mkdir()
    (run / "surroundings" / "front.png").symlink_to(outside / "secret.png")
    assert "img" not in page(run).tags()


def test_a_page_takes_the_place_of_a_link(tmp_path):
    """What the link leads to stays as it was."""
    run, other = made(tmp_path), tmp_path / "other.txt"
    other.write_text("mine")
    (run / "report.html").symlink_to(other)
    report(lambda _: None, [run], None, None)
    assert other.read_text() == "mine"
    assert not (run / "report.html").is_symlink()
    assert (run / "report.html").read_text().startswith("<!doctype html>")


def test_the_map_of_a_training_is_drawn(tmp_path):
    """Where places are known."""
    places = [msgspec.structs.replace(e, spot=(0.2, 0.0)) for e in TRAINING]
    found = page(made(tmp_path, places))
    assert "By place" in found.headings
    assert found.outside() == []


def test_counters_are_those_that_a_training_writes(tmp_path):
    """As its learner writes them: the last value of each; what is 0 is left out."""
    run = made(tmp_path)
    with (
        Status.create(f"test-{uuid.uuid4().hex[:12]}") as status,
        Metrics(run / "tensorboard", taskfile.load(SIM)) as metrics,
    ):
        status.unlink()
        for errors in (1, 3):
            status.control.bus_errors, status.control.bus_retries = errors, 9
            status.control.grip_overloads, status.control.limited_box = 2, 1200
            metrics.real_time(status, 0.5, errors)
    assert counters_of(run) == {
        "readings asked for again": 9,
        "readings that failed": 3,
        "times the gripper was eased, for its load": 2,
        "ticks on which a limit held back: box": 1200,
    }


def test_counters_of_an_earlier_hilrt(tmp_path):
    """The last value of each, and nothing of those that are 0; a run without such files has none."""
    run = made(tmp_path)
    assert counters_of(run) == {}
    with SummaryWriter(str(run / "tensorboard")) as writer:
        for step, tag_, value in (
            (1, "RealTime/bus_errors", 1),
            (2, "RealTime/bus_errors", 3),
            (2, "Limits/limited_box", 1200),
            (2, "Limits/limited_joint", 0),
        ):
            writer.add_scalar(tag_, value, step)
    rows = page(run).table
    assert rows["readings that failed"] == ["3"]
    assert rows["ticks on which a limit held back: box"] == ["1,200"]
    assert len(counters_of(run)) == 2


def test_files_for_a_paper(tmp_path):
    """Each curve as SVG, whose text is text, and as PNG of a column's width at 300 dpi."""
    run, said, folder = made(tmp_path), [], tmp_path / "figures"
    report(said.append, [run], tmp_path / "a" / "r.html", folder)
    assert said == [f"report: {tmp_path / 'a' / 'r.html'}", f"curves: {folder}"]
    names = {
        f"{name}.{kind}" for name in ("success", "interventions", "human-minutes") for kind in ("svg", "png")
    }
    assert {path.name for path in folder.iterdir()} == names
    assert cv2.imread(str(folder / "success.png")).shape[1] == 1050
    assert ">online steps</text>" in (folder / "success.svg").read_text()


def test_equal_runs_give_equal_curves(tmp_path):
    """To the byte, so that a figure kept beside a paper changes only when its run does."""
    curve = curve_of(Story.read(made(tmp_path)))
    assert page_figure([curve]) == page_figure([curve])


def test_errors_say_what_and_where(tmp_path):
    """No run, a damaged file, no curve, no place to write: each is named."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunFolderError, match="has no config"):
        Story.read(tmp_path / "empty")
    with pytest.raises(RunFolderError, match="does not say what kind of run"):
        Story.read(made(tmp_path, [], None, "renamed"))
    run = made(tmp_path)
    (run / "summary.json").write_text('{"job": ')
    with pytest.raises(RunFolderError, match="is damaged"):
        Story.read(run)
    (run / "summary.json").write_text('{"job": "train"}')
    with pytest.raises(
        RunFolderError, match=r"is not of this hilrt: `online_steps` is missing\. Move the file away"
    ):
        Story.read(run)
    (run / "summary.json").unlink()
    (run / "episodes.jsonl").write_text("x\n")
    with pytest.raises(JournalFormatError, match="line 1"):
        Story.read(run)
    demos = made(tmp_path, [], {**TOLD, "job": "record"}, "x-record-20260102-030405")
    with pytest.raises(NoCurvesError, match="hilrt train"):
        report(lambda _: None, [demos], None, tmp_path / "figures")
    with pytest.raises(RunWriteError, match="cannot be written"):
        report(lambda _: None, [demos], demos / "config.toml" / "r.html", None)
