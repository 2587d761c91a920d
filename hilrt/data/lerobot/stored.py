"""Episodes of a dataset: what should be a picture and is none is told by the file that it is in."""

from pathlib import Path

from hilrt.data.journal import Episode
from hilrt.data.pictures import Picture
from hilrt.errors import DatasetDamagedError, PictureError


class StoredEpisode(Episode):
    """An episode of a dataset."""

    steps_path: Path
    """File of its steps."""
    final_path: Path
    """File of its last observation."""

    def images(self, index: int) -> dict[str, Picture]:
        """See `Episode.images`.

        Raises:
            DatasetDamagedError: a picture, or a file, is damaged.
        """
        record = self.records[index]
        try:
            return self._decoded(index)
        except PictureError as error:
            path = self.final_path if record.final else self.steps_path
            problem = f"episode {self.number}, step {record.step}: {error}"
            raise DatasetDamagedError(str(path), problem) from None
