"""The convolutions of CAKT over windows, computed once for equal windows and on nothing else.

A 3-D convolution over so few frames is run as a 2-D one whose channels are (channel, frame) pairs
with a band of weights, which is two to five times as fast on a processor. Normalisation counts
every window as often as it occurs, so that the result is that of one window for every response.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from kt_models.cakt.config import Precision


class WindowNorm(nn.Module):
    """Batch normalisation of (channel, frame) maps over weighted windows.

    Equals BatchNorm3d over each window repeated as often as its weight says; in evaluation the
    running statistics are folded into the convolution before it.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, n_channels: int, *, n_frames: int) -> None:
        super().__init__()
        self.n_frames = n_frames
        self.momentum = 0.1
        self.eps = 1e-5
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))
        self.register_buffer("running_mean", torch.zeros(n_channels))
        self.register_buffer("running_var", torch.ones(n_channels))

    def folding(self) -> tuple[Tensor, Tensor]:
        """Return scale and shift (channels * frames,) that stand for this in evaluation."""
        scale = self.weight * torch.rsqrt(self.running_var + self.eps)
        shift = self.bias - self.running_mean * scale
        return scale.repeat_interleave(self.n_frames), shift.repeat_interleave(self.n_frames)

    def forward(self, maps: Tensor, weights: Tensor | None) -> Tensor:
        """Return maps (windows, channels * frames, H, W) normalised by their own statistics.

        weights (windows,) counts them; the running statistics move on.
        """
        if weights is None:
            weights = torch.ones(len(maps), device=maps.device)
        found, mean, var = _WeightedNorm.apply(  # type: ignore[no-untyped-call]
            maps, self.weight, self.bias, weights, self.n_frames, self.eps
        )
        with torch.no_grad():
            n = weights.sum() * (self.n_frames * maps.shape[2] * maps.shape[3])
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * (n / (n - 1.0).clamp(min=1.0)), self.momentum)
        return found  # type: ignore[no-any-return]


