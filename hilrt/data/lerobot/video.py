"""Pictures as video, written and read one by one: never more than a few of them are in memory."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self, cast

import av
from av.container import InputContainer
from av.error import FFmpegError

from hilrt.config.values import LARGEST_SIDE
from hilrt.data.lerobot.pointer import damaged
from hilrt.data.lerobot.seal import is_whole, seal
from hilrt.data.lerobot.stored import StoredEpisode
from hilrt.data.pictures import Picture, decoded
from hilrt.errors import DatasetDamagedError
from hilrt.resource import Resource

CODECS = {
    "libx264": {"crf": "18", "preset": "veryfast", "bf": "0"},
    "libsvtav1": {"crf": "24", "preset": "8"},
}
"""The first that is there."""
KEYFRAMES = 6
"""Pictures from one that stands by itself to the next: what a look at any one of them costs."""
LIMITS = {"max_pixels": str(LARGEST_SIDE**2)}
"""Of libav: larger pictures are an error before memory is asked for."""
UNREADABLE = (FFmpegError, OSError, LookupError, ValueError, ArithmeticError)
"""What is raised where a file is not what it was."""
AHEAD = 2 * KEYFRAMES
"""Pictures that are rather decoded than jumped over."""


class Film(Resource):
    """A video file under the pen."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        codec = next(name for name in CODECS if name in av.codecs_available)
        self._container = av.open(str(path), "w", format="mp4")
        stream = self._container.add_stream(codec, rate=round(fps), options=CODECS[codec])
        self._stream = cast("av.VideoStream", stream)
        self._stream.gop_size = KEYFRAMES
        self._count = 0
        self._closed = self._failed = False

    def add(self, picture: Picture) -> None:
        """Append a picture, (height, width, 3), RGB."""
        if not self._count:
            self._stream.height, self._stream.width = picture.shape[:2]
            even = not (picture.shape[0] % 2 or picture.shape[1] % 2)
            self._stream.pix_fmt = "yuv420p" if even else "yuv444p"
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, self._count = self._count, self._count + 1
        self._encode(frame)

    def close(self) -> None:
        """Write what the encoder still holds, and a digest of it all; may be called again."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._count and not self._failed:
                self._encode(None)
        finally:
            with contextlib.suppress(OSError) if self._failed else contextlib.nullcontext():
                self._container.close()
                seal(self._path)

    def _encode(self, frame: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except BaseException:
            self._failed = True  # another packet now would be the end of the process, within libav
            raise


class FilmReader(Resource):
    """An episode's part of a video file, its pictures by number.

    Going forward decodes each picture once; anything else jumps to the key frame before.
    """

    def __init__(self, path: Path, from_s: float, fps: float) -> None:
        self._path = path
        self._from_s = from_s
        self._fps = fps
        self._at = -AHEAD - 1
        self._picture: Picture | None = None
        try:
            _require_whole(path)
            self._container: InputContainer = av.open(str(path))
            self._stream = _stream_of(self._container)
        except UNREADABLE as error:
            raise damaged(path, f"no video: {error}") from None
        self._stream.codec_context.thread_count = 1
        self._frames: Iterator[av.VideoFrame] = iter(())

    def picture(self, index: int) -> Picture:
        """Picture `index` of the episode: (height, width, 3), RGB, read-only.

        Raises:
            DatasetDamagedError: it cannot be decoded, or there is none of its time.
        """
        if self._picture is None or index != self._at:
            try:
                self._picture = self._decode(index)
            except UNREADABLE as error:
                raise DatasetDamagedError(str(self._path), f"picture {index}: {error}") from None
            self._at = index
        return self._picture

    def close(self) -> None:
        """Close the file; may be called again."""
        self._container.close()

    def _decode(self, index: int) -> Picture:
        wanted_s = self._from_s + index / self._fps
        if not self._at < index <= self._at + AHEAD:
            ticks = (wanted_s + 0.25 / self._fps) / float(self._stream.time_base or 1)
            self._container.seek(int(ticks), stream=self._stream)
            self._frames = self._container.decode(self._stream)
        for frame in self._frames:
            if frame.time is not None and frame.time >= wanted_s - 0.5 / self._fps:
                if frame.time > wanted_s + 0.5 / self._fps:
                    break
                picture = cast("Picture", frame.to_ndarray(format="rgb24"))
                picture.flags.writeable = False
                return picture
        raise DatasetDamagedError(str(self._path), f"it has no picture at {wanted_s:.3f} s")


def _require_whole(path: Path) -> None:
    """Raises `ValueError` where a file is not what was written."""
    if not is_whole(path):
        raise ValueError("it is not what its digest says")


def _stream_of(container: InputContainer) -> av.VideoStream:
    """The pictures in a file; LookupError where there are none that can be decoded."""
    stream = container.streams.video[0]
    if stream.codec_context is None:  # where a damaged file names a codec that there is not
        raise LookupError("its codec is not known")
    stream.codec_context.options = LIMITS
    return stream


def looked_at(path: Path) -> tuple[list[float], tuple[int, int]]:
    """Decode a whole video.

    Returns:
        When each picture is shown [s]; their height and width.

    Raises:
        DatasetDamagedError: it cannot be decoded.
    """
    try:
        _require_whole(path)
        with av.open(str(path)) as container:
            stream = _stream_of(container)
            times = [frame.time for frame in container.decode(stream) if frame.time is not None]
            return times, (stream.height, stream.width)
    except UNREADABLE as error:
        raise damaged(path, f"cannot be decoded: {error}") from None


class FilmedEpisode(StoredEpisode):
    """An episode whose steps' pictures are in videos; that of its end is a picture file."""

    films: dict[str, FilmReader]
    """By camera."""
    last: dict[str, bytes]

    @classmethod
    def of(cls, episode: StoredEpisode, films: dict[str, FilmReader], last: dict[str, bytes]) -> Self:
        """`episode` with these pictures."""
        return cls(
            header=episode.header,
            records=episode.records,
            frames=[],
            torn=None,
            steps_path=episode.steps_path,
            final_path=episode.final_path,
            films=films,
            last=last,
        )

    def _decoded(self, index: int) -> dict[str, Picture]:
        """To be asked for in the order of the steps."""
        index = range(len(self.records))[index]
        if index == len(self.records) - 1:
            return {name: decoded(file) for name, file in self.last.items()}
        return {name: film.picture(index) for name, film in self.films.items()}
