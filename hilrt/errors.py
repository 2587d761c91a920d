"""Every failure hilrt can name: one root, one class per failure.

A constructor takes facts and writes the message: what was found, where, what would have worked, what to do next.
"""

import errno
from collections.abc import Iterable, Mapping, Sequence


class HilrtError(Exception):
    """Root of all errors raised on purpose; the command line prints it and exits with status 2."""


# --- configuration -------------------------------------------------------------------------------


class ConfigError(HilrtError):
    """A configuration file, or one value in it, cannot be used."""

    def __init__(self, source: str, problem: str, cure: str = "") -> None:
        super().__init__(f"{source}: {problem}" + (f" {cure}" if cure else ""))


# --- shared memory -------------------------------------------------------------------------------


class SegmentExistsError(HilrtError):
    """A segment of this name is in use."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"shared memory {name} is held by a running process: "
            "stop the run of this name first (hilrt status shows it), or choose another name."
        )


class SegmentAbsentError(HilrtError):
    """There is no segment of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no shared memory {name}: "
            "the run is not started, has ended, or belongs to another user."
        )


class SegmentNotReadyError(HilrtError):
    """A segment exists, but its maker has not finished it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"shared memory {name} is not ready: its maker is still at it (try again), "
            "or died there (the next start clears it)."
        )


class SegmentMismatchError(HilrtError):
    """A segment was made for other contents than expected."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        super().__init__(
            f"shared memory {name} was made by another version or configuration.\n"
            f"  found:    {found}\n  expected: {expected}\n"
            "Stop all processes of the run and start it again."
        )


class SharedMemoryFullError(HilrtError):
    """The file system of shared memory has no room for a segment."""

    def __init__(self, name: str, size: int, free: int, total: int) -> None:
        super().__init__(
            f"no space left on /dev/shm for {name}: it needs {size / 1e6:.1f} MB, "
            f"{free / 1e6:.1f} MB of {total / 1e6:.1f} MB are free. "
            "Remove what fills it (ls -lS /dev/shm), enlarge it (mount -o remount,size=2G /dev/shm; "
            "docker run --shm-size=2g), or use smaller images."
        )


class PlatformError(HilrtError):
    """The processor may reorder memory accesses that this code needs in order."""

    def __init__(self, machine: str) -> None:
        super().__init__(
            f"hilrt's shared memory relies on the store order of x86_64; this machine is {machine}. "
            "It does not run there."
        )


class RecordSizeError(HilrtError):
    """A record does not fit a slot of its ring."""

    def __init__(self, name: str, part: str, end: int, room: int) -> None:
        super().__init__(
            f"{part} of a record for ring {name} ends at byte {end} of {room}: "
            "the ring was made for smaller records. Size it from the same features as the records."
        )


