"""A run from its folder: loading, exact resume, evaluations, checkpoints; and that the whole learns."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from rundir import Run
from toy import FEATURES, Command, Reach, clone, success_of

from hilrt.config import Config
from hilrt.data.journal import episode_path, read_episode
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.rewrite import delete_episodes
from hilrt.errors import (
    CheckpointError,
    EncoderChangedError,
    JournalFeaturesError,
    NoDemonstrationsError,
    PolicyFeaturesError,
)
from hilrt.learner import checkpoint
from hilrt.learner.replay import Replay, Tier
from hilrt.learner.sac import Sac
from hilrt.learner.schedule import bc_weight
from hilrt.learner.training import Training
from hilrt.policy.actor import Actor
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.policy.saved import Evaluation, checkpoints_of, load_actor, load_meta, newest_checkpoint
from hilrt.policy.trunk import Trunk
from hilrt.policy.vision import Vision
from hilrt.step.features import Features, Image
from hilrt.step.record import Mode, Record

CPU = torch.device("cpu")


@pytest.fixture
def run(tmp_path: Path, make_config: Callable[..., Config]) -> Run:
    """A run with two demonstrations and no free steps."""
    run = Run(tmp_path, make_config(online_step_before_learning=0, num_critics=3))
    run.demonstrate(run.episode(0, Mode.DEMO), run.episode(1, Mode.DEMO))
    return run


def spend(training: Training, steps: int) -> list[bytes]:
    """Learn, and what each step left of the actor and the temperature."""
    trace = []
    for _ in range(steps):
        training.step()
        parts = [
            *training.algorithm.actor.parameters(),
            *training.algorithm.critics.parameters(),
            training.algorithm.log_alpha,
        ]
        trace.append(b"".join(p.detach().numpy().tobytes() for p in parts))
    return trace


def test_resumed_run_goes_on_bit_for_bit(run: Run) -> None:
    """A learner loaded from checkpoint and journal takes exactly the steps of one that was not stopped."""
    episodes = [run.episode(n, Mode.TRAIN, success=n % 2 == 0) for n in range(4)]
    run.write("journal", *episodes[:3])
    one = run.training()
    assert not one.load()
    spend(one, 5)
    one.save()
    other = run.training()
    assert other.load()
    assert other.credit.credit == one.credit.credit
    assert other.updates == one.updates
    for training in (one, other):
        for record in episodes[3]:
            training.take(record)
    assert spend(one, 5) == spend(other, 5)


CAMERAS = {
    "id": "sim",
    "cameras": {name: {"type": "sim", "width": 32, "height": 24} for name in ("front", "wrist")},
}
VIEWS = (Image("front", 16, 16, 0), Image("wrist", 16, 16, 768))


@pytest.fixture
def seeing(tmp_path: Path, make_config: Callable[..., Config]) -> Iterator[Callable[..., Run]]:
    """A run with two cameras and two demonstrations; keywords go to [policy]."""
    runs: list[Run] = []

    def make(**policy: object) -> Run:
        if policy["encoder"] == "pretrained":
            torch.manual_seed(5)
            path = tmp_path / "encoder.safetensors"
            write_encoders(path, {view.name: Conv() for view in VIEWS}, VIEWS, {})
            policy["weights"] = str(path)
        policy = {"embeddings": 2, "latent": 16, **policy}
        run = Run(tmp_path, make_config(robot=CAMERAS, policy=policy, online_step_before_learning=0))
        run.demonstrate(run.episode(0, Mode.DEMO), run.episode(1, Mode.DEMO))
        runs.append(run)
        return run

    yield make
    for training in (t for run in runs for t in run.trainings):
        training.close()


@pytest.mark.parametrize(
    "policy",
    [
        {"encoder": "conv"},
        {"encoder": "pretrained"},
        {"encoder": "pretrained", "cached_variants": 3},
        {"encoder": "pretrained", "cached_variants": 3, "jitter": 1.0},
        {"encoder": "pretrained", "cached_variants": 0},
        {"encoder": "conv", "jitter": 1.0},
    ],
    ids=["conv", "cached", "variants", "jittered variants", "uncached", "jittered conv"],
)
def test_learning_from_pictures_resumes_bit_for_bit(seeing: Callable[..., Run], policy: dict) -> None:
    """With pictures, too, a learner loaded from checkpoint and journal takes the steps of one that was not stopped."""
    run = seeing(**policy)
    episodes = [run.episode(n, Mode.TRAIN, success=n % 2 == 0) for n in range(3)]
    run.write("journal", *episodes[:2])
    one = run.training()
    assert not one.load()
    for _ in zip(range(3), one.algorithm.warm_start(one.replay), strict=False):
        pass
    spend(one, 2)
    one.save()
    other = run.training()
    assert other.load()
    run.write("journal", episodes[2])
    last = read_episode(episode_path(run.folder / "journal", 2), frames=True)
    for training in (one, other):
        for index, record in enumerate(last.records):
            training.take(record, training.eyes.of_disk(last, index))
    assert spend(one, 3) == spend(other, 3)
    assert load_actor(newest_checkpoint(run.folder)).trunk.size == 64 + 2 * 16


def test_pictures_in_a_batch_are_those_of_their_rows(seeing: Callable[..., Run]) -> None:
    """What is drawn beside a state are the features of that very step's frames, and of the step after."""
    run = seeing(encoder="pretrained")
    training = run.training()
    training.load()
    dataset = open_dataset(run.folder / "demonstrations")
    shown = [dataset.episode(number, frames=True) for number in range(len(dataset))]
    seen = {e.records[i].state: training.eyes.of_disk(e, i) for e in shown for i in range(len(e.records))}
    (batch,) = training.replay.sample(1)
    for states, pictures in (batch.now, batch.next):
        for row, state in enumerate(states):
            of_row = seen[state.numpy().tobytes()]
            assert all(torch.equal(p[row], kept[0]) for p, kept in zip(pictures, of_row, strict=True))


