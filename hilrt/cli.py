"""The command line: one function per command, no logic; heavy imports happen inside."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilrt.report.summary import Summary
    from hilrt.runfolder import RunFolder

app = typer.Typer(
    help="Train a robot arm by reinforcement learning with a human in the loop, on one computer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

TaskFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Task file, e.g. configs/sim_so100.toml.")]
Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a training run, e.g. runs/so100-train-...")
]
Override = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value: learner.device=cpu.")
]
Side = Annotated[
    str, typer.Option("--arm", metavar="SIDE", help="Which of two arms, by its name in the config.")
]
RealArm = Annotated[Path, typer.Argument(metavar="[CONFIG]", help="Task file of a real arm.")]
SO100 = Path("configs/so100.toml")


@app.command()
def teleoperate(config: TaskFile, set_: Override = None) -> None:
    """Drive the arm with the operator's device; nothing is recorded.

    Keys: arrows, shift + arrows and ctrl + arrows move, s or Esc goes back to the start pose, q stops.
    """
    from hilrt import jobs  # noqa: PLC0415

    folder = jobs.teleoperate(config, set_ or [])
    _say(f"log: {folder.path / 'log.txt'}")


@app.command()
def record(config: TaskFile, set_: Override = None) -> None:
    """Record demonstrations into the config's dataset folder.

    Keys: space takes over or hands back, s success, Esc failure, r records the episode again, q stops.
    """
    from hilrt import jobs  # noqa: PLC0415

    folder, summary = jobs.record(config, set_ or [])
    _say(f"{summary.episodes['demo']} demonstrations are in {folder.config().dataset.root}")


@app.command()
def pretrain(
    config: TaskFile,
    dataset: Annotated[
        Path | None, typer.Argument(metavar="[DATASET]", help="Folder of episodes; default: dataset.root.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; default: policy.weights, or beside the demonstrations."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 700,
    set_: Override = None,
) -> None:
    """Train an encoder for each camera on recorded frames, so that a policy can learn from pictures."""
    from hilrt import jobs  # noqa: PLC0415

    outcome = jobs.pretrain(config, dataset, out, steps, set_ or [])
    _say(f"encoders: {outcome.path} (SHA-256 {outcome.digest[:12]}...)")
    if judged := outcome.judgement:
        _say(f"episodes held out: {judged.explained:.0%} of where the arm goes next is seen in the pictures")
        if judged.grasp_mm is not None:
            _say(f"  and where it is at the gripper's next command to {judged.grasp_mm:.1f} mm (median)")


@app.command()
def train(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="Task file; not with --resume.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with this run's folder.")] = None,
    set_: Override = None,
) -> None:
    """Train a policy from demonstrations, the robot's own steps and your corrections."""
    if (config is None) == (resume is None):
        raise typer.BadParameter("give either CONFIG or --resume RUN.")
    if resume and set_:
        raise typer.BadParameter("--set changes a new run; a resumed one keeps its config.toml.")
    from hilrt import jobs  # noqa: PLC0415

    folder, summary = jobs.resume(resume) if resume else jobs.train(config or Path(), set_ or [])
    _report_training(folder, summary)


@app.command(name="eval")
def evaluate(
    run: Run,
    episodes: Annotated[
        int | None, typer.Option(min=1, help="How many; default: eval.final_episodes.")
    ] = None,
    set_: Override = None,
) -> None:
    """Judge a run's newest policy: deterministic, operator off."""
    from hilrt import jobs  # noqa: PLC0415

    folder, summary = jobs.evaluate(run, episodes, set_ or [])
    for result in summary.evaluations:
        _say(f"autonomous success {result.success}, {result.mean_steps:.1f} steps an episode")
    _say(f"details: {folder.path / 'summary.json'}")


@app.command()
def pipeline(config: TaskFile, set_: Override = None) -> None:
    """Print the steps from measurements to the policy and from actions to the arm; no device is needed."""
    from rich.console import Console  # noqa: PLC0415

    from hilrt import taskfile  # noqa: PLC0415
    from hilrt.report.pipelines import tables  # noqa: PLC0415

    for table in tables(taskfile.load(config, set_ or [])):
        Console().print(table)


