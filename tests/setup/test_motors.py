import pytest
from desk import Operator, factory, play

from hilrt.devices.feetech.registers import Register
from hilrt.setup.motors import setup_motors


def held(servos, register):
    """What they hold."""
    return [servo.get(register) for servo in servos]


def test_it_can_be_stopped_and_resumed(desk, where):
    """What was set before is recognised in a chain, and not written again."""
    gripper, wrist = factory(), factory()
    desk.connect(gripper)
    operator = Operator(["gripper", "stop"])
    assert play(setup_motors(operator, where)) == ["gripper"]
    assert operator.said[-1].startswith("Left to do: wrist_roll, wrist_flex, elbow_flex, shoulder_lift")
    desk.connect(wrist)
    assert play(setup_motors(Operator(["wrist_roll", "stop"]), where)) == ["wrist_roll"]
    desk.connect(gripper, wrist)
    desk.bank.writes.clear()
    operator = Operator(["stop"])
    assert play(setup_motors(operator, where)) == ["wrist_roll", "gripper"]
    assert operator.said[0] == "Set already: wrist_roll, gripper."
    assert desk.eeprom_writes() == []


def test_a_change_cut_off_half_way_is_taken_up_again(desk, where):
    """A motor that has its id and not yet its rate, unlocked, is found and finished."""
    half = factory(115_200, number=4)
    half.put(Register.LOCK, 0)
    desk.connect(half)
    assert play(setup_motors(Operator(["wrist_flex", "stop"]), where)) == ["wrist_flex"]
    assert [half.get(r) for r in (Register.ID, Register.BAUD_RATE, Register.LOCK)] == [4, 0, 1]


def test_a_set_motor_is_not_made_another_unasked(desk, where):
    """One that has another joint's id keeps it unless the operator means it."""
    elbow = factory(number=3)

    def connect():
        desk.connect(elbow)
        return "gripper"

    operator = Operator([connect, "no", "gripper", "yes", "stop"])
    assert play(setup_motors(operator, where)) == ["gripper"]
    assert operator.asked[1] == "This motor has id 3, elbow_flex. Make it gripper?"
    assert [write for write in desk.eeprom_writes() if write[0] == 3] == [(3, Register.ID.address)]
    assert elbow.id == 6


@pytest.mark.parametrize(
    ("servos", "message"),
    [
        ([], "no motor answers on "),
        ([factory(model=1284, number=9)], "motor 9 (gripper) on "),
    ],
)
def test_what_is_no_motor_of_the_arm_is_left_alone(desk, where, servos, message):
    """Nothing there, or another model: it says so and asks again."""
    desk.connect(*servos)
    operator = Operator(["gripper", "stop"])
    assert play(setup_motors(operator, where)) == []
    assert any(text.startswith(message) for text in operator.said)
    assert desk.bank.writes == []


@pytest.mark.parametrize("numbers", [(1, 1), (3, 1), (6, 5)])
def test_two_motors_at_once_are_refused(desk, where, numbers):
    """Whether they share an id or not, none of them is changed."""
    pair = [factory(number=n, raw=2048 + 100 * i) for i, n in enumerate(numbers)]

    def together():
        desk.connect(*pair)
        return "wrist_flex"

    operator = Operator([together, "stop"])
    assert play(setup_motors(operator, where)) == []
    assert held(pair, Register.ID) == list(numbers)
    assert desk.eeprom_writes() == []
    assert any("Connect one motor alone" in text for text in operator.said[1:])


def test_a_motor_that_acknowledges_nothing_is_set_all_the_same(desk, where):
    """Its Response_Status_Level is 0, and 1 afterwards."""
    quiet = factory()
    quiet.put(Register.RESPONSE_STATUS_LEVEL, 0)
    desk.connect(quiet)
    assert play(setup_motors(Operator(["elbow_flex", "stop"]), where)) == ["elbow_flex"]
    assert [quiet.get(r) for r in (Register.ID, Register.RESPONSE_STATUS_LEVEL, Register.LOCK)] == [3, 1, 1]
