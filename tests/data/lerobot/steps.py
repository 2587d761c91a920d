"""Steps that look like recorded ones."""

import numpy as np

from hilrt.step.features import Features
from hilrt.step.record import Mode, Record, Source

STEPS = 5
"""Steps of an episode, its final record not counted."""


def scene(features: Features, episode: int, step: int) -> bytes:
    """Raw frames of a step: a smooth picture that tells both numbers, as cameras see no noise."""
    raw = np.zeros(features.frame_bytes, np.uint8)
    for image in features.images:
        rows, columns = np.mgrid[: image.height, : image.width]
        picture = np.stack([rows * 4, columns * 4, np.full_like(rows, 20 * step + 5 * episode)], axis=-1)
        raw[image.offset : image.offset + image.nbytes] = picture.astype(np.uint8).ravel()
    return raw.tobytes()


def step_of(features: Features, episode: int, step: int, **fields: object) -> Record:
    """A record with something in each of its fields."""
    rng = np.random.default_rng([episode, step])

    def vector(size: int) -> bytes:
        return rng.uniform(-1, 1, size).astype(np.float32).tobytes()

    facts: dict = {
        "mode": Mode.DEMO,
        "monotonic_ns": 10**9 * (1 + episode) + step,
        "wall_ns": 10**18 + 10**9 * episode + step,
        "state": vector(len(features.state)),
        "policy_version": 3,
    }
    if not fields.get("final"):
        facts |= {
            "action": vector(len(features.action)),
            "gripper": step % 3,
            "policy_action": vector(len(features.action)) if step % 2 else b"",
            "operator_action": b"" if step % 2 else vector(len(features.action)),
            "source": Source.POLICY if step % 2 else Source.HUMAN,
            "joint_goal": vector(6),
            "reward": 0.1 * step,
            "frame_ages_ms": tuple(rng.uniform(0, 40, len(features.images)).tolist()),
            "missed": step % 2,
            "limits": 5,
        }
    return Record(episode=episode, step=step, **(facts | fields))
