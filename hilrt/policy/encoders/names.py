"""What the weights of a residual network are called: three kinds of files, one network."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from torch import Tensor

WIDTHS = (64, 128, 256, 512)
"""Channels of each stage; every stage but the first halves height and width."""
_UNUSED = re.compile(r"(fc|classifier)\.|.*\.num_batches_tracked$")
"""The classifier, which goes on where the features end, and a counter of training."""


class Part(NamedTuple):
    """A convolution and what normalises it: their names in a file, and their size."""

    conv: str
    norm: str
    inputs: int
    outputs: int
    kernel: int
    stride: int


class BlockParts(NamedTuple):
    """A residual block; the shortcut has a part of its own where it changes size."""

    first: Part
    second: Part
    shortcut: Part | None


class Naming(NamedTuple):
    """Names of convolution and normalisation by their place; stages count from 0 as `stage`, from 1 as `n`."""

    stem: tuple[str, str]
    first: tuple[str, str]
    second: tuple[str, str]
    shortcut: tuple[str, str]
    grouped: bool = False
    """GroupNorm, which has no statistics, instead of batch normalisation."""

    def blocks(self, depth: int) -> Iterator[BlockParts]:
        """The blocks in order, `depth` of them in each stage."""
        inputs = WIDTHS[0]
        for stage, width in enumerate(WIDTHS):
            for block in range(depth):
                where = {"stage": stage, "n": stage + 1, "block": block}
                stride = 2 if stage and not block else 1
                yield BlockParts(
                    _part(self.first, where, inputs, width, 3, stride),
                    _part(self.second, where, width, width, 3, 1),
                    _part(self.shortcut, where, inputs, width, 1, stride) if inputs != width else None,
                )
                inputs = width

    def parts(self, depth: int) -> Iterator[Part]:
        """All of the network, the stem first."""
        yield Part(*self.stem, 3, WIDTHS[0], 7, 2)
        for block in self.blocks(depth):
            yield from (part for part in block if part)

    def misfit(self, tensors: Mapping[str, Tensor], depth: int) -> str:
        """How the file's names and shapes differ from those of a network of this depth, in words; empty if not."""
        expected = {name: shape for part in self.parts(depth) for name, shape in self.shapes(part)}
        found = {name: tuple(t.shape) for name, t in tensors.items() if not _UNUSED.match(name)}
        wrong = [
            f"{name} is {found[name]} instead of {expected[name]}"
            for name in expected.keys() & found.keys()
            if found[name] != expected[name]
        ]
        groups = (
            ("lacks", expected.keys() - found.keys()),
            ("has besides", found.keys() - expected.keys()),
            ("in it", wrong),
        )
        return "; ".join(f"{verb} {_some(sorted(names))}" for verb, names in groups if names)

    def shapes(self, part: Part) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Names and shapes of a part's tensors."""
        yield f"{part.conv}.weight", (part.outputs, part.inputs, part.kernel, part.kernel)
        statistics = () if self.grouped else ("running_mean", "running_var")
        for name in ("weight", "bias", *statistics):
            yield f"{part.norm}.{name}", (part.outputs,)


TORCHVISION = Naming(
    ("conv1", "bn1"),
    ("layer{n}.{block}.conv1", "layer{n}.{block}.bn1"),
    ("layer{n}.{block}.conv2", "layer{n}.{block}.bn2"),
    ("layer{n}.{block}.downsample.0", "layer{n}.{block}.downsample.1"),
)
_LAYER = "encoder.stages.{stage}.layers.{block}"
HUGGING_FACE = Naming(
    ("embedder.embedder.convolution", "embedder.embedder.normalization"),
    (f"{_LAYER}.layer.0.convolution", f"{_LAYER}.layer.0.normalization"),
    (f"{_LAYER}.layer.1.convolution", f"{_LAYER}.layer.1.normalization"),
    (f"{_LAYER}.shortcut.convolution", f"{_LAYER}.shortcut.normalization"),
)
_STAGE = "encoder.stages.{stage}"
HIL_SERL = Naming(
    ("embedder.0", "embedder.1.group_norm"),
    (f"{_STAGE}.conv1.conv", f"{_STAGE}.norm1.group_norm"),
    (f"{_STAGE}.conv2.conv", f"{_STAGE}.norm2.group_norm"),
    (f"{_STAGE}.shortcut.0.conv", f"{_STAGE}.shortcut.1.group_norm"),
    grouped=True,
)
"""The reference workflow's resnet10, one block in each stage."""


def naming_of(tensors: Mapping[str, Tensor], candidates: tuple[Naming, ...]) -> Naming:
    """The candidate whose stem is there; the first if none is."""
    return next((n for n in candidates if f"{n.stem[0]}.weight" in tensors), candidates[0])


def _part(names: tuple[str, str], where: Mapping[str, int], *size: int) -> Part:
    conv, norm = (name.format_map(where) for name in names)
    return Part(conv, norm, *size)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