@pytest.mark.parametrize("variants", [1, 3])
def test_no_frame_is_encoded_twice(seeing: Callable[..., Run], variants: int) -> None:
    """A learner that starts again reads the features that the one before has seen, and its encoder sees nothing."""
    run = seeing(encoder="pretrained", cached_variants=variants)
    run.write("journal", run.episode(0, Mode.TRAIN))
    looked = []
    for _ in range(2):
        training = run.training()
        encode = training.eyes._encoded
        training.eyes._encoded = lambda views, encode=encode: (looked.append(1), encode(views))[1]
        training.load()
        training.close()
    assert len(looked) == 3 * 9 * variants  # two demonstrations and an episode, 9 frames each
    assert torch.equal(*(t.replay.sample(1)[0].pictures[0] for t in run.trainings))


def test_features_of_another_light_are_made_anew(seeing: Callable[..., Run]) -> None:
    """With another jitter a learner's features are those that it would have without the file of the one before."""

    def drawn(run: Run) -> torch.Tensor:
        training = run.training()
        training.load()
        training.close()
        return training.replay.sample(1)[0].pictures[0]

    run = seeing(encoder="pretrained", cached_variants=3)
    before = drawn(run)
    policy = msgspec.structs.replace(run.config.policy, jitter=1.0)
    run.config = msgspec.structs.replace(run.config, policy=policy)
    with_old_file = drawn(run)
    (run.folder / "features.cache").unlink()
    assert torch.equal(with_old_file, drawn(run))
    assert not torch.equal(with_old_file, before)


def test_features_stay_with_their_frames_when_a_dataset_is_changed(seeing: Callable[..., Run]) -> None:
    """An episode that has got a deleted one's number is not taken for that by a learner that starts again."""
    run = seeing(encoder="pretrained")
    first = run.training()
    first.load()
    first.close()
    delete_episodes(run.folder / "demonstrations", [0], lambda _: None)
    again = run.training()
    again.load()
    drawn = [
        {s.numpy().tobytes(): p for s, p in zip(batch.state, batch.pictures[0], strict=True)}
        for batch in (t.replay.sample(1)[0] for t in (first, again))
    ]
    common = drawn[0].keys() & drawn[1].keys()
    assert common
    assert all(torch.equal(drawn[0][state], drawn[1][state]) for state in common)


@pytest.mark.parametrize("mode", [Mode.TRAIN, Mode.EVAL])
def test_episodes_of_a_run_are_demonstrations(
    seeing: Callable[..., Run], make_config: Callable[..., Config], mode: Mode
) -> None:
    """What `hilrt dataset export` made of a run's journal is learned from like what a person has shown."""
    run = seeing(encoder="pretrained")
    run.demonstrate(run.episode(2, mode))
    training = run.training()
    training.load()
    assert len(training.replay.tiers[Tier.DEMONSTRATIONS]) == 3 * 8
    assert not training.replay.tiers[Tier.ONLINE]


