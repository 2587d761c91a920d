"""A simulated camera, as control sees it."""

from hilrt.devices.camera import Frame
from hilrt.run.simlink import SimLink


class SimCamera:
    """Frames that the simulator rendered, through shared memory."""

    def __init__(self, name: str, link: SimLink) -> None:
        self.name = name
        self._link = link

    def start(self) -> None:
        """The simulator is running already."""

    def newest(self) -> Frame | None:
        """The newest frame, or None before the first."""
        found = self._link.newest_frame(self.name)
        if found is None:
            return None
        number, time_ns, image = found
        return Frame(image=image, monotonic_ns=time_ns, sequence=number)

    def close(self) -> None:
        """The link is closed by its owner."""
