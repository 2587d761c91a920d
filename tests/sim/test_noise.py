"""A bad line, on replies of the simulated servos."""

from hilrt.devices.feetech.packets import Parser, encode
from hilrt.sim.noise import FOREIGN, LATE_S, BadLine, intact

REPLIES = b"".join(encode(motor, 0, bytes(15)) for motor in range(1, 7))


def test_a_good_line_changes_nothing():
    """Neither without errors nor by default."""
    assert list(intact(REPLIES)) == [(0.0, REPLIES)]
    assert b"".join(piece for _, piece in BadLine(0.0, 1)(REPLIES)) == REPLIES


def test_a_bad_line_spoils_its_share_in_five_ways():
    """Some replies are lost, late, cut, corrupt and foreign; the others arrive."""
    line, kinds, ids = (
        BadLine(0.5, 1),
        {"lost": 0, "late": 0, "broken": 0, "foreign": 0, "good": 0},
        range(1, 7),
    )
    for _ in range(500):
        for delay, piece in line(REPLIES):
            packets = Parser().feed(piece)
            kind = "late" if delay == LATE_S else "good" if packets else "broken" if piece else "lost"
            if packets and packets[0].id not in ids:
                assert packets[0].id - FOREIGN in ids
                kind = "foreign"
            kinds[kind] += 1
    assert abs(kinds["good"] / 3000 - 0.5) < 0.05
    assert all(abs(kinds[kind] / 3000 - 0.1) < 0.03 for kind in ("lost", "late", "foreign"))
    assert abs(kinds["broken"] / 3000 - 0.2) < 0.03


def test_some_corrupt_replies_fit_their_checksum():
    """What no checksum can find is made too: a whole reply of the right motor with one wrong value."""
    line, unseen = BadLine(1.0, 1), 0
    for _ in range(500):
        for _, piece in line(REPLIES):
            unseen += any(p.id <= 6 and sum(map(int.bit_count, p.params)) == 1 for p in Parser().feed(piece))
    assert 0.005 < unseen / 3000 < 0.03
