"""An environment as somebody would write it: a point goes to a target that a picture shows, and grips there."""

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

NEAR = 0.2


class Table(gymnasium.Env):
    """Actions are a way of up to 0.5 along each axis, and a gripper."""

    def __init__(self, key="is_success", broken=False):
        self.observation_space = Dict(
            {
                "point": Box(-np.inf, np.inf, (2,)),
                "inner": Dict({"target": Box(-1, 1, (2,)), "time": Box(0, 100, ())}),
                "eye": Box(0, 255, (16, 24, 3), np.uint8),
            }
        )
        self.action_space = Dict({"move": Box(-0.5, 0.5, (2,)), "hand": Discrete(3)})
        self._key, self._broken = key, broken

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._point, self._target, self._steps = self.np_random.uniform(-1, 1, 2), np.zeros(2), 0
        return self._look(), {}

    def step(self, action):
        if self._broken:
            raise ZeroDivisionError("no luck")
        self._point, self._steps = self._point + action["move"], self._steps + 1
        near = bool(np.linalg.norm(self._point - self._target) < NEAR)
        done = near and action["hand"] == 0
        return self._look(), float(done), False, self._steps == 30, {self._key: done}

    def _look(self):
        eye = np.zeros((16, 24, 3), np.uint8)
        row, column = np.clip((self._point + 1) / 2 * (15, 23), 0, (15, 23)).astype(int)
        eye[row, column] = 255
        inner = {"target": self._target.astype(np.float32), "time": np.float32(self._steps)}
        return {"point": self._point.astype(np.float32), "inner": inner, "eye": eye}


class Nothing(Table):
    """Of spaces that nobody takes."""

    def __init__(self, space):
        super().__init__()
        if space == "observation":
            self.observation_space = Discrete(4)
        elif space == "empty":
            self.observation_space = Dict({})
        elif isinstance(space, dict):
            self.observation_space = Box(0, 1, **space)
        elif space == "action":
            self.action_space = Discrete(4)
        else:
            self.action_space = Box(-np.inf, np.inf, (2,))


class Eyes(Table):
    """Observes its picture alone."""

    def __init__(self):
        super().__init__()
        self.observation_space = self.observation_space["eye"]

    def _look(self):
        return super()._look()["eye"]


def toward(observation, info):
    """Go there, then close."""
    way = observation["inner"]["target"] - observation["point"]
    near = np.linalg.norm(way) < NEAR / 2
    return {"move": np.clip(way, -0.4, 0.4), "hand": 0 if near else 2}


gymnasium.register("Table-v0", Table)


def look(eye, info):
    """The same, by the picture."""
    point = np.argwhere(eye[..., 0])[0] / (15, 23) * 2 - 1
    return toward({"point": point, "inner": {"target": np.zeros(2)}}, info)


gymnasium.register("Eyes-v0", Eyes)
gymnasium.register("Nothing-v0", Nothing)
