"""The convolutions of a trained network, made ready once for one window after another.

In evaluation a normalisation is a scale and a shift that fold into the convolution before it. Maps
are changed in place: at the sizes of serving, getting memory costs as much as the arithmetic.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from kt_models.cakt.convolution import (
    BandConvolution,
    ResidualBlock,
    WindowConvolutions,
    WindowNorm,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution:
    """A band of weights and a shift (channels * frames,), normalisation included."""

    band: Tensor
    shift: Tensor
    padding: int

    def __call__(self, maps: Tensor) -> Tensor:
        return functional.conv2d(maps, self.band, self.shift, padding=self.padding)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    first: _Convolution
    second: _Convolution
    shortcut: _Convolution | None
    block: ResidualBlock

    def __call__(self, maps: Tensor) -> Tensor:
        inner = self.second(self.first(maps).relu_())
        inner *= self.block.attention.scales(inner)
        inner += maps if self.shortcut is None else self.shortcut(maps)
        return inner.relu_()


class FoldedConvolutions:
    """What WindowConvolutions computes in evaluation, within single precision; no gradients."""

    def __init__(self, convolutions: WindowConvolutions) -> None:
        with torch.inference_mode():
            self._blocks = [_fold(block) for block in convolutions.blocks]  # type: ignore[arg-type]

    def __call__(self, frames: Tensor) -> Tensor:
        """Return (windows, H * W) from frames (windows, k, H, W)."""
        with torch.inference_mode():
            maps = frames.contiguous(memory_format=torch.channels_last)
            for block in self._blocks:
                maps = block(maps)
            return maps.mean(1).flatten(1)


def _fold(block: ResidualBlock) -> _Block:
    return _Block(
        first=_convolution(block.first, block.first_norm),
        second=_convolution(block.second, block.second_norm),
        shortcut=None
        if block.shortcut is None
        else _convolution(block.shortcut, block.shortcut_norm),
        block=block,
    )


def _convolution(convolution: BandConvolution, norm: WindowNorm) -> _Convolution:
    scale, shift = norm.folding()
    return _Convolution(
        band=(convolution.band() * scale[:, None, None, None]).contiguous(
            memory_format=torch.channels_last
        ),
        shift=shift.clone(),
        padding=convolution.padding,
    )