class WeightsLayoutError(HilrtError):
    """Published arrays differ from those the segment was made for."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        super().__init__(
            f"weights for {name} do not have the layout it was opened with: "
            f"got {found}, expected {expected}. Open a new run for a new network."
        )


# --- devices -------------------------------------------------------------------------------------


class PortNotFoundError(HilrtError):
    """There is no such serial device."""

    def __init__(self, port: str, present: Sequence[str]) -> None:
        there = f"there are: {', '.join(present)}" if present else "no serial adapter is plugged in"
        super().__init__(
            f"no serial port {port}; {there}. Check the cable and `robot.port`, or a leader's `teleop.port`."
        )


class PortBusyError(HilrtError):
    """Another program has the serial device open."""

    def __init__(self, port: str) -> None:
        super().__init__(
            f"{port} is in use by another program (another hilrt?). "
            f"Stop it first; `fuser -v {port}` shows which."
        )


class PortUnusableError(HilrtError):
    """A serial device exists but cannot be opened or set up."""

    def __init__(self, port: str, reason: str, *, denied: bool = False) -> None:
        cure = (
            "Join its group (`ls -l` shows it, usually dialout): `sudo usermod -aG dialout $USER`, "
            "then log in again."
            if denied
            else "Is it the servo adapter's serial port?"
        )
        super().__init__(f"cannot use {port}: {reason}. {cure}")


class BusLostError(HilrtError):
    """The serial device vanished while it was open."""

    def __init__(self, port: str, reason: str) -> None:
        super().__init__(
            f"{port} is not open any more: {reason}. "
            "If the adapter was unplugged, plug it in again; the bus can then be reopened."
        )


class BusTimeoutError(HilrtError):
    """Servos did not answer within the deadline.

    `missing` are their ids; the others of the same transaction did answer.
    """

    def __init__(
        self,
        port: str,
        missing: Mapping[int, str],
        what: str,
        attempts: int,
        elapsed_s: float,
        last_good_s: float | None,
    ) -> None:
        self.missing = tuple(missing)
        age = "it never has" if last_good_s is None else f"last good reply {1e3 * last_good_s:.0f} ms ago"
        super().__init__(
            f"{_motors(missing)} on {port} did not answer {attempts} x {what} in "
            f"{1e3 * elapsed_s:.1f} ms; {age}. Check power, and the cable to that motor."
        )


class ArmLostError(HilrtError):
    """An arm went away during a run and did not come back."""

    def __init__(self, name: str, waited_s: float, last: HilrtError) -> None:
        super().__init__(f"{name} has been away for {waited_s:.0f} s. The last attempt at it: {last}")


class TorqueLostError(HilrtError):
    """Motors have switched their torque off by themselves."""

    def __init__(self, port: str, motors: Mapping[int, str]) -> None:
        super().__init__(
            f"{_motors(motors)} on {port} lost torque and goal, as after a power failure. "
            "Check the plug, and whether the supply gives enough current."
        )


class MotorMissingError(HilrtError):
    """Some motors of the arm are not on the bus."""

    def __init__(
        self, port: str, missing: Mapping[int, str], found: Mapping[int, str], baudrate: int
    ) -> None:
        if found:
            cure = f"{_motors(found)} did. Motors are chained: check the cable before the first missing one."
        else:
            cure = (
                f"No motor did: switch the arm's power on, check the cable to the adapter, and that "
                f"the motors are set to {baudrate} baud."
            )
        super().__init__(f"{_motors(missing)} did not answer on {port}. {cure}")


class WrongModelError(HilrtError):
    """A motor is of another model than the arm is built from."""

    def __init__(self, port: str, motor: int, name: str, found: int, expected: int) -> None:
        super().__init__(
            f"motor {motor} ({name}) on {port} is model {found}, expected {expected} (STS3215). "
            "Is this port the arm's?"
        )


class ServoFaultError(HilrtError):
    """A servo reports a fault of its own."""

    def __init__(self, port: str, motor: int, name: str, fault: str) -> None:
        super().__init__(
            f"motor {motor} ({name}) on {port} reports: {fault}. "
            "Free the joint, check supply voltage, let it cool; then switch its power off and on."
        )


class SettingRefusedError(HilrtError):
    """A servo did not keep a value that was written."""

    def __init__(self, port: str, motor: int, name: str, setting: str, wanted: int, found: int) -> None:
        super().__init__(
            f"motor {motor} ({name}) on {port} keeps {setting} at {found}, {wanted} was written. "
            "Switch its power off and on and try again."
        )


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
        super().__init__(
            f"{name} draws {found_a:.2f} A, for a second more than safety.max_current_a = {limit_a:g}: the arm holds. "
            "See what it pushes against."
        )


class VoltageError(HilrtError):
    """The servos' supply is out of its range."""

    def __init__(self, name: str, found_v: float, low_v: float, high_v: float) -> None:
        super().__init__(
            f"{name} is supplied with {found_v:.1f} V, outside safety.min_voltage_v = {low_v:g} .. max_voltage_v = "
            f"{high_v:g}: the arm holds. Check the power supply and its plug."
        )


class JointRangeError(HilrtError):
    """A joint has nowhere to go."""

    def __init__(self, motor: str, calibration: str, margin_deg: float) -> None:
        super().__init__(
            f"{motor} has no range left: the one in {calibration}, within the URDF's, less safety.joint_margin_deg = "
            f"{margin_deg:g} at both ends, is empty. Calibrate the joint's whole range, or lower the margin."
        )


class StartPoseError(HilrtError):
    """The start pose cannot be taken up."""

    def __init__(self, motor: str, asked: float, low: float, high: float) -> None:
        super().__init__(
            f"fixed_reset_joint_positions: {motor} at {asked:.1f} is outside {low:.1f} .. {high:.1f}, its range less "
            "the margin. Choose a pose inside it."
        )


class CollisionError(HilrtError):
    """The arm cannot get to its start pose without running into something."""

    def __init__(self, where: str, first: str, second: str) -> None:
        super().__init__(
            f"{where}, {first} would be too near {second}. Choose another start pose "
            "(fixed_reset_joint_positions), or bring the arm nearer to it by hand."
        )


