"""Trains the encoders, and judges what they see on episodes that were held out."""

import math
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from hilrt.learner.augment import shifted
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.trunk import Pictures
from hilrt.policy.vision import Vision
from hilrt.pretrain.examples import Examples
from hilrt.pretrain.pretext import Pretext
from hilrt.step.features import Features

BATCH = 64
RATE = 1e-3
WARM_UP = 0.05
"""Share of the steps in which the rate rises; then it falls along a cosine."""
WEIGHT_DECAY = 1e-4
GRADIENT_NORM = 5.0
STATE_NOISE = 0.1
"""Of each state entry's spread."""
LIGHT = 0.1
"""Spread of each colour's brightness between two looks at a picture; an offset has half of it [share of white]."""
HELD_OUT = 10
"""One episode in so many is not trained on, and judges; fewer are all trained on."""


class Judgement(NamedTuple):
    """How well the future is foretold in episodes that were not trained on."""

    explained: float
    """Share of its variance, up to 1."""
    grasp_mm: float | None
    """Median error of where the end effector will be at the gripper's next command; None where nothing tells."""


class Pretraining:
    """Encoders in the making, one for each camera."""

    def __init__(
        self,
        features: Features,
        examples: Examples,
        vision: Vision,
        *,
        steps: int,
        shift: int,
        seed: int,
        device: torch.device,
    ) -> None:
        torch.manual_seed(seed)
        self._features, self._device = features, device
        self._steps, self._shift = steps, shift
        self._rng = np.random.default_rng(seed)
        held = examples.episode % HELD_OUT == HELD_OUT - 1
        self._held, self._shown = examples.of(held), examples.of(~held)
        self._mean = self._shown.future.mean(axis=0)
        self._spread = np.maximum(self._shown.future.std(axis=0), 1e-6)
        self._net = Pretext(features, examples.future.shape[1], vision)
        self._net.trunk.normalise_by(self._shown.state)
        self._net.to(device)

    @property
    def encoders(self) -> dict[str, Conv]:
        """By camera."""
        pairs = zip(self._features.views, self._net.trunk.encoders, strict=True)
        return {view.name: encoder for view, encoder in pairs if isinstance(encoder, Conv)}

    @property
    def glances(self) -> dict[str, nn.Module]:
        """What was trained on top of each, by camera."""
        pairs = zip(self._features.views, self._net.trunk.glances, strict=True)
        return {view.name: glance for view, glance in pairs}

    def run(self) -> Iterator[float]:
        """Train; the loss after each step."""
        adam = torch.optim.AdamW(self._net.parameters(), RATE, weight_decay=WEIGHT_DECAY)
        rate = torch.optim.lr_scheduler.LambdaLR(adam, self._share_of_rate)
        for _ in range(self._steps):
            state, views, truth = self._batch(self._rng.integers(len(self._shown.state), size=BATCH))
            with torch.autocast(self._device.type, torch.bfloat16, enabled=_quick_bfloat16(self._device)):
                loss = self._net.loss(self._blurred(state), self._looked_at(views), truth)
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._net.parameters(), GRADIENT_NORM)
            adam.step()
            rate.step()
            yield loss.item()

    def _share_of_rate(self, step: int) -> float:
        """Of `RATE`, at a step of any number of steps: up in a line, down along half a cosine."""
        rising = max(1.0, WARM_UP * self._steps)
        if step < rising:
            return (step + 1) / (rising + 1)
        return 0.5 * (1.0 + math.cos(math.pi * (step - rising) / max(1.0, self._steps - rising)))

    @torch.no_grad()
    def judge(self) -> Judgement | None:
        """None where no episode was held out."""
        held = self._held
        if not len(held.state):
            return None
        parts = [self._foretold(slice(i, i + BATCH)) for i in range(0, len(held.state), BATCH)]
        error = np.concatenate(parts) - held.future
        explained = (
            1.0
            - (error**2 / self._spread**2).mean() / (((held.future - self._mean) / self._spread) ** 2).mean()
        )
        return Judgement(float(explained), self._grasp_mm(error))

    def _foretold(self, rows: slice) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
        views = tuple(torch.from_numpy(v[rows]).to(self._device) for v in self._held.views)
        state = torch.from_numpy(self._held.state[rows]).to(self._device)
        told = self._net.foretold(self._net.told(state, views)[0]).float().cpu().numpy()
        return np.asarray(told * self._spread + self._mean, np.float32)

    def _grasp_mm(self, error: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> float | None:
        """Of the last pose that is foretold, its last three numbers."""
        if not self._features.state or not any(name.endswith("ee.z") for name in self._features.state):
            return None
        before = self._held.commanded
        return float(1e3 * np.median(np.linalg.norm(error[before, -3:], axis=1))) if before.any() else None

    # --- batches ---------------------------------------------------------------------------------

    def _batch(
        self, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    ) -> tuple[Tensor, Pictures, tuple[Tensor, ...]]:
        shown = self._shown
        ahead = np.concatenate(((shown.future[rows] - self._mean) / self._spread, shown.left[rows]), axis=1)
        truth = (ahead, shown.action[rows], shown.gripper[rows], shown.acted[rows])
        views = tuple(torch.from_numpy(v[rows]).to(self._device) for v in shown.views)
        state = torch.from_numpy(shown.state[rows]).to(self._device)
        return state, views, tuple(torch.from_numpy(np.asarray(t)).to(self._device) for t in truth)

    def _blurred(self, state: Tensor) -> Tensor:
        return state + STATE_NOISE * self._net.trunk.std * torch.randn_like(state)

    def _looked_at(self, views: Pictures) -> Pictures:
        """Views from a slightly other place, in another light."""
        return tuple(_relit(shifted(v, self._shift)) for v in views)


def _relit(views: Tensor) -> Tensor:
    count, device = len(views), views.device
    gain = 1.0 + LIGHT * torch.randn(count, 1, 1, 3, device=device)
    offset = 255.0 * 0.5 * LIGHT * torch.randn(count, 1, 1, 1, device=device)
    return (views.float() * gain + offset).clamp(0.0, 255.0).to(torch.uint8)


def _quick_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 faster than float32: GPUs do, and CPUs that have instructions for it."""
    if device.type == "cuda":
        return True
    flags = (
        Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
        if platform.machine() == "x86_64"
        else ""
    )
    return "avx512_bf16" in flags or "amx_bf16" in flags
