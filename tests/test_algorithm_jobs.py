"""An algorithm and an encoder of the user's own: the guide's page, as its reader runs it."""

import jobs
import pytest
from fromguide import blocks, save

from hilrt.policy.saved import checkpoints_of, load_actor, load_meta
from hilrt.step.record import vector

TRAINING = [
    *jobs.SMALL,
    'learner.algorithm="td3:Td3"',
    "learner.online_steps=120",
    "learner.online_step_before_learning=20",
    "eval.every_steps=60",
    "eval.episodes=1",
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with two demonstrations, and the page's code."""
    folder = tmp_path_factory.mktemp("own")
    jobs.record(folder)
    save("algorithm.md", folder)
    return folder


@pytest.fixture(scope="module")
def trained(workplace):
    """A run by the page's algorithm."""
    done = jobs.run(workplace, "train", jobs.SIM, overrides=TRAINING)
    assert done.returncode == 0, done.stdout + done.stderr
    return jobs.newest_run(workplace, "train")


def test_the_pages_example_is_short():
    """TD3 is at most sixty lines of code."""
    code = [line for line in blocks("algorithm.md")["td3.py"].splitlines() if line.strip()]
    assert len(code) <= 60


def test_another_algorithm_trains(trained):
    """Updates are made, evaluations too (the clone's and two more), and the checkpoint knows whose it is."""
    summary = jobs.summary(trained)
    assert summary["updates"] >= 100 - 2
    assert [e["success"]["episodes"] for e in summary["evaluations"]] == [1, 1, 2]
    metas = [load_meta(path) for path in checkpoints_of(trained)]
    assert {meta.algorithm for meta in metas} == {"td3:Td3"}


def test_an_earlier_checkpoint_can_be_judged(workplace, trained):
    """`hilrt eval --checkpoint` takes the one of these steps, and names those that there are where there is none."""
    steps = [int(path.name) for path in checkpoints_of(trained)]
    run = f"runs/{trained.name}"
    done = jobs.run(workplace, "eval", run, "--episodes", "1", "--checkpoint", steps[0])
    assert done.returncode == 0, done.stdout + done.stderr
    record, *_ = jobs.records(max((trained / "evals").iterdir()))
    acted = [
        vector(record.policy_action).tolist()
        == load_actor(path).act(vector(record.state).copy(), deterministic=True)[0].tolist()
        for path in checkpoints_of(trained)
    ]
    assert acted == [True, *[False] * (len(steps) - 1)]
    absent = jobs.run(workplace, "eval", run, "--checkpoint", "7")
    assert absent.returncode == 2
    assert (
        f"no checkpoint after 7 online steps; it has those of {', '.join(map(str, steps))}" in absent.stderr
    )


def test_another_algorithm_is_resumed_and_not_by_another(workplace, trained):
    """`--resume` goes on with it; with ours in its place it is refused, with the way out."""
    config = trained / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("online_steps = 120", "online_steps = 150"))
    done = jobs.run(workplace, "train", "--resume", f"runs/{trained.name}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert jobs.summary(trained)["online_steps"] >= 150
    config.write_text(text.replace("td3:Td3", "hilrt.learner.sac:Sac").replace("120", "200"))
    refused = jobs.run(workplace, "train", "--resume", f"runs/{trained.name}")
    assert refused.returncode == 2
    assert "is of td3:Td3, and learner.algorithm is hilrt.learner.sac:Sac" in refused.stderr
    assert "--anew` sets them aside" in refused.stderr


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "No module named 'mine'; it is looked for in "),
        ("x = 1", "mine:Mine cannot be made: AttributeError"),
        ("Mine = lambda *_: 3", "makes a int, which is no torch.nn.Module"),
    ],
)
def test_a_class_that_is_not_there_is_named(workplace, code, words):
    """The run ends before anything moves, and says what was looked for where."""
    if code:
        (workplace / "mine.py").write_text(code)
    done = jobs.run(workplace, "train", jobs.SIM, overrides=[*TRAINING, 'learner.algorithm="mine:Mine"'])
    assert done.returncode == 2
    assert "learner.algorithm: mine:Mine" in done.stderr
    assert words in done.stderr


def test_an_algorithm_that_fails_ends_the_run_with_its_name(workplace):
    """It is not tried again; the traceback is in the log."""
    code = (workplace / "td3.py").read_text()
    broken = code.replace("*for_critics, for_policy = batches", "assert self.training is None, 'no luck'")
    (workplace / "broken.py").write_text(broken)
    done = jobs.run(workplace, "train", jobs.SIM, overrides=[*TRAINING, 'learner.algorithm="broken:Td3"'])
    assert done.returncode == 2
    assert "learner.algorithm: broken:Td3 failed: AssertionError: no luck" in done.stderr
    assert "broken.py" in (jobs.newest_run(workplace, "train") / "log.txt").read_text()


def test_an_encoder_of_ones_own_sees(workplace, tmp_path):
    """Demonstrations with a camera, a training, an evaluation: the page's encoder is in actor and checkpoint."""
    save("algorithm.md", tmp_path)
    camera = [
        "robot.cameras.front={type = 'sim', width = 64, height = 64}",
        "processor.image_preprocessing.resize_size=[32, 32]",
        'policy.encoder="gray:Gray"',
    ]
    jobs.record(tmp_path, *camera)
    short = ["learner.online_steps=40", "learner.online_step_before_learning=20", "eval.every_steps=0"]
    done = jobs.run(tmp_path, "train", jobs.SIM, overrides=[*jobs.SMALL, *camera, *short])
    assert done.returncode == 0, done.stdout + done.stderr
    run = jobs.newest_run(tmp_path, "train")
    assert load_meta(checkpoints_of(run)[-1]).vision.encoder == "gray:Gray"
    judged = jobs.run(tmp_path, "eval", f"runs/{run.name}", "--episodes", "1")
    assert judged.returncode == 0, judged.stdout + judged.stderr
