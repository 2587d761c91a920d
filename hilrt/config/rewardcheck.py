"""Checks what a task file says of reward."""

from collections.abc import Callable

from hilrt.config import Config

Fail = Callable[[str, str], None]
"""Takes an option's path and what is wrong with it; raises."""

CLASSIFIER = "processor.reward_classifier"


def check_reward(config: Config, fail: Fail) -> None:
    """Who says success can, and what is said of them is read by somebody."""
    reward = config.reward
    if reward.all_of and reward.type != "task":
        fail("reward", f'has all_of, and type = "{reward.type}" beside it. Remove one of the two.')
    if reward.all_of and len({*reward.all_of}) < 2:
        fail("reward.all_of", f'names "{reward.all_of[0]}" alone; write reward.type = "{reward.all_of[0]}".')
    where, names = ("reward.all_of", "names") if reward.all_of else ("reward.type", "is")
    if "grasp" in reward.by and not config.processor.gripper.use_gripper:
        fail(where, f'{names} "grasp", but processor.gripper.use_gripper = false: nothing tells it to shut.')
    if "classifier" in reward.by and not config.robot.cameras:
        fail(where, f'{names} "classifier", but there are no cameras under [robot.cameras] for it to see by.')
    if "grasp" in reward.by:
        _check_height(config, fail)
    _check_classifier(config, fail)


def _check_height(config: Config, fail: Fail) -> None:
    """Each arm's box leaves room for it; with joint control there is none."""
    height = config.reward.height_m
    for side, arm in config.sides.items():
        box = config.bounds(side)
        if box is not None and height >= (room := box.max[2] - box.min[2]):
            own = f"robot.arms.{side}" if side and arm.end_effector_bounds else "processor.inverse_kinematics"
            fail(
                "reward.height_m",
                f"is {height:g} m, but $.{own}.end_effector_bounds is {room:.3g} m high, so nothing can be raised so "
                "far in it, and nothing gives reward. Make height_m smaller, or the box higher.",
            )


def _check_classifier(config: Config, fail: Fail) -> None:
    options = config.processor.reward_classifier
    if len(set(options.classes)) < len(options.classes):
        fail(f"{CLASSIFIER}.classes", "names a class twice.")
    if options.reward_class not in options.classes:
        known = ", ".join(options.classes)
        fail(f"{CLASSIFIER}.reward_class", f'"{options.reward_class}" is none of classes: {known}.')
    if options.success_threshold == 0.0:
        fail(
            f"{CLASSIFIER}.success_threshold",
            "is 0, from where on every frame is a success. Write a probability, or remove it: its file recommends one.",
        )
    if options.success_reward != 1.0 and "classifier" not in config.reward.by:
        fail(
            f"{CLASSIFIER}.success_reward",
            'is what the classifier gives, but nobody asks it. Write reward.type = "classifier", or remove it.',
        )
