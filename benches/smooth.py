"""How smoothly the arm moves, and how far it is behind, with goals that go out at several `robot.command_hz`.

The scripted operator demonstrates, in simulated time and in this process; pipelines, stream, bus and servos are those
of a run, each episode has a world of its own, and equal seeds have equal cubes and slips. Jerk is the third derivative
of the true joints (without the gripper's) at the rate of the physics, each a mean over 20 ms, because what is faster
than that is the solver's; `free`: while the arm touches nothing, and 0.1 s after. `goals`: of the way along which the
servos are led. What is behind is the last goal less the joints that a tick measures, and the same of the end effector.
Beside it: one goal a tick for servos that go as fast as they can, which is how such arms are usually driven. Prints
JSON.
"""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from host import report

from hilrt.config import Config, Sim, taskfile
from hilrt.control.assembly import Pipelines
from hilrt.control.episode import scene_seed
from hilrt.control.stream import Stream
from hilrt.control.tick import Float64, Tick
from hilrt.data.episodes import wilson
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.devices.operator import Scene
from hilrt.sim.arm import NO_LOAD_SPEED, SimFollower
from hilrt.sim.model import TIMESTEP
from hilrt.sim.operator import ScriptedOperator
from hilrt.sim.patch import patch_of
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.thing import thing_of
from hilrt.sim.world import World
from hilrt.step.features import from_config
from hilrt.step.record import Mode

CONFIGS = Path(__file__).parents[1] / "configs"
BAND = 10
"""Physics steps of which jerk sees the mean."""
AFTER = 50
"""Those after a touch that do not count as free."""
PATIENT_S = 20.0
SETTLE_TICKS = 10
OWN_SPEED = "a goal a tick, own speed"


class Leap(Stream):
    """The rival: each goal at once, and at any speed."""

    async def aim(self, goal: Float64) -> bool:
        """Leave the way to the servos."""
        for arm, joints in zip(self._arms, goal, strict=True):
            await arm.write(joints, np.full(6, NO_LOAD_SPEED))
        return True


class Demonstration:
    """One episode; `joints`, `touching`: of each physics step, the others of each tick."""

    def __init__(self, config: Config, kind: type[Stream], seed: int) -> None:
        self.config, self._kind, self._seed = config, kind, seed
        self.period_s = 1.0 / config.env.fps
        self.joints: list[Float64] = []
        self.touching: list[bool] = []
        self.goal_jerk: list[Float64] = []
        self.behind_deg: list[Float64] = []
        self.behind_mm: list[float] = []
        self.steps, self.success = 0, False

    async def run(self) -> None:
        """From a settled arm to the end of the episode."""
        config, sim = self.config, self.config.sim or Sim()
        calibration = Calibration.load(config.robot.calibration_path(""))
        pipelines = Pipelines(config, from_config(config), [calibration])
        pipelines.begin()
        with (
            World(config.env.task, self._seed, 1, sim.arm, patch_of(sim), thing_of(config)) as self._world,
            SimFollower(self._world, 0, calibration, PseudoTerminal(), sim.arm) as self._servos,
        ):
            asyncio.get_running_loop().add_reader(self._servos.fd, self._servos.answer)
            async with await Arm.connect(self._servos.port, calibration, deadline_s=PATIENT_S) as self._arm:
                self._arm.bus.simulated_time = True
                await self._arm.enable_torque()
                limit = float(np.deg2rad(config.safety.max_joint_velocity_deg_s))
                self._stream = self._kind([self._arm], config.goals_per_tick, self.period_s, limit)
                for _ in range(SETTLE_TICKS):
                    await self._go(pipelines.home)
                self.joints.clear()
                self.touching.clear()
                self.goal_jerk.clear()
                await self._demonstrate(pipelines)
            asyncio.get_running_loop().remove_reader(self._servos.fd)

    async def _demonstrate(self, pipelines: Pipelines) -> None:
        operator = ScriptedOperator(self.config)
        operator.begin(Mode.DEMO, self._seed)
        while True:
            tick = await self._sense(pipelines)
            tick.wish = operator.sense(self._scene(tick, pipelines))
            pipelines.outcome.run(tick)
            if tick.over:
                self.success = tick.success
                return
            pipelines.action.run(tick)
            pipelines.setpoint.commit(tick)
            await self._go(tick.joint_goal)
            self.steps += 1

    async def _sense(self, pipelines: Pipelines) -> Tick:
        tick = Tick(
            step=self.steps,
            mode=Mode.DEMO,
            time_ns=round(self.steps * self.period_s * 1e9),
            readings=(await self._arm.read(),),
            object=self._world.object_pose()[None],
            task_success=self._world.success(),
        )
        pipelines.observation.run(tick)
        if self.steps:
            told = pipelines.setpoint
            self.behind_deg.append(np.rad2deg((told.sent - tick.joints)[0, :5]))
            off = told.pose_of(told.sent)[0, :3, 3] - tick.pose[0, :3, 3]
            self.behind_mm.append(1e3 * float(np.linalg.norm(off)))
        return tick

    def _scene(self, tick: Tick, pipelines: Pipelines) -> Scene:
        return Scene(
            ee=tick.pose[:, :3, 3],
            opening=pipelines.limits.opening(tick.joints),
            object=tick.object,
            done=tick.task_success,
            step=tick.step,
            autonomous_rate=0.0,
        )

    async def _go(self, goal: Float64) -> None:
        """Let a tick pass, as lockstep does."""
        await self._stream.aim(goal)
        self.goal_jerk.append(self._stream.jerk[:, 0, :5])
        left, part_s = self._stream.parts, self.period_s / self._stream.parts
        while self._stream.moves:
            await self._pass(part_s)
            left -= 1
            await self._stream.send(self._stream.sent + 1)
        await self._pass(left * part_s)

    async def _pass(self, seconds: float) -> None:
        """Once all that was written has arrived."""
        await self._arm.bus.read(1, Register.MODEL)
        for _ in range(round(seconds / TIMESTEP)):
            self._servos.drive()
            self._world.step(TIMESTEP)
            self._servos.measure()
            self.joints.append(self._world.positions()[:5])
            self.touching.append(self._touches())

    def _touches(self) -> bool:
        """Whether the arm touches anything; that the cube lies on the table is none of its business."""
        model, pairs = self._world._model, self._world._data.contact.geom  # noqa: SLF001
        apart = {model.geom("cube").id, model.geom("table").id}
        return any(set(pair) != apart for pair in pairs.tolist())


