"""The simulator with two arms in lockstep, over its real ports."""

import os
import select
import threading
import uuid
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from hilrt.config import taskfile
from hilrt.control.scene import SimScene
from hilrt.devices.feetech.packets import Parser, encode_read, encode_sync_write, encode_write
from hilrt.devices.feetech.registers import Register
from hilrt.run.simlink import SimLink, go_on
from hilrt.shm.status import Status
from hilrt.sim.layout import bases
from hilrt.sim.process import Simulator
from hilrt.step.features import from_config

ROOT = Path(__file__).parents[2]
WATCHDOG_S = 30
PERIOD_S = 0.1  # [s], of simulated time
PAN = 1


def wait_for(fd):
    assert select.select([fd], [], [], WATCHDOG_S)[0], "the simulator did not answer"


class Client:
    """One arm's port, as the bus driver opens it."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def ask(self, request):
        """The reply to a request."""
        os.write(self.fd, request)
        parser = Parser()
        while True:
            wait_for(self.fd)
            if packets := parser.feed(os.read(self.fd, 4096)):
                return packets[0]

    def read(self, register):
        """A register of the shoulder pan's servo."""
        return register.decode(self.ask(encode_read(PAN, register.address, register.size)).params)

    def write(self, register, value):
        """Set a register of the shoulder pan's servo."""
        self.ask(encode_write(PAN, register.address, register.encode(value)))


class Bench:
    """A simulator in a thread, its ports opened, its clock in hand."""

    def __init__(self, stack, *overrides):
        folder = f"robot.calibration_dir={ROOT}/configs/calibration"
        config = taskfile.load(ROOT / "configs" / "sim_bimanual.toml", [folder, *overrides])
        run = f"test-{uuid.uuid4().hex[:12]}"
        status = stack.enter_context(Status.create(run))
        stack.callback(status.unlink)
        self.link = SimLink.create(run, from_config(config))
        stack.callback(self.link.close)
        stack.callback(self.link.unlink)
        self.simulator = Simulator(config, self.link, None, status.sim, stack)
        self.go, self.done = os.eventfd(0), os.eventfd(0)
        for fd in (self.go, self.done):
            stack.callback(os.close, fd)
        thread = threading.Thread(target=self.simulator.run_lockstep, args=(self.go, self.done, PERIOD_S))
        thread.start()
        stack.callback(thread.join)
        stack.callback(self.simulator.stop)
        self.arms = [Client(path) for path in status.sim.ports.split("\n")]
        for arm in self.arms:
            stack.callback(os.close, arm.fd)

    def tick(self):
        """Let one period pass."""
        os.eventfd_write(self.go, go_on(1, whole=True))
        wait_for(self.done)
        os.eventfd_read(self.done)


@pytest.fixture
def bench():
    """A fresh simulator of two arms."""
    with ExitStack() as stack:
        yield Bench(stack)


def test_each_port_is_an_arm_of_its_own(bench):
    """What is written to one port moves that arm and no other; each answers for itself."""
    left, right = bench.arms
    start = left.read(Register.PRESENT_POSITION)
    for arm in bench.arms:
        arm.write(Register.GOAL_POSITION, start)
        arm.write(Register.TORQUE_ENABLE, 1)
    right.write(Register.GOAL_POSITION, start + 300)
    for _ in range(15):
        bench.tick()
    assert left.read(Register.GOAL_POSITION) == start
    assert left.read(Register.PRESENT_POSITION) == pytest.approx(start, abs=8)
    assert right.read(Register.PRESENT_POSITION) == pytest.approx(start + 300, abs=8)


def test_goals_sent_before_the_clock_count_for_that_period(bench):
    """Whatever was written to any port before time was let go has been obeyed when the period is over."""
    last = np.nan
    for count in range(2000, 2200):
        goal = Register.GOAL_POSITION
        for arm in bench.arms:
            os.write(arm.fd, encode_sync_write(goal.address, goal.size, {PAN: goal.encode(count)}))
        bench.tick()
        left, right = bench.simulator._world._motors.goals[[0, 6]]
        assert left == right != last
        last = right


def test_the_cube_is_placed_on_request(bench):
    """A request is carried out within the next period, and the truth is in the world's frame."""
    sides = set()
    for seed in range(6):
        bench.link.request_place(seed)
        bench.tick()
        assert bench.link.placed()
        sides.add(bool(bench.link.object_pose()[1] > 0))
        assert 0.1 - 1e-3 <= abs(bench.link.object_pose()[1]) <= 0.2 + 1e-3
    assert sides == {True, False}


def test_where_the_other_object_lies_is_told():
    """With two cubes control hears of both, each seen from each arm; with one there is no other."""
    with ExitStack() as stack:
        bench = Bench(stack, "env.task=pick_of_two")
        bench.link.request_place(3)
        bench.tick()
        world = bench.simulator._world
        np.testing.assert_array_equal(bench.link.other_object(), world.other_position())
        scene = SimScene(bench.link, 2, two=True)
        np.testing.assert_allclose(scene.other_object() + bases(2), [world.other_position()] * 2)
        assert SimScene(bench.link, 2).other_object() is None
