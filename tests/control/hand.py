"""An arm that grasps and raises something, put through a rig's pipelines tick by tick."""

import numpy as np

from hilrt.step.record import GripperCommand

STAY = GripperCommand.STAY


class Hand:
    """An arm whose jaw an object of a given width stops; its end effector goes where it is put."""

    def __init__(self, rig, width=0.3, frames=tuple):
        """`frames`: makes those of the cameras."""
        self.rig, self.frames = rig, frames
        self.joints = self.rig.home.copy()
        self.width, self.done = width, []

    def lifted(self, height):
        """The same joints with the end effector so much higher than at the start."""
        solver, pose = self.rig.kinematics[0], self.rig.setpoint.pose_of(self.rig.home)[0].copy()
        pose[2, 3] += height
        joints = self.joints.copy()
        for _ in range(20):
            joints[0, :5] = solver.inverse(joints[0], pose).q[:5]
        return joints

    def go(self, ticks, command, height=0.0):
        """So many ticks with one command, at a height; the last."""
        limits = self.rig.limits
        for _ in range(ticks):
            raised = self.lifted(height)
            told = self.rig.setpoint.sent[0, 5]
            stop = limits._closed[0] + self.width * (limits._open[0] - limits._closed[0])
            self.joints[0, 5] = max(told, stop)
            raised[0, 5] = self.joints[0, 5]
            tick = self.rig.tick(joints=raised, task_success=True, frames=self.frames())
            self.rig.pipelines.grip.see(tick.readings, self.rig.setpoint.sent)
            self.rig.pipelines.observation.run(tick)
            self.rig.pipelines.outcome.run(tick)
            self.done.append(tick.task_success)
            tick.action, tick.gripper = np.zeros(3, np.float32), (command,)
            goal = self.rig.setpoint.joints.copy()
            step = (int(command) - int(STAY)) * limits.opening_step
            goal[0, 5] = self.rig.pipelines.grip.kept(goal)[0, 5] + step
            tick.joint_goal = limits.clip(self.rig.pipelines.grip.near(goal))
            tick.target = self.rig.setpoint.pose
            self.rig.setpoint.commit(tick)
        return tick
