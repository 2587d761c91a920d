"""From the journal into the dataset."""

from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold


def test_sessions_add_up_and_come_back_exactly(record_session, root, features):
    """What two sessions recorded is read from the dataset to the bit, pictures too, and the journal is empty."""
    known = 0
    for numbers in (range(3), range(3, 5)):
        record_session(numbers)
        recorded = list(read_episodes(root / "journal", frames=True))
        assert fold(root, features).kept == len(recorded)
        dataset = open_dataset(root, features)
        assert len(dataset) == known + len(recorded)
        for episode in recorded:
            found = dataset.episode(episode.number, frames=True)
            assert (found.records, found.frames) == (episode.records, episode.frames)
            assert found.header == episode.header
            assert dataset.episode(episode.number).records == episode.records
        known = len(dataset)
        assert not list((root / "journal").iterdir())