def measure(config: Config, kind: type[Stream], seeds: Sequence[int]) -> dict[str, object]:
    """Figures over the demonstrations of these seeds."""
    done = [Demonstration(config, kind, scene_seed(seed, 0, Mode.DEMO)) for seed in seeds]
    for demonstration in done:
        asyncio.run(demonstration.run())
    jerk = np.concatenate([_jerk(np.array(d.joints)) for d in done])
    free = np.concatenate([_free(d.touching) for d in done])
    goals = None if kind is Leap else round(_rms(np.concatenate([j for d in done for j in d.goal_jerk])))
    degrees = np.abs(np.concatenate([d.behind_deg for d in done]))
    mm = np.concatenate([d.behind_mm for d in done])
    won = [d for d in done if d.success]
    return {
        "jerk_rad_s3": {"free": round(_rms(jerk[free])), "all": round(_rms(jerk)), "goals": goals},
        "touching": round(1.0 - float(free.mean()), 2),
        "behind_deg": {"rms": round(_rms(degrees), 2), "worst": round(float(degrees.max()), 2)},
        "behind_mm": {"rms": round(_rms(mm), 1), "worst": round(float(mm.max()), 1)},
        "success": f"{len(won)}/{len(done)}",
        "interval": [round(end, 3) for end in wilson(len(won), len(done))],
        "steps_mean": round(float(np.mean([d.steps for d in won])), 1) if won else None,
    }


def _jerk(joints: Float64) -> Float64:
    """Of joints, shape (steps, 5) [rad], in the band below 25 Hz or so."""
    smooth = np.cumsum(joints, axis=0)
    smooth = (smooth[BAND:] - smooth[:-BAND]) / BAND
    return np.diff(smooth, 3, axis=0) / TIMESTEP**3


def _free(touching: Sequence[bool]) -> npt.NDArray[np.bool_]:
    """Of each jerk, whether the arm touched nothing in its stretch of time, and for a while before."""
    reach = BAND + 4 + AFTER
    padded = np.concatenate((np.zeros(AFTER, bool), np.array(touching)))
    return ~np.lib.stride_tricks.sliding_window_view(padded, reach).max(axis=1)


def _rms(values: Float64) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hz", type=int, nargs="+", default=[10, 20, 50], help="robot.command_hz")
    parser.add_argument("--tasks", nargs="+", default=["pick_lift", "push"])
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the first episode")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    args = parser.parse_args()
    seeds, results = range(args.seed, args.seed + args.episodes), {}
    for task in args.tasks:
        sets = [f"robot.calibration_dir={CONFIGS}/calibration", f"env.task={task}", *args.set]
        load = [(f"{hz} Hz", Stream, [*sets, f"robot.command_hz={hz}"]) for hz in args.hz]
        results[task] = {
            name: measure(taskfile.load(CONFIGS / "sim_so100.toml", values), kind, seeds)
            for name, kind, values in [(OWN_SPEED, Leap, sets), *load]
        }
    report("smooth", results)


if __name__ == "__main__":
    main()
