"""How a gripper holds on: the scripted operator grasps, lifts, and keeps hold for a minute, in simulated time.

Pipelines, cell, stream, bus and servos are those of a run, in this process; each seed has a world of its own, and the
operator no wrong bursts, in which she would let go. Loads are looked at every 2 ms, from the command to close on: the
worst, the longest time above the 25 % from which a servo takes itself for overloaded, and how often one did.
Prints JSON.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from host import report

from hilrt.config import Area, Config, Sim, taskfile
from hilrt.control.assembly import Pipelines
from hilrt.control.cell import Cell
from hilrt.control.episode import scene_seed
from hilrt.control.reset import go
from hilrt.control.stream import Stream
from hilrt.control.tick import Float64, Tick
from hilrt.control.ticker import Tick as Wake
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.devices.operator import Scene
from hilrt.shm.status import ControlStatus
from hilrt.sim.arm import SimFollower
from hilrt.sim.model import TIMESTEP
from hilrt.sim.operator import ScriptedOperator
from hilrt.sim.patch import patch_of
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.thing import thing_of
from hilrt.sim.world import World
from hilrt.step.features import from_config
from hilrt.step.record import GripperCommand, Mode

CONFIGS = Path(__file__).parents[1] / "configs"
PATIENT_S = 20.0
STEADY = "teleop.scripted.wrong_bursts=0"
HOLD_S, TRY_S = 60.0, 40.0
UP = 0.05
"""Of the cube [m]."""
SLIPPED = 0.012
"""A cube that is so far from where it was gripped is not held [m]."""
OVERLOAD = 0.25


class Held(NamedTuple):
    """One seed's figures."""

    seed: int
    held_s: float
    """Since the cube was up; 0 where it never was."""
    worst_load: float
    """Share of full torque, likewise those below."""
    worst_above_s: float
    least_load: float
    overloads: int


class Clock:
    """Lets time pass, a tick at a time, and looks at the load."""

    simulated = True

    def __init__(self, world: World, servos: SimFollower, arm: Arm, stream: Stream, period_s: float) -> None:
        self._world, self._servos, self._arm, self._stream = world, servos, arm, stream
        self._period_s, self.count = period_s, 0
        self.loads: list[float] = []

    async def wait(self) -> Wake:
        """A period, as lockstep does."""
        part_s, left = self._period_s / self._stream.parts, self._stream.parts
        while self._stream.moves:
            await self._pass(part_s)
            left -= 1
            await self._stream.send(self._stream.sent + 1)
        await self._pass(left * part_s)
        self.count += 1
        return Wake(round(self.count * self._period_s * 1e9), 0, 0)

    async def until_act(self) -> None:
        """At once."""

    def close(self) -> None:
        """Nothing is open."""

    async def _pass(self, seconds: float) -> None:
        await self._arm.bus.read(1, Register.MODEL)
        for _ in range(round(seconds / TIMESTEP)):
            self._servos.drive()
            self._world.step(TIMESTEP)
            self._servos.measure()
            self.loads.append(abs(float(self._world.loads()[5])))


class Place:
    """The world as the cell sees it."""

    reset_time_s = 0.0

    def __init__(self, world: World) -> None:
        self._world = world

    def place(self, seed: int, within: Area | None) -> None:
        """It is there."""

    def ready(self, elapsed_s: float) -> bool:  # noqa: ARG002
        """It is."""
        return True

    def object_pose(self) -> Float64:
        """The true one."""
        return self._world.object_pose()[None]

    def other_object(self) -> None:
        """There is none."""

    def success(self) -> bool:
        """The world's verdict."""
        return self._world.success()


class Workplace(NamedTuple):
    """An arm at its start pose, in a world of its own."""

    world: World
    cell: Cell
    clock: Clock
    status: ControlStatus


