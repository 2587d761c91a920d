"""The simulated arms: the scene's clock, and how far their servos are from ideal ones."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from hilrt.config.values import Fraction, NonNegative, Positive, SixAngles

SIM_TASKS = ("pick_lift", "push", "place", "insert", "pick_of_two")
TWO_APART = 0.07
"""Between the middles of two cubes of the usual size at least [m]: an open gripper goes down over one and misses the
other."""
SIM_CAMERAS = ("front", "wrist")
PATCH_CENTRE = (0.22, 0.0)
"""Of where the object is put, base frame of either arm [m]."""


class SimArm(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The nature of the simulated arms. What is absent here is as the preset has it (`hilrt/config/nature.py`)."""

    preset: Literal["so100", "stiff", "worn"] = "so100"
    """`so100`: as measured arms are; `stiff`: stiffer than any that was built; `worn`: one that has worked for long."""
    stiffness: Positive | None = None
    """Torque by which a servo answers each radian that it is off its goal, at the P of 16 that is written at start-up
    and in proportion at another [N m/rad]; the arm sags accordingly under its own weight. Measured arms have 11 to
    24."""
    damping: NonNegative | None = None
    """Torque that a servo takes off for each rad/s, at the D of 32 that is written at start-up and in proportion at
    another [N m s/rad]. Nobody has measured it; the motor's own, 0.6, comes on top."""
    dead_zone_deg: NonNegative | None = None
    """Error on either side up to which a servo does nothing."""
    play_deg: NonNegative | None = None
    """Of the gears between motor and encoder: the motor crosses it before it pushes the other way."""
    lag_s: NonNegative | None = None
    """Time constant with which a servo takes up a new goal [s]."""
    camera_latency_ms: NonNegative | None = None
    """Age of what a simulated camera shows, in simulated time; 30 to 120 with real ones [ms]."""
    goal_switches_torque_on: bool | None = None
    """Whether a goal that is written switches the torque on, as one public note says of the STS3215."""
    stale_goal: bool | None = None
    """Whether torque that comes on drives a servo to the goal it was given last; else it stays where it is."""
    supply_ohm: NonNegative | None = None
    """Of power supply and cables: the servos' voltage falls by as much with each ampere that the arm draws [ohm]."""
    gripper_warmth_c: NonNegative | None = None
    """By how much the gripper's motor is warmer than the others without load, as a worn one is [degC]."""
    zero_offsets_deg: SixAngles | None = None
    """How far each joint is turned beyond what its calibration says [deg]. On a real arm print, assembly and sweep do
    that, and `hilrt calibrate --touch` finds it."""


class SimUsb(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The USB adapter in front of the simulated servos. Latencies need `clock = "realtime"`."""

    frame_ms: NonNegative = 0.0
    """How often data moves [ms]: 1 on full-speed USB."""
    latency_timer_ms: NonNegative = 0.0
    """How long it may keep a reply that does not fill its buffer [ms]: 16 on an FTDI chip as it comes."""
    delay_ms: NonNegative = 0.0
    """How much later every reply comes [ms]: 6 and more where USB goes through a network (WSL2 with usbipd)."""
    echo: bool = False
    """Whether it hears itself, and gives back every request in front of the replies."""


class SimPictures(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far the simulated cameras' pictures are from always the same: drawn with each scene, evenly within ranges.

    Without any of them nothing is drawn, and pictures are as they always were.
    """

    light: Fraction = 0.0
    """Of the lamp: its strength is off by up to this share; what shines from everywhere stays."""
    light_angle_deg: Annotated[float, Meta(ge=0.0, le=40.0)] = 0.0
    """By how much it comes from elsewhere, and the shadows with it [deg]."""
    colour: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.0
    """Tint of all light: red, green and blue of it are each off by up to this share."""
    texture: Fraction = 0.0
    """Colour and pattern of the table, and colour of the object: 1 is any, less is between that and the usual one.
    Where the colour says which object is meant, objects keep theirs."""
    camera_mm: Annotated[float, Meta(ge=0.0, le=50.0)] = 0.0
    """How far each camera is from its place [mm]."""
    camera_deg: Annotated[float, Meta(ge=0.0, le=20.0)] = 0.0
    """How far it is turned, any way [deg]."""
    exposure: Annotated[float, Meta(ge=0.0, le=0.9)] = 0.0
    """Of each camera: its pictures are too bright or too dark by up to this share."""
    noise: Annotated[float, Meta(ge=0.0, le=50.0)] = 0.0
    """Of each pixel, red, green and blue by themselves, in each picture anew: standard deviation, of 255."""
    lamp: Annotated[float, Meta(ge=0.1, le=3.0)] = 1.0
    """Strength of all light in every scene, as a multiple of the usual: to try what other light does."""
    warmth: Annotated[float, Meta(ge=-0.5, le=0.5)] = 0.0
    """Of all light in every scene: red is stronger, and blue weaker, by this share."""
    turn_deg: Annotated[float, Meta(ge=-20.0, le=20.0)] = 0.0
    """How far every camera is turned to the left in every scene [deg]."""
    distractor: bool = False
    """Another thing of another colour lies beyond the patch, or moves slowly along it; no arm can touch it."""


class Sim(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The simulated arms and scene, on pseudo-terminals in place of the serial ports."""

    clock: Literal["realtime", "lockstep"] = "realtime"
    """`lockstep`: simulated time advances tick by tick, as fast as control and learner allow. Where a person drives, a
    new run takes `realtime`, and says so."""
    observe_object: bool = False
    """The object's true pose joins the state vector, and with `pick_of_two` the place of the cube that is not meant."""
    patch_m: Annotated[float, Meta(gt=0.0, le=0.2)] = 0.10
    """Side of the square in front of the arm on which the object is put, around x = 0.22, y = 0 [m]."""
    yaw_deg: Annotated[float, Meta(ge=0.0, le=45.0)] = 45.0
    """How far the object is turned at most, to either side [deg]; 45 is any way a cube can lie."""
    object_scale: Annotated[float, Meta(ge=0.8, le=1.3)] = 1.0
    """Size of the cube, as a multiple of the usual 25 mm; `insert` has a peg that fits its socket."""
    object_mass: Annotated[float, Meta(ge=0.005, le=0.5)] = 0.020
    """Of the object, whatever its size [kg]."""
    nudge_mm: Annotated[float, Meta(ge=0.0, le=50.0)] = 0.0
    """How far the object is pushed once in each episode, if it lies there free; when and where to is drawn with the
    scene, between a tenth and half of `processor.reset.control_time_s`, or of a minute where that is longer, after it
    was put up. 0: never [mm]."""
    line_errors: Fraction = 0.0
    """Share of the servos' replies that are lost, late, truncated, corrupt or of a wrong id, as on a bad cable;
    of one corrupt reply in ten the checksum fits all the same; needs `clock = "realtime"`."""
    arm: SimArm = SimArm()
    usb: SimUsb = SimUsb()
    pictures: SimPictures = SimPictures()
