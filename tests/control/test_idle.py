"""How long nobody has done anything."""

import math

from hilrt.control.idle import Idle


class Person:
    """Somebody who does something now and then, and the clock on her wall."""

    def __init__(self, limit_s=60.0):
        self.now = self.moved = 0
        self.idle = Idle(limit_s, self._active, lambda: self.now)

    def _active(self):
        moved, self.moved = self.moved, False
        return moved

    def over(self, at, *, moved=False):
        """Whether it has been too long at that time."""
        self.now, self.moved = at, moved
        return self.idle.over()


def test_it_is_over_when_nobody_did_anything():
    """From the last thing that was done on."""
    person = Person()
    assert not person.over(59)
    assert not person.over(60, moved=True)
    assert not person.over(119)
    assert person.over(121)
    assert person.over(122)
    assert not person.over(123, moved=True)


def test_nobody_need_do_anything():
    """While a policy drives, the time does not count."""
    person = Person()
    person.now = 50
    person.idle.stir()
    assert not person.over(100)


def test_where_nobody_is_waited_for_it_is_never_over():
    """A script, or an arm without a pose to rest at."""
    assert not Person(math.inf).over(1e9)
