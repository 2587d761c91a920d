"""The grasp detector against the simulator's truth: what a gripper does that holds something, and what else it does.

    python benches/experiments/grasp.py --episodes 200 --set sim.arm.preset=so100

Episodes in simulated time by turns of each kind below; pipelines, gripper watch, bus and servos are those of a run. An
episode is judged right when the detector fires in it if, and only if, the task is done in it. Prints JSON.
"""

import argparse
import asyncio
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from smooth import CONFIGS, Demonstration  # noqa: E402

from hilrt.config import Config, taskfile  # noqa: E402
from hilrt.control.assembly import Pipelines  # noqa: E402
from hilrt.control.episode import scene_seed  # noqa: E402
from hilrt.control.gripwatch import GripWatch  # noqa: E402
from hilrt.control.stream import Stream  # noqa: E402
from hilrt.control.tick import Float64, Tick  # noqa: E402
from hilrt.data.episodes import wilson  # noqa: E402
from hilrt.devices.operator import OperatorInput  # noqa: E402
from hilrt.shm.status import ControlStatus  # noqa: E402
from hilrt.sim.operator import ScriptedOperator  # noqa: E402
from hilrt.step.record import GripperCommand, Mode  # noqa: E402

CLOSE, STAY, OPEN = GripperCommand
STEPS = 80
SHUTS = 12
"""Ticks in which a gripper shuts before it is raised."""
KINDS = {
    "grasped": "as the scripted operator does it",
    "beside": "shut 5 cm beside the cube, and raised",
    "at its edge": "shut 4 to 16 mm beside the best place, and raised: held, slipping, or missed",
    "onto the table": "shut, pressed onto the table, and raised",
    "half shut": "told to shut for a tick or two, away from the cube, and raised",
    "let go": "held, raised by 1 to 6 cm, opened for a moment, shut again, and raised",
    "nudged": "shut on top of the cube or against its side, and raised",
}


class Trial(Demonstration):
    """An episode of some kind."""

    def __init__(self, config: Config, kind: str, seed: int) -> None:
        super().__init__(config, Stream, seed)
        self.what = kind
        self.truth = self.told = False
        self._random = np.random.default_rng(seed)
        self._closed = 0
        self._opened = 0

    async def _demonstrate(self, pipelines: Pipelines) -> None:
        status = ControlStatus(memoryview(bytearray(ControlStatus.blank())))
        self._grips = GripWatch([self._arm], pipelines.grip, self._stream, status)
        self._operator = ScriptedOperator(self.config)
        self._operator.begin(Mode.DEMO, self._seed)
        side = self._random.uniform(0.004, 0.016) * self._random.choice((-1, 1))
        self._aside = {
            "beside": np.array([0.0, 0.05 * self._random.choice((-1, 1)), 0.0]),
            "half shut": np.array([0.0, 0.05, 0.0]),
            "at its edge": np.array([side, 0.0, 0.0])[self._random.permutation(3) % 3],
            "onto the table": np.array([0.0, 0.05, 0.0]),
            "nudged": np.array([0.0, self._random.uniform(-0.03, 0.01), self._random.uniform(0.0, 0.02)]),
        }.get(self.what, np.zeros(3))
        for _ in range(STEPS):
            tick = await self._sense(pipelines)
            tick.wish = self._wish(tick, pipelines)
            pipelines.outcome.run(tick)
            self.truth |= self._world.success()
            self.told |= tick.task_success
            pipelines.action.run(tick)
            pipelines.setpoint.commit(tick)
            await self._go(tick.joint_goal)
            self.steps += 1

    async def _sense(self, pipelines: Pipelines) -> Tick:
        reading = await self._arm.read()
        await self._grips.see([reading])
        return await super()._sense(pipelines)

    async def _go(self, goal: Float64) -> None:
        await super()._go(await self._grips.near(goal) if hasattr(self, "_grips") else goal)

    def _wish(self, tick: Tick, pipelines: Pipelines) -> OperatorInput:
        """The expert's, who sees the cube beside where it is, until it shuts; then by the kind."""
        scene = self._scene(tick, pipelines)
        seen = self._world.object_pose()[None]
        seen[:, :3] += self._aside
        wish = self._operator.sense(scene._replace(object=seen))
        if self._closed or wish.gripper[0] is CLOSE:
            self._closed += 1
        if self.what == "grasped" or not self._closed:
            return wish
        return wish._replace(action=(0.0, 0.0, self._rise(scene.ee[0][2])), gripper=(self._command(),))

    def _rise(self, height: float) -> float:
        """Of a full step."""
        if self._closed <= SHUTS:
            return -1.0 if self.what == "onto the table" and self._closed > SHUTS // 2 else 0.0
        if self._opened and self._closed - self._opened < SHUTS:
            return 0.0
        return 1.0 if height < 0.11 else 0.0

    def _command(self) -> GripperCommand:
        if self.what == "half shut":
            return CLOSE if self._closed <= 1 + self._seed % 2 else STAY
        if self.what == "let go" and not self._opened and self._closed > SHUTS + 1 + self._seed % 4:
            self._opened = self._closed
        return OPEN if self._opened and self._closed - self._opened < 3 else CLOSE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first episode")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    args = parser.parse_args()
    sets = [f"robot.calibration_dir={CONFIGS}/calibration", 'reward.type="grasp"', *args.set]
    config = taskfile.load(CONFIGS / "sim_so100.toml", sets)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    kinds = list(KINDS)
    for number in range(args.episodes):
        kind = kinds[number % len(kinds)]
        trial = Trial(config, kind, scene_seed(args.seed + number, 0, Mode.DEMO))
        asyncio.run(trial.run())
        counts[kind][2 * trial.truth + trial.told] += 1
    total = np.sum(list(counts.values()), axis=0)
    right = int(total[0] + total[3])
    named = {
        kind: dict(zip(("rightly silent", "false alarms", "missed", "rightly told"), found, strict=True))
        for kind, found in counts.items()
    }
    interval = [round(end, 3) for end in wilson(right, args.episodes)]
    report("grasp", {"right": f"{right}/{args.episodes}", "interval": interval, "kinds": named})


if __name__ == "__main__":
    main()
