"""Whether the cameras see what they saw in the demonstrations: at each episode's start, in the recorder's spare time.

Demonstrations are read and pictures compared a piece at a time, so that no step waits long; the longest, what a
camera's demonstrations have in common, takes under a second. What differs is said once, with both pictures side by
side, and again only after it had gone away.
"""

import logging
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hilrt.config import Config
from hilrt.data.likeness import CEASES, Finding, Kind, Likeness
from hilrt.data.pictures import Buffer, Picture, decoded, laid_out, unpacked, write_png
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import HilrtError, PictureFileError
from hilrt.run.earlier import earlier_roots
from hilrt.step.features import from_config
from hilrt.step.record import Record

log = logging.getLogger(__name__)

FOLDER = "surroundings"
LEAST, MOST = 3, 40
"""Demonstrations without which nothing can be said of their spread, and as many as are read, evenly among all."""
WAITING = 8
"""Episodes whose first pictures are kept until it is their turn; older ones are let go."""
GAP = 4
"""White between two pictures [pixels]."""
AGAIN = {Kind.BRIGHTNESS: "as bright", Kind.COLOUR: "of the same colour", Kind.FRAMING: "at its place"}

Pictures = dict[str, Picture]
"""Whole frames by camera."""


class Told(NamedTuple):
    """A difference that lasts."""

    words: str
    picture: str
    """Both side by side, in the run's folder; empty where the disk did not take it."""


class Lookout:
    """Of one run; without cameras, or pictures of demonstrations, it sees nothing.

    Args:
        config: of the run.
        run_dir: its folder.
    """

    def __init__(self, config: Config, run_dir: Path) -> None:
        self._features = from_config(config)
        self._preprocess = Preprocess(config.processor.image_preprocessing, self._features)
        self._run_dir = run_dir
        self._roots = [*earlier_roots(run_dir), Path(config.dataset.root)]
        self._known: dict[str, Likeness] = {}
        self._shown: Pictures = {}
        self._due: deque[tuple[int, Pictures]] = deque(maxlen=WAITING)
        self._preparing = self._prepare() if self._features.images else iter(())
        self._told: dict[tuple[str, Kind], Told] = {}

    @property
    def message(self) -> str:
        """What differs now, for the screen, which may cut it: the newest picture comes first. Empty if nothing does."""
        if not self._told:
            return ""
        cameras = {camera: "" for camera, _ in self._told}
        for (camera, _), told in self._told.items():
            cameras[camera] += f", {told.words}"
        newest = next((told.picture for told in reversed(self._told.values()) if told.picture), "")
        words = "; ".join(camera + words.removeprefix(",") for camera, words in cameras.items())
        return f"unlike the demonstrations{newest and f' ({newest})'}: {words}"

    def see(self, record: Record, frames: Buffer) -> None:
        """Keep the pictures of an episode's first observation; `frames`: raw, laid out as in `Features.images`."""
        if record.step == 0 and not record.final and self._features.images:
            pictures = zip(self._features.images, laid_out(frames, self._features.images), strict=False)
            self._due.append((record.episode, {image.name: p.copy() for image, p in pictures}))

    def work(self) -> bool:
        """Do a piece of what is to be done; False where nothing is."""
        if next(self._preparing, self) is not self:
            return True
        if not self._due:
            return False
        episode, pictures = self._due.popleft()
        for camera, picture in pictures.items():
            if camera in self._known:
                self._compare(camera, picture, episode)
        return True

    def _compare(self, camera: str, picture: Picture, episode: int) -> None:
        for finding in self._known[camera].compare(self._preprocess.apply(camera, picture)):
            key = camera, finding.kind
            if key in self._told and finding.excess < CEASES:
                del self._told[key]
                log.info("camera %s is %s again, from episode %d on", camera, AGAIN[finding.kind], episode)
            elif finding.excess >= 1.0:
                before = self._told.get(key)
                now = before or self._tell(camera, finding, picture, episode)
                self._told[key] = now._replace(words=finding.words)

    def _tell(self, camera: str, finding: Finding, picture: Picture, episode: int) -> Told:
        name = f"{FOLDER}/{camera}-{finding.kind.name.lower()}-{episode:06d}.png"
        then = self._shown[camera]
        gap = np.full((len(then), GAP, 3), 255, np.uint8)
        try:
            write_png(self._run_dir / name, np.hstack([then, gap, picture]))
        except PictureFileError as error:  # a picture for people is nothing to end a run for
            log.warning("%s", error)
            name = ""
        log.warning(
            "camera %s is not as in the demonstrations from episode %d on: %s. A demonstration and this episode side "
            "by side: %s. Put light or camera back as it was, or record demonstrations as it is now.",
            camera,
            episode,
            finding.words,
            self._run_dir / name if name else "could not be written",
        )
        return Told(finding.words, name)

    def _prepare(self) -> Iterator[None]:
        """Look at the demonstrations; a piece between two yields."""
        views: dict[str, list[Picture]] = {}
        try:
            for shown in self._first_pictures():
                self._shown = shown
                for camera, picture in shown.items():
                    views.setdefault(camera, []).append(self._preprocess.apply(camera, picture))
                yield
        except HilrtError as error:
            log.warning("light and view are not compared with the demonstrations': %s", error)
            return
        for camera, seen in views.items():
            if len(seen) < LEAST:
                continue
            likeness = Likeness(seen)
            if likeness.tells:
                self._known[camera] = likeness
            else:
                log.warning("camera %s: nothing stands still in the demonstrations to compare it by", camera)
            yield

    def _first_pictures(self) -> Iterator[Pictures]:
        """Of the demonstrations' first observations.

        Raises:
            HilrtError: of a dataset that cannot be read, or has other cameras.
        """
        from hilrt.data.lerobot.dataset import exists, open_dataset  # noqa: PLC0415 - pyarrow is behind it

        datasets = [open_dataset(root, self._features) for root in self._roots if exists(root)]
        places = [(dataset, number) for dataset in datasets for number in range(len(dataset))]
        names = [image.name for image in self._features.images]
        chosen = np.unique(np.linspace(0, len(places) - 1, min(MOST, len(places))).round().astype(int))
        for dataset, number in (places[i] for i in chosen):
            if dataset.info.videos:
                yield dataset.episode(number, frames=True).images(0)
            else:
                files = unpacked(next(iter(dataset.frames(number))))
                yield dict(zip(names, map(decoded, files), strict=False))
