"""Leader arms as the operator's device: they track the follower arms until a hand takes them."""

from collections.abc import Sequence

from hilrt.devices.calibration import GRIPPER_CLOSED_RAD, GRIPPER_OPEN_RAD, Vector
from hilrt.devices.keyboard import Counts, Key, Presses
from hilrt.devices.leaderarm import LeaderArm
from hilrt.devices.operator import Command, OperatorInput, Scene, Silent
from hilrt.devices.steering import Steering
from hilrt.devices.tug import Tug
from hilrt.step.record import Mode


class Leader(Silent):
    """`teleop.type = "so100_leader"` or `"so101_leader"`: a leader arm for each follower arm, and the terminal's keys.

    Demonstrations are the operator's from beginning to end, evaluations the policy's. All leaders are taken and given
    back together.
    """

    def __init__(
        self,
        arms: Sequence[LeaderArm],
        steerings: Sequence[Steering],
        keys: Counts,
        *,
        intervene: bool,
        demonstrates: bool,
        tugs: Sequence[Tug] = (),
    ) -> None:
        """Arms come in the order of their sides.

        Args:
            arms: connected.
            steerings: one for each.
            keys: counts of presses.
            intervene: whether training may be interrupted.
            demonstrates: whether every episode is the operator's.
            tugs: for automatic takeover, one for each arm; empty: by key alone.
        """
        self._arms, self._steerings, self._tugs = arms, steerings, tugs
        self._presses = Presses(keys)
        self._may_intervene, self._demonstrates = intervene, demonstrates
        self._mode = Mode.EVAL
        self._human = self._by_tug = self._engaged = self._resting = False

    @property
    def message(self) -> str:
        """What the operator should know; empty while all is well."""
        meanwhile = "the arm stands still" if self._human else "nobody can take over"
        away = [f"{arm.name} is away, {meanwhile}: {arm.trouble}" for arm in self._arms if arm.trouble]
        if away:
            return "; ".join(away)
        if self._resting and self._demonstrates:
            return "hold the leader: it lets go when the episode begins"
        return ""

    def close(self) -> None:
        """The arms are closed by whoever connected them."""

    def begin(self, mode: Mode, seed: int) -> None:  # noqa: ARG002 - a person needs no seed
        """A new episode; what was pressed before it does not count in it."""
        self._presses.forget()
        self._mode = mode
        self._change_hands(human=False)
        self._resting = False

    def rest(self, command: Command) -> None:
        """Go along."""
        if not self._resting:
            self._change_hands(human=False)
            self._resting = True
        self._track(command)

    def sense(self, scene: Scene) -> OperatorInput:
        """Presses since the last call, and where the leaders are now."""
        places = [arm.position for arm in self._arms]
        there = [place for place in places if place is not None]
        self._decide(there, complete=len(there) == len(self._arms))
        taken = self._presses.taken
        wish = OperatorInput(
            intervening=self._human,
            success=taken(Key.SUCCESS) > 0,
            failure=taken(Key.FAILURE) > 0,
            rerecord=taken(Key.RERECORD) > 0,
            arm=None,
        )
        if not self._human:
            self._track(scene.command)
            return wish
        for arm in self._arms:
            arm.let_go()
        if len(there) < len(self._arms) or not all(arm.limp for arm in self._arms):
            return self._wait(wish)
        return self._lead(wish, there, scene.command)

    def _decide(self, places: Sequence[Vector], *, complete: bool) -> None:
        """Who has the arms from here on."""
        toggled = self._presses.taken(Key.INTERVENE) % 2 == 1
        if self._mode is Mode.DEMO:
            human = True
        elif self._mode is not Mode.TRAIN or not self._may_intervene or not complete:
            human = False
        elif toggled:
            human = not self._human
        else:
            human = self._tugged(places)
        if human is not self._human:
            self._by_tug = human and not toggled
            self._change_hands(human=human)

    def _tugged(self, places: Sequence[Vector]) -> bool:
        """Taken by a tug, given back by holding still; what a key began a key ends."""
        looks = list(zip(self._tugs, self._arms, places, strict=True)) if self._tugs else []
        if self._human:
            still = [tug.still(place) for tug, _, place in looks]
            return not (self._by_tug and all(still))
        pulled = [tug.pulled(arm.sent, place) for tug, arm, place in looks if arm.sent is not None]
        return any(pulled)

    def _change_hands(self, *, human: bool) -> None:
        self._human, self._engaged = human, False
        for tug in self._tugs:
            tug.forget()

    def _track(self, command: Command) -> None:
        for arm, joints, opening in zip(self._arms, command.joints, command.opening, strict=True):
            goal = joints.copy()
            goal[5] = GRIPPER_CLOSED_RAD + opening * (GRIPPER_OPEN_RAD - GRIPPER_CLOSED_RAD)
            arm.track(goal)

    def _lead(self, wish: OperatorInput, places: Sequence[Vector], command: Command) -> OperatorInput:
        each = list(zip(self._steerings, places, command.joints, command.opening.tolist(), strict=True))
        if not self._engaged:
            self._engaged = True
            for steering, place, joints, opening in each:
                steering.engage(place, joints, opening)
        action = [
            value for steering, place, joints, _ in each for value in steering.motion(place, joints).tolist()
        ]
        gripper = [steering.grip(place, opening) for steering, place, _, opening in each]
        return wish._replace(action=tuple(action), gripper=tuple(gripper))

    def _wait(self, wish: OperatorInput) -> OperatorInput:
        """Stand still while a leader is away or still under torque: it springs when that goes, and only then counts."""
        self._engaged = False
        return wish
