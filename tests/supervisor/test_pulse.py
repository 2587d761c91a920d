"""Silence of a process, as its supervisor counts it."""

from hilrt.supervisor.pulse import Pulse


def looks(pulse, sign, since_s, until_s, every_s=0.1):
    """Look regularly; the silence at the end."""
    steps = round((until_s - since_s) / every_s)
    for n in range(steps):
        silent_s = pulse.silent_s(sign, since_s + (n + 1) * every_s)
    return silent_s


def test_silence_adds_up_until_there_is_a_new_sign():
    """A heart that does not beat is silent for as long as was looked; one beat, and it is not."""
    pulse = Pulse()
    pulse.silent_s(1, 10.0)
    assert abs(looks(pulse, 1, 10.0, 13.0) - 3.0) < 1e-6
    assert pulse.silent_s(2, 13.1) == 0.0


def test_who_was_frozen_too_has_seen_no_silence():
    """After a freeze of all processes, as by a laptop's lid, nobody is taken for dead before he had time to beat."""
    pulse = Pulse()
    looks(pulse, 1, 10.0, 11.0)
    assert pulse.silent_s(1, 14.0) < 2.0
    assert looks(pulse, 1, 14.0, 17.0) > 2.0
