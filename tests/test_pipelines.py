"""The pipelines in whole jobs: what a task file asks for is what is recorded, trained on and judged."""

import time

import jobs
import numpy as np
import tomlkit

from hilrt.data.journal import read_episodes
from hilrt.step.record import GripperCommand, Limit, Source, gripper_commands, vector

SHORT = [*jobs.SMALL, "learner.online_steps=60"]


def train_and_judge(folder, *overrides, config=jobs.SIM):
    """Record, train and evaluate for a moment; all episodes that came of it."""
    assert jobs.run(folder, "record", config, overrides=[*SHORT, *overrides]).returncode == 0
    done = jobs.run(folder, "train", config, overrides=[*SHORT, *overrides])
    assert done.returncode == 0, done.stdout + done.stderr
    run = jobs.newest_run(folder, "train")
    judged = jobs.run(folder, "eval", run, "--episodes", "1")
    assert judged.returncode == 0, judged.stdout + judged.stderr
    (root,) = (folder / "datasets").iterdir()
    journals = run / "journal", next((run / "evals").iterdir()) / "journal"
    return [jobs.demonstrations(root), *(list(read_episodes(journal)) for journal in journals)]


def actions(episodes):
    return [r for episode in episodes for r in episode.records if not r.final]


def test_two_arms_from_demonstration_to_evaluation(tmp_path):
    """Two arms on two buses are recorded, trained and judged; each record has both sides' action, gripper and goal."""
    demos, online, judged = train_and_judge(tmp_path, config=jobs.SIM.with_name("sim_bimanual.toml"))
    for record in actions(demos + online + judged):
        assert (len(vector(record.action)), len(vector(record.joint_goal))) == (6, 12)
    moved = [np.abs(vector(r.action)).reshape(2, 3).max(axis=1) > 0 for r in actions(demos)]
    assert all(m.sum() == 1 for m in moved)  # the scripted operator has one pair of hands
    assert all(r.operator_action and not r.policy_action for r in actions(demos))
    assert all(bool(r.operator_action) is (r.source is Source.HUMAN) for r in actions(online))
    assert all(r.policy_action for r in actions(online + judged))
    assert {int(g) for r in actions(demos) for g in gripper_commands(r.gripper, 2)} >= {
        GripperCommand.CLOSE,
        1,
    }


def test_without_gripper(tmp_path):
    """With `use_gripper = false` demonstrations, training and evaluation leave the gripper as the start pose has it."""
    episodes = train_and_judge(
        tmp_path,
        "processor.gripper.use_gripper=false",
        "processor.gripper.gripper_penalty=0",
        "processor.reset.control_time_s=10",
        "env.task=push",
    )
    goals = {float(vector(r.joint_goal)[5]) for some in episodes for r in actions(some)}
    assert len(goals) == 1


def test_own_step_in_every_job(tmp_path):
    """A step of the user's own, in a file beside the task, is in the state of every job."""
    (tmp_path / "mine.py").write_text(
        "class Seven:\n"
        "    reads = writes = ()\n"
        "    def __init__(self, config, value): self.declared = value\n"
        "    def begin(self): self.value = self.declared\n"
        "    def __call__(self, tick): tick.parts.append([self.value])\n"
    )
    step = "{step = 'mine:Seven', pipeline = 'observation', state = ['mine.seven'], options = {value = 7.5}}"
    episodes = train_and_judge(tmp_path, f"processor.steps=[{step}]")
    assert {float(vector(r.state)[-1]) for some in episodes for e in some for r in e.records} == {7.5}


