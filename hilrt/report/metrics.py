"""TensorBoard: scalars over online steps, laid out by `hilrt.report.boards`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from torch.utils.tensorboard import SummaryWriter

from hilrt.config import Config
from hilrt.data.episodes import EpisodeSummary, Tally, wilson
from hilrt.data.pictures import Picture
from hilrt.report import boards, hparams
from hilrt.report.boards import Group
from hilrt.report.events import Events
from hilrt.resource import Resource
from hilrt.shm.status import Status
from hilrt.step.record import Mode, Record, Source, vector


class Metrics(Resource):
    """What TensorBoard shows of one run."""

    def __init__(self, folder: Path, config: Config) -> None:
        self._events = Events(folder)
        self._fps, self._in_environment = config.env.fps, config.in_environment
        self._human_steps = 0
        self._by_human = False
        self._jumps: list[float] = []
        self._failures = {"declared": 0, "time_limit": 0}
        layout = boards.layout(config)
        self._events.write(lambda writer: writer.add_custom_scalars(layout))
        self._events.write(lambda writer: hparams.add(writer, config))

    def observe(self, record: Record) -> None:
        """Take every step in, for what episode summaries do not tell."""
        human = record.source is Source.HUMAN and not record.final
        if human and not self._by_human and record.policy_action:
            self._jumps.append(float(np.linalg.norm(vector(record.action) - vector(record.policy_action))))
        self._by_human = human
        self._human_steps += human and record.mode is Mode.TRAIN

    def count(self, summary: EpisodeSummary) -> None:
        """Take the end of a training episode in, an earlier start's included."""
        if not (summary.discarded or summary.success):
            self._failures["declared" if summary.terminated else "time_limit"] += 1

    def episode(self, summary: EpisodeSummary, tally: Tally, rollbacks: int = 0) -> None:
        """A training episode has ended, and is counted; `rollbacks`: so far."""
        if summary.discarded:
            return
        success = {"success": tally.success_rate, "autonomous_success": tally.autonomous_rate}
        episode = {
            "return": summary.return_,
            "length": summary.steps,
            "cycle_s": summary.duration_s,
            "rollbacks": rollbacks,
            **{f"failures_{ending}": float(count) for ending, count in self._failures.items()},
        }
        human = {
            "intervention_rate": tally.intervention_rate,
            "interventions": summary.interventions,
            "human_steps": summary.human_steps,
            "human_seconds": self._human_steps / self._fps,
        }
        if summary.first_human_step is not None:
            human["first_human_step"] = summary.first_human_step
            human["intervention_steps"] = summary.human_steps / summary.interventions
        if self._jumps:
            human["takeover_jump"] = float(np.mean(self._jumps))
            self._jumps.clear()
        if summary.probability >= 0.0:
            episode["classifier_probability"] = summary.probability
            episode["classifier_overrides"] = sum(tally.overrides.values())
        for group, values in ((Group.SUCCESS, success), (Group.HUMAN, human), (Group.EPISODES, episode)):
            self.scalars(group, values, summary.online_steps)

    def evaluation(self, successes: int, episodes: int, online_steps: int) -> None:
        """An evaluation has ended: success and its 95 % Wilson interval."""
        low, high = wilson(successes, episodes)
        values = {"success": successes / max(1, episodes), "success_low": low, "success_high": high}
        self.scalars(Group.EVALUATION, values, online_steps)

    def real_time(self, status: Status, idle: float, online_steps: int) -> None:
        """What control and learner say of themselves; `idle`: share of time the learner slept."""
        control, learner = status.control, status.learner
        timing = {
            "updates_per_s": learner.updates_per_s,
            "utd": learner.utd,
            "idle": idle,
            "weight_age_ms": control.weight_age_ms,
            "version_lag": float(learner.version - control.weight_version),
        }
        self.scalars(Group.TIMING, timing, online_steps)
        if self._in_environment:
            return
        of_arm = (
            (Group.TIMING, boards.TICKS),
            (Group.MOTION, (*boards.LIMITS, *boards.MOTION, "grip_overloads")),
        )
        for group, names in of_arm:
            self.scalars(group, {name: float(getattr(control, name)) for name in names}, online_steps)
        self.scalars(Group.STEPS, msgspec.json.decode(control.steps_us or "{}"), online_steps)

    def scalars(self, group: str, values: Mapping[str, float], online_steps: int) -> None:
        """Write figures of a group."""

        def add(writer: SummaryWriter) -> None:
            for name, value in values.items():
                writer.add_scalar(f"{group}/{name}", value, online_steps)

        self._events.write(add)

    def picture(self, group: str, name: str, picture: Picture, online_steps: int) -> None:
        """Show a picture, RGB."""
        tag = f"{group}/{name}"
        self._events.write(lambda writer: writer.add_image(tag, picture, online_steps, dataformats="HWC"))

    def words(self, group: str, name: str, lines: Sequence[str]) -> None:
        """Show some lines of text."""
        tag, text = f"{group}/{name}", "\n".join(f"* {line}" for line in lines)
        self._events.write(lambda writer: writer.add_text(tag, text))

    def file(self, group: str, name: str, path: Path) -> None:
        """Show a text file as it is."""
        tag = f"{group}/{name}"
        text = "\n".join(f"    {line}" for line in path.read_text(encoding="utf-8").splitlines())
        self._events.write(lambda writer: writer.add_text(tag, text))

    def close(self) -> None:
        """Write out what is buffered; may be called again."""
        self._events.close()
