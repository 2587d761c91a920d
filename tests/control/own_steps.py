"""Steps as a user would write them."""

import numpy as np

from hilrt.control.pipeline import Signal


class Load:
    """Adds the motors' loads, times a factor, to the state."""

    reads = (Signal("readings", ("arms",)),)
    writes = (Signal("parts"),)

    def __init__(self, config, factor=1.0, values=2):
        self._factor, self._values = factor, values
        self.episodes = 0

    def begin(self):
        self.episodes += 1

    def __call__(self, tick):
        tick.parts.append(self._factor * np.arange(self._values) + self.episodes)


class Detector:
    """Says that the task is done from the third step on."""

    reads = (Signal("step"),)
    writes = (Signal("task_success"),)

    def __init__(self, config):
        self.fps = config.env.fps

    def begin(self):
        pass

    def __call__(self, tick):
        tick.task_success = tick.step >= 3


class Slow(Detector):
    """Halves the action."""

    reads = writes = (Signal("action", ("action",)),)

    def __call__(self, tick):
        tick.action = tick.action * np.float32(0.5)


class Nothing(Detector):
    """Adds a value that is none."""

    def __call__(self, tick):
        tick.parts.append([float("nan")])


class Wordy(Detector):
    """Declares what it reads in words alone."""

    reads = ("readings",)


class Made(Detector):
    """Makes an action of its own."""

    writes = (Signal("action", ("action",)),)

    def __init__(self, config, action):
        self._action = action

    def __call__(self, tick):
        tick.action = np.array(self._action)  # float64


class Broken(Detector):
    """Fails at its work."""

    def __call__(self, tick):
        raise ZeroDivisionError("no luck")


class Shove(Detector):
    """Tries to send the arm away, after all that kept it in its limits."""

    reads = writes = (Signal("joint_goal", ("arms", 6), "rad"),)

    def __call__(self, tick):
        tick.joint_goal = tick.joint_goal + 3.0


class Mess(Detector):
    """Leaves a field as nobody expects it."""

    def __init__(self, config, field, value):
        self._field, self._value = field, value
        self.writes = (Signal(field),)

    def __call__(self, tick):
        value = self._value
        if self._field == "parts":
            tick.parts.append(value)
        else:
            kind = {"gripper": tuple, "reward": lambda given: given}.get(self._field, np.array)
            setattr(tick, self._field, kind(value))


class Quits(Detector):
    """Ends the program, or tries to."""

    def __init__(self, config):
        raise SystemExit(7)


NOT_A_STEP = dict
