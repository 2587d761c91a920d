"""Correcting the labels of a dataset, episode by episode: what can be said, and what then holds."""

import time
from pathlib import Path

from msgspec.structs import replace

from hilrt.data.labels import (
    FAILURE,
    SUCCESS,
    Correction,
    Kind,
    add_correction,
    classes_of,
    corrected,
    in_force,
)
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.errors import EpisodesAbsentError, LabelError
from hilrt.step.record import Record


class Labelling:
    """A dataset whose labels are being corrected; each correction is on disk once its call returns."""

    def __init__(self, root: Path, nothing: str = FAILURE, reward_class: str = SUCCESS) -> None:
        """Open it.

        Args:
            root: of the dataset.
            nothing: class of observations of which nothing is said.
            reward_class: the class that is rewarded.

        Raises:
            DatasetAbsentError, and what else `open_dataset` raises.
        """
        self.dataset = open_dataset(root)
        self.corrections = self.dataset.corrections
        self.reward_class = reward_class
        self._nothing = nothing
        self._recorded: dict[int, list[Record]] = {}

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.dataset)

    def recorded(self, number: int) -> list[Record]:
        """An episode's records as they were recorded; the last one is final.

        Raises:
            EpisodesAbsentError: there is none of that number.
        """
        if not 0 <= number < len(self):
            raise EpisodesAbsentError(str(self.dataset.root), [number], len(self))
        if number not in self._recorded:
            self._recorded[number] = self.dataset.episode(number, as_recorded=True).records
        return self._recorded[number]

    def corrected(self, number: int) -> list[Record]:
        """The same as corrected."""
        return corrected(self.recorded(number), self.of(number))

    def of(self, number: int) -> list[Correction]:
        """An episode's corrections that were not undone."""
        return in_force(self.corrections).get(number, [])

    def classes(self, number: int) -> list[str]:
        """The class of each of an episode's observations."""
        rewards = [record.reward for record in self.recorded(number)[:-1]]
        return classes_of(rewards, self.of(number), self._nothing, self.reward_class)

    def success(self, number: int, start: int | None = None) -> Correction:
        """Say that it succeeded, from observation `start` on; None: at its end."""
        last = len(self.recorded(number)) - 1
        return self._add(self._about(number, "success", start=last if start is None else start))

    def failure(self, number: int) -> Correction:
        """Say that it failed."""
        return self._add(self._about(number, "failure"))

    def span(self, number: int, start: int, stop: int, name: str) -> Correction:
        """Say of which class observations [start, stop) are."""
        rewarded = name == self.reward_class
        about = self._about(number, "span", start=start, stop=stop)
        return self._add(replace(about, name=name, rewarded=rewarded))

    def undo(self, number: int | None = None) -> Correction:
        """Take back the last correction that is in force, of an episode or of all; returns it.

        Raises:
            LabelError: there is none.
        """
        last = [of_episode[-1] for of_episode in in_force(self.corrections).values()]
        last = [each for each in last if number in {None, each.episode}]
        if not last:
            whose = "no correction" if number is None else f"episode {number} has no correction"
            raise LabelError(str(self.dataset.root), f"{whose} that could be undone")
        newest = max(last, key=lambda each: each.wall_ns)
        self._add(self._about(newest.episode, "undo"))
        return newest

    def _about(self, number: int, kind: Kind, *, start: int = 0, stop: int = 0) -> Correction:
        self.recorded(number)  # or there is no such episode
        origin, now_ns = self.dataset.row(number).origin, time.time_ns()
        return Correction(episode=number, origin=origin, kind=kind, start=start, stop=stop, wall_ns=now_ns)

    def _add(self, correction: Correction) -> Correction:
        self.corrections = add_correction(self.dataset.root, correction)
        return correction


def outcome(records: list[Record]) -> str:
    """How an episode ended, and from which observation on it was a success, in words."""
    *steps, final = records
    first = next((number for number, step in enumerate(steps, 1) if step.reward > 0), None)
    if final.success:
        return f"success from {first or len(steps)}"
    end = "failure" if final.terminated else "time limit"
    return end if first is None else f"{end}, after success from {first}"
