"""An episode as a job would have recorded it, made on a rig: actions through the pipelines, one by one."""

import numpy as np
from rig import Rig

from hilrt.data.format import FileHeader
from hilrt.data.journal import Episode
from hilrt.step.record import GripperCommand, Mode, Record, Source, gripper_index


def steps(count, arms=1, axes=3, seed=0):
    """Actions that wander, gripper commands of each arm, and who decided them."""
    rng = np.random.default_rng(seed)
    actions = np.clip(rng.normal(0.0, 0.5, (count, arms * axes)), -1.0, 1.0).astype(np.float32)
    grippers = [tuple(map(GripperCommand, row)) for row in rng.integers(0, 3, (count, arms)).tolist()]
    return actions, grippers, [bool(i // 7 % 2) for i in range(count)]


def record(rig, actions, grippers, human, lag=0.8):
    """The records; the arm follows each command by a share of the way, as motors do."""
    joints, records = rig.home.copy(), []
    for step, (action, gripper, by_hand) in enumerate(zip(actions, grippers, human, strict=True)):
        state = rig.observe(joints=joints).state
        tick = rig.act(action, *gripper, human=by_hand, joints=joints)
        records.append(
            Record(
                episode=3,
                step=step,
                mode=Mode.DEMO,
                monotonic_ns=step,
                wall_ns=step,
                state=state.tobytes(),
                action=tick.action.tobytes(),
                gripper=gripper_index(tick.gripper),
                source=Source.HUMAN if tick.human else Source.POLICY,
                joint_goal=tick.joint_goal.astype(np.float32).tobytes(),
            )
        )
        joints = joints + lag * (tick.joint_goal - joints)
    state = rig.observe(joints=joints).state.tobytes()
    final = Record(
        episode=3, step=len(records), mode=Mode.DEMO, final=True, monotonic_ns=0, wall_ns=0, state=state
    )
    return [*records, final]


def episode(rig, records):
    """The same in an episode."""
    header = FileHeader(episode=3, mode=Mode.DEMO, task="test", features=rig.features)
    return Episode(header=header, records=records, frames=[], torn=None)


def made(count=40, **rig):
    """A rig of its own, and an episode of it."""
    rig = Rig(**rig)
    arms = len(rig.features.sides)
    return episode(rig, record(rig, *steps(count, arms, len(rig.features.action) // arms)))
