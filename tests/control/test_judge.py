"""The reward classifier in the outcome pipeline, on ticks made by hand; jobs with it: tests/test_judge_jobs.py."""

import asyncio
import re

import numpy as np
import pytest
from armbench import Bench as ArmBench
from cellbench import make_cell
from policy.pictures import encoder_file
from reward.bundles import bundle_for, bundle_of, judge_for
from rig import Rig, load

from hilrt.control.judge import Judge
from hilrt.control.opening import make_judge
from hilrt.control.policy import Policy
from hilrt.devices.calibration import Calibration
from hilrt.devices.operator import OperatorInput
from hilrt.errors import ClassifierError, ClassifierViewError, ConfigError
from hilrt.policy.actor import Actor
from hilrt.policy.vision import Sight, Vision
from hilrt.run.job import Job
from hilrt.shm.pictures import Frame
from hilrt.sim.world import World
from hilrt.step.features import from_config
from hilrt.step.record import Override

CLASSIFIER = 'reward.type="classifier"'
CAMERAS = (
    *(f"robot.cameras.{name}={{type='sim', width=80, height=64}}" for name in ("front", "wrist")),
    "processor.image_preprocessing={resize_size=[32, 48], crop_params_dict={front=[4, 8, 40, 60]}}",
)
ALWAYS, NEVER = (f"processor.reward_classifier.success_threshold={p}" for p in ("0.001", "1.0"))
AT_ONCE = "processor.reward_classifier.hold_s=0"
VIEWS = from_config(load(*CAMERAS)).views
NONE = OperatorInput()
SUCCESS, FAILURE, AGAIN = (OperatorInput(**{key: True}) for key in ("success", "failure", "rerecord"))


@pytest.fixture
def weights(tmp_path):
    """Of encoders that have learned nothing."""
    return encoder_file(tmp_path, views=VIEWS)


class Bench:
    """Pipelines with a classifier, and ticks whose cameras have something new on each."""

    def __init__(self, weights, *overrides, shadow=False, reward=CLASSIFIER):
        self.rng, self.step = np.random.default_rng(0), 0
        judge = judge_for(weights.parent, shadow=shadow)
        self.rig = Rig(reward, *CAMERAS, *overrides, judge=judge)
        self.judge = self.rig.pipelines.judge
        self.bundle = self.judge._bundle

    def frames(self):
        """Of both cameras."""
        shape = self.rng.integers(0, 256, (2, 64, 80, 3), np.uint8)
        return tuple(Frame(image, self.step, self.step) for image in shape)

    def tick(self, wish=NONE, policy=None, **fields):
        """Observed, looked at by a policy if there is one, and judged; a step of the episode further."""
        tick = self.rig.observe(frames=self.frames(), step=self.step, wish=wish, **fields)
        if policy:
            tick.sent, tick.features = policy.look(tick.views), policy.features
        self.rig.pipelines.outcome.run(tick)
        self.step += 1
        return tick

    def offline(self, tick):
        """What the file says of the same frames."""
        named = zip(("front", "wrist"), tick.frames, strict=True)
        return self.bundle.probabilities({name: frame.image for name, frame in named})[1]


def policy_of(bench, weights):
    """One whose frozen encoders are in that file."""
    vision = Vision(encoder="pretrained", weights=str(weights), embeddings=2, latent=16)
    return Policy(Actor(bench.rig.features, vision), None, Sight())


@pytest.mark.parametrize("shared", [False, True])
def test_it_says_of_a_tick_what_it_says_of_the_recorded_frames(weights, shared):
    """By itself, and with the features that the policy has computed of the same views."""
    bench = Bench(weights)
    policy = policy_of(bench, weights) if shared else None
    if policy:
        assert bench.judge.share(*policy.encoder) == {"front", "wrist"}
    ticks = [bench.tick(policy=policy) for _ in range(3)]
    assert [bool(tick.features) for tick in ticks] == [shared] * 3
    assert np.allclose([t.probability for t in ticks], [bench.offline(t) for t in ticks], rtol=0, atol=1e-5)
    assert len({tick.probability for tick in ticks}) == 3


