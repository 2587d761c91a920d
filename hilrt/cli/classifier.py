"""`hilrt train-classifier` and `hilrt test-classifier`."""

from pathlib import Path
from typing import Annotated

import typer

from hilrt.cli.words import REWARD, Override, TaskFile, examples, say

classifier = typer.Typer()

Recordings = Annotated[
    Path | None, typer.Argument(metavar="[DATASET]", help="A dataset's folder; default: dataset.root.")
]


@classifier.command(
    name="train-classifier",
    rich_help_panel=REWARD,
    epilog=examples("hilrt train-classifier configs/so100.toml"),
)
def train_classifier(config: TaskFile, dataset: Recordings = None, set_: Override = None) -> None:
    """Train a network that tells success from camera frames, and judge it on episodes that were held out."""
    from hilrt.classify.advice import sureness  # noqa: PLC0415 - torch is behind it
    from hilrt.classify.judgement import heading  # noqa: PLC0415
    from hilrt.jobs import classifier as job  # noqa: PLC0415

    made = job.train(config, dataset, set_ or [])
    judged, about = made.outcome.judgement, made.outcome.bundle.about
    counts = judged.counts
    frames, *by_session = heading(judged)
    say(frames)
    for line in by_session:
        say(f"  {line}")
    say(f"threshold {judged.threshold:.3f}, held for {about.hold_s:g} s, from step {about.min_steps} on:")
    say(f"  {sureness(counts)}")
    say(f"  {counts.told} of {counts.succeeded} successes noticed")
    for line in made.outcome.advice:
        say(line)
    say(f"classifier: {made.path}")
    say(f"pictures:   {made.page}; hilrt dashboard {made.tensorboard}")


@classifier.command(
    name="test-classifier",
    rich_help_panel=REWARD,
    epilog=examples(
        "hilrt test-classifier configs/so100.toml", "hilrt test-classifier configs/so100.toml --live"
    ),
)
def examine_classifier(
    config: TaskFile,
    dataset: Recordings = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG file of the curves; default: beside the classifier.")
    ] = None,
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Not recordings: drive the arm, and compare it with your keys.")
    ] = False,
    set_: Override = None,
) -> None:
    """Have a classifier judge recorded episodes frame by frame: a curve for each, false alarms, successes noticed.

    With --live you drive the arm, nothing is recorded, and the classifier ends
    nothing: success and failure keys say what each attempt was, and q ends it
    with how often the classifier agreed.
    """
    if live:
        if dataset or out:
            raise typer.BadParameter("--live is about what you drive: no DATASET, no --out.")
        _compare(config, set_ or [])
        return
    from hilrt.classify.advice import sureness  # noqa: PLC0415 - torch is behind it
    from hilrt.classify.sparks import lines_of  # noqa: PLC0415
    from hilrt.jobs import classifier as job  # noqa: PLC0415

    png, examined = job.examine(config, dataset, out, set_ or [])
    counts, rule = examined.counts, examined.rule
    if examined.learned:
        say(
            f"it has learned from {examined.learned} of these {len(examined.curves)} episodes, so what follows "
            "flatters it; name others: hilrt test-classifier CONFIG DATASET"
        )
    if examined.relabelled:
        say(f"labels of {examined.relabelled} of its episodes were corrected since: train it again")
    if examined.redrawn:
        say(f"pictures of {examined.redrawn} of its episodes are others than it has seen: encoded anew")
    say(f"balanced accuracy {examined.balanced_accuracy:.1%} of frames")
    say(f"threshold {rule.threshold:.3f}, held for {rule.hold_s:g} s, from step {rule.min_steps} on:")
    say(f"  {sureness(counts)}")
    late = examined.late_steps
    words = "" if late is None else f", {late:g} steps after they are labelled (median)"
    say(f"  {counts.told} of {counts.succeeded} successes noticed{words}")
    for line in lines_of(examined.curves, examined.said):
        say(line)
    say(f"curves: {png}")


def _compare(config: Path, overrides: list[str]) -> None:
    from hilrt.jobs.teleoperate import compare  # noqa: PLC0415

    folder, shadow = compare(config, overrides)
    say(f"the classifier agreed with you on {shadow.agreed}")
    say(f"  said nothing of your successes: {shadow.missed}")
    say(f"  said success of your failures:  {shadow.false_alarms}")
    say(f"log: {folder.path / 'log.txt'}")
