"""A leader arm: what an exchange costs the control process, and how often a policy's motion passes for a hand's.

Beside hilrt's tracking error is that of the reference workflow: how far the leader's joints are from the follower's.
Prints JSON.
"""

import asyncio
import select
import threading
import time
from pathlib import Path

import numpy as np
from host import report, spread_us

from hilrt.config import taskfile
from hilrt.control.assembly import Pipelines
from hilrt.control.operators import SPEED
from hilrt.control.tick import Tick
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.devices.leaderarm import LeaderArm
from hilrt.devices.tug import LOOKS_TAKEN, TAKEN, Tug
from hilrt.sim.leader import SimLeader
from hilrt.sim.pty import PseudoTerminal
from hilrt.step.features import from_config
from hilrt.step.record import GripperCommand, Mode

CONFIGS = Path(__file__).parents[1] / "configs"
LEADER = CONFIGS / "calibration" / "teleoperators" / "so101_leader" / "sim.json"
EXCHANGES = 1000
TICKS = 2000
HOLD = 5
"""Ticks for which the policy keeps its direction."""
INNER_S = 0.01
FOLLOWER_LAG_S = 0.05
PULL = np.deg2rad(40.0)
"""How far a hand pulls the first joint [rad]."""


def main() -> None:
    goals = policy_goals()
    report(
        "leader",
        {
            "exchange": asyncio.run(exchange()),
            "taken_by_the_policy": {f"lag {lag} s": taken(goals, lag) for lag in (0.08, 0.15, 0.25)},
            "looks_until_a_pull_takes_over": {
                f"{speed} deg/s": looks(speed) for speed in (30, 60, 70, 90, 180)
            },
        },
    )


async def exchange() -> dict:
    """Goals out, telemetry in; the servos answer in a thread, so CPU time is theirs too."""
    sim, ended = SimLeader(Calibration.load(LEADER), PseudoTerminal()), threading.Event()

    def serve() -> None:
        while not ended.is_set():
            if select.select([sim.fd], [], [], 0.05)[0]:
                sim.answer()

    thread = threading.Thread(target=serve)
    thread.start()
    arm = await LeaderArm.connect(sim.port, Calibration.load(LEADER), "leader", 1.0, 1.0)
    arm.track(np.zeros(6))
    times = []
    for _ in range(EXCHANGES):
        before = time.perf_counter_ns()
        await arm.command(0.02)
        await arm.read()
        times.append(time.perf_counter_ns() - before)
    arm.let_go()
    await arm.command(0.0)
    await arm.close()
    ended.set()
    thread.join()
    sim.close()
    return spread_us(times)


def policy_goals() -> np.ndarray:
    """Joint goals, shape (ticks, 6) [rad], of full steps in random directions inside the workspace box, at 10 Hz."""
    config = taskfile.load(CONFIGS / "sim_so100.toml", [f"robot.calibration_dir={CONFIGS}/calibration"])
    features, rng = from_config(config), np.random.default_rng(0)
    pipelines = Pipelines(config, features, [Calibration.load(config.robot.calibration_path(""))])
    pipelines.begin()
    goals = []
    for step in range(TICKS):
        if step % HOLD == 0:
            action = rng.choice([-1.0, 0.0, 1.0], 3).astype(np.float32)
        joints = pipelines.setpoint.joints
        tick = Tick(
            step=0, mode=Mode.TRAIN, time_ns=step, readings=(reading(joints[0]),), object=np.zeros((1, 5))
        )
        pipelines.observation.run(tick)
        tick.policy_action, tick.policy_gripper = action, (GripperCommand.STAY,)
        pipelines.action.run(tick)
        pipelines.setpoint.commit(tick)
        goals.append(pipelines.setpoint.joints[0].copy())
    return np.array(goals)


def reading(joints: np.ndarray) -> ArmReading:
    still, status = np.zeros(6), np.zeros(6, np.int64)
    return ArmReading(0, joints.copy(), still, still, still, still, still, status)


def taken(goals: np.ndarray, lag_s: float) -> dict:
    """Ticks on which nobody's hand would have taken a leader that lags so far behind.

    The reference's leader gets the follower's position as its goal, and has no limit of speed.
    """
    speed = SPEED * np.pi
    leader, follower, sent, other = (goals[0].copy() for _ in range(4))
    share = 1 - np.exp(-INNER_S / lag_s)
    tug, apart, ours, theirs = Tug(10), [], 0, 0
    for goal in goals:
        for _ in range(round(0.1 / INNER_S)):
            sent = sent + np.clip(goal - sent, -speed * INNER_S, speed * INNER_S)
            leader += (sent - leader) * share
            other += (follower - other) * share
            follower += (goal - follower) * (1 - np.exp(-INNER_S / FOLLOWER_LAG_S))
        apart.append(np.rad2deg(np.linalg.norm((other - follower)[:5])))
        theirs += np.var(apart[-LOOKS_TAKEN:]) > TAKEN
        ours += tug.pulled(sent, leader)
    return {"ticks": len(goals), "hilrt": int(ours), "reference": int(theirs)}


def looks(speed_deg_s: float) -> int | None:
    """Until a hand has it that turns one joint at this speed; None: it has not."""
    tug, rng = Tug(10), np.random.default_rng(0)
    for tick in range(20):
        place = np.zeros(6)
        place[0] = min(np.deg2rad(speed_deg_s) * 0.1 * max(0, tick - 9), PULL)
        if tug.pulled(np.zeros(6), place + rng.normal(0.0, np.deg2rad(0.05), 6)):
            return tick - 9
    return None


if __name__ == "__main__":
    main()