def test_what_is_shared_is_not_computed_again(weights, monkeypatch):
    """Its own encoders are asked for nothing that the policy has seen, and only once a tick for the rest."""
    bench, asked = Bench(weights), []
    policy = policy_of(bench, weights)
    own = type(bench.bundle).features
    monkeypatch.setattr(
        type(bench.bundle),
        "features",
        lambda self, camera, frame: (asked.append(camera), own(self, camera, frame))[1],
    )
    bench.tick()
    assert asked == [0, 1]
    bench.judge.share(*policy.encoder)
    bench.tick(policy=policy)
    assert asked == [0, 1]


@pytest.mark.parametrize("shared", [False, True])
def test_one_that_is_too_slow_for_the_ticks_is_named(weights, caplog, shared):
    """On the screen and in the log, with what to do; one that fits is not."""
    bench = Bench(weights)
    if shared:
        bench.judge.share(*policy_of(bench, weights).encoder)
    bench.judge.weigh(60.0)
    assert (bench.judge.slow, caplog.text) == ("", "")
    bench.judge.weigh(1e-7)
    assert re.fullmatch(
        r"the classifier takes \S+ of a tick's 0.0001 ms: train one with a smaller model_name",
        bench.judge.slow,
    )
    assert bench.judge.slow in caplog.text


def test_slowness_is_on_the_screen(weights):
    """As long as it goes on, behind whatever else is the matter."""
    bench = Bench(weights)

    async def shown():
        calibration = Calibration.load(bench.rig.config.robot.calibration_path(""))
        with World("pick_lift", 0) as world:
            async with ArmBench(world, calibration) as arm:
                cell = make_cell(bench.rig, arm)
                cell.remark = "something else"
                bench.judge.weigh(1e-7)
                cell._tell((), unwritten=False)
                assert cell._status.message == f"{bench.judge.slow}; something else"
                bench.judge.weigh(60.0)
                cell._tell((), unwritten=False)
                assert cell._status.message == "something else"

    asyncio.run(shown())


def test_another_encoder_shares_nothing(weights, tmp_path):
    """A policy with other weights has other features."""
    other = tmp_path / "other"
    other.mkdir()
    bench = Bench(weights)
    policy = policy_of(bench, encoder_file(other, seed=1, views=VIEWS))
    assert not bench.judge.share(*policy.encoder)
    tick = bench.tick(policy=policy)
    assert tick.probability == pytest.approx(bench.offline(tick), abs=1e-5)


def test_it_has_to_hold(weights):
    """Half a second in a row, none of it in an episode's first steps; each episode begins anew."""
    bench = Bench(weights, ALWAYS, "processor.reward_classifier.min_steps=3")
    done = [bench.tick(task_success=True) for _ in range(9)]
    assert [tick.success for tick in done] == [False] * 8 + [True]
    assert done[-1].terminated
    assert done[-1].reward == 1.0
    bench.rig.pipelines.begin()
    assert not any(bench.tick().success for _ in range(8))


def test_it_says_no_in_place_of_the_task(weights):
    """What the simulated task says does not count beside it."""
    assert not Bench(weights, NEVER, AT_ONCE).tick(task_success=True).success


def test_its_reward_is_its_own(weights):
    """`success_reward` is what its word is worth; the operator's is worth 1."""
    less = "processor.reward_classifier.success_reward=0.5"
    assert Bench(weights, ALWAYS, AT_ONCE, less).tick().reward == 0.5
    assert Bench(weights, NEVER, less).tick(SUCCESS).reward == 1.0


@pytest.mark.parametrize(
    ("threshold", "wish", "success", "override"),
    [
        (NEVER, SUCCESS, True, Override.SUCCESS),
        (ALWAYS, FAILURE, False, Override.FAILURE),
        (ALWAYS, SUCCESS, True, Override.NONE),
        (NEVER, FAILURE, False, Override.NONE),
        (ALWAYS, AGAIN, True, Override.NONE),
    ],
)
def test_the_operator_has_the_last_word(weights, threshold, wish, success, override):
    """Whichever key she presses holds, and where the classifier says otherwise of that frame it is an override."""
    tick = Bench(weights, threshold, AT_ONCE).tick(wish)
    assert (tick.success, tick.override) == (success, override)
    assert tick.terminated is not wish.rerecord


