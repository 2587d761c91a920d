"""Pictures of simulated scenes that look otherwise in each episode."""

from pathlib import Path

import numpy as np
import pytest
from inmemory import blank_memory

from hilrt.config import SimPictures, taskfile
from hilrt.errors import ConfigError
from hilrt.shm.pictures import Pictures
from hilrt.sim.distractor import LARGEST, X
from hilrt.sim.model import CAMERAS, CUBE_SIDE
from hilrt.sim.paint import APART
from hilrt.sim.patch import CENTRE
from hilrt.sim.studio import Studio
from hilrt.sim.world import World
from hilrt.step.features import from_config

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"
EACH = {
    "light": 0.5,
    "light_angle_deg": 20.0,
    "colour": 0.3,
    "texture": 0.5,
    "camera_mm": 10.0,
    "camera_deg": 5.0,
    "exposure": 0.3,
    "noise": 5.0,
    "distractor": True,
}
ALL = SimPictures(**EACH)
SEEDS = 100


@pytest.fixture(scope="module")
def scene():
    """What is looked at: the same object at the same place in every scene."""
    with World("pick_lift", 0) as world:
        yield world


def seen(copy, scene, seed, camera="front"):
    """The scene's picture, had it been put up from that seed."""
    scene._seed = seed
    copy.mirror(scene)
    return copy.render(camera, 96, 128)


def drawn(what, **pictures):
    """Something of the model in many scenes, stacked, and what it is without any change."""
    world = World("place", 0, pictures=SimPictures(**pictures))
    usual, found = np.array(what(World("place", 0)._model)), []
    for seed in range(1, SEEDS + 1):
        world._look.show(seed, 0)
        found.append(np.array(what(world._model)))
    return np.array(found), usual


def test_every_option_shows_and_comes_from_the_seed(scene):
    """Whatever is on: another seed, another picture, and the first one again, to the bit, also in another world."""
    for option, value in EACH.items():
        with World("pick_lift", 0, pictures=SimPictures(**{option: value})) as copy:
            first = seen(copy, scene, 1)
            assert (seen(copy, scene, 2) != first).any(), option
            np.testing.assert_array_equal(seen(copy, scene, 1), first, err_msg=option)
    with World("pick_lift", 9, pictures=ALL) as one, World("pick_lift", 7, pictures=ALL) as other:
        for camera in CAMERAS:
            np.testing.assert_array_equal(seen(one, scene, 4, camera), seen(other, scene, 4, camera))


def test_nothing_of_it_touches_physics():
    """An arm and a cube that are looked at in all these ways move as they do otherwise, to the bit."""
    worlds = World("place", 3), World("place", 3, pictures=ALL)
    for world in worlds:
        world.set_goals(world.positions() + 0.2, [True] * 6)
        world.step(1.0)
    plain, other = worlds
    np.testing.assert_array_equal(plain.positions(), other.positions())
    np.testing.assert_array_equal(plain.object_pose(), other.object_pose())


def test_light_is_within_its_range():
    """The lamp's strength and direction are as far off as asked for, no farther, and it still shines on the patch."""
    lamps, usual = drawn(lambda m: m.light_diffuse[0], light=0.5)
    gains = lamps / usual
    np.testing.assert_allclose(gains, gains[:, :1].repeat(3, axis=1), rtol=1e-6)
    assert 0.5 <= gains.min() < 0.6
    assert 1.4 < gains.max() <= 1.5
    ways, usual = drawn(lambda m: m.light_dir[0], light_angle_deg=20.0)
    angles = np.degrees(np.arccos(np.clip(ways @ usual, -1.0, 1.0)))
    assert 18.0 < angles.max() <= 20.0 + 1e-6
    places, _ = drawn(lambda m: m.light_pos[0], light_angle_deg=20.0)
    hits = places - ways * (places[:, 2:] / ways[:, 2:])
    assert np.linalg.norm(hits[:, :2] - CENTRE, axis=1).max() < 0.15


def test_a_tint_is_of_all_light():
    """Lamp and what shines from everywhere have one tint, within its range."""
    tints, usual = drawn(lambda m: [m.light_diffuse[0], m.vis.headlight.ambient], colour=0.3)
    shares = tints / usual
    np.testing.assert_allclose(shares[:, 0], shares[:, 1], rtol=1e-5)
    assert 0.7 <= shares.min() < 0.72
    assert 1.28 < shares.max() <= 1.3


