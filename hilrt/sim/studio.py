"""Pictures of the simulated scene, taken in a thread of their own so that rendering never delays a servo's reply."""

import threading
import time
from types import TracebackType
from typing import Self

from hilrt.config import Config, Sim, nature_of
from hilrt.run.realtime import become_realtime
from hilrt.shm.pictures import Pictures
from hilrt.sim.thing import thing_of
from hilrt.sim.world import World

PRIORITY = 20
"""Of the thread that draws, below the servos': it holds Python's lock at times, and whoever took the core from it then
would delay their replies. The threads that fill the pixels have none."""


class Studio:
    """Renders every simulated camera of the config from a copy of the world.

    MuJoCo releases the GIL while it draws; the graphics context belongs to the thread that made it, so all
    drawing happens there.
    """

    def __init__(self, config: Config, pictures: Pictures) -> None:
        self._cameras = {n: c for n, c in config.robot.cameras.items() if c.type == "sim"}
        self._interval_s = 1.0 / min((c.fps for c in self._cameras.values()), default=1)
        self._pictures = pictures
        sim = config.sim or Sim()
        self._realtime = sim.clock == "realtime"
        self._latency_ns = round(nature_of(sim.arm).camera_latency_ms * 1e6)
        self._copy = World(
            config.env.task,
            config.seed,
            len(config.robot.sides),
            thing=thing_of(config),
            pictures=sim.pictures,
        )
        self._due = 0.0
        self._closing = False
        self._wanted, self._done = threading.Event(), threading.Event()
        self._done.set()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
        self._thread.start()

    def expose(self, world: World, *, wait: bool) -> None:
        """Take pictures of the world as it is now: all of them at once (`wait`), or when their rate says so."""
        if not wait and (time.monotonic() < self._due or not self._done.is_set()):
            return
        if self._error:
            raise self._error
        self._due = max(self._due + self._interval_s, time.monotonic())
        self._copy.mirror(world)
        self._done.clear()
        self._wanted.set()
        if wait:
            self._done.wait()
            if self._error:
                raise self._error

    def _run(self) -> None:
        if self._realtime:
            become_realtime(PRIORITY)
        try:
            with self._copy:
                while self._wanted.wait():
                    self._wanted.clear()
                    if self._closing:
                        break
                    self._shoot()
                    self._done.set()
        except BaseException as error:  # carried to the thread that can act on it
            self._error = error
        finally:
            self._done.set()

    def _shoot(self) -> None:
        taken_ns = time.monotonic_ns() - self._latency_ns
        for name, camera in self._cameras.items():
            turned = camera.rotation in {90, 270}
            height, width = (camera.width, camera.height) if turned else (camera.height, camera.width)
            self._pictures.publish(name, self._copy.render(name, height, width), taken_ns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._wanted.set()
        self._thread.join()