class KeyboardAbsentError(HilrtError):
    """The operator's keyboard is a terminal, and there is none."""

    def __init__(self, device: str) -> None:
        super().__init__(
            f'teleop.type = "{device}" needs a terminal, and this program has none: its input is a file or a '
            "pipe, or it runs in the background. Start it in the foreground of a terminal (tmux, ssh -t)."
        )


class InputDeviceAbsentError(HilrtError):
    """The operator's gamepad or keyboard is not there."""

    def __init__(self, kind: str, wanted: str, present: Sequence[str]) -> None:
        which = f' that teleop.device = "{wanted}" names' if wanted else ""
        there = f"there are: {', '.join(present)}" if present else "there is no input device at all"
        super().__init__(
            f"no {kind}{which}; {there}. Plug it in, or switch it on; teleop.device takes a part of its name, or its "
            "path. In a container, /dev/input must be handed to it."
        )


class InputDeviceRefusedError(HilrtError):
    """The operator's gamepad or keyboard cannot be opened."""

    def __init__(self, device: str, reason: str, *, denied: bool) -> None:
        cure = (
            "Join the group input: `sudo usermod -aG input $USER`, then log in again; or grant this device alone "
            "with a udev rule (docs/guide/operator.md)."
            if denied
            else "Plug it in again."
        )
        super().__init__(f"cannot open {device}: {reason}. {cure}")


class StepError(HilrtError):
    """A step of the user's own cannot be used, or failed at its work."""

    def __init__(self, step: str, problem: str) -> None:
        super().__init__(f"processor.steps: {step} {problem}.")


class CameraError(HilrtError):
    """A camera does not deliver what was asked of it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"camera {name}: {problem}.")


class CameraLostError(HilrtError):
    """A camera has shown nothing new for too long."""

    def __init__(self, name: str, age_s: float) -> None:
        super().__init__(
            f"camera {name} has shown nothing new for {age_s:.0f} s: it is unplugged, hangs, or sends the same picture "
            "again and again. Check its plug and cable; two cameras want two USB controllers."
        )


class CalibrationFileError(HilrtError):
    """A calibration file cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Calibrate the arm again, or point to another file.")


class CalibrationMismatchError(HilrtError):
    """The servos hold another calibration than the file."""

    def __init__(self, port: str, path: str, differences: Sequence[str]) -> None:
        super().__init__(
            f"the arm on {port} is not calibrated as {path} says: {'; '.join(differences)}. "
            "It is another arm's file, or a motor was replaced: calibrate again before moving."
        )


class NoMotorError(HilrtError):
    """No motor answers at any baud rate."""

    def __init__(self, port: str, baudrates: Sequence[int]) -> None:
        super().__init__(
            f"no motor answers on {port}, at {', '.join(map(str, baudrates))} baud. "
            "Switch the power on, check the three-pin cable and that this is the arm's port (hilrt find-port)."
        )


class MotorsTogetherError(HilrtError):
    """More than one motor is connected where one should be alone."""

    def __init__(self, port: str, motors: Sequence[int]) -> None:
        one_id = len(set(motors)) == 1
        seen = (
            f"two motors with id {motors[0]}" if one_id else f"motors with ids {', '.join(map(str, motors))}"
        )
        super().__init__(
            f"{seen} answer on {port}: nothing was changed. Connect one motor alone; unplug the cable that leads "
            "from it to the next."
        )


class SweepError(HilrtError):
    """A joint's range cannot be taken from how it was moved."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}. Nothing was written; calibrate again.")


class NotMovedError(HilrtError):
    """Limits were to be found, and no arm went anywhere."""

    def __init__(self) -> None:
        super().__init__(
            "no end effector was moved by more than 5 mm, so there is no workspace to print or to write. "
            "Run it again, and move the gripper through the whole space that the task needs before you end it."
        )


class PortsUnchangedError(HilrtError):
    """Unplugging and plugging in did not single out one serial port."""

    def __init__(self, what: str, found: Sequence[str]) -> None:
        seen = f"{len(found)} ports {what} ({', '.join(found)})" if found else f"no port {what}"
        super().__init__(
            f"{seen}, expected one. Unplug the USB cable of one arm only, wait two seconds, and try again; "
            "a cable that only charges shows no port at all."
        )


class TerminalAbsentError(HilrtError):
    """A command that asks questions has nobody to ask."""

    def __init__(self) -> None:
        super().__init__(
            "this command asks questions and needs a terminal for input and output. "
            "Start it in the foreground of a terminal (tmux, ssh -t), without a pipe."
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


def _motors(motors: Mapping[int, str]) -> str:
    """`motor 3 (elbow_flex)`, `motors 3 (elbow_flex), 5 (wrist_roll)`."""
    named = [f"{motor} ({name})" if name else str(motor) for motor, name in motors.items()]
    return f"motor{'s' if len(named) > 1 else ''} {', '.join(named)}"


# --- simulation and kinematics -------------------------------------------------------------------


class RobotModelError(HilrtError):
    """A robot description (URDF) cannot be read."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: not a usable URDF: {problem}")


