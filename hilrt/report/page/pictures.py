"""The pictures that a report has of a run: where the object lay, what failed, cameras that saw otherwise."""

from collections.abc import Iterator
from pathlib import Path

from hilrt.data.episodes import EpisodeSummary
from hilrt.data.journal import JOURNAL, episode_path, read_episode
from hilrt.data.lookout import FOLDER as SURROUNDINGS
from hilrt.data.pictures import encoded
from hilrt.data.places import coverage_of
from hilrt.errors import JournalError
from hilrt.report.cells import MAP, coverage_maps
from hilrt.report.film import FAILURES, film
from hilrt.report.page.markup import Html, picture, tag
from hilrt.report.page.story import Story
from hilrt.run.job import Job

MOST = 6
"""Of a kind, the newest: the page is to stay small."""


def place_map(story: Story) -> Html:
    """Success by place; nothing where no place is known."""
    if drawn := _own(story, MAP):
        return picture(drawn[0].read_bytes(), "Success by place. The arm is below.")
    coverage = coverage_of(story.config, story.episodes) if story.job is Job.TRAIN else None
    if coverage and any(coverage.starts):
        file = encoded(coverage_maps(coverage), "png")
        return picture(
            file, "Where the object lay in training, and what the policy won there. The arm is below."
        )
    return Html()


def failures(story: Story) -> list[Html]:
    """Film strips of the newest failures, under how many there were: as the run drew them, else from its journal."""
    drawn = _own(story, f"{FAILURES}/*.png")
    lost = [e for e in story.kept if not e.success and e.steps and not e.session]
    if drawn:
        films = [picture(path.read_bytes(), path.stem.replace("_", " ")) for path in drawn[-MOST:]]
    else:
        films = list(_films(story.path / JOURNAL, lost[-MOST:]))
    words = f"Failed episodes: {len(drawn or lost)}. Film strips of the newest:"
    return [tag("p", words), *films] if films else []


def surroundings(story: Story) -> list[Html]:
    """A demonstration and the run side by side, where a camera did not see what it had seen."""
    paths = _own(story, f"{SURROUNDINGS}/*.png")[-MOST:]
    return [picture(path.read_bytes(), f"{path.stem}: a demonstration, and the run") for path in paths]


def _own(story: Story, pattern: str) -> list[Path]:
    """Files of the run's folder; what a link leads to is not the run's, and the page is sent to others."""
    return [path for path in sorted(story.path.glob(pattern)) if path.is_file() and path.resolve() == path]


def _films(journal: Path, episodes: list[EpisodeSummary]) -> Iterator[Html]:
    for e in episodes:
        try:
            strip = film(read_episode(episode_path(journal, e.episode), frames=True))
        except JournalError:  # damaged, or moved away: the figures are worth a report without it
            continue
        words = (
            f"episode {e.episode}, {e.mode.name.lower()}, after {e.online_steps:,} online steps: {e.ending}"
        )
        yield picture(encoded(strip, "png"), words)
