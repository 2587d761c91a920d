"""Replay: every row once, in one store; tiers are index lists over it.

Online rows are a ring, demonstrations lie behind it and stay. `next` is an index, -1 where there is none: it
never leads across an episode's end, a gap, a restart, or into rows that have been overwritten.
"""

from collections import deque
from enum import IntEnum

import msgspec
import numpy as np
import torch
from torch import Tensor

from hilrt.config.constants import CONSTANTS, Constants
from hilrt.learner.album import Album
from hilrt.learner.batch import Batch, Columns
from hilrt.learner.indexset import IndexSet, Indices
from hilrt.learner.shipping import Shipping
from hilrt.policy.trunk import Pictures
from hilrt.policy.vision import Sight
from hilrt.step.features import Features
from hilrt.step.record import Float32, GripperCommand, Mode, Record, Source, gripper_commands, vector

CPU = torch.device("cpu")
SPARE_ROWS = 1_024
"""Room for demonstrations of which it is not told how many there are."""


class Tier(IntEnum):
    """Index lists over the store; a row may be in several."""

    ONLINE = 0
    DEMONSTRATIONS = 1
    INTERVENTIONS = 2
    SUCCESSES = 3


class ReplayStatistics(msgspec.Struct, frozen=True):
    """Rows by tier, and what became of the rest."""

    rows: dict[str, int]
    sessions: dict[str, int]
    """Rows that can be drawn, by the session that they are from."""
    added: int
    evicted: int
    bytes: int


class _Stream:
    """The episode that is being added to one end of the store."""

    def __init__(self, first: Record, arms: int) -> None:
        self.episode, self.step = first.episode, first.step - 1
        self.rows: list[int] = []
        self.ended = False
        self.whole = first.step == 0
        """From its first step on, without a gap."""
        self.human = False
        self._told = [GripperCommand.STAY] * arms

    def take(self, record: Record) -> bool:
        """Note a record; whether it directly follows the one before."""
        follows = bool(self.rows) and record.step == self.step + 1
        self.whole &= follows or not self.rows
        self.human |= not record.final and record.source is Source.HUMAN
        self.step, self.ended = record.step, record.final
        return follows

    def changes(self, gripper: int) -> int:
        """How many arms' commands differ from that arm's last that was not `stay`."""
        commands = gripper_commands(gripper, len(self._told))
        changed = [arm for arm, c in enumerate(commands) if c not in {GripperCommand.STAY, self._told[arm]}]
        for arm in changed:
            self._told[arm] = commands[arm]
        return len(changed)


