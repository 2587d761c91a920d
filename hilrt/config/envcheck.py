"""Checks what a task file says of an environment."""

from hilrt.config import Config
from hilrt.config.env import PICTURES_ALONE
from hilrt.config.picturecheck import check_crops, check_encoder
from hilrt.config.rewardcheck import Fail


def check_environment(config: Config, fail: Fail) -> None:
    """It is named, and nothing is asked for that arms alone have."""
    env = config.env
    if not env.id:
        fail("env.id", 'missing; env.type = "gymnasium" needs the name of an environment.')
    if config.sim:
        fail("sim", 'is the simulated arm, and env.type is "gymnasium". Remove one of the two.')
    if config.robot.sides[""].id or config.robot.sides[""].port or config.robot.arms:
        fail("robot", 'is an arm, and env.type is "gymnasium". Remove one of the two.')
    if config.processor.steps:
        fail("processor.steps", "are steps of an arm's pipelines; an environment has wrappers.")
    if config.processor.inverse_kinematics:
        fail("processor.inverse_kinematics", 'is an arm\'s, and env.type is "gymnasium". Remove it.')
    reset = config.processor.reset
    if reset.area or reset.next_place != "anywhere" or reset.scene != "operator":
        fail("processor.reset", "area, next_place and scene are of a table before an arm. Remove them.")
    if config.reward.by != ("task",):
        fail("reward.type", 'in an environment is "task": env.success says what success is.')
    if config.processor.observation.display_cameras:
        fail(
            "processor.observation.display_cameras",
            'is of cameras; an environment has render_mode = "human".',
        )
    if env.spaces:  # else its cameras are not known yet
        check_crops(config, fail)
        if config.robot.cameras and config.policy.encoder == "pretrained" and not config.policy.weights:
            problem = 'is "pretrained", which `hilrt pretrain` makes of an arm\'s recordings.'
            fail("policy.encoder", f'{problem} In an environment take "conv", "resnet18" or your own.')
        if env.spaces.state == PICTURES_ALONE and config.policy.encoder == "none":
            problem = 'is "none", and the environment observes nothing but pictures.'
            fail("policy.encoder", f'{problem} Take "conv", "resnet18" or your own.')
    check_encoder(config, fail)
