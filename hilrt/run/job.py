"""What a run is for, and what its processes are told."""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """The processes of a run; `hilrt.supervisor.launch` knows the `main` of each."""

    SIM = "sim"
    CAMERAS = "cameras"
    RECORDER = "recorder"
    LEARNER = "learner"
    CONTROL = "control"
    VIEWER = "viewer"


class Job(StrEnum):
    """What a run is for."""

    TELEOPERATE = "teleoperate"
    RECORD = "record"
    TRAIN = "train"
    EVAL = "eval"
    RUN = "run"
    REPLAY = "replay"

    @property
    def readers(self) -> tuple[str, ...]:
        """Who is sent its steps."""
        kept = () if self in {Job.TELEOPERATE, Job.REPLAY} else ("recorder",)
        return (*kept, "learner") if self is Job.TRAIN else kept

    @property
    def recorded(self) -> bool:
        """Whether its steps are kept."""
        return "recorder" in self.readers

    @property
    def by_hand(self) -> bool:
        """Whether nobody but the operator acts."""
        return self in {Job.TELEOPERATE, Job.RECORD}

    def driven(self, *, intervene: bool) -> bool:
        """Whether the operator's device may move the arm; `intervene`: as the config says where a policy acts."""
        return self.by_hand or (self in {Job.TRAIN, Job.RUN} and intervene)

    @property
    def by_policy(self) -> bool:
        """Whether a policy acts."""
        return self in {Job.TRAIN, Job.EVAL, Job.RUN}


class Purpose(StrEnum):
    """What an arm is driven by hand for, where a run is called after that and not after its job."""

    FIND_LIMITS = "find-limits"
    TEST_CLASSIFIER = "test-classifier"


Kind = Job | Purpose
"""What a run is called after."""
KINDS: tuple[Kind, ...] = (*Job, *Purpose)


class Playback(msgspec.Struct, frozen=True, kw_only=True):
    """Which episode is played again, and how."""

    dataset: str
    episode: int
    actions: bool
    """Its actions through the pipelines; else its joint targets."""
    speed: float
    """Of the recording's, in (0, 1]."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation of cells in which the object is put in turn, or of two policies on the same places.

    Its episodes are numbered from 0, those left out that are not kept.
    """

    rows: int = 0
    """Of cells, see `hilrt.data.places`; 0: the object is put anywhere."""
    columns: int = 0
    other: str = ""
    """Checkpoint folder of the second policy; empty: there is one."""
    names: tuple[str, str] = ("", "")
    """Of both, for people."""

    def round(self, episode: int) -> int:
        """Number of the place that an episode is at."""
        return episode // 2 if self.other else episode

    def cell(self, episode: int) -> int:
        """All in turn, so that each has as much of what changes with time."""
        return self.round(episode) % (self.rows * self.columns)

    def policy(self, episode: int) -> int:
        """0, 1, 1, 0, 0, 1, ...: each is the first at every second place, where the object lies as it was put."""
        return (episode + self.round(episode)) % 2 if self.other else 0

    def again(self, episode: int) -> bool:
        """Whether the episode before was at the same place."""
        return bool(self.other) and episode % 2 == 1


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """What a control waits for that takes over after a crash, before anything moves."""

    limp: bool
    """Whether the arm was let go, and does not hold."""
    asks: bool
    """Whether there is a terminal: Enter ends it."""
    seconds: float | None
    """After which it ends by itself [s]; None: it does not."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """All that a child is told; the rest is in the run folder's config.toml and in shared memory."""

    role: Role
    job: Job
    run: str
    """Names the shared-memory segments of this start."""
    run_dir: str
    fds: dict[str, int]
    """Inherited eventfds: learner_steps, recorder_steps (control -> them), updates (learner -> control),
    sim_go, sim_done (lockstep clock)."""
    checkpoint: str = ""
    """Evaluation, and work: the checkpoint folder whose actor acts."""
    episodes: int | None = 0
    """Record, eval and run: how many, None without end; replay: how many steps."""
    first_episode: int = 0
    online_steps: int = 0
    """Already taken by earlier starts of this run."""
    playback: Playback | None = None
    trial: Trial | None = None
    pause: Pause | None = None