class Replay:
    """The store. `add` takes records in order, `sample` draws batches; equal calls give equal batches."""

    def __init__(
        self,
        features: Features,
        capacity: int,
        batch_size: int,
        seed: int,
        album: Album | None = None,
        device: torch.device = CPU,
        gripper_by_hand: bool = True,
        constants: Constants = CONSTANTS,
    ) -> None:
        """`capacity` bounds the online rows, `album` has room for pictures; batches of `batch_size` are on `device`.

        `gripper_by_hand`: whether who corrects the policy moves the gripper, too.
        """
        self.rng = np.random.default_rng(seed)
        self.tiers = {tier: IndexSet() for tier in Tier}
        self.added = self.evicted = 0
        self._features = features
        self._gripper_by_hand, self._constants = gripper_by_hand, constants
        self._capacity = capacity
        self._batch_size = batch_size
        self._columns = Columns(len(features.state), len(features.action))
        self._album = album or Album(Sight(), capacity, SPARE_ROWS, CPU)
        self._shipping = Shipping(device)
        self._rows: Float32 = np.zeros((self._album.rows, self._columns.width), np.float32)
        self._next: Indices = np.full(len(self._rows), -1)
        self._previous: Indices = np.full(len(self._rows), -1)
        self._sessions: dict[str, int] = {}
        self._session: Indices = np.zeros(len(self._rows), np.int64)
        """Of each row, the number of its session."""
        self._protected = np.zeros(capacity, np.bool_)
        self._successes: deque[list[int]] = deque()
        self._streams: dict[Tier, _Stream] = {}
        self._cursor = 0
        self._end = capacity
        self._used = 0

    def add(self, record: Record, pictures: Pictures = (), session: str = "") -> int:
        """Append a record and what the policy saw: demonstrations by their mode, everything else online.

        `session`: the recording that it is from.

        Returns:
            Its row.
        """
        tier = Tier.DEMONSTRATIONS if record.mode is Mode.DEMO else Tier.ONLINE
        stream = self._streams.get(tier)
        if stream is None or stream.ended or stream.episode != record.episode:
            stream = self._streams[tier] = _Stream(record, len(self._features.sides))
        follows = stream.take(record)
        index = self._allocate(tier)
        self._write(index, record, stream)
        self._session[index] = self._sessions.setdefault(session, len(self._sessions))
        self._album.put(index, pictures)
        if follows:
            self._link(stream.rows[-1], index, tier)
        stream.rows.append(index)
        self.added += 1
        if record.final:
            self._close(record, stream, tier)
        return index

    def states(self, tier: Tier) -> Float32:
        """States of all rows of a tier, shape (n, ds)."""
        return self._rows[list(self.tiers[tier]), : self._columns.state]

    def sample(self, batches: int) -> list[Batch]:
        """Draw batches: half online, half human tiers; whole batches of what there is while one is empty."""
        counts = self._counts()
        drawn = [self.tiers[t].draw(self.rng, (batches, n)) for t, n in zip(Tier, counts, strict=True) if n]
        shipped = [self._ship(index) for index in np.concatenate(drawn, axis=1)]
        self._shipping.arrive()
        return [self._columns.batch(*parts, counts) for parts in shipped]

    def _ship(self, index: Indices) -> tuple[Tensor, Tensor, Pictures, Pictures]:
        """Send rows, the states after them, and the pictures of both to the device."""
        after, ship = self._next[index], self._shipping.ship
        now = ship(torch.from_numpy(self._rows[index]))
        then = ship(torch.from_numpy(self._rows[after, : self._columns.state]))
        seen, seen_after = (
            tuple(map(ship, self._album.draw(rows, self._variants(len(rows))))) for rows in (index, after)
        )
        return now, then, seen, seen_after

    def _variants(self, count: int) -> Indices | None:
        """Which version of each picture is drawn; None where there is one."""
        many = self._album.variants
        return self.rng.integers(many, size=count) if many > 1 else None

    def statistics(self) -> ReplayStatistics:
        """Rows by tier, and what became of the rest."""
        rows = {tier.name.lower(): len(self.tiers[tier]) for tier in Tier}
        return ReplayStatistics(
            rows, self._by_session(), self.added, self.evicted, self._rows.nbytes + self._album.nbytes
        )

    def _by_session(self) -> dict[str, int]:
        drawn = np.concatenate([self.tiers[tier].indices for tier in (Tier.ONLINE, Tier.DEMONSTRATIONS)])
        counts = np.bincount(self._session[drawn], minlength=len(self._sessions)).tolist()
        return dict(zip(self._sessions, counts, strict=True))

    # --- adding ----------------------------------------------------------------------------------

    def _allocate(self, tier: Tier) -> int:
        if tier is Tier.DEMONSTRATIONS:
            if self._end == len(self._rows):
                self._grow()
            self._end += 1
            return self._end - 1
        while self._protected[self._cursor]:
            self._cursor = (self._cursor + 1) % self._capacity
        index = self._cursor
        self._cursor = (index + 1) % self._capacity
        self._evict(index)
        return index

    def _grow(self) -> None:
        extra = max(SPARE_ROWS, len(self._rows) - self._capacity)
        self._album.grow(extra)
        self._rows = np.concatenate((self._rows, np.zeros((extra, self._columns.width), np.float32)))
        self._next = np.concatenate((self._next, np.full(extra, -1)))
        self._previous = np.concatenate((self._previous, np.full(extra, -1)))
        self._session = np.concatenate((self._session, np.zeros(extra, np.int64)))

    def _evict(self, index: int) -> None:
        if self._used < self._capacity:
            self._used += 1  # rows are first taken in order, so this one is fresh
            return
        self.evicted += 1
        self._withdraw(index)
        before, after = int(self._previous[index]), int(self._next[index])
        if before >= 0:  # it was protected when its turn came, and has outlived what it leads to
            self._withdraw(before)
            self._next[before] = -1
        if after >= 0:
            self._previous[after] = -1
        self._next[index] = self._previous[index] = -1

    def _write(self, index: int, record: Record, stream: _Stream) -> None:
        row, c = self._rows[index], self._columns
        row[:] = 0.0
        row[: c.state] = vector(record.state)
        if record.final:
            return
        row[c.state : c.scalars] = vector(record.action)
        corrects = record.source is Source.HUMAN and record.mode is not Mode.DEMO
        changes = stream.changes(record.gripper)
        shown = (corrects, corrects and self._gripper_by_hand)
        row[c.scalars : c.left.start] = (record.gripper, record.reward, record.terminated, *shown, changes)
        row[c.left] = np.inf

    def _link(self, before: int, index: int, tier: Tier) -> None:
        """Make `before` a whole transition."""
        self._next[before], self._previous[index] = index, before
        self.tiers[tier].add(before)
        if tier is Tier.ONLINE and self._rows[before, self._columns.shown][0]:
            self.tiers[Tier.INTERVENTIONS].add(before)

    def _close(self, final: Record, stream: _Stream, tier: Tier) -> None:
        if final.discarded:
            for index in reversed(stream.rows):  # in reverse, each list gets its former order back
                self._withdraw(index)
            return
        if final.success and stream.whole:
            self._look_back(stream.rows)
        if final.success and tier is Tier.DEMONSTRATIONS:
            self._rows[stream.rows, self._columns.shown] = 1.0
        elif final.success and stream.whole and not stream.human:
            self._protect(stream.rows)

    def _look_back(self, rows: list[int]) -> None:
        """Tell each row of a success how far it was from the next reward."""
        c = self._columns
        steps = changes = np.inf
        for index in reversed(rows[:-1]):
            row = self._rows[index]
            rewarded = row[c.scalars + 1] > 0.0
            steps, changes = (0.0, 0.0) if rewarded else (steps + 1.0, changes)
            changes += row[c.scalars + 5]
            row[c.left] = steps, changes

    def _withdraw(self, index: int) -> None:
        """Nobody learns from this row any more; it stays what others' `next` points at."""
        for members in self.tiers.values():
            members.discard(index)

    # --- autonomous successes --------------------------------------------------------------------

    def _protect(self, rows: list[int]) -> None:
        self._protected[rows] = True
        self._rows[rows, self._columns.shown] = 1.0
        self._successes.append(rows)
        for index in rows:
            if index in self.tiers[Tier.ONLINE]:
                self.tiers[Tier.SUCCESSES].add(index)
        limit = min(self._constants.protected_rows, self._capacity // 2)
        while sum(map(len, self._successes)) > limit:
            oldest = self._successes.popleft()
            self._protected[oldest] = False
            for index in oldest:
                self.tiers[Tier.SUCCESSES].discard(index)

    # --- drawing ---------------------------------------------------------------------------------

    def _counts(self) -> tuple[int, ...]:
        """Rows of each tier in a batch."""
        sizes = [len(self.tiers[tier]) for tier in Tier]
        most = self._constants.shares
        demonstrated = most[0] / sizes[1] if sizes[1] else np.inf
        shares = np.array(
            [min(s, n * demonstrated) if n else 0.0 for s, n in zip(most, sizes[1:], strict=True)]
        )
        if not shares.any():
            return (self._batch_size, 0, 0, 0)
        human = self._batch_size // 2 if sizes[0] else self._batch_size
        ends = np.rint(np.cumsum(shares) / shares.sum() * human).astype(int)
        return (self._batch_size - human, *(int(n) for n in np.diff(ends, prepend=0)))