class UnknownNameError(HilrtError):
    """Something was asked for by a name that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no {kind} '{name}'; there are: {', '.join(known)}")


# --- data on disk --------------------------------------------------------------------------------


class JournalFormatError(HilrtError):
    """A file of a journal cannot be read as one."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Move it out of its folder to go on without it.")


class JournalFeaturesError(HilrtError):
    """A file of a journal holds steps that consist of something else."""

    def __init__(self, path: str, difference: str) -> None:
        super().__init__(
            f"{path} was recorded with other features than this config gives: {difference}. "
            "Use the config it was recorded with, or record again into another folder (dataset.root)."
        )


class PictureError(HilrtError):
    """What should be a picture is none."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"damaged picture: {problem}. hilrt dataset verify names the episodes concerned.")


class ReplayError(HilrtError):
    """An episode cannot be played again on this arm."""

    def __init__(self, dataset: str, episode: int, problem: str) -> None:
        super().__init__(f"episode {episode} of {dataset} cannot be replayed: {problem}.")


class PictureFileError(HilrtError):
    """A picture for people cannot be written."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(
            f"{path} cannot be written: {cause.strerror}. Name another folder, or free some space."
        )


class RegionError(HilrtError):
    """What was given as a region of interest is none."""

    def __init__(self, text: str, cameras: Sequence[str]) -> None:
        super().__init__(
            f"--roi {text}: expected CAMERA=TOP,LEFT,HEIGHT,WIDTH in whole pixels, as in front=180,250,120,150. "
            f"Cameras: {', '.join(cameras) or 'none'}."
        )


class RegionAbsentError(HilrtError):
    """A region of interest is wanted, and there is no window to draw it in."""

    def __init__(self, cameras: Sequence[str], why: str) -> None:
        super().__init__(
            f"no region for {', '.join(cameras)}, and no display to draw one ({why}). Give --roi "
            f"{cameras[0]}=TOP,LEFT,HEIGHT,WIDTH, or --suggest, or use `ssh -X`."
        )


class CropError(HilrtError):
    """Pictures cannot be cropped."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}.")


class JournalOrderError(HilrtError):
    """A step came for an episode that has ended."""

    def __init__(self, path: str, last: int, step: int) -> None:
        super().__init__(
            f"{path} ended with step {last}, and step {step} came after it. "
            "Two processes write to this folder, or an episode's number was used twice."
        )


class JournalWriteError(HilrtError):
    """The disk does not take a record."""

    def __init__(self, path: str, cause: OSError) -> None:
        full = cause.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        cure = "Free some space" if full else "Check the folder's owner and how its disk is mounted"
        super().__init__(f"{cause.strerror}: {path}. {cure}; what was written before stays readable.")


class StepsLostError(HilrtError):
    """The recorder ended without all that control recorded."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The journal is not complete: {what}")


# --- learning ------------------------------------------------------------------------------------


class ActorMismatchError(HilrtError):
    """Weights are not those of an actor for these features."""

    def __init__(self, difference: str) -> None:
        super().__init__(
            f"these weights are of an actor for other features ({difference}). "
            "Use the task file they were trained with, or start a new run."
        )


class PolicyFeaturesError(HilrtError):
    """A policy is asked to go on with other features than it was trained on."""

    def __init__(self, checkpoint: str, difference: str) -> None:
        super().__init__(
            f"the policy in {checkpoint} was trained on other features than this config gives: {difference}. "
            "Use the config it was trained with, or train a new one."
        )


class NoDemonstrationsError(HilrtError):
    """There is nothing to start learning from."""

    def __init__(self, root: str, failed: int = 0) -> None:
        """`failed`: demonstrations that are there, but did not end in success."""
        but = f" that ended in success, of {failed}" if failed else ""
        super().__init__(f"no demonstrations{but} in {root}: record some with `hilrt record CONFIG`.")


