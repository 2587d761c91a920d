"""Failures of a run and its processes."""

from hilrt.errors.root import HilrtError, disk_cure


class RunFolderError(HilrtError):
    """A run's folder cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}.")


class NoSuchRunError(RunFolderError):
    """A folder is no run, or not one of the kind that is asked for."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, f"{problem}. `hilrt runs` shows the runs there are")


class RunWriteError(HilrtError):
    """The disk does not take a file of a run."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(f"{path} cannot be written: {cause.strerror}. {disk_cure(cause)}.")


class RunDeleteError(HilrtError):
    """A run, or a file of it, cannot be deleted."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(f"{path} cannot be deleted: {cause.filename}: {cause.strerror}. {disk_cure(cause)}.")


class SessionError(HilrtError):
    """What another run has recorded cannot be learned from."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"{path} {problem}. What can be learned from is the folder of a `hilrt run` or `hilrt train` of the same "
            "state, action and cameras."
        )


class StepsDoneError(HilrtError):
    """A run has taken all the steps that it was to take, so that nothing more would be learned."""

    def __init__(self, run: str, steps: int, target: int, coming: int) -> None:
        """`coming`: of `steps`, those that would be taken in now."""
        with_ = f", with the {coming} of --with" if coming else ""
        super().__init__(
            f"{run} has {steps} online steps{with_}, and is to take {target} in all: nothing would be learned any "
            f"more. Give --steps N, N more than {steps}."
        )


class ProcessError(HilrtError):
    """A process of the run ended and cannot be brought back."""

    def __init__(self, role: str, what: str, log: str) -> None:
        super().__init__(f"{role} {what}\nThe whole story is in {log}.")


class EndedFromOutsideError(HilrtError):
    """A process was sent SIGTERM by somebody who is no part of the run."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"{role} was told to end (SIGTERM), but not by its run. What was recorded is kept; "
            "to end a run, press q or send the signal to the process that was started as `hilrt`."
        )


class SimulatorGoneError(HilrtError):
    """The simulator ended while control waited for it."""

    def __init__(self) -> None:
        super().__init__("the simulator does not answer any more, and the run is being stopped.")


class NoDemonstrationError(HilrtError):
    """A script has demonstrated again and again, and never with success."""

    def __init__(self, count: int, operator: str = "") -> None:
        """`operator`: an environment's; empty: the scripted person at an arm."""
        see = (
            f"See whether {operator} (env.operator) can do it within processor.reset.control_time_s, and whether "
            "env.success names what says so"
            if operator
            else "See whether the task can be done: within processor.reset.control_time_s, inside "
            "end_effector_bounds, with the gripper in use"
        )
        super().__init__(
            f"{count} demonstrations in a row had no success. {see}. What was kept is in the dataset."
        )


class NoRunError(HilrtError):
    """There is no live run to look at."""

    def __init__(self) -> None:
        super().__init__("no run is alive on this computer. Start one with `hilrt train CONFIG`.")


class DashboardError(HilrtError):
    """TensorBoard cannot show runs."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}. {cure}")


class NoCurvesError(HilrtError):
    """There is nothing to draw over online steps."""

    def __init__(self, runs: list[str]) -> None:
        super().__init__(
            f"--figures: there are no curves to draw, for {', '.join(runs)} has no episode of a training. "
            "Leave it out, or name the folder of a `hilrt train`."
        )


class OpenFilesError(HilrtError):
    """This shell lets a process have too few open files."""

    def __init__(self, allowed: int, needed: int) -> None:
        super().__init__(
            f"a process may have {allowed} files open here, hilrt needs {needed}: `ulimit -Hn` shows the limit. "
            "Start in a new shell, or raise it in /etc/security/limits.conf."
        )


class EnvironmentUnknownError(HilrtError):
    """A command that knows arms alone was given an environment."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f'env.type = "gymnasium" ({name}): this command is for arms. For an environment there are hilrt record, '
            "train, run and eval, and those for datasets, checkpoints and runs."
        )


class EnvironmentUnfitError(HilrtError):
    """An environment cannot be made, or not be used."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"env.id: {name} {problem}.")


class NoRoomError(HilrtError):
    """The object of a task cannot lie where it is to be put."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the object cannot be put there: {problem}. Choose another processor.reset.area, a larger sim.patch_m, or "
            "fewer cells."
        )


class GridError(HilrtError):
    """Places for the object cannot be told apart by cells."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"there are no cells to put the object in: {problem}.")
