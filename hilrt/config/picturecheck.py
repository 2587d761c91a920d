"""Checks what a task file says of pictures."""

import re

from hilrt.config import Config
from hilrt.config.own import IMPORT_PATH
from hilrt.config.rewardcheck import Fail

ENCODERS = ("pretrained", "resnet10", "resnet18", "conv", "none")


def check_encoder(config: Config, fail: Fail) -> None:
    """There is one of that name, and what is said of a frozen one is of one."""
    policy = config.policy
    trained = policy.encoder in {"conv", "none"} or re.match(IMPORT_PATH, policy.encoder) is not None
    if not trained and policy.encoder not in ENCODERS:
        known = f"there are {', '.join(ENCODERS)}, and your own as package.module:Class"
        fail("policy.encoder", f'there is no "{policy.encoder}"; {known}.')
    if policy.weights and trained:
        fail("policy.weights", f'is a file for a frozen encoder, but policy.encoder is "{policy.encoder}".')
    if policy.cached_variants and trained:
        problem = f'keeps features of a frozen encoder, but policy.encoder is "{policy.encoder}". Remove it.'
        fail("policy.cached_variants", problem)
    if policy.jitter and policy.encoder == "none":
        fail(
            "policy.jitter", 'is of pictures, but policy.encoder is "none": the policy sees none. Remove it.'
        )
    if policy.jitter and policy.cached_variants == 1:
        problem = "is 1, the frame as it is, and policy.jitter would change nothing. Take 2 or more, or 0."
        fail("policy.cached_variants", problem)


def check_crops(config: Config, fail: Fail) -> None:
    """Each is of a camera, and inside its frame."""
    frames = {name: camera.frame_size for name, camera in config.robot.cameras.items()}
    for name, (top, left, height, width) in config.processor.image_preprocessing.crop_params_dict.items():
        where = f"processor.image_preprocessing.crop_params_dict.{name}"
        if name not in frames:
            plain = name.removeprefix("observation.images.")
            hint = f"Write `{plain}`." if plain in frames else f"There are: {', '.join(frames) or 'none'}."
            fail(where, f"there is no such camera. {hint}")
        rows, columns = frames[name]
        if min(top, left) < 0 or min(height, width) < 1:
            fail(where, f"{[top, left, height, width]} must be top, left >= 0 and height, width >= 1.")
        if top + height > rows or left + width > columns:
            problem = f"reaches to row {top + height}, column {left + width} of a frame of"
            fail(where, f"{problem} {rows} x {columns} (height x width, after rotation).")