@app.command(name="find-port")
def find_port() -> None:
    """Find an arm's serial port: you unplug its USB cable and plug it in again."""
    from hilrt.setup.ports import find_port  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    asyncio.run(find_port(TerminalConsole()))


@app.command(name="find-cameras")
def find_cameras(
    pictures: Annotated[Path, typer.Option(help="Folder for a picture of each.")] = Path("cameras"),
) -> None:
    """Try every camera: the resolutions and rates that work, and a picture of what it sees."""
    from hilrt.setup.cameras import find_cameras  # noqa: PLC0415

    find_cameras(_say, pictures)


@app.command(name="setup-motors")
def setup_motors(config: RealArm = SO100, side: Side = "") -> None:
    """Give new motors their ids and baud rate; you connect them one at a time, in any order.

    Can be stopped and started again: motors that are set already are recognised.
    """
    from hilrt import taskfile  # noqa: PLC0415
    from hilrt.setup.motors import setup_motors  # noqa: PLC0415
    from hilrt.setup.place import Place  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    asyncio.run(setup_motors(TerminalConsole(), Place.of(taskfile.load(config), side)))


@app.command()
def calibrate(
    config: RealArm = SO100,
    side: Side = "",
    check: Annotated[bool, typer.Option("--check", help="Compare file and motors; write nothing.")] = False,
) -> None:
    """Find each joint's middle and range: you move the arm by hand.

    Writes the motors and the calibration file, at the end and in one go; before that Ctrl-C changes nothing.
    """
    from hilrt import taskfile  # noqa: PLC0415
    from hilrt.setup.calibrate import calibrate, check_calibration  # noqa: PLC0415
    from hilrt.setup.place import Place  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    place = Place.of(taskfile.load(config), side)
    asyncio.run(check_calibration(_say, place) if check else calibrate(TerminalConsole(), place))


@app.command(name="find-limits")
def find_limits(
    config: RealArm = SO100,
    side: Side = "",
    write: Annotated[
        bool, typer.Option("--write", help="Put the box into CONFIG; comments are kept.")
    ] = False,
) -> None:
    """Find the workspace: you move the arm by hand through all it will have to reach."""
    from hilrt import taskfile  # noqa: PLC0415
    from hilrt.setup.limits import find_limits, write_limits  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    limits = asyncio.run(find_limits(TerminalConsole(), taskfile.load(config), side))
    if write:
        write_limits(config, limits, side)
        _say(f"written into {config}")


@app.command()
def doctor(
    config: RealArm = SO100,
    show: Annotated[
        bool, typer.Option("--show", help="Print live what the config's gamepad or keyboard sends.")
    ] = False,
) -> None:
    """Look at motors, calibration, cameras and this computer; one line each, ok or what to do."""
    from hilrt import taskfile  # noqa: PLC0415
    from hilrt.devices.show import show as lines  # noqa: PLC0415
    from hilrt.setup.doctor import doctor  # noqa: PLC0415

    if show:
        teleop = taskfile.load(config).teleop
        for line in lines(teleop.device, teleop.dead_zone):
            _say(line)
    elif not asyncio.run(doctor(_say, taskfile.load(config))):
        raise typer.Exit(1)


@app.command()
def status() -> None:
    """Show the runs that are alive on this computer."""
    from hilrt.report.live import show_live_runs  # noqa: PLC0415

    show_live_runs()


def _report_training(folder: "RunFolder", summary: "Summary") -> None:
    _say(f"{summary.online_steps} online steps, {summary.human_steps} of them human, {summary.wall_s:.0f} s")
    for result in summary.evaluations:
        _say(f"  after {result.online_steps:6d} steps: autonomous success {result.success}")
    _say(f"run folder: {folder.path}")
    _say(f"evaluate:   hilrt eval {folder.path}")
    if summary.online_steps < folder.config().learner.online_steps:
        _say(f"go on:      hilrt train --resume {folder.path}")
    _say(f"dashboards: tensorboard --logdir {folder.path.parent}")


def _say(text: str) -> None:
    typer.echo(text)


def main() -> None:
    """Console entry: a named error is one message and exit status 2."""
    from hilrt.errors import HilrtError  # noqa: PLC0415

    try:
        app()
    except HilrtError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
