"""What one answer does to the beliefs about x, and the derivative of it, in torch.

Shapes: T steps, L learners, P trait points; kt_models.psi_kt.recursion says what a site is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kt_models.devices import tensor_like
from kt_models.psi_kt import recursion

_AT_A_TIME = 8192


class Answer(NamedTuple):
    """What an answer does, each (..., P): x's moments given it, and the site that stands for it."""

    scale: Tensor
    total: Tensor
    first: Tensor
    second: Tensor
    shrinkage: Tensor
    slope: Tensor
    relative: Tensor
    precision: Tensor


def answer_of(
    centre: Tensor, width: Tensor, sign: Tensor, quadrature: tuple[Tensor, Tensor]
) -> Answer:
    """Match the moments of x ~ N(centre, width) after an answer; sign (..., 1)."""
    least, most = _limits(centre)
    scale = width.sqrt()
    moments = _likely(centre, scale, sign, quadrature[0]) @ quadrature[1]
    total = moments[..., 0].clamp_min(least)
    first, second = moments[..., 1] / total, moments[..., 2] / total
    shrinkage = (1.0 - second).addcmul_(first, first).clamp_(0.0, most)
    relative = shrinkage / width
    return Answer(
        scale=scale,
        total=total,
        first=first,
        second=second,
        shrinkage=shrinkage,
        slope=first / scale,
        relative=relative,
        precision=relative / (1.0 - shrinkage),
    )


def _likely(centre: Tensor, scale: Tensor, sign: Tensor, nodes: Tensor) -> Tensor:
    """Return (..., P, Q) the likelihood of an answer at the nodes."""
    x = torch.addcmul(centre[..., None], scale[..., None], nodes)
    return torch.sigmoid_(x.mul_(sign[..., None]))


def _limits(like: Tensor) -> tuple[float, float]:
    """Return the least likelihood and the most shrinkage that this precision can tell apart."""
    if like.dtype == torch.float64:
        return recursion.LEAST_LIKELIHOOD, recursion.MOST_SHRINKAGE
    return 1e-30, 1.0 - 1e-5


def quadrature_of(like: Tensor) -> tuple[Tensor, Tensor]:
    """Return nodes (Q,) and weights times their powers 0 to 3 (Q, 4)."""
    nodes, weights = (tensor_like(one, like) for one in (recursion.NODES, recursion.NODE_WEIGHTS))
    return nodes, torch.stack([weights * nodes**power for power in range(4)], 1)


def jacobian(at: Sequence[Tensor], sign: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return _jacobian_of what was met, (T, L, P) each, step by step.

    It is found for some steps at a time, so that what is worked with fits a cache.
    """
    some = max(_AT_A_TIME // max(at[0][0].numel(), 1), 1)
    parts = [
        _jacobian_of(*one)
        for one in zip(*(torch.split(each, some) for each in (*at, sign[..., None])), strict=True)
    ]
    by_step = [one for found, _ in parts for one in found.unbind(0)]
    return by_step, torch.cat([site for _, site in parts])


def _jacobian_of(
    x_b: Tensor,
    x_r: Tensor,
    mean: Tensor,
    variance: Tensor,
    centre: Tensor,
    width: Tensor,
    sign: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return (T, 5, 6, L, P) the derivative of what an answer does, and the site (T, L, 3 P).

    The five are x's a, b and r, and the level's mean and variance before the answer; the six are
    the site, which moves a skill's a, b and r for each unit of share times r (its square for r),
    the level after it, and the likelihood. c_ and w_ are derivatives by x's centre and width alone.
    """
    quadrature = quadrature_of(centre)
    site = answer_of(centre, width, sign, (quadrature[0], quadrature[1][:, :3]))
    of_centre, of_width = _of_moments(site, centre, sign, quadrature)
    covariance = x_b * variance
    precision, slope = site.precision, site.slope
    part = 1.0 / (1.0 + precision * x_r)
    spread, swing = precision * part, 1.0 + precision * width
    lever = x_b * mean
    push = slope * swing + precision * lever
    is_free = (width > recursion.LEAST_VARIANCE).to(width)
    open_share = 1.0 - site.shrinkage
    through = []
    for d_slope, d_shrinkage, d_total, is_width in (
        (*of_centre, 0.0),
        (*(one * is_free for one in of_width), is_free),
    ):
        d_relative = (d_shrinkage - site.relative * is_width) / width
        d_precision = d_shrinkage / (open_share * open_share * width) - is_width * precision / width
        d_push = swing * d_slope + (slope * width + lever) * d_precision
        d_push = d_push + is_width * slope * precision
        d_spread = part * part * d_precision
        through.append(
            (part * d_push - push * x_r * d_spread, -x_b * d_spread, -d_spread,
             covariance * d_slope, -(covariance * covariance) * d_relative, d_total)
        )  # fmt: skip
    jacobian = centre.new_empty(len(centre), 5, 6, *centre.shape[1:])
    square = x_b * x_b
    for number, (c, w) in enumerate(zip(*through, strict=True)):
        jacobian[:, 0, number] = c
        torch.addcmul(c * mean, w, 2.0 * covariance, out=jacobian[:, 1, number])
        jacobian[:, 2, number] = w
        torch.mul(c, x_b, out=jacobian[:, 3, number])
        torch.mul(w, square, out=jacobian[:, 4, number])
    # What the site and the level are of x and the level themselves, its centre and width aside.
    tilt = 2.0 * covariance * site.relative
    jacobian[:, 1, 0] += spread * mean
    jacobian[:, 1, 1] -= spread
    jacobian[:, 1, 3] += slope * variance
    jacobian[:, 1, 4] -= tilt * variance
    jacobian[:, 2, 0] -= push * part * spread
    jacobian[:, 2, 1] += x_b * spread * spread
    jacobian[:, 2, 2] += spread * spread
    jacobian[:, 3, 0] += spread * x_b
    jacobian[:, 3, 3] += 1.0
    jacobian[:, 4, 3] += slope * x_b
    jacobian[:, 4, 4] += 1.0 - tilt * x_b
    return jacobian, torch.cat([push * part, -x_b * spread, -spread], -1)


def _of_moments(
    site: Answer, centre: Tensor, sign: Tensor, quadrature: tuple[Tensor, Tensor]
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    """Return derivatives of slope, shrinkage and likelihood, by centre and by width."""
    nodes, powers = quadrature
    likely = _likely(centre, site.scale, sign, nodes)
    # By centre the moments of the nodes' powers k, by scale those of k + 1.
    moments = (likely - likely * likely).mul_(sign[..., None]) @ powers
    least, most = _limits(centre)
    is_free = (site.total > least).to(centre)
    is_open = ((site.shrinkage > 0.0) & (site.shrinkage < most)).to(centre)
    found = []
    for power in (0, 1):
        of_total = moments[..., power] * is_free
        of_first = (moments[..., power + 1] - site.first * of_total) / site.total
        of_second = (moments[..., power + 2] - site.second * of_total) / site.total
        of_shrinkage = (2.0 * site.first * of_first - of_second) * is_open
        found.append((of_first / site.scale, of_shrinkage, of_total))
    by_centre, (slope, shrinkage, total) = found
    by_width = 0.5 / site.scale
    return by_centre, (
        (slope - site.slope / site.scale) * by_width,
        shrinkage * by_width,
        total * by_width,
    )
