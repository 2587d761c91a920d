"""The map of where objects were in training, and what the policy won there."""

import logging
from pathlib import Path

from hilrt.config import Config
from hilrt.data.episodes import EpisodeSummary
from hilrt.data.pictures import write_png
from hilrt.data.places import coverage_of
from hilrt.errors import PictureFileError
from hilrt.report.cells import coverage_maps
from hilrt.report.metrics import Metrics

NAME = "places.png"

log = logging.getLogger(__name__)


class PlaceMap:
    """In TensorBoard, and in the run's folder; without cells there is none."""

    def __init__(self, config: Config, run_dir: Path, metrics: Metrics) -> None:
        self._coverage, self._path, self._metrics = coverage_of(config), run_dir / NAME, metrics

    def count(self, summary: EpisodeSummary) -> None:
        """An episode has ended."""
        if self._coverage:
            self._coverage.count(summary)

    def draw(self, online_steps: int) -> None:
        """Draw what is known by now."""
        if self._coverage and any(self._coverage.starts):
            picture = coverage_maps(self._coverage)
            self._metrics.picture("Places", "map", picture, online_steps)
            try:
                write_png(self._path, picture)
            except PictureFileError as error:  # a picture for people is nothing to end a run for
                log.warning("%s", error)