def test_another_encoder_is_refused(seeing: Callable[..., Run]) -> None:
    """A checkpoint is of one encoder's features: with other weights it is neither resumed nor acted from."""
    run = seeing(encoder="pretrained")
    one = run.training()
    one.load()
    one.save()
    write_encoders(run.folder / "encoder.safetensors", {v.name: Conv() for v in VIEWS}, VIEWS, {})
    with pytest.raises(
        EncoderChangedError, match=r"trained with another encoder than the one in .*safetensors"
    ):
        run.training().load()
    with pytest.raises(EncoderChangedError):
        load_actor(newest_checkpoint(run.folder))


@pytest.mark.parametrize(("embeddings", "said"), [(2, False), (3, True)])
def test_pretrained_heads_of_other_sizes_are_told(
    seeing: Callable[..., Run], embeddings: int, *, said: bool
) -> None:
    """What was trained behind the encoders is taken over without a word where it fits; else a notice says it is not."""
    run = seeing(encoder="pretrained")
    path = run.folder / "encoder.safetensors"
    vision = Vision(encoder="pretrained", weights=str(path), embeddings=embeddings, latent=16)
    heads = Trunk(msgspec.structs.replace(FEATURES, views=VIEWS), vision).glances
    names = [view.name for view in VIEWS]
    write_encoders(path, {name: Conv() for name in names}, VIEWS, {}, dict(zip(names, heads, strict=True)))
    training = run.training()
    training.load()
    assert ("so that part begins anew" in training.notice) == said
    assert bool(training.notice) == said


@pytest.mark.parametrize(
    "settings",
    [
        {"gripper": {"use_gripper": False, "gripper_penalty": 0.0}},
        {"robot": {"arms": {"left": {"id": "l"}, "right": {"id": "r"}}}},
    ],
    ids=["no gripper", "two arms"],
)
def test_other_robots_train_and_resume_bit_for_bit(
    tmp_path: Path, make_config: Callable[..., Config], settings: dict
) -> None:
    """The whole way, demonstrations to checkpoint and back, without a gripper and with two arms."""
    run = Run(
        tmp_path,
        make_config(online_step_before_learning=0, warm_start_steps=5, critic_warmup_steps=5, **settings),
    )
    run.demonstrate(run.episode(0, Mode.DEMO), run.episode(1, Mode.DEMO))
    run.write("journal", *(run.episode(n, Mode.TRAIN, success=n % 2 == 0) for n in range(4)))
    one = run.training()
    assert not one.load()
    for _ in one.algorithm.warm_start(one.replay):
        pass
    figures = [one.step() for _ in range(25)][-1]
    assert ("gripper_loss" in figures) == ("robot" in settings)
    one.save()
    other = run.training()
    assert other.load()
    assert spend(one, 3) == spend(other, 3)
    assert len(load_actor(newest_checkpoint(run.folder)).features.action) == 3 * len(run.features.sides)


def test_resume_would_show_a_difference(run: Run) -> None:
    """The comparison above can fail: without the optimisers' state the steps differ."""
    run.write("journal", run.episode(0, Mode.TRAIN))
    one = run.training()
    one.load()
    spend(one, 5)
    one.save()
    other = run.training()
    other.load()
    other.algorithm.descents["policy"].adam.state.clear()
    assert spend(one, 1) != spend(other, 1)


def test_steps_after_the_checkpoint_are_owed(run: Run) -> None:
    """Steps that the journal has and the checkpoint had not are paid after the restart."""
    run.write("journal", run.episode(0, Mode.TRAIN))
    one = run.training()
    one.load()
    while one.credit.due:
        one.step()
    one.save()
    run.write("journal", run.episode(1, Mode.TRAIN, steps=5))
    other = run.training()
    other.load()
    assert other.credit.credit == 5 * 4.0
    assert other.credit.online_steps == 13


def test_damaged_checkpoint_gives_way_to_the_one_before(run: Run) -> None:
    """A newest checkpoint that cannot be read is passed over."""
    run.write("journal", run.episode(0, Mode.TRAIN))
    one = run.training()
    one.load()
    one.save()
    first = one.updates
    for record in run.episode(1, Mode.TRAIN):
        one.take(record)
    spend(one, 2)
    one.save()
    file = newest_checkpoint(run.folder) / "learner.safetensors"
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    other = run.training()
    assert other.load()
    assert other.updates == first


