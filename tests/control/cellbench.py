"""A cell around the arm of a bench: time passes tick by tick, and somebody may push a joint."""

from hilrt.control.cell import Cell
from hilrt.control.scene import RealScene
from hilrt.control.stream import Stream
from hilrt.control.ticker import Tick
from hilrt.shm.status import ControlStatus


class Ticks:
    """Time of a bench; a torque [N m] on a joint for as many ticks as are asked for."""

    simulated = True

    def __init__(self, bench, stream, period_s, push, ticks):
        self.bench, self.stream, self.period_s, self.count = bench, stream, period_s, 0
        self._push, self._ticks = push, ticks

    async def wait(self):
        """Let a period pass, as lockstep does."""
        self.count += 1
        if self._push:
            joint, torque = self._push
            self.bench.world._data.qfrc_applied[joint] = torque if self.count <= self._ticks else 0.0
        for _ in range(self.stream.parts):
            await self.bench.go_on(self.period_s / self.stream.parts)
            if self.stream.moves:
                await self.stream.send(self.stream.sent + 1)
        return Tick(round(self.count * self.period_s * 1e9), 0, 0)

    async def until_act(self):
        """At once."""


def make_cell(rig, bench, push=None, ticks=1_000_000):
    """`push`: a joint and the torque on it [N m]."""
    period_s = 1 / rig.config.env.fps
    stream = Stream([bench.arm], rig.config.goals_per_tick, period_s, rig.limits.max_step / period_s)
    status = ControlStatus(memoryview(bytearray(ControlStatus.blank())))
    clock = Ticks(bench, stream, period_s, push, ticks)
    return Cell(
        rig.config, clock, stream, [bench.arm], None, RealScene(0.0), rig.pipelines, status, bool, bool
    )