class CheckpointError(HilrtError):
    """A checkpoint cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"{path}: {problem}. Move its folder away; the next older checkpoint is then used, "
            "and the journal gives back the steps since."
        )


class CheckpointAbsentError(HilrtError):
    """A run has no checkpoint of this name."""

    def __init__(self, run: str, steps: int, present: Sequence[int]) -> None:
        there = f"it has those of {', '.join(map(str, present))} (`hilrt checkpoint list {run}`)"
        super().__init__(
            f"{run} has no checkpoint after {steps} online steps; {there if present else 'it has none yet'}."
        )


class EncoderWeightsError(HilrtError):
    """The weights of a frozen encoder cannot be had from a file."""

    def __init__(self, encoder: str, path: str, problem: str) -> None:
        repository = {"resnet10": "helper2424/resnet10", "resnet18": "timm/resnet18.tv_in1k"}[encoder]
        super().__init__(
            f"{path} {problem}. {encoder} wants weights in a safetensors or torch file; to get one: "
            f"`pip install huggingface_hub && hf download {repository} model.safetensors --local-dir "
            f'weights/{encoder}`, then policy.weights = "weights/{encoder}/model.safetensors". '
            f"The guide's page on encoders says which files fit, and what works without any."
        )


class PretrainedEncoderError(HilrtError):
    """The encoder that `hilrt pretrain` makes cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"{path} {problem}. `hilrt pretrain CONFIG` makes one from the demonstrations that CONFIG names, in a few "
            'minutes; policy.encoder = "conv" needs none.'
        )


class NoCamerasError(HilrtError):
    """There are no pictures to learn from."""

    def __init__(self) -> None:
        super().__init__(
            "the task has no cameras, so there are no pictures to train an encoder on. Add a table such as "
            "[robot.cameras.front], then record demonstrations."
        )


class EncoderChangedError(HilrtError):
    """A policy was trained with another frozen encoder."""

    def __init__(self, checkpoint: str, found: str, weights: str) -> None:
        super().__init__(
            f"the policy in {checkpoint} was trained with another encoder than the one in {weights} (SHA-256 "
            f"{found[:12]}... there). Put that file back, or set policy.weights to where it is."
        )


class ReplayMemoryError(HilrtError):
    """The replay's pictures do not fit into memory."""

    def __init__(self, wanted: str, free: str, fitting: int) -> None:
        super().__init__(
            f"{wanted}: no more than {free} are free there. Set learner.online_buffer_capacity to "
            f"{fitting:,} or less, learner.storage_device to another device, or policy.cached_variants to 1."
        )


class DeviceError(HilrtError):
    """The accelerator that the config names is not there."""

    def __init__(self, setting: str, device: str, problem: str) -> None:
        super().__init__(f'{setting} = "{device}": {problem}. Use "auto" or "cpu".')


# --- processes -----------------------------------------------------------------------------------


class RunFolderError(HilrtError):
    """A run's folder cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}. `ls runs` shows the runs there are.")


class ProcessError(HilrtError):
    """A process of the run ended and cannot be brought back."""

    def __init__(self, role: str, what: str, log: str) -> None:
        super().__init__(f"{role} {what}\nThe whole story is in {log}.")


class DisplayAbsentError(HilrtError):
    """There is nowhere to open a window."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        # short: the supervisor's line on the screen holds 120 characters
        super().__init__(
            f"display_cameras: no display ({problem}). Use `ssh -X`, or set display_cameras = false."
        )


class SimulatorGoneError(HilrtError):
    """The simulator ended while control waited for it."""

    def __init__(self) -> None:
        super().__init__("the simulator does not answer any more, and the run is being stopped.")


class ArmBlockedError(HilrtError):
    """The arm does not get to its start pose."""

    def __init__(self, motor: str, off_deg: float) -> None:
        super().__init__(
            f"the arm cannot reach its start pose: {motor} is {off_deg:.0f} degrees away and does not move. "
            "Free its way, then start again; the start pose is processor.reset.fixed_reset_joint_positions, or in a "
            "replay the episode's first."
        )


class ReplayBlockedError(HilrtError):
    """A replay cannot go on."""

    def __init__(self, step: int, limits: str) -> None:
        cause = f" (limits met: {limits.lower().replace('|', ', ')})" if limits else ""
        super().__init__(
            f"the arm does not follow the recording beyond step {step}{cause}: the replay has waited, and ends here; "
            "the arm holds. See what is in its way, then start again."
        )


class NoDemonstrationError(HilrtError):
    """The operator has discarded one demonstration after another."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} demonstrations in a row were discarded. See whether the task can be done: within "
            "processor.reset.control_time_s, inside end_effector_bounds, with the gripper in use. "
            "What was kept before is in the dataset."
        )


class NoRunError(HilrtError):
    """There is no live run to look at."""

    def __init__(self) -> None:
        super().__init__("no run is alive on this computer. Start one with `hilrt train CONFIG`.")
