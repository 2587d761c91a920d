"""Checks what a task file says of an arm that puts the object back by itself."""

from hilrt.config import Config
from hilrt.config.rewardcheck import Fail

SCENE = "processor.reset.scene"
EDGE = 0.02
"""Of the workspace box, kept free by an arm that puts something down by itself [m]."""


def check_reset(config: Config, fail: Fail) -> None:
    """One arm, with a gripper and a box, and an area that is in it."""
    processor = config.processor
    if processor.reset.scene != "self":
        return
    if len(config.sides) != 1:
        fail(SCENE, 'is "self", which one arm does alone; here are two. Use "operator".')
    if not processor.gripper.use_gripper:
        fail(SCENE, 'is "self", but processor.gripper.use_gripper = false: nothing can be carried.')
    box = config.bounds(next(iter(config.sides)))
    if box is None:
        fail(SCENE, 'is "self", which needs [processor.inverse_kinematics]: joint control has no box.')
    elif area := processor.reset.area:
        for axis, i in (("x", 0), ("y", 1)):
            if min(area.max[i], box.max[i] - EDGE) <= max(area.min[i], box.min[i] + EDGE):
                inside = f"{box.min[i] + EDGE:.3f} .. {box.max[i] - EDGE:.3f}"
                problem = f"none of its {axis} = {area.min[i]:g} .. {area.max[i]:g} is 2 cm inside the box, {inside}."
                fail("processor.reset.area", problem)
