"""Checks what a task file says of an arm that puts the object back by itself."""

from hilrt.config import Config
from hilrt.config.rewardcheck import Fail

SCENE = "processor.reset.scene"
PLACES = "processor.reset.places"


def check_reset(config: Config, fail: Fail) -> None:
    """One arm, with a gripper and a box, and places that are in it."""
    processor, places = config.processor, config.processor.reset.places
    if processor.reset.scene != "self":
        if places:
            fail(PLACES, f'is for {SCENE} = "self". Set that, or remove the table.')
        return
    if len(config.sides) != 1:
        fail(SCENE, 'is "self", which one arm does alone; here are two. Use "operator".')
    if not processor.gripper.use_gripper:
        fail(SCENE, 'is "self", but processor.gripper.use_gripper = false: nothing can be carried.')
    if processor.inverse_kinematics is None:
        fail(SCENE, 'is "self", which needs [processor.inverse_kinematics]: joint control has no box.')
    low, high = config.places
    box = config.bounds("")
    for axis, i in (("x", 0), ("y", 1)):
        if low[i] >= high[i]:
            fail(
                PLACES,
                f"from {axis} = {low[i]:.3f} to {high[i]:.3f} m there is nothing. Widen them, or the box.",
            )
        if box and not box.min[i] <= low[i] < high[i] <= box.max[i]:
            inside = f"{box.min[i]:g} .. {box.max[i]:g}"
            fail(PLACES, f"{axis} = {low[i]:g} .. {high[i]:g} is not in the workspace box, {inside}.")
