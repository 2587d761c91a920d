"""A two-dimensional reach-and-grasp: go to a target, close the gripper there and nowhere else."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hilrt.learner.algorithm import Algorithm
from hilrt.learner.replay import Replay, Tier
from hilrt.policy.actor import Actor
from hilrt.step.features import GRIPPER, Features
from hilrt.step.record import GripperCommand, Mode, Record, Source

FEATURES = Features(10, ("",), ("x", "y", "target.x", "target.y", "closed"), ("dx", "dy"), GRIPPER, (), ())
STEP = 0.2
NEAR = 0.15
LIMIT = 25


class Command(NamedTuple):
    """A decision: motion in [-1, 1]^2 and a gripper command."""

    action: np.ndarray
    gripper: int


Decide = Callable[[np.ndarray], Command]


class Reach:
    """The point starts anywhere; a gripper that closed away from the target must open first."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._episode = -1

    def episode(self, decide: Decide, mode: Mode, source: Source = Source.POLICY) -> list[Record]:
        """Run one episode; its records, the final one included."""
        self._episode += 1
        point, target = self._rng.uniform(-1, 1, 2), self._rng.uniform(-0.2, 0.2, 2)
        closed, records = 0.0, []
        for step in range(LIMIT):
            state = np.float32([*point, *target, closed])
            command = decide(state)
            was_closed, closed = closed, {0: 1.0, 1: closed, 2: 0.0}[command.gripper]
            point = np.clip(point + STEP * command.action, -1.5, 1.5)
            success = bool(closed > was_closed and np.linalg.norm(point - target) < NEAR)
            record = self._record(step, mode, state)
            record.action = np.float32(command.action).tobytes()
            record.gripper, record.source = GripperCommand(command.gripper), source
            record.reward, record.terminated, record.success = float(success), success, success
            record.truncated = not success and step == LIMIT - 1
            records.append(record)
            if success:
                break
        final = self._record(len(records), mode, np.float32([*point, *target, closed]))
        final.final, final.success = True, records[-1].success
        return [*records, final]

    def _record(self, step: int, mode: Mode, state: np.ndarray) -> Record:
        now = step * 100_000_000
        return Record(
            episode=self._episode, step=step, mode=mode, monotonic_ns=now, wall_ns=now, state=state.tobytes()
        )


def teacher(seed: int) -> Decide:
    """A clumsy expert: slow, noisy, opens a gripper that closed on nothing."""
    rng = np.random.default_rng(seed)

    def decide(state: np.ndarray) -> Command:
        away = state[2:4] - state[:2]
        action = np.clip(0.5 * away / STEP + rng.normal(0, 0.2, 2), -1, 1)
        if state[4]:
            return Command(action, 2)
        return Command(action, 0 if np.linalg.norm(away) < 0.8 * NEAR else 1)

    return decide


def clone(algorithm: Algorithm, replay: Replay, world: Reach) -> float:
    """Warm-start an algorithm by five demonstrations of the teacher's; the clone's share of successes."""
    for _ in range(5):
        for record in world.episode(teacher(0), Mode.DEMO, Source.HUMAN):
            replay.add(record)
    algorithm.normalise_by(replay.states(Tier.DEMONSTRATIONS))
    for _ in algorithm.warm_start(replay):
        pass
    return success_of(algorithm.actor)


def success_of(actor: Actor, episodes: int = 50) -> float:
    """Share of successes of the deterministic policy."""
    world = Reach(999)
    runs = [
        world.episode(lambda s: Command(*actor.act(s, deterministic=True)), Mode.EVAL)
        for _ in range(episodes)
    ]
    return sum(run[-1].success for run in runs) / episodes