def test_damage_is_named(run: Run) -> None:
    """A flipped byte, a missing file and an unreadable meta.json are each named with their path and a cure."""
    training = run.training()
    training.load()
    training.save()
    path = newest_checkpoint(run.folder)
    file = path / "actor.safetensors"
    good = file.read_bytes()
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(CheckpointError, match=r"actor\.safetensors: is damaged.*next older checkpoint"):
        load_actor(path)
    file.unlink()
    with pytest.raises(CheckpointError, match=r"actor\.safetensors: cannot be read: No such file"):
        load_actor(path)
    (path / "meta.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"meta\.json: is damaged"):
        load_actor(path)


def test_damage_in_the_journal_is_told(run: Run) -> None:
    """Of six steps one is damaged, so the one before it has no next: four are learned from, and the screen says why."""
    run.write("journal", run.episode(3, Mode.TRAIN, steps=6))
    path = episode_path(run.folder / "journal", 3)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    training = run.training()
    training.load()
    assert training.replay.statistics().rows["online"] == 4
    assert re.match(
        r"episode 3 of the journal is damaged: step [1-4] is lost \(record at byte", training.notice
    )


def test_checkpoint_of_other_features_is_refused(run: Run, features: Features) -> None:
    """Weights trained on other observations are not loaded, and the error says so."""
    training = run.training()
    training.load()
    training.save()
    other = Sac(Actor(features), run.config, CPU)
    expected = r"its state lacks episode, step, noise and has shoulder_pan.*; its action has dz"
    with pytest.raises(PolicyFeaturesError, match=expected):
        checkpoint.restore(newest_checkpoint(run.folder), other, Replay(features, 1000, 8, 0), run.config)


@pytest.mark.parametrize("window", [20, 8])
def test_one_lucky_episode_does_not_end_imitation(
    tmp_path: Path, make_config: Callable[..., Config], window: int
) -> None:
    """The weight falls with the share of successes in a full window, of which one episode is a part."""
    run = Run(tmp_path, make_config(bc_weight=1.0, bc_weight_final=0.1, constants={"window": window}))
    run.demonstrate(run.episode(0, Mode.DEMO))
    training = run.training()
    training.load()
    for number in range(window):
        for record in run.episode(number, Mode.TRAIN, steps=2):
            training.take(record)
        if number == 0:
            assert training.bc_weight == bc_weight(run.config.learner, 1 / window)
    assert training.bc_weight == pytest.approx(0.1)


def test_newest_three_the_best_and_the_clone_are_kept(run: Run) -> None:
    """The checkpoint of step 0 and the one that did best outlive their successors; others go when three are newer."""
    training = run.training()
    training.load()
    training.save()
    scores = {1: [True, True], 2: [True, False]}
    number = 0
    for round_ in range(6):
        for record in run.episode(100 + number, Mode.TRAIN, steps=5):
            training.take(record)
        number += 1
        if round_ in scores:
            training.judge()
        for success in scores.get(round_, []):
            for record in run.episode(100 + number, Mode.EVAL, success=success):
                training.take(record)
            number += 1
        training.close_evaluation()
        training.save()
    kept = [path.name for path in checkpoints_of(run.folder)]
    assert kept == ["00000000", "00000010", "00000020", "00000025", "00000030"]
    assert newest_checkpoint(run.folder).name == "00000030"


def take(training: Training, *episodes: list[Record]) -> None:
    for record in (r for episode in episodes for r in episode):
        training.take(record)


def test_evaluation_is_written_to_the_weights_it_judged(run: Run) -> None:
    """What is learned while evaluation episodes run is no part of the checkpoint that gets their score."""
    training = run.training()
    training.load()
    take(training, run.episode(0, Mode.TRAIN))
    spend(training, 2)
    judged, updates = training.algorithm.actor.to_arrays(), training.updates
    judged = {name: value.copy() for name, value in judged.items()}
    training.judge()
    for number, success in enumerate([True, False, True], 1):
        spend(training, 2)
        take(training, run.episode(number, Mode.EVAL, success=success))
        training.save()  # the clock says so
    assert load_meta(newest_checkpoint(run.folder)).evaluation is None
    training.take(run.episode(4, Mode.TRAIN)[0])
    (path,) = checkpoints_of(run.folder)
    assert load_meta(path).evaluation == Evaluation(3, 2)
    assert load_meta(path).updates == updates < training.updates
    kept = load_actor(path).to_arrays()
    assert all(np.array_equal(kept[name], value) for name, value in judged.items())


@pytest.mark.parametrize("judged", [0, 1])
def test_what_was_learned_during_an_evaluation_is_owed_after_a_restart(run: Run, judged: int) -> None:
    """A learner stopped in an evaluation goes on from what is judged; the score of the whole finds its way there.

    `judged`: episodes that it had got by then.
    """
    episodes = [run.episode(0, Mode.TRAIN), run.episode(1, Mode.EVAL), run.episode(2, Mode.EVAL)]
    one, whole = run.training(), run.training()
    for training in (one, whole):
        training.load()
        take(training, episodes[0])
    one.judge()
    spend(one, 3)
    for episode in episodes[1 : 1 + judged]:
        take(one, episode)
    one.save()
    run.write("journal", *episodes[: 1 + judged])
    other = run.training()
    assert other.load()
    assert spend(other, 3) == spend(whole, 3)
    other.save()
    for episode in episodes[1 + judged :]:
        take(other, episode)
    other.close_evaluation()
    meta = load_meta(newest_checkpoint(run.folder))
    assert (meta.evaluation, meta.updates) == (Evaluation(2, 2), 0)


def test_cut_evaluation_of_other_weights_does_not_count(run: Run) -> None:
    """Episodes that judged what was there before more was learned are no part of the score."""
    training = run.training()
    training.load()
    take(training, run.episode(0, Mode.TRAIN))
    training.judge()
    take(training, run.episode(1, Mode.EVAL, success=False))
    training.judge()
    take(training, run.episode(2, Mode.EVAL))
    spend(training, 1)
    training.judge()
    take(training, run.episode(3, Mode.EVAL))
    training.close_evaluation()
    meta = load_meta(newest_checkpoint(run.folder))
    assert meta.evaluation == Evaluation(1, 1)
    assert meta.updates == training.updates


def test_saved_actor_acts_like_the_learners(run: Run) -> None:
    """What evaluation loads decides exactly as what was saved."""
    training = run.training()
    training.load()
    spend(training, 2)
    training.save()
    actor = load_actor(newest_checkpoint(run.folder))
    state = np.random.default_rng(0).normal(size=len(run.features.state)).astype(np.float32)
    ours, theirs = (a.act(state, deterministic=True) for a in (training.algorithm.actor, actor))
    assert np.array_equal(ours[0], theirs[0])
    assert ours[1] == theirs[1]
    assert actor.features == run.features


def test_no_demonstrations_is_an_error_with_a_cure(tmp_path: Path, make_config: Callable) -> None:
    """An empty dataset names its folder and the command that fills it."""
    with pytest.raises(NoDemonstrationsError, match=r"demonstrations: record some with `hilrt record"):
        Run(tmp_path, make_config()).training().load()


def test_failures_alone_are_no_demonstrations(tmp_path: Path, make_config: Callable) -> None:
    """A dataset of nothing but failures is as good as none, and the message says that they are there."""
    run = Run(tmp_path, make_config())
    run.demonstrate(run.episode(0, Mode.DEMO, success=False))
    with pytest.raises(NoDemonstrationsError, match=r"no demonstrations that ended in success, of 1 in"):
        run.training().load()


def test_demonstrations_of_other_features_are_an_error_with_a_cure(
    tmp_path: Path, make_config: Callable[..., Config]
) -> None:
    """Demonstrations recorded with other options are named by file, with what differs and what to do."""
    recorded = Run(tmp_path, make_config(gripper={"use_gripper": False, "gripper_penalty": 0.0}))
    recorded.demonstrate(recorded.episode(0, Mode.DEMO))
    told = (
        r"demonstrations was recorded with other features than this config gives: its state "
        r"lacks setpoint_error\.gripper, previous\.gripper; its gripper lacks close, stay, open\. "
        r"Use the config it was recorded with, or record again into another folder \(dataset\.root\)"
    )
    with pytest.raises(JournalFeaturesError, match=told):
        Run(tmp_path, make_config()).training().load()


def test_learning_turns_a_poor_clone_into_a_good_policy(make_config: Callable[..., Config]) -> None:
    """Five clumsy demonstrations are not enough to copy; 1,000 steps of practice on top of them are."""
    config = make_config(
        learning_rate=1e-3, tau=0.02, temperature_init=1e-3, warm_start_steps=60, critic_warmup_steps=100
    )
    torch.manual_seed(0)
    replay, sac = Replay(FEATURES, 5000, 32, 0), Sac(Actor(FEATURES), config, CPU)
    world, generator = Reach(0), torch.Generator().manual_seed(0)
    cloned = clone(sac, replay, world)
    steps = 0
    while steps < 1000:
        for record in world.episode(
            lambda s: Command(*sac.actor.act(s, deterministic=False, epsilon=0.05, generator=generator)),
            Mode.TRAIN,
        ):
            replay.add(record)
            if not record.final:
                steps += 1
                for _ in range(2):
                    sac.learner_step(replay.sample(3), 0.3)
    assert cloned < 0.5
    assert success_of(sac.actor) > 0.7
