"""TensorBoard: scalars over online steps, laid out by `hilrt.report.boards`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from torch.utils.tensorboard import SummaryWriter

from hilrt.data.episodes import EpisodeSummary, Tally, wilson
from hilrt.data.pictures import Picture
from hilrt.report import boards
from hilrt.report.events import Events
from hilrt.resource import Resource
from hilrt.shm.status import Status
from hilrt.step.record import Mode, Record, Source, vector


class Metrics(Resource):
    """What TensorBoard shows of one run."""

    def __init__(self, folder: Path, fps: int) -> None:
        self._events = Events(folder)
        self._fps = fps
        self._human_steps = 0
        self._by_human = False
        self._jumps: list[float] = []
        self._failures = {"declared": 0, "time_limit": 0}
        self._events.write(lambda writer: writer.add_custom_scalars(boards.LAYOUT))

    def observe(self, record: Record) -> None:
        """Take every step in, for what episode summaries do not tell."""
        human = record.source is Source.HUMAN and not record.final
        if human and not self._by_human and record.policy_action:
            self._jumps.append(float(np.linalg.norm(vector(record.action) - vector(record.policy_action))))
        self._by_human = human
        self._human_steps += human and record.mode is Mode.TRAIN

    def episode(self, summary: EpisodeSummary, tally: Tally) -> None:
        """A training episode has ended."""
        if summary.discarded:
            return
        task = {
            "success": tally.success_rate,
            "autonomous_success": tally.autonomous_rate,
            "return": summary.return_,
            "length": summary.steps,
            "cycle_s": summary.duration_s,
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
        self.scalars("Task", task, summary.online_steps)
        self.scalars("Human", human, summary.online_steps)
        if summary.probability >= 0.0:
            told = {"probability": summary.probability, "overrides": sum(tally.overrides.values())}
            self.scalars("Classifier", told, summary.online_steps)
        if not summary.success:
            self._fail("declared" if summary.terminated else "time_limit", summary.online_steps)

    def evaluation(self, successes: int, episodes: int, online_steps: int) -> None:
        """An evaluation has ended: success and its 95 % Wilson interval."""
        low, high = wilson(successes, episodes)
        values = {"success": successes / max(1, episodes), "low": low, "high": high}
        self.scalars("Evaluation", values, online_steps)

    def real_time(self, status: Status, idle: float, online_steps: int) -> None:
        """What control and learner say of themselves; `idle`: share of time the learner slept."""
        control, learner = status.control, status.learner
        values = {name: float(getattr(control, name)) for name in boards.CONTROL}
        values["version_lag"] = float(learner.version - control.weight_version)
        values["updates_per_s"], values["utd"] = learner.updates_per_s, learner.utd
        values["idle"] = idle
        self.scalars("RealTime", values, online_steps)
        for board, names in (("Limits", boards.LIMITS), ("Motion", boards.MOTION)):
            self.scalars(board, {name: getattr(control, name) for name in names}, online_steps)
        self.scalars("Steps", msgspec.json.decode(control.steps_us or "{}"), online_steps)

    def scalars(self, board: str, values: Mapping[str, float], online_steps: int) -> None:
        """Write values of a board."""

        def add(writer: SummaryWriter) -> None:
            for name, value in values.items():
                writer.add_scalar(f"{board}/{name}", value, online_steps)

        self._events.write(add)

    def picture(self, board: str, name: str, picture: Picture, online_steps: int) -> None:
        """Show a picture, RGB."""
        tag = f"{board}/{name}"
        self._events.write(lambda writer: writer.add_image(tag, picture, online_steps, dataformats="HWC"))

    def words(self, board: str, name: str, lines: Sequence[str]) -> None:
        """Show some lines of text."""
        tag, text = f"{board}/{name}", "\n".join(f"* {line}" for line in lines)
        self._events.write(lambda writer: writer.add_text(tag, text))

    def close(self) -> None:
        """Write out what is buffered; may be called again."""
        self._events.close()

    def _fail(self, label: str, online_steps: int) -> None:
        self._failures[label] += 1
        self.scalars("Task", {f"failures_{label}": float(self._failures[label])}, online_steps)
