"""The wire format of Feetech servos: one frame for requests and replies, found again in any noise."""

from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

HEADER = b"\xff\xff"
BROADCAST = 0xFE
MAX_ID = 0xFD
OVERHEAD = 6  # header, id, length, code, checksum


class Instruction(IntEnum):
    """What a request asks for."""

    PING = 1
    READ = 2
    WRITE = 3
    REG_WRITE = 4
    ACTION = 5
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83


class Packet(NamedTuple):
    """One frame; `code` is the instruction in a request and the error byte in a reply."""

    id: int
    code: int
    params: bytes


def checksum(body: bytes) -> int:
    """Low byte of the complement of the sum of everything between header and checksum."""
    return ~sum(body) & 0xFF


def encode(motor: int, code: int, params: bytes = b"") -> bytes:
    """A whole frame, `FF FF id length code params checksum`."""
    body = bytes((motor, len(params) + 2, code)) + params
    return HEADER + body + bytes((checksum(body),))


def encode_read(motor: int, address: int, size: int) -> bytes:
    """Ask one servo for `size` bytes of registers."""
    return encode(motor, Instruction.READ, bytes((address, size)))


def encode_write(motor: int, address: int, data: bytes) -> bytes:
    """Set registers of one servo."""
    return encode(motor, Instruction.WRITE, bytes((address,)) + data)


def encode_sync_read(address: int, size: int, motors: Sequence[int]) -> bytes:
    """Ask several servos for the same registers; they answer one after the other, in this order."""
    return encode(BROADCAST, Instruction.SYNC_READ, bytes((address, size, *motors)))


def encode_sync_write(address: int, size: int, data: dict[int, bytes]) -> bytes:
    """Set the same registers of several servos; nobody answers."""
    rows = b"".join(bytes((motor,)) + value for motor, value in data.items())
    return encode(BROADCAST, Instruction.SYNC_WRITE, bytes((address, size)) + rows)


class Parser:
    """Finds packets in a stream of bytes, in pieces of any size, with garbage between them.

    After a false header only one byte is dropped, so a packet that starts inside a broken one is found too.
    """

    def __init__(self, max_params: int = 250) -> None:
        self.max_params = max_params  # a longer frame cannot be one: waiting for it would hide what follows
        self.in_turn = False
        """Whether several servos answer: a header within a frame is then the next one's, and this one was cut short.

        Its checksum fits one time in 256. No register of these servos holds FF FF, nor do two neighbours.
        """
        self.own: deque[bytes] = deque(maxlen=16)
        """Frames that we have sent: an adapter that hears itself gives them back, and they are no replies.

        None of them looks like a reply but a ping, whose answer under a voltage fault is the same; so nobody pings.
        """
        self.echoes = 0
        self.checksum_errors = 0
        self.garbage = 0  # bytes that belonged to no packet
        self._rest = b""

    def feed(self, data: bytes) -> list[Packet]:
        """Packets that these bytes complete."""
        buffer, at, packets = self._rest + data, 0, []
        while True:
            if not buffer.startswith(HEADER, at):
                at = self._seek(buffer, at)
            if len(buffer) - at < 4:
                break
            if frame := self._own_at(buffer, at):
                if len(buffer) - at < len(frame):
                    break
                self.echoes += 1
                at += len(frame)
                continue
            motor, length = buffer[at + 2], buffer[at + 3]
            end = at + length + 4
            possible = motor <= BROADCAST and 2 <= length <= self.max_params + 2
            whole = possible and not (self.in_turn and HEADER in buffer[at + 4 : end])
            if whole and end > len(buffer):
                break
            if whole and checksum(buffer[at + 2 : end - 1]) == buffer[end - 1]:
                packets.append(Packet(motor, buffer[at + 4], buffer[at + 5 : end - 1]))
                at = end
            else:
                self.checksum_errors += possible
                self.garbage += 1
                at += 1
        self._rest = buffer[at:]
        return packets

    def reset(self) -> None:
        """Forget an unfinished packet."""
        self.garbage += len(self._rest)
        self._rest = b""

    def _own_at(self, buffer: bytes, at: int) -> bytes:
        """The frame of ours that begins there, as far as can be seen; empty where there is none."""
        for frame in self.own:
            if frame.startswith(buffer[at : at + len(frame)]):
                return frame
        return b""

    def _seek(self, buffer: bytes, at: int) -> int:
        """Where the next header, or a first half of one, is."""
        start = buffer.find(HEADER, at)
        if start < 0:
            start = len(buffer) - buffer.endswith(b"\xff", at)
        self.garbage += start - at
        return start
