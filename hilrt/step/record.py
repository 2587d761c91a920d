"""The step record: one message per tick, the same in the ring, in the journal and on the way into replay.

Record t holds observation t, the action executed on it, and the reward and end flags that observation t+1 decided. The
last observation of an episode follows in a record with `final = true` and no action, so `next` is always an index.
Frames travel beside the record, raw, at the offsets of `Features.images`.
"""

from collections.abc import Iterable
from enum import IntEnum, IntFlag

import msgspec
import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]


class Mode(IntEnum):
    """Why an episode is run."""

    DEMO = 0
    TRAIN = 1
    EVAL = 2


class Source(IntEnum):
    """Who decided the executed action."""

    POLICY = 0
    HUMAN = 1


class GripperCommand(IntEnum):
    """What the gripper is told; on `STAY` it keeps its last goal, and so its force."""

    CLOSE = 0
    STAY = 1
    OPEN = 2


def gripper_index(commands: Iterable[GripperCommand]) -> int:
    """One number for the commands of all arms: digits to the base of 3, the first arm's the lowest."""
    return sum(int(command) * 3**arm for arm, command in enumerate(commands))


def gripper_commands(index: int, arms: int) -> tuple[GripperCommand, ...]:
    """Inverse of `gripper_index`."""
    return tuple(GripperCommand(index // 3**arm % 3) for arm in range(arms))


class Limit(IntFlag):
    """Limits that a command met; see `hilrt.control.action`."""

    STEP = 1
    """The wish was longer than one step."""
    BOX = 2
    """The workspace box."""
    REACH = 4
    """Inverse kinematics could not get there."""
    COLLISION = 8
    """The arm would have met itself or the table."""
    JOINT = 16
    """A joint is at the end of its range."""
    VELOCITY = 32
    """A joint goes as fast as it may."""
    HELD = 64
    """Something holds the arm back, and the command waits for it."""


class Override(IntEnum):
    """What the operator said where a reward classifier said otherwise."""

    NONE = 0
    SUCCESS = 1
    FAILURE = 2


class Record(msgspec.Struct, array_like=True, gc=False, kw_only=True):
    """One step; vectors are little-endian float32 bytes, shapes as in `Features`."""

    episode: int
    step: int
    mode: Mode
    final: bool = False
    monotonic_ns: int
    """Of the observation, on the clock of the ticks; simulated where time is."""
    wall_ns: int
    """When the record was made, since 1970."""
    state: bytes
    action: bytes = b""
    """Executed, in [-1, 1]; empty in a final record."""
    gripper: int = int(GripperCommand.STAY)
    """Index into `Features.gripper`; see `gripper_commands`."""
    policy_action: bytes = b""
    """What the policy wanted; empty where none was asked."""
    policy_gripper: int = int(GripperCommand.STAY)
    source: Source = Source.POLICY
    joint_goal: bytes = b""
    """Goal positions sent to the six motors of each arm [rad]."""
    reward: float = 0.0
    terminated: bool = False
    """Success, or failure declared by the operator: the future is worth nothing."""
    truncated: bool = False
    """Time limit or interruption: the future goes on unseen."""
    success: bool = False
    discarded: bool = False
    """On a final record: the operator wants the episode recorded again, so nobody learns from it."""
    policy_version: int = 0
    frame_ages_ms: tuple[float, ...] = ()
    """Of each camera's frame, when it was taken for this observation."""
    missed: int = 0
    """Deadlines missed before this tick."""
    bus_faults: int = 0
    """Retries and errors on the servo buses during this tick."""
    operator_action: bytes = b""
    """What the operator's device said while it had the arm; as said, so it may lie outside [-1, 1]."""
    limits: int = 0
    """`Limit` bits: what the command met on its way."""
    probability: float = -1.0
    """Of success, as a reward classifier says of the observation that this step led to; -1 where none was asked."""
    override: Override = Override.NONE
    """What the operator said of that observation, against the classifier."""
    spot: tuple[float, ...] = ()
    """On a final record: x, y of the object when the episode began, base frame [m]; empty where nobody knows."""

    @property
    def place(self) -> int:
        """Where it is in its run, from 1: one number that grows from record to record."""
        return (self.episode << 32) + self.step + 1


def final_of(record: Record, before: Record) -> Record:
    """A step's observation as the last of its episode, which ends as the step before it says."""
    return Record(
        episode=record.episode,
        step=record.step,
        mode=record.mode,
        final=True,
        monotonic_ns=record.monotonic_ns,
        wall_ns=record.wall_ns,
        state=record.state,
        terminated=before.terminated,
        truncated=before.truncated,
        success=before.success,
        policy_version=record.policy_version,
        frame_ages_ms=record.frame_ages_ms,
    )


_decoder = msgspec.msgpack.Decoder(Record)
_encoder = msgspec.msgpack.Encoder()


def encode_into(record: Record, scratch: bytearray) -> memoryview:
    """Encode to `scratch` (grown if needed) and return the written part."""
    _encoder.encode_into(record, scratch)
    return memoryview(scratch)


def decode(data: bytes | memoryview) -> Record:
    """Inverse of `encode_into`; raises `msgspec.MsgspecError` on anything else."""
    return _decoder.decode(data)


def vector(data: bytes) -> Float32:
    """A record's vector as a read-only float32 array."""
    return np.frombuffer(data, dtype="<f4")
