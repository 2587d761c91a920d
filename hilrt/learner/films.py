"""Film strips of the last success, failure and intervention, drawn for TensorBoard when there is time."""

import logging
import time
from pathlib import Path

from hilrt.data.episodes import EpisodeSummary
from hilrt.data.journal import episode_path, read_episode
from hilrt.errors import HilrtError
from hilrt.report.film import film
from hilrt.report.metrics import Metrics

log = logging.getLogger(__name__)

EVERY_S = 20.0
"""One takes a quarter of a second, in which nothing is learnt."""


class Films:
    """Of training episodes; each is read back from the journal once the disk has all of it."""

    def __init__(self, journal: Path, metrics: Metrics) -> None:
        self._journal, self._metrics = journal, metrics
        self._due: dict[str, EpisodeSummary] = {}
        self._drawn_s = -EVERY_S

    def note(self, summary: EpisodeSummary) -> None:
        """A training episode has ended."""
        if summary.discarded:
            return
        kinds = {
            "success": summary.success,
            "failure": not summary.success,
            "intervention": summary.interventions,
        }
        self._due |= dict.fromkeys((f"last_{kind}" for kind, it_is in kinds.items() if it_is), summary)

    def draw(self, flushed: int) -> None:
        """Draw one, if it is time; `flushed`: the last episode that is on disk."""
        now = time.monotonic()
        ready = [kind for kind, summary in self._due.items() if summary.episode <= flushed]
        if not ready or now - self._drawn_s < EVERY_S:
            return
        self._drawn_s = now
        summary = self._due.pop(ready[0])
        try:
            episode = read_episode(episode_path(self._journal, summary.episode), frames=True)
            self._metrics.picture("Films", ready[0], film(episode), summary.online_steps)
        except HilrtError as error:  # a picture for people is nothing to end a run for
            log.warning("no film of episode %d: %s", summary.episode, error)
