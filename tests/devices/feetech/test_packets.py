import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilrt.devices.feetech.packets import (
    Instruction,
    Packet,
    Parser,
    checksum,
    encode,
    encode_read,
    encode_sync_read,
    encode_sync_write,
    encode_write,
)

packets = st.builds(Packet, st.integers(0, 0xFE), st.integers(0, 0xFF), st.binary(max_size=30))
quiet = st.binary(max_size=40).map(lambda data: data.replace(b"\xff", b"\x00"))


def chunks(data, sizes):
    """`data` in pieces of these sizes, then the rest."""
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


def leftmost(wire):
    """Every good frame, searched from each position in turn."""
    at = 0
    while at < len(wire) - 4:
        motor, length = wire[at + 2 : at + 4]
        end = at + 4 + length
        frame = wire[at:end]
        if motor <= 0xFE and 2 <= length <= 252 and frame == encode(motor, frame[4], frame[5:-1]):
            yield Packet(motor, frame[4], frame[5:-1])
            at = end
        else:
            at += 1


@pytest.mark.parametrize(
    ("made", "by_hand"),
    [
        (encode(1, Instruction.PING), "ff ff 01 02 01 fb"),
        (encode_read(1, 56, 2), "ff ff 01 04 02 38 02 be"),
        (encode_write(3, 42, b"\x00\x08"), "ff ff 03 05 03 2a 00 08 c2"),
        (encode_sync_read(56, 15, [1, 2, 3, 4, 5, 6]), "ff ff fe 0a 82 38 0f 01 02 03 04 05 06 19"),
        (encode_sync_write(42, 2, {1: b"\x00\x08"}), "ff ff fe 07 83 2a 02 01 00 08 42"),
    ],
)
def test_requests_are_the_bytes_worked_out_by_hand(made, by_hand):
    """Header, length and checksum follow the published protocol."""
    assert made == bytes.fromhex(by_hand)


@given(st.lists(packets), st.lists(st.integers(0, 20)))
def test_any_chunking_gives_the_same_packets(sent, sizes):
    """What was encoded is parsed, however the bytes are cut."""
    parser = Parser()
    wire = b"".join(encode(*packet) for packet in sent)
    found = [packet for piece in chunks(wire, sizes) for packet in parser.feed(piece)]
    assert found == sent
    assert parser.garbage == parser.checksum_errors == 0


@given(st.lists(st.tuples(quiet, packets)), st.lists(st.integers(0, 20)))
def test_packets_are_found_in_garbage(sent, sizes):
    """Bytes that hold no header are skipped, and counted."""
    parser = Parser()
    wire = b"".join(noise + encode(*packet) for noise, packet in sent)
    found = [packet for piece in chunks(wire, sizes) for packet in parser.feed(piece)]
    assert found == [packet for _, packet in sent]
    assert parser.garbage == sum(len(noise) for noise, _ in sent)


@given(st.binary(max_size=300), st.lists(st.integers(0, 20)))
def test_arbitrary_bytes_give_the_same_result_in_any_chunking(data, sizes):
    """False headers are handled alike whether the rest has come yet or not."""
    whole, pieces = Parser(), Parser()
    expected = whole.feed(data)
    assert [p for piece in chunks(data, sizes) for p in pieces.feed(piece)] == expected
    assert (pieces.garbage, pieces.checksum_errors) == (whole.garbage, whole.checksum_errors)


@given(st.binary(max_size=60), packets, packets, st.data())
def test_the_leftmost_good_frame_is_taken(noise, cut, sent, data):
    """After a frame that lost its end, the parser goes on where a search of every position would."""
    kept = encode(*cut)[: data.draw(st.integers(0, len(encode(*cut)) - 1))]
    wire = noise + kept + encode(*sent) + bytes(300)  # nothing stays unfinished
    assert Parser().feed(wire) == list(leftmost(wire))


@given(packets, st.integers(0, 7), st.data())
def test_no_single_flipped_bit_goes_unnoticed(sent, bit, data):
    """A reply with one wrong bit is never taken for a packet of the right id."""
    wire = bytearray(encode(*sent))
    at = data.draw(st.integers(0, len(wire) - 1))
    wire[at] ^= 1 << bit
    assert sent not in Parser().feed(bytes(wire))


def test_a_frame_longer_than_any_reply_is_skipped_at_once():
    """With the reply's length known, a corrupt length byte does not swallow what comes next."""
    corrupt = bytes.fromhex("ff ff 01 f0 00")
    reply = Packet(2, 0, b"\x01\x02")
    assert Parser(max_params=2).feed(corrupt + encode(*reply)) == [reply]


@given(st.binary(min_size=30, max_size=30), st.integers(6, 19))
def test_a_reply_cut_short_takes_nothing_from_the_next(params, kept):
    """Where servos answer in turn, a frame with a header inside is none, though its checksum fits by chance."""
    params = params.replace(b"\xff", b"\xfe")
    cut, following = bytearray(encode(1, 0, params[:15])[:kept]), encode(2, 0, params[15:])
    frame = cut + following[: 21 - kept]
    cut[-1] = (cut[-1] + checksum(frame[2:-1]) - frame[-1]) % 256
    alone, in_turn = Parser(15), Parser(15)
    in_turn.in_turn = True
    assert in_turn.feed(cut + following) == [Packet(2, 0, params[15:])]
    assert [packet.id for packet in alone.feed(cut + following)] == [1]


def test_reset_forgets_half_a_packet():
    """After a reset the end of an old packet is garbage, the next one is found."""
    parser = Parser()
    wire = encode(1, 0, b"\x05\x06")
    assert parser.feed(wire[:5]) == []
    parser.reset()
    assert parser.feed(wire[5:] + wire) == [Packet(1, 0, b"\x05\x06")]
    assert parser.garbage == len(wire)