@asynccontextmanager
async def workplace(config: Config, seed: int) -> AsyncIterator[Workplace]:
    """Pipelines, cell, stream, bus and servos as in a run."""
    sim, period_s = config.sim or Sim(), 1.0 / config.env.fps
    calibration = Calibration.load(config.robot.calibration_path(""))
    pipelines = Pipelines(config, from_config(config), [calibration])
    pipelines.begin()
    with (
        World(config.env.task, seed, 1, sim.arm, patch_of(sim), thing_of(config)) as world,
        SimFollower(world, 0, calibration, PseudoTerminal(), sim.arm) as servos,
    ):
        asyncio.get_running_loop().add_reader(servos.fd, servos.answer)
        async with await Arm.connect(servos.port, calibration, deadline_s=PATIENT_S) as arm:
            arm.bus.simulated_time = True
            await arm.enable_torque()
            limit = float(np.deg2rad(config.safety.max_joint_velocity_deg_s))
            stream = Stream([arm], config.goals_per_tick, period_s, limit)
            clock = Clock(world, servos, arm, stream, period_s)
            status = ControlStatus(memoryview(bytearray(ControlStatus.blank())))
            cell = Cell(config, clock, stream, [arm], None, Place(world), pipelines, status, bool, bool)
            await go(cell, pipelines.home, await cell.sense(), bool)
            yield Workplace(world, cell, clock, status)
        asyncio.get_running_loop().remove_reader(servos.fd)


async def hold(config: Config, seed: int) -> Held:
    """Grasp, lift, hold."""
    async with workplace(config, scene_seed(seed, 0, Mode.DEMO)) as place:
        place.cell.pipelines.begin()
        return await _operate(config, place, seed)


async def _operate(config: Config, place: Workplace, seed: int) -> Held:
    world, cell, clock, status = place
    operator = ScriptedOperator(config)
    operator.begin(Mode.DEMO, scene_seed(seed, 0, Mode.DEMO))
    fps, step, held_s = config.env.fps, 0, 0.0
    up_at, closed_at, grasp = None, 0, np.zeros(3)
    while held_s < HOLD_S and step < (TRY_S + HOLD_S) * fps:
        tick = await cell.sense(step, Mode.DEMO)
        if up_at is None and float(world.object_pose()[2]) > UP:
            up_at, grasp = step, _grasp(world)
        if up_at is not None:
            held_s = (step - up_at) / fps
            if np.linalg.norm(_grasp(world) - grasp) > SLIPPED:
                break
        tick.wish = operator.sense(_scene(cell, tick))
        cell.pipelines.action.run(tick)
        if up_at is None and tick.gripper[0] != GripperCommand.CLOSE:
            closed_at = len(clock.loads)
        await cell.command(tick.joint_goal)
        cell.pipelines.setpoint.commit(tick)
        step += 1
    loads = np.array(clock.loads[closed_at:])
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loads > OVERLOAD, [0]))))
    return Held(
        seed=seed,
        held_s=held_s,
        worst_load=round(float(loads.max()), 3),
        worst_above_s=round(TIMESTEP * int((edges[1::2] - edges[::2]).max(initial=0)), 3),
        least_load=round(float(loads[-round(held_s / TIMESTEP) or None :].min()), 3),
        overloads=status.grip_overloads,
    )


def _grasp(world: World) -> Float64:
    """Where the cube is, seen from the gripper, shape (3,) [m]."""
    data = world._data  # noqa: SLF001
    gripper = data.body("gripper_link")
    return gripper.xmat.reshape(3, 3).T @ (data.body("cube").xpos - gripper.xpos)


def _scene(cell: Cell, tick: Tick) -> Scene:
    return Scene(
        ee=tick.pose[:, :3, 3],
        opening=cell.pipelines.limits.opening(tick.joints),
        object=tick.object,
        done=tick.task_success,
        step=0,
        autonomous_rate=0.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=["so100", "worn"])
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the first episode")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    args = parser.parse_args()
    results = {}
    for preset in args.presets:
        sets = [f"robot.calibration_dir={CONFIGS}/calibration", f"sim.arm.preset={preset}", STEADY, *args.set]
        config = taskfile.load(CONFIGS / "sim_so100.toml", sets)
        rows = [asyncio.run(hold(config, seed)) for seed in range(args.seed, args.seed + args.episodes)]
        results[preset] = {
            "held": f"{sum(row.held_s >= HOLD_S for row in rows)}/{len(rows)}",
            "worst_load": max(row.worst_load for row in rows),
            "worst_above_s": max(row.worst_above_s for row in rows),
            "seeds": [row._asdict() for row in rows],
        }
    report("grip", results)


if __name__ == "__main__":
    main()
