"""What control has of the learner: weights as they are learned, and in lockstep the pace."""

import time
from collections.abc import Sequence

from hilrt.shm.status import Status
from hilrt.shm.weights import Adopted, WeightsReader


class Supply:
    """Weights of a run's learner.

    In real time the newest are due whenever there are any; in lockstep as `hilrt.run.lockstep` has it.
    """

    def __init__(self, run: str, status: Status, sent: Sequence[int] | None) -> None:
        """`sent`: in lockstep, the places of the last LAG + 1 steps that the learner was sent, oldest first."""
        self._run, self._sent = run, sent
        self._control, self._learner = status.control, status.learner
        self._reader: WeightsReader | None = None

    @property
    def behind(self) -> bool:
        """Lockstep: whether the next tick has to wait for the learner."""
        assert self._sent is not None
        # the tick sends one more step before it acts: the oldest is then the one that is waited for here
        return not (self._learner.ready and self.answered and self._learner.learned >= self._sent[1])

    @property
    def answered(self) -> bool:
        """Whether the newest weights are those last asked for, and no newer ones come before they are used."""
        return self._learner.answered == self._control.asked

    @property
    def age_ms(self) -> float:
        """Since the newest weights were published; 0 without any."""
        return (time.monotonic_ns() - self._reader.published_ns) * 1e-6 if self._reader else 0.0

    def ask(self) -> None:
        """Have the learner keep the weights that it has now and publish them: they are about to be judged."""
        self._control.asked += 1

    def newest(self) -> Adopted | None:
        """Those published last, unless they were taken before."""
        return self._adopt(None)

    def due(self) -> Adopted | None:
        """Those that the next action is decided with, unless they were taken before; costs a load or three if so."""
        return self._adopt(self._sent[0] if self._sent is not None else None)

    def _adopt(self, until: int | None) -> Adopted | None:
        if self._reader is None:
            self._reader = WeightsReader.try_attach(self._run)
        return self._reader.adopt(until) if self._reader else None

    def close(self) -> None:
        """Let go of the shared weights."""
        if self._reader:
            self._reader.close()
