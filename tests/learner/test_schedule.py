"""Credit for updates, and the weight of imitation."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilrt.config import Learner
from hilrt.learner.schedule import Credit, bc_weight


def spend_all(credit: Credit) -> int:
    spent = 0
    while credit.due:
        credit.spend()
        spent += 1
    return spent


@given(
    utd=st.floats(0.1, 20.0), per_step=st.integers(1, 8), free=st.integers(0, 30), steps=st.integers(0, 200)
)
def test_updates_per_step_are_held(utd: float, per_step: int, free: int, steps: int) -> None:
    """Past the free steps, critic updates keep to `utd` per online step, to within one learner step."""
    credit = Credit(utd, per_step, free)
    updates = 0
    for _ in range(steps):
        credit.earn()
        updates += per_step * spend_all(credit)
    assert updates <= utd * max(0, steps - free) + 1e-6
    assert updates > utd * max(0, steps - free) - per_step - 1e-6


def test_step_is_owed_until_its_last_update() -> None:
    """With 4 updates a step and 2 at a time, a step is paid for after its second learner step."""
    credit = Credit(4.0, 2, 0)
    credit.earn()
    seen = [credit.owed]
    for _ in range(2):
        credit.spend()
        seen.append(credit.owed)
    assert seen == [True, True, False]


def test_free_running_learner_is_always_due_once_it_may() -> None:
    """Utd 0: nothing is due before the first free steps are in, everything after, and no step is ever owed."""
    credit = Credit(0.0, 2, 2)
    due = []
    for _ in range(3):
        due.append(credit.due)
        credit.earn()
    assert [*due, credit.due] == [False, False, True, True]
    assert not credit.owed


def test_checkpoint_credit_covers_the_steps_before_it() -> None:
    """After a restart what is owed is the checkpoint's credit and the steps journalled since."""
    credit = Credit(4.0, 2, 10)
    for _ in range(50):
        credit.earn()
    credit.forgive(45, 3.0)
    assert credit.credit == 3.0 + 4.0 * 5
    credit.forgive(5, 0.0)
    assert credit.credit == 4.0 * 40


@pytest.mark.parametrize(("rate", "weight"), [(0.0, 1.0), (0.4, 0.55), (0.8, 0.1), (1.0, 0.1)])
def test_imitation_fades_with_autonomous_success(rate: float, weight: float) -> None:
    """From 1 to 0.1 between 0 and 80 % autonomous success; without a final weight it stays; off is off."""
    learner = Learner(bc_weight=1.0, bc_weight_final=0.1)
    assert bc_weight(learner, rate) == pytest.approx(weight)
    assert bc_weight(Learner(bc_weight=1.0), rate) == 1.0
    assert bc_weight(msgspec.structs.replace(learner, bc="off"), rate) == 0.0
