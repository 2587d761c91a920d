"""Failures of what an arm must not do, or cannot."""

from collections.abc import Mapping, Sequence

from hilrt.errors.root import HilrtError


class OverheatError(HilrtError):
    """A servo is hotter than it may be."""

    def __init__(self, name: str, found_c: float, limit_c: float) -> None:
        super().__init__(
            f"{name} is at {found_c:.0f} degC, above safety.max_temperature_c = {limit_c:.0f}: the arm holds. "
            "Let it cool; less load or a shorter reach keeps it cooler."
        )


class OvercurrentError(HilrtError):
    """A servo has drawn more current than it may for too long."""

    def __init__(self, name: str, found_a: float, limit_a: float) -> None:
        self.remark = f"{name} drew {found_a:.1f} A for a second and was eased; the episode was cut"
        """For the screen, where the run goes on."""
        super().__init__(
            f"{name} draws {found_a:.2f} A, for a second more than safety.max_current_a = {limit_a:g}: the arm holds. "
            "See what it pushes against."
        )


class GripOverloadError(HilrtError):
    """A gripper has pushed too hard for too long."""

    def __init__(self) -> None:
        self.remark = (
            "the gripper pushed too hard for too long and let go for an instant; it holds on with less force"
        )
        """For the screen, since the run goes on."""
        super().__init__(
            "the gripper was overloaded: it pushed for too long with more than its servo allows, and let go. It is "
            "told to stay where it is and holds on with half of its lead. If this comes again, lower "
            "robot.grip_lead_deg."
        )


class VoltageError(HilrtError):
    """The servos' supply is out of its range."""

    def __init__(self, name: str, found_v: float, low_v: float, high_v: float) -> None:
        super().__init__(
            f"{name} is supplied with {found_v:.1f} V, outside {low_v:.1f} .. {high_v:.1f}: the arm holds. "
            "Check the power supply and its plug. The limits are safety.min_voltage_v, if absent four fifths of what "
            "the run began with, and max_voltage_v."
        )


class JointRangeError(HilrtError):
    """A joint has nowhere to go."""

    def __init__(self, motor: str, calibration: str, margin_deg: float) -> None:
        super().__init__(
            f"{motor} has no range left: the one in {calibration}, within the URDF's, less safety.joint_margin_deg = "
            f"{margin_deg:g} at both ends, is empty. Calibrate the joint's whole range, or lower the margin."
        )


class JointOutsideError(HilrtError):
    """A limp joint rests so far beyond its range that it would have to go a long way as its torque comes on."""

    def __init__(self, port: str, motor: int, name: str, beyond_deg: float) -> None:
        end = "upper" if beyond_deg > 0 else "lower"
        super().__init__(
            f"motor {motor} ({name}) on {port} rests {abs(beyond_deg):.0f} degrees beyond the {end} end of its "
            "calibrated range, and stays limp: with torque it would go there by itself. Bring it inside by hand, "
            "then start again; where it rests so by nature, calibrate its whole range: hilrt calibrate."
        )


START_POSE = "fixed_reset_joint_positions"
"""The option that says where an arm starts."""


class StartPoseError(HilrtError):
    """A pose of the task file cannot be taken up."""

    def __init__(self, option: str, motor: str, asked: float, low: float, high: float) -> None:
        """`option`: whose pose it is."""
        super().__init__(
            f"{option}: {motor} at {asked:.1f} is outside {low:.1f} .. {high:.1f}, its range less "
            "the margin. Choose a pose inside it."
        )


class StartOutsideBoxError(HilrtError):
    """A task file has the start pose outside the workspace box."""

    def __init__(
        self,
        source: str,
        side: str,
        place: Sequence[float],
        outside: Mapping[str, float],
        pose: str,
        bounds: str,
    ) -> None:
        """What is outside, and where that is said.

        Args:
            source: the task file.
            side: of the arm.
            place: where its end effector starts [m].
            outside: how far beyond the box that is, by axis [m]; negative is below its min.
            pose: table of the start pose.
            bounds: table of the box.
        """
        off = ", ".join(
            f"{1e3 * abs(by):.0f} mm {'above max' if by > 0 else 'below min'} in {axis}"
            for axis, by in outside.items()
        )
        where = [round(metres, 3) + 0.0 for metres in place]  # no -0.0
        super().__init__(
            f"{source}: the start pose of the {f'{side} arm'.strip()} is outside its workspace box: {off}. The arm "
            f"would run into the box by itself, so nothing moves. $.{pose}.fixed_reset_joint_positions puts the end "
            f"effector at {where}; change it, or $.{bounds}.end_effector_bounds, so that it is inside. hilrt "
            "fit proposes both from demonstrations; hilrt find-limits drives the arm without a box and shows where it "
            "has been."
        )


class CollisionError(HilrtError):
    """The arm cannot get to a pose without running into something."""

    def __init__(self, where: str, first: str, second: str, option: str = START_POSE) -> None:
        """`option`: whose pose it is."""
        super().__init__(
            f"{where}, {first} would be too near {second}. Choose another pose ({option}), or bring the arm nearer "
            "to it by hand."
        )


class ActionError(HilrtError):
    """An action that cannot be executed."""

    def __init__(self, size: int, action: object) -> None:
        super().__init__(
            f"the action must be {size} finite numbers, got {action}. Either learning has diverged (see its losses, "
            "go back to an earlier checkpoint), or a step of your own before `delta` made it so."
        )


class GoalError(HilrtError):
    """A goal that is not six finite joint angles."""

    def __init__(self, port: str, goal: str) -> None:
        super().__init__(f"goal for the arm on {port} must be 6 finite angles [rad], got {goal}.")


class ArmBlockedError(HilrtError):
    """Something keeps the arm from its start pose."""

    def __init__(self, motor: str, off_deg: float, load: float) -> None:
        """`load`: share of full torque."""
        super().__init__(
            f"the arm cannot reach its start pose: {motor} is {off_deg:.0f} degrees away, pushes with {load:.0%} of "
            "its torque and does not get there; its weight does not explain that. Free its way (cable, table, object, "
            "a screw that binds), then start again; the start pose is processor.reset.fixed_reset_joint_positions, or "
            "in a replay the episode's first."
        )


class ArmSagsError(HilrtError):
    """The arm's own weight keeps it too far from its start pose."""

    def __init__(self, motor: str, off_deg: float, weight_nm: float, supply_v: float) -> None:
        super().__init__(
            f"{motor} hangs {off_deg:.0f} degrees below where it is told to be and stands still: nothing is in its "
            f"way, it gives in to its own weight ({weight_nm:.2f} N m). It has {supply_v:.1f} V: a weak supply makes "
            "it softer. See also whether the gripper carries something, and whether its horn's screw is tight. A start "
            "pose nearer to the base (processor.reset.fixed_reset_joint_positions) weighs less."
        )


class JointBlockedError(HilrtError):
    """A joint does not follow while the arm is measured."""

    def __init__(self, motor: str, behind_deg: float) -> None:
        super().__init__(
            f"{motor} is {behind_deg:.0f} degrees behind where it is told to be: something is in its way, or it is too "
            "weak. The arm holds. Free it and look at its screws and its supply, then start again."
        )


class ReplayBlockedError(HilrtError):
    """A replay cannot go on."""

    def __init__(self, step: int, limits: str) -> None:
        cause = f" (limits met: {limits.lower().replace('|', ', ')})" if limits else ""
        super().__init__(
            f"the arm does not follow the recording beyond step {step}{cause}: the replay has waited, and ends here; "
            "the arm holds. See what is in its way, then start again."
        )
