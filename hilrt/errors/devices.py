"""Failures of cameras, keyboards, gamepads, screens."""

from collections.abc import Sequence

from hilrt.errors.root import HilrtError


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
            "path. In a container, /dev/input must be handed to it. `hilrt doctor CONFIG --show` maps a gamepad that "
            "hilrt does not know."
        )


class GamepadLayoutsError(HilrtError):
    """The user's own layouts of gamepads cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"{path} {problem}. Mend it, or move it away and map the pad again: `hilrt doctor CONFIG --show`."
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


class CameraError(HilrtError):
    """A camera does not deliver what was asked of it."""

    def __init__(self, name: str, problem: str) -> None:
        self.problem = problem
        super().__init__(f"camera {name}: {problem}.")


class CameraLostError(HilrtError):
    """A camera has shown nothing new for too long."""

    def __init__(self, name: str, age_s: float) -> None:
        super().__init__(
            f"camera {name} has shown nothing new for {age_s:.0f} s: it is unplugged, hangs, or sends the same picture "
            "again and again. Check its plug and cable; two cameras want two USB controllers."
        )


class TerminalAbsentError(HilrtError):
    """A command that asks questions has nobody to ask."""

    def __init__(self) -> None:
        super().__init__(
            "this command asks questions and needs a terminal for input and output. "
            "Start it in the foreground of a terminal (tmux, ssh -t), without a pipe."
        )


class DisplayAbsentError(HilrtError):
    """There is nowhere to open a window."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        # short: the supervisor's line on the screen holds 120 characters
        super().__init__(
            f"display_cameras: no display ({problem}). Use `ssh -X`, or set display_cameras = false."
        )
