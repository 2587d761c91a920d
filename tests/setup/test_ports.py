import pytest
from desk import Operator, play

from hilrt.devices.feetech.port import ports
from hilrt.errors import PortNotFoundError, PortsUnchangedError
from hilrt.setup.ports import find_port

FIRST, SECOND = "usb-1a86_USB_Single_Serial_A-if00", "usb-1a86_USB_Single_Serial_B-if00"


class Dev:
    """A folder in the shape of /dev."""

    def __init__(self, path):
        self.path = path
        (path / "serial" / "by-id").mkdir(parents=True)

    def plug(self, device, stable=""):
        (self.path / device).touch()
        if stable:
            (self.path / "serial" / "by-id" / stable).symlink_to(f"../../{device}")

    def unplug(self, device, stable=""):
        if stable:
            (self.path / "serial" / "by-id" / stable).unlink()
        (self.path / device).unlink()

    def name(self, stable):
        return str(self.path / "serial" / "by-id" / stable)


@pytest.fixture
def dev(tmp_path):
    """Two adapters with stable names and one without."""
    made = Dev(tmp_path)
    made.plug("ttyACM0", FIRST)
    made.plug("ttyACM1", SECOND)
    made.plug("ttyUSB0")
    return made


def test_stable_names_come_first(dev):
    """Each adapter is listed once."""
    assert ports(dev.path) == [dev.name(FIRST), dev.name(SECOND), str(dev.path / "ttyUSB0")]


def test_the_arm_is_the_port_that_goes_and_comes(dev):
    """By its stable name, although the kernel gives it another number."""
    answers = [lambda: dev.unplug("ttyACM0", FIRST), lambda: dev.plug("ttyACM7", FIRST)]
    operator = Operator(answers)
    assert play(find_port(operator, dev.path)) == dev.name(FIRST)
    assert operator.said[:3] == [
        f"  {port}" for port in (dev.name(FIRST), dev.name(SECOND), dev.path / "ttyUSB0")
    ]
    assert operator.said[3] == f"{dev.name(FIRST)} vanished."
    assert f'port = "{dev.name(FIRST)}"' in operator.said[4]


def test_a_port_without_a_stable_name_is_found_too(dev):
    """After a moment in which one could have appeared."""
    operator = Operator([lambda: dev.unplug("ttyUSB0"), lambda: dev.plug("ttyUSB1")])
    assert play(find_port(operator, dev.path)) == str(dev.path / "ttyUSB1")


def test_nothing_or_too_much_unplugged_is_an_error(dev):
    """Only one port that vanishes can be the arm's."""
    with pytest.raises(PortsUnchangedError, match="no port vanished, expected one"):
        play(find_port(Operator([""]), dev.path))

    def both():
        dev.unplug("ttyACM0", FIRST)
        dev.unplug("ttyUSB0")

    with pytest.raises(PortsUnchangedError, match="2 ports vanished"):
        play(find_port(Operator([both]), dev.path))


def test_no_adapter_at_all_is_an_error(tmp_path):
    """There is nothing to unplug."""
    with pytest.raises(PortNotFoundError, match="no serial adapter is plugged in"):
        play(find_port(Operator(), tmp_path))
