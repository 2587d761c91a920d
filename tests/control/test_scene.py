"""What surrounds the arm."""

from hilrt.control.scene import RealScene


def test_reset_time_is_the_configs():
    """`reset_time_s` is how long a person has to put the scene back, from the start of the reset."""
    scene = RealScene(5.0)
    scene.place(0, None)
    assert not scene.ready(4.9)
    assert scene.ready(5.0)
    assert scene.object_pose() is None
    assert scene.other_object() is None
    assert not scene.success()
