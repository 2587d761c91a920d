"""Small reward classifiers that have learned nothing."""

from pathlib import Path

import torch
from policy.pictures import VIEWS, encoder_file
from torch import nn

from hilrt.control.judge import Judge
from hilrt.policy.encoders.build import build_encoders
from hilrt.policy.vision import Vision
from hilrt.reward.about import About, Make
from hilrt.reward.bundle import Bundle
from hilrt.reward.network import Network
from hilrt.step.features import Features, Image

IMAGES = (Image("front", 64, 80, 0), Image("wrist", 64, 80, 15360))
SEEN = (
    Image("front", 32, 48, 0, region=(4, 8, 40, 60, 64, 80)),
    Image("wrist", 32, 32, 4608),
)
CLASSES = ("failure", "success")


def bundle_of(
    folder: Path, encoder: str = "pretrained", classes=CLASSES, views=SEEN, **make: object
) -> Bundle:
    """Of both cameras, its weights drawn at random."""
    weights = str(encoder_file(folder)) if encoder == "pretrained" else ""
    encoders = build_encoders(Vision(encoder=encoder, weights=weights), VIEWS)
    return made(encoders, encoder, classes, views, **make)


def bundle_for(features: Features, weights: Path) -> Bundle:
    """For the cameras of a task, with the frozen encoders of a file."""
    encoders = build_encoders(Vision(encoder="pretrained", weights=str(weights)), features.views)
    return made(encoders, "pretrained", views=features.views, images=features.images)


def judge_for(folder: Path, *, shadow: bool = False):
    """What makes the judge of a rig, with encoders that are made for it."""

    def judge(config, features):
        weights = encoder_file(folder, views=features.views)
        return Judge(config, features, bundle_for(features, weights), shadow=shadow)

    return judge


def made(
    encoders: nn.ModuleList, encoder: str, classes=CLASSES, views=SEEN, images=IMAGES, **make: object
) -> Bundle:
    """The same of encoders at hand."""
    torch.manual_seed(0)
    digest = encoders[0].digest
    made = Make(encoder=encoder, encoder_digest=digest, hidden=16, views=views, classes=classes, **make)
    about = About(make=made, images=images, fps=10, reward_class=classes[-1], threshold=0.7, hold_s=0.5)
    return Bundle(about, Network(made, encoders))