class _WeightedNorm(torch.autograd.Function):
    """Normalise by weighted statistics; the gradient flows through them too."""

    @staticmethod
    def forward(
        ctx: Any,
        maps: Tensor,
        weight: Tensor,
        bias: Tensor,
        counts: Tensor,
        n_frames: int,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return maps like those given, and mean and variance (channels,) under counts (n,)."""
        wide, height, width = maps.shape[1:]
        total = counts.sum() * (n_frames * height * width)
        # Sums are in single precision whatever the maps are in.
        mean = _per_channel(counts @ _area_sums(maps), wide, n_frames) / total
        square = _per_channel(counts @ _area_sums(_exact(maps).square()), wide, n_frames) / total
        var = (square - mean * mean).clamp(min=0.0)
        ctx.save_for_backward(maps, weight, counts, mean, var, total)
        ctx.n_frames, ctx.eps = n_frames, eps
        found = functional.batch_norm(
            maps,
            mean.repeat_interleave(n_frames),
            var.repeat_interleave(n_frames),
            weight.repeat_interleave(n_frames),
            bias.repeat_interleave(n_frames),
            eps=eps,
        )
        ctx.mark_non_differentiable(mean, var)
        return found, mean, var

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight, counts, mean, var, total = ctx.saved_tensors
        n, wide, height, width = maps.shape
        n_frames, area = ctx.n_frames, height * width
        flat = maps.permute(0, 2, 3, 1).reshape(n, -1)
        grad = grads[0].contiguous(memory_format=torch.channels_last)
        flat_grad = grad.permute(0, 2, 3, 1).reshape(n, -1)
        sum_grad = _per_channel(_area_sums(grad).sum(0), wide, n_frames)
        sum_both = _per_channel(_area_sums(_exact(grad) * _exact(maps)).sum(0), wide, n_frames)
        inverse = torch.rsqrt(var + ctx.eps)
        d_weight = (sum_both - mean * sum_grad) * inverse
        scale = weight * inverse
        slope = scale * inverse * d_weight / total
        shift = scale * sum_grad / total - slope * mean

        # As long rows, (H * W * wide,): broadcasting over the few channels alone is slow.
        def spread(values: Tensor) -> Tensor:
            return values.repeat_interleave(n_frames).repeat(area).to(flat.dtype)

        through = torch.addcmul(spread(shift), flat, spread(slope))
        through *= -counts[:, None].to(flat.dtype)
        through.addcmul_(flat_grad, spread(scale))
        d_maps = through.view(n, height, width, wide).permute(0, 3, 1, 2)
        return d_maps, d_weight, sum_grad, None, None, None


def _area_sums(maps: Tensor) -> Tensor:
    """Return (windows, channels * frames) sums over H and W, in single precision or better."""
    return maps.sum((2, 3), dtype=torch.promote_types(maps.dtype, torch.float32))


def _exact(maps: Tensor) -> Tensor:
    """Return the maps in single precision or better, themselves if they are."""
    return maps.to(torch.promote_types(maps.dtype, torch.float32))


def _per_channel(values: Tensor, wide: int, n_frames: int) -> Tensor:
    """Add up values (anything * wide,) over all but the channel."""
    return values.view(-1, wide // n_frames, n_frames).sum((0, 2))


class BandConvolution(nn.Module):
    """A 3x3x3 (or 1x1x1) convolution without bias over (channel, frame) maps."""

    def __init__(self, n_in: int, n_out: int, *, n_frames: int, size: int) -> None:
        super().__init__()
        self.n_frames = n_frames
        self.padding = size // 2
        self.weight = nn.Parameter(torch.empty(n_out, n_in, size, size, size))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (windows, n_out * frames, H, W) from (windows, n_in * frames, H, W)."""
        return functional.conv2d(maps, self.band().to(maps.dtype), padding=self.padding)

    def normed(self, maps: Tensor, norm: WindowNorm, weights: Tensor | None) -> Tensor:
        """Return the convolution of the maps, normalised."""
        if self.training:
            return norm(self(maps), weights)  # type: ignore[no-any-return]
        scale, shift = norm.folding()
        band = self.band() * scale[:, None, None, None]
        return functional.conv2d(maps, band, shift, padding=self.padding)

    def band(self) -> Tensor:
        """Return (n_out * frames, n_in * frames, size, size): the tap of each pair of frames."""
        n_out, n_in, size = self.weight.shape[:3]
        k = self.n_frames
        frame = torch.arange(k, device=self.weight.device)
        tap = frame[None, :] - frame[:, None] + self.padding  # (out frame, in frame)
        tap = torch.where((tap >= 0) & (tap < size), tap, size)
        none = self.weight.new_zeros(n_out, n_in, 1, size, size)
        spread = torch.cat([self.weight, none], dim=2)[:, :, tap]  # (out, in, k, k, size, size)
        return spread.permute(0, 2, 1, 3, 4, 5).reshape(n_out * k, n_in * k, size, size)


class SqueezeExcite(nn.Module):
    """Scale frames by what their channel holds in all of them; weights shared by channels."""

    def __init__(self, n_frames: int) -> None:
        super().__init__()
        self.n_frames = n_frames
        self.squeeze = nn.Linear(n_frames, max(1, n_frames // 2), bias=False)
        self.excite = nn.Linear(max(1, n_frames // 2), n_frames, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (windows, channels * frames, H, W), each frame scaled by 0 to 1."""
        return maps * self.scales(maps)

    def scales(self, maps: Tensor) -> Tensor:
        """Return (windows, channels * frames, 1, 1) what the frames are scaled by."""
        n, wide = maps.shape[:2]
        means = _area_sums(maps) / (maps.shape[2] * maps.shape[3])
        means = means.view(n, wide // self.n_frames, self.n_frames)
        scale = torch.sigmoid(self.excite(torch.relu(self.squeeze(means))))
        return scale.view(n, wide, 1, 1).to(maps.dtype)


class ResidualBlock(nn.Module):
    """Two convolutions, squeeze-and-excite over frames, and a shortcut."""

    def __init__(self, n_in: int, n_out: int, *, n_frames: int) -> None:
        super().__init__()
        self.first = BandConvolution(n_in, n_out, n_frames=n_frames, size=3)
        self.second = BandConvolution(n_out, n_out, n_frames=n_frames, size=3)
        self.first_norm = WindowNorm(n_out, n_frames=n_frames)
        self.second_norm = WindowNorm(n_out, n_frames=n_frames)
        self.attention = SqueezeExcite(n_frames)
        self.shortcut: BandConvolution | None = None
        if n_in != n_out:
            self.shortcut = BandConvolution(n_in, n_out, n_frames=n_frames, size=1)
            self.shortcut_norm = WindowNorm(n_out, n_frames=n_frames)

    def forward(self, maps: Tensor, weights: Tensor | None) -> Tensor:
        """Return (windows, n_out * frames, H, W)."""
        inner = torch.relu_(self.first.normed(maps, self.first_norm, weights))
        inner = self.attention(self.second.normed(inner, self.second_norm, weights))
        if self.shortcut is None:
            return torch.relu_(inner + maps)
        return torch.relu_(inner + self.shortcut.normed(maps, self.shortcut_norm, weights))


class WindowConvolutions(nn.Module):
    """Frames of a window -> one vector: the residual blocks and the mean over frames."""

    def __init__(self, channels: tuple[int, ...], *, n_frames: int, precision: Precision) -> None:
        super().__init__()
        self.precision = precision
        ends = (1, *channels)
        self.blocks = nn.ModuleList(
            ResidualBlock(n_in, n_out, n_frames=n_frames) for n_in, n_out in pairwise(ends)
        )

    def forward(self, frames: Tensor, weights: Tensor | None) -> Tensor:
        """Return (windows, H * W) from frames (windows, k, H, W); weights (windows,) or None."""
        if self.training and self.precision == "bfloat16":
            frames = frames.bfloat16()
        maps = frames.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            maps = block(maps, weights)
        return maps.mean(1, dtype=torch.promote_types(maps.dtype, torch.float32)).flatten(1)