def test_cameras_are_off_within_their_range():
    """Each by itself is moved and turned as far as asked for, and no farther."""
    places, usual = drawn(lambda m: m.cam_pos, camera_mm=10.0)
    off = np.linalg.norm(places - usual, axis=2)
    assert 0.0095 < off.max() <= 0.010
    assert (off[:, 0] != off[:, 1]).all()
    turns, usual = drawn(lambda m: m.cam_quat, camera_deg=5.0)
    angles = np.degrees(2 * np.arccos(np.clip(np.abs((turns * usual).sum(axis=2)), -1.0, 1.0)))
    assert 4.8 < angles.max() <= 5.0 + 1e-6


def test_what_is_otherwise_in_every_scene():
    """All light, its tint and the cameras' way are what is asked for, whatever the seed; places stay."""
    lights, usual = drawn(
        lambda m: [m.light_diffuse[0], m.vis.headlight.ambient, m.vis.headlight.diffuse], lamp=0.6, warmth=0.1
    )
    np.testing.assert_allclose(lights / usual, np.broadcast_to([0.66, 0.6, 0.54], lights.shape), rtol=1e-5)
    turns, usual = drawn(lambda m: m.cam_quat, turn_deg=5.0)
    angles = np.degrees(2 * np.arccos(np.clip(np.abs((turns * usual).sum(axis=2)), -1.0, 1.0)))
    np.testing.assert_allclose(angles, 5.0, atol=1e-6)
    places, usual = drawn(lambda m: m.cam_pos, turn_deg=5.0)
    np.testing.assert_array_equal(places, np.broadcast_to(usual, places.shape))


def test_a_camera_that_is_turned_left_shows_things_further_right(scene):
    """Every one of them: the front camera's arm, which is the brightest thing there, moves to the right."""
    with World("pick_lift", 0) as usual, World("pick_lift", 0, pictures=SimPictures(turn_deg=5.0)) as turned:
        before, after = (seen(world, scene, 1)[:20].sum(axis=(0, 2)) for world in (usual, turned))
    assert after.argmax() > before.argmax() + 5


@pytest.mark.parametrize("strength", [0.2, 1.0])
def test_the_object_can_be_told_from_the_table(strength):
    """Colours are as far from the usual ones as asked for, and the object is never lost on the table."""
    colours, usual = drawn(lambda m: m.geom("cube").rgba[:3], texture=strength)
    assert np.abs(colours - usual).max() <= strength
    pixels, _ = drawn(lambda m: m.tex_data.reshape(-1, 3) if m.ntex else 0, texture=strength)
    tables = pixels[:, ::97].astype(float) / 255
    nearest = np.linalg.norm(tables - colours[:, np.newaxis], axis=2).min(axis=1)
    assert np.quantile(nearest, 0.05) > 0.8 * APART
    assert np.ptp(tables.mean(axis=1), axis=0).min() > 0.4 * strength


def test_the_meant_cube_keeps_its_colour():
    """Of two cubes, red stays red and blue blue, whatever the table looks like."""
    with World("pick_of_two", 0, pictures=SimPictures(texture=1.0)) as world:
        cubes = [world._model.geom(name) for name in ("cube", "other")]
        before = [cube.rgba.copy() for cube in cubes]
        world.place(5)
        np.testing.assert_array_equal([cube.rgba for cube in cubes], before)
        assert before[0][0] > 0.8
        assert before[1][0] < 0.2


@pytest.mark.parametrize("strength", [0.2, 1.0])
def test_the_table_leaves_both_cubes_to_be_seen(strength):
    """Where two cubes keep their colours, no spot of the table comes close to either."""
    with World("pick_of_two", 0, pictures=SimPictures(texture=strength)) as world:
        cubes = np.stack([world._model.geom(name).rgba[:3] for name in ("cube", "other")])
        for seed in range(SEEDS):
            world._look.show(seed, 0)
            spots = world._model.tex_data.reshape(-1, 1, 3)[::97] / 255.0
            assert np.linalg.norm(spots - cubes, axis=2).min() > APART - 0.01


