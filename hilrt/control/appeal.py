"""A success that no person said: until the next episode begins the operator can take it back."""

from hilrt.control.presence import Presence
from hilrt.control.tick import Pictures, Planes
from hilrt.step.record import Override, Record

Held = list[tuple[Record, Pictures, Planes]]
"""The last step and the last observation, with what is sent of their pictures."""


class Appeal:
    """Holds back the end of an episode, so that whoever learns from it hears the operator's word alone."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._held: Held = []
        self._refused = False

    @property
    def open(self) -> bool:
        """Whether something is held back."""
        return bool(self._held)

    def hold(self, record: Record, images: Pictures, sent: Planes) -> None:
        """Keep a record in place of publishing it; what was pressed before the first counts no more."""
        if not self._held:
            self._presence.refuses()
            self._refused = False
        self._held.append((record, images, sent))

    def refused(self) -> bool:
        """Whether the operator has taken the success back."""
        self._refused = self.open and (self._refused or self._presence.refuses())
        return self._refused

    def close(self) -> Held:
        """What is to be published now: as it was, or as a failure that the operator has declared."""
        refused = self.refused()
        held, self._held = self._held, []
        for record, *_ in held if refused else ():
            record.reward, record.success = 0.0, False
            record.override = Override.NONE if record.final else Override.FAILURE
        return held