def test_a_shadow_ends_nothing(weights):
    """What it would have called the episode is compared with the key that ends it."""
    for threshold, wish, override in (
        (ALWAYS, SUCCESS, Override.NONE),
        (ALWAYS, FAILURE, Override.FAILURE),
        (NEVER, SUCCESS, Override.SUCCESS),
        (NEVER, FAILURE, Override.NONE),
    ):
        bench = Bench(weights, threshold, AT_ONCE, shadow=True)
        assert not any(bench.tick(task_success=True).over for _ in range(3))
        tick = bench.tick(wish)
        assert (tick.terminated, tick.success, tick.override) == (True, wish.success, override)


def test_a_shadow_counts_what_would_have_ended_the_episode(weights):
    """At a failure key a single frame would not have; at a success key it was about to, and the key came first."""
    for wish, override in ((FAILURE, Override.NONE), (SUCCESS, Override.NONE)):
        bench = Bench(weights, ALWAYS, shadow=True)
        bench.tick()
        assert bench.tick(wish).override == override
    held = Bench(weights, ALWAYS, shadow=True)
    assert not any(held.tick().over for _ in range(5))
    assert held.tick(FAILURE).override == Override.FAILURE


def test_other_pictures_are_refused(weights):
    """Before anything moves: another crop, a camera less."""
    bundle = bundle_for(Rig(*CAMERAS).features, weights)
    for changed in (
        "processor.image_preprocessing={resize_size=[32, 48]}",
        "robot.cameras.wrist={type='sim', width=40, height=64}",
        "robot.cameras.wrist.rotation=180",
    ):
        with pytest.raises(
            ClassifierViewError, match=r"was trained on frames .*80x64.*image_preprocessing back"
        ):
            Rig(CLASSIFIER, *CAMERAS, changed, judge=lambda c, f: Judge(c, f, bundle))


def test_it_is_read_from_where_the_task_file_says(tmp_path):
    """The file that is named, else the one beside the demonstrations; an absent or unreadable one says what to do."""
    with pytest.raises(
        ClassifierError, match=r"datasets/sim_so100.classifier.safetensors cannot be read: No such"
    ):
        make_judge(*_task(), Job.TRAIN)
    path = tmp_path / "c.safetensors"
    named = f"processor.reward_classifier.pretrained_path='{path}'"
    path.write_bytes(b"no such thing")
    with pytest.raises(
        ClassifierError, match=r"damaged, or not a safetensors file.*`hilrt train-classifier CONFIG`"
    ):
        make_judge(*_task(named), Job.TRAIN)
    bundle_of(tmp_path, views=VIEWS).save(path)
    assert make_judge(*_task(named), Job.TRAIN).threshold == 0.7
    assert make_judge(*_task(named, ALWAYS), Job.TELEOPERATE).shadow
    assert make_judge(*_task(named), Job.REPLAY) is None
    assert make_judge(*_task(named, reward='reward.type="task"'), Job.TRAIN) is None


def _task(*overrides, reward=CLASSIFIER):
    rig = Rig(reward, *CAMERAS, *overrides)
    return rig.config, rig.features


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([CLASSIFIER], r"\$\.reward\.type: is \"classifier\", but there are no cameras"),
        (['reward={type="grasp", all_of=["grasp", "classifier"]}'], "has all_of, and type"),
        (['reward.all_of=["grasp"]'], r'names "grasp" alone; write reward.type = "grasp"'),
        (['reward.all_of=["grasp", "classifier"]'], "no cameras"),
        (["processor.reward_classifier.success_threshold=0"], "is 0, from where on every frame is a success"),
        (
            ["processor.reward_classifier.success_reward=0.5"],
            r'but nobody asks it. Write reward.type = "classifier"',
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(overrides, words):
    """In the words of the task file."""
    with pytest.raises(ConfigError, match=words):
        load(*overrides)
