"""The operator in an environment: a function of the user's own, asked at every step."""

from hilrt.config import Config
from hilrt.config.own import blaming, load_own
from hilrt.devices.operator import Motionless, OperatorInput, Scene
from hilrt.environment.world import World
from hilrt.step.record import Mode

OPTION = "env.operator"


class Hook(Motionless):
    """Asks it what it would do: it demonstrates, corrects the policy in training, and is silent in evaluation."""

    message = ""

    def __init__(self, world: World, config: Config) -> None:
        """Raises `OwnCodeError`: the function cannot be imported."""
        self._world, self._path = world, config.env.operator or ""
        self._ask = load_own(OPTION, self._path) if self._path else None
        self._intervenes = config.teleop.intervene
        self._mode = Mode.EVAL

    def begin(self, mode: Mode, seed: int) -> None:  # noqa: ARG002 - it has no chance of its own
        """A new episode starts."""
        self._mode = mode

    def sense(self, scene: Scene) -> OperatorInput:  # noqa: ARG002 - it sees what the environment shows
        """What it wants now; raises `OwnCodeError` where it fails."""
        if (
            self._ask is None
            or self._mode is Mode.EVAL
            or (self._mode is Mode.TRAIN and not self._intervenes)
        ):
            return OperatorInput()
        with blaming(OPTION, self._path, "failed"):
            wanted = self._ask(self._world.observation, self._world.info)
            if wanted is None:
                return OperatorInput(intervening=self._mode is Mode.DEMO)
            action, gripper = self._world.unit(wanted)
        return OperatorInput(intervening=True, action=action, gripper=(gripper,))

    def close(self) -> None:
        """Nothing is open."""