def test_the_distractor_is_like_no_object():
    """The same thing lies there whether the object is painted or not; its colour is another than the object's."""
    told = [SimPictures(distractor=True, texture=texture) for texture in (0.0, 1.0)]
    with World("place", 0, pictures=told[0]) as plain, World("place", 0, pictures=told[1]) as painted:
        for seed in range(SEEDS):
            things = []
            for world in (plain, painted):
                world._look.show(seed, 0)
                thing, body = world._model.geom("distractor"), world._model.body("distractor")
                gap = np.linalg.norm(thing.rgba[:3] - world._model.geom("cube").rgba[:3])
                assert gap >= APART - 1e-6
                things.append([*thing.size, *body.pos, thing.type[0]])
            assert things[0] == things[1]


def test_exposure_is_of_each_camera(scene):
    """Pictures of a camera are as much brighter or darker all over; another camera's are so by another share."""
    with World("pick_lift", 0, pictures=SimPictures(exposure=0.2)) as copy:
        shares = []
        for camera in CAMERAS:
            plain, exposed = scene.render(camera, 96, 128).astype(float), seen(copy, scene, 5, camera)
            lit = (plain > 60) & (plain < 200)
            shares.append(np.median(exposed[lit] / plain[lit]))
            np.testing.assert_allclose(exposed[lit], plain[lit] * shares[-1], atol=1.5)
        assert 0.8 <= min(shares) < max(shares) <= 1.2


def test_noise_is_anew_in_each_picture(scene):
    """It has the spread asked for, no colour of its own, and is another one a moment later; a scene's are its own."""
    with World("pick_lift", 0, pictures=SimPictures(noise=5.0)) as copy:
        plain = scene.render("front", 96, 128).astype(float)
        lit = (plain > 40) & (plain < 215)
        first = (seen(copy, scene, 1) - plain)[lit]
        assert first.std() == pytest.approx(5.0, rel=0.05)
        assert abs(first.mean()) < 0.1
        scene.step(0.01)
        later = (seen(copy, scene, 1) - plain)[lit]
        assert abs(np.corrcoef(first, later)[0, 1]) < 0.05


def test_a_distractor_is_seen_and_out_of_the_way(scene):
    """It is in the front camera's picture in every scene, beyond the patch, and moves slowly in most."""
    plain, moved = scene.render("front", 96, 128), 0
    with World("pick_lift", 0, pictures=SimPictures(distractor=True)) as copy:
        for seed in range(10):
            assert (seen(copy, scene, seed) != plain).any(axis=2).sum() > 20
            before = copy._model.body("distractor").pos.copy()
            copy._look.show(seed, 5000)
            way = np.linalg.norm(copy._model.body("distractor").pos - before)
            assert way <= 0.3 + 1e-9
            moved += way > 0.01
    assert moved >= 5
    corner = 1.3 * CUBE_SIDE / np.sqrt(2.0)  # of the largest cube, turned
    assert CENTRE[0] + 0.10 + corner < X - LARGEST


def test_the_studio_takes_such_pictures():
    """Two studios of one task file take equal pictures of equal worlds, and others of other scenes."""
    cameras = [
        f"robot.cameras.{name}={{type = 'sim', width = 128, height = 96}}" for name in ("front", "wrist")
    ]
    options = [f"sim.pictures.{key}={str(value).lower()}" for key, value in EACH.items()]
    config = taskfile.load(SIM, [*cameras, *options])
    images = from_config(config).images
    worlds = [World("pick_lift", 0) for _ in range(2)]
    shown = [Pictures(blank_memory(images), images) for _ in worlds]
    frames = []
    with Studio(config, shown[0]) as one, Studio(config, shown[1]) as other:
        for seed in (1, 2, 1):
            for studio, world in zip((one, other), worlds, strict=True):
                world.place(seed)
                world.step(0.1)
                studio.expose(world, wait=True)
            for name in ("front", "wrist"):
                pair = [pictures.newest(name).image for pictures in shown]
                np.testing.assert_array_equal(*pair)
                frames.append(pair[0])
    np.testing.assert_array_equal(frames[0].shape, (96, 128, 3))
    assert (frames[0] != frames[2]).any()
    for pictures in shown:
        pictures.close()


def test_pictures_that_nobody_takes_are_refused():
    """Without a simulated camera the table would do nothing."""
    with pytest.raises(ConfigError, match=r"sim.pictures: nobody sees them: no camera"):
        taskfile.load(SIM, ["sim.pictures.light=0.3"])
