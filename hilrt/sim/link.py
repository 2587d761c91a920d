"""What passes between control and the simulator beside the wires: requests, the truth, and camera frames.

Each region has one writer. The pose is guarded by a sequence word, odd while it changes; frames are `Pictures`.
"""

import numpy as np
import numpy.typing as npt

from hilrt.features import Features
from hilrt.shm.pictures import Picture, Pictures
from hilrt.shm.region import Float, Int, Region
from hilrt.shm.segment import Segment

POSE = ("x", "y", "z", "sin_4yaw", "cos_4yaw")

RETRIES = 1000
"""A writer is done in microseconds; one that died in mid-write never is."""


class Requests(Region):
    """Written by control."""

    places = Int()  # scenes asked for so far
    seed = Int()


class Truth(Region):
    """Written by the simulator."""

    placed = Int()  # scenes placed so far
    sequence = Int()  # odd while the pose below is being written
    success = Int()
    x = Float()
    y = Float()
    z = Float()
    sin_4yaw = Float()
    cos_4yaw = Float()


class SimLink:
    """Both ends of the link; each calls only its own half."""

    def __init__(self, segment: Segment, features: Features) -> None:
        self._segment = segment
        buf = segment.buf
        self._requests = Requests(buf)
        self._truth = Truth(buf[Requests.size :])
        self._frames = Pictures(buf[Requests.size + Truth.size :], features.images)

    @classmethod
    def create(cls, run: str, features: Features) -> "SimLink":
        """Made by the supervisor."""
        size = Requests.size + Truth.size + Pictures.nbytes(features.images)
        return cls(Segment.create(run, "sim", size, features.schema()), features)

    @classmethod
    def attach(cls, run: str, features: Features) -> "SimLink":
        """Opened by control and by the simulator."""
        return cls(Segment.attach(run, "sim", features.schema()), features)

    # --- control's half

    def request_place(self, seed: int) -> None:
        """Ask for the object at a place drawn from `seed`."""
        self._requests.seed = seed
        self._requests.places += 1

    def placed(self) -> bool:
        """Whether the last request has been carried out."""
        return self._truth.placed == self._requests.places

    def success(self) -> bool:
        """The task's verdict."""
        return bool(self._truth.success)

    def object_pose(self) -> npt.NDArray[np.float64]:
        """A consistent pose, shape (5,), as in `hilrt.features.OBJECT`; what there is of one that died writing."""
        truth = self._truth
        for _ in range(RETRIES):
            before = truth.sequence
            pose = np.array([getattr(truth, name) for name in POSE])
            if before % 2 == 0 and truth.sequence == before:
                break
        return pose

    def newest_frame(self, camera: str) -> tuple[int, int, Picture] | None:
        """Frame number, capture time [ns] and a copy of the newest frame; None before the first."""
        return self._frames.newest(camera)

    # --- the simulator's half

    def wanted_place(self) -> int | None:
        """Seed of a request not yet carried out."""
        return None if self.placed() else self._requests.seed

    def report(self, pose: npt.NDArray[np.float64], success: bool) -> None:
        """Publish the truth."""
        truth = self._truth
        truth.sequence += 1
        for name, value in zip(POSE, pose, strict=True):
            setattr(truth, name, float(value))
        truth.success = int(success)
        truth.sequence += 1

    def report_placed(self) -> None:
        """Acknowledge the last request."""
        self._truth.placed = self._requests.places

    def publish_frame(self, camera: str, image: Picture, time_ns: int) -> None:
        """Show a frame taken at `time_ns`."""
        self._frames.publish(camera, image, time_ns)

    def close(self) -> None:
        """Let go of the memory."""
        self._frames.close()
        self._requests.close()
        self._truth.close()
        self._segment.close()

    def unlink(self) -> None:
        """Take the name away."""
        self._segment.unlink()