def test_a_failing_step_ends_the_run_by_name(tmp_path):
    """A step that raises ends the run with its name and the cause, as one message."""
    (tmp_path / "bad.py").write_text(
        "class Bad:\n"
        "    reads = writes = ()\n"
        "    def __init__(self, config): pass\n"
        "    def begin(self): pass\n"
        "    def __call__(self, tick): raise KeyError('sensor')\n"
    )
    override = "processor.steps=[{step = 'bad:Bad', pipeline = 'observation'}]"
    done = jobs.run(tmp_path, "record", jobs.SIM, overrides=[*jobs.SMALL, override])
    assert done.returncode == 2
    assert "processor.steps: bad:Bad failed: KeyError: 'sensor'" in done.stderr
    assert "Traceback" not in done.stderr


def test_demonstrations_of_another_pipeline_are_refused(tmp_path):
    """Training on demonstrations whose state or step size is not the config's is refused with what differs."""
    jobs.record(tmp_path)
    for override, words in (
        ("processor.observation.add_current_to_observation=true", "shoulder_pan.current"),
        (
            "processor.inverse_kinematics.end_effector_step_sizes.z=0.01",
            "its full step is 20 mm in dz, not 10 mm",
        ),
    ):
        done = jobs.run(tmp_path, "train", jobs.SIM, overrides=[*SHORT, override])
        assert done.returncode == 2
        assert words in done.stderr
    assert not list((tmp_path / "runs").glob("*-train-*"))


def test_limits_are_recorded(tmp_path):
    """What changed a command on its way is in each record."""
    jobs.run(tmp_path, "record", jobs.SIM, overrides=[*SHORT, "dataset.num_episodes_to_record=1"])
    box = "processor.inverse_kinematics.end_effector_bounds.min=[0.15, -0.11, 0.04]"  # above the cube
    done = jobs.run(tmp_path, "train", jobs.SIM, overrides=[*SHORT, box])
    assert done.returncode == 0, done.stderr
    steps = [r for e in read_episodes(jobs.newest_run(tmp_path, "train") / "journal") for r in e.records]
    assert any(r.limits & Limit.BOX for r in steps)


def test_a_run_goes_on_without_a_display(tmp_path, monkeypatch):
    """Where no window can be opened the run says so, and ends as it would have."""
    monkeypatch.delenv("DISPLAY", raising=False)
    camera = "robot.cameras.front={type='sim', width=64, height=48}"
    overrides = [*SHORT, camera, "processor.observation.display_cameras=true"]
    done = jobs.run(tmp_path, "record", jobs.SIM, overrides=overrides)
    assert done.returncode == 0, done.stdout + done.stderr
    words = "display_cameras: no display (DISPLAY is not set). Use `ssh -X`, or set display_cameras = false."
    assert words in done.stdout
    assert len(jobs.demonstrations(tmp_path / "datasets" / "sim_so100")) == 2


def test_joint_control_by_keyboard(tmp_path):
    """Without inverse kinematics the keys of a real terminal move the joints, and success ends the demonstration."""
    tree = tomlkit.parse(jobs.SIM.read_text())
    del tree["processor"]["inverse_kinematics"]
    tree["teleop"]["type"], tree["sim"]["clock"] = "keyboard", "realtime"
    task = tmp_path / "joints.toml"
    task.write_text(tomlkit.dumps(tree))
    overrides = ["dataset.num_episodes_to_record=1", "processor.reset.control_time_s=60"]
    with jobs.InTerminal(tmp_path, "record", task, overrides=overrides) as terminal:
        terminal.wait_for(rb"step [1-9]")
        for _ in range(8):
            terminal.type(b"\x1b[D")  # left
            time.sleep(0.05)
        terminal.type(b"s")
        assert terminal.finish() == 0, terminal.text()
    (episode,) = jobs.demonstrations(tmp_path / "datasets" / "sim_so100")
    steps = actions([episode])
    assert episode.records[-1].success
    assert all(r.source is Source.HUMAN and len(vector(r.action)) == 5 for r in steps)
    assert any(vector(r.action)[0] == -1 for r in steps)
    pan = [vector(r.joint_goal)[0] for r in steps]
    assert pan[-1] < pan[0] - 0.1
