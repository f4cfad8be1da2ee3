"""The steps of one window, forward and back, as one node of torch's graph of gradients.

What a step does to a learner is a dozen small products; left to autograd, keeping book of them
costs more than they do. Here the way back is written out: the derivative of what an answer does is
found for all steps together, and the loop over steps only chains them.

Shapes: T steps, L learners, S skills a response, P trait points; J = T S writes of a learner, of
which write t S + s is that of skill s at step t. A skill's row is a, b, r side by side (3 P).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kt_models.devices import tensor_like
from kt_models.psi_kt import recursion

_AT_A_TIME = 8192


class Links(NamedTuple):
    """How the writes of a window hang together, all without gradients.

    share (T, L, S) of each skill in its response; sign (T, L). previous (T, L, S): the write that
    the skill stood at before, 0 where stay is 0; following (L, J): the write that replaces it, J
    for none.
    """

    share: Tensor
    sign: Tensor
    previous: Tensor
    following: Tensor


class Coefficients(NamedTuple):
    """What is linear in what is known: row = stay * previous row + pull * parents' sum + moved.

    stay, pull, moved (T, L, S, 3 P); offset (T, L). weight (L, T 2 S, J) of each write in the sums
    of later reads: of step t first S rows for a and b, then S rows, their squares, for r. It is
    None where nothing pulls.
    """

    stay: Tensor
    pull: Tensor
    moved: Tensor
    weight: Tensor | None
    offset: Tensor


class Levels(NamedTuple):
    """Levels' means and variances and the trait points' weights, (L, P)."""

    mean: Tensor
    variance: Tensor
    weights: Tensor


def filter_window(
    links: Links,
    coefficients: Coefficients,
    levels: Levels,
    *,
    level_drift: Tensor,
    trait_drift: Tensor,
    is_first: bool,
) -> tuple[Tensor, Levels, Tensor]:
    """Return likelihoods (T, L), levels after the window and the rows written, (L, J, 3 P).

    Every learner is taken through every step. The rows carry no gradient.
    """
    total, mean, variance, weights, rows = _apply(
        _Window, links, is_first, level_drift, trait_drift, *levels, *coefficients
    )
    return total, Levels(mean, variance, weights), rows


def _apply(function: Any, *arguments: Any) -> Any:
    """Run a function with its own backward pass: torch gives `apply` no types."""
    return function.apply(*arguments)


class _Answer(NamedTuple):
    """What an answer does, each (..., P): x's moments given it, and the site that stands for it."""

    scale: Tensor
    total: Tensor
    first: Tensor
    second: Tensor
    shrinkage: Tensor
    slope: Tensor
    relative: Tensor
    precision: Tensor


def _answer(
    centre: Tensor, width: Tensor, sign: Tensor, quadrature: tuple[Tensor, Tensor]
) -> _Answer:
    """Match the moments of x ~ N(centre, width) after an answer; sign (..., 1)."""
    least, most = _limits(centre)
    scale = width.sqrt()
    moments = _likely(centre, scale, sign, quadrature[0]) @ quadrature[1]
    total = moments[..., 0].clamp_min(least)
    first, second = moments[..., 1] / total, moments[..., 2] / total
    shrinkage = (1.0 - second).addcmul_(first, first).clamp_(0.0, most)
    relative = shrinkage / width
    return _Answer(
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


def _quadrature(like: Tensor) -> tuple[Tensor, Tensor]:
    """Return nodes (Q,) and weights times their powers 0 to 3 (Q, 4)."""
    nodes, weights = (tensor_like(one, like) for one in (recursion.NODES, recursion.NODE_WEIGHTS))
    return nodes, torch.stack([weights * nodes**power for power in range(4)], 1)


class _Met(NamedTuple):
    """What every step met, T times: the rows read and their sums, x given the level, the level."""

    known: list[Tensor]
    before: list[Tensor]
    sums: list[Tensor]
    x_b: list[Tensor]
    x_r: list[Tensor]
    mean: list[Tensor]
    variance: list[Tensor]
    centre: list[Tensor]
    width: list[Tensor]


class _Window(torch.autograd.Function):
    """The filter over a window. The gradient of a value is named g_ and the value's name."""

    @staticmethod
    def forward(
        ctx: Any,
        links: Links,
        is_first: bool,
        level_drift: Tensor,
        trait_drift: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        levels, coefficients = Levels(*tensors[:3]), Coefficients(*tensors[3:])
        rows, met, likelihoods, levels_after = _steps(
            links, coefficients, levels, level_drift, is_first=is_first
        )
        weights, drifted, totals = _weigh(
            levels.weights, likelihoods, trait_drift, is_first=is_first
        )
        stay, pull, _, weight, _ = coefficients
        ctx.links, ctx.is_first, ctx.trait_drift = links, is_first, trait_drift
        ctx.save_for_backward(
            *(stay, pull, weight, rows, levels.weights, drifted, torch.stack(likelihoods), totals),
            *(torch.stack(one) if one else None for one in met),
        )
        ctx.mark_non_differentiable(rows)
        return totals, *levels_after, weights, rows

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        stay, pull, weight, rows, begun, drifted, likelihoods, totals = ctx.saved_tensors[:8]
        known, before, sums, *at = ctx.saved_tensors[8:]
        g_totals, g_mean, g_variance, g_weights, _ = grads
        g_likelihoods, g_weights, g_trait_drift = _back_through_weights(
            (g_totals, g_weights), (begun, drifted, likelihoods, totals), ctx.trait_drift,
            is_first=ctx.is_first,
        )  # fmt: skip
        jacobian, site = _jacobian(at, ctx.links.sign)
        g_known, g_sums, g_x, g_mean, g_variance, g_level_drift = _back_through_steps(
            ctx.links, (stay, pull, weight, known), (jacobian, site),
            (g_mean, g_variance, g_likelihoods), is_first=ctx.is_first,
        )  # fmt: skip
        g_pull = g_weight = None
        if weight is not None:
            g_pull = g_known * sums
            g_weight = torch.bmm(g_sums, rows.transpose(1, 2))
        return (
            *(None, None, g_level_drift, g_trait_drift, g_mean, g_variance, g_weights),
            *(g_known * before, g_pull, g_known, g_weight, g_x.sum(-1)),
        )


def _steps(
    links: Links,
    coefficients: Coefficients,
    levels: Levels,
    level_drift: Tensor,
    *,
    is_first: bool,
) -> tuple[Tensor, _Met, list[Tensor], tuple[Tensor, Tensor]]:
    """Take learners through the steps: rows (L, J, 3 P), what was met, likelihoods, level."""
    stay, pull, moved, weight, offset = coefficients
    n_steps, n_learners, n_skills, row_length = stay.shape
    n_points = row_length // 3
    cut = 2 * n_points
    quadrature = _quadrature(stay)
    quadrature = quadrature[0], quadrature[1][:, :3].contiguous()
    rows = stay.new_zeros(n_learners, n_steps * n_skills, row_length)
    flat = rows.view(-1, row_length)
    written = rows.view(n_learners, n_steps, n_skills, -1).unbind(1)
    first = torch.arange(n_learners, device=stay.device)[:, None] * (n_steps * n_skills)
    sources = (first + links.previous).view(n_steps, -1).unbind(0)
    weights = (
        None if weight is None else weight.view(n_learners, n_steps, 2 * n_skills, -1).unbind(1)
    )
    m, v = levels.mean, levels.variance
    met = _Met(*([] for _ in _Met._fields))
    likelihoods = []
    each = zip(
        *(one.unbind(0) for one in (stay, pull, moved)),
        *(one.unbind(0) for one in (links.share[..., None], offset[..., None])),
        links.sign[..., None].unbind(0),
        strict=True,
    )
    for t, (stay_t, pull_t, moved_t, share, offset_t, sign) in enumerate(each):
        if t or not is_first:
            v = v + level_drift
        before = flat.index_select(0, sources[t]).view(n_learners, n_skills, row_length)
        known = torch.addcmul(moved_t, stay_t, before)
        if weights is not None:
            end = t * n_skills
            both = torch.bmm(weights[t][..., :end], rows[:, :end])
            sums = torch.cat([both[:, :n_skills, :cut], both[:, n_skills:, cut:]], -1)
            known.addcmul_(pull_t, sums)
            met.sums.append(sums)
        ab, r = known[..., :cut], known[..., cut:]
        share_r = share * r
        x_ab = (share * ab).sum(1)
        x_r = (share * share_r).sum(1)
        x_b = x_ab[:, n_points:]
        centre = torch.addcmul(x_ab[:, :n_points] + offset_t, x_b, m)
        covariance = x_b * v
        width = torch.addcmul(x_r, x_b, covariance).clamp_min_(recursion.LEAST_VARIANCE)
        site = _answer(centre, width, sign, quadrature)
        _note(met, known, before, x_b, x_r, m, v, centre, width)
        spread = site.precision / (1.0 + site.precision * x_r)
        push = site.slope * (1.0 + site.precision * width) + site.precision * (x_b * m)
        push = push / (1.0 + site.precision * x_r)
        after = written[t]
        torch.addcmul(ab[..., :n_points], share_r, push[:, None], out=after[..., :n_points])
        torch.addcmul(
            ab[..., n_points:], share_r, (x_b * spread)[:, None], value=-1.0,
            out=after[..., n_points:cut],
        )  # fmt: skip
        torch.addcmul(r, share_r * share_r, spread[:, None], value=-1.0, out=after[..., cut:])
        m = torch.addcmul(m, covariance, site.slope)
        v = torch.addcmul(v, covariance * covariance, site.relative, value=-1.0)
        likelihoods.append(site.total)
    return rows, met, likelihoods, (m, v)


def _note(
    met: _Met,
    known: Tensor,
    before: Tensor,
    x_b: Tensor,
    x_r: Tensor,
    mean: Tensor,
    variance: Tensor,
    centre: Tensor,
    width: Tensor,
) -> None:
    met.known.append(known)
    met.before.append(before)
    met.x_b.append(x_b)
    met.x_r.append(x_r)
    met.mean.append(mean)
    met.variance.append(variance)
    met.centre.append(centre)
    met.width.append(width)


def _weigh(
    weights: Tensor, likelihoods: list[Tensor], trait_drift: Tensor, *, is_first: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return weights after the window, those before answers (T, L, P), and likelihoods (T, L)."""
    keep, anew = 1.0 - trait_drift, trait_drift / weights.shape[1]
    drifted, totals = [], []
    for t, likelihood in enumerate(likelihoods):
        if t or not is_first:
            weights = torch.addcmul(anew, weights, keep)
        drifted.append(weights)
        joint = weights * likelihood
        total = joint.sum(1, keepdim=True)
        totals.append(total)
        weights = joint / total
    return weights, torch.stack(drifted), torch.stack(totals)[..., 0]


def _back_through_weights(
    grads: tuple[Tensor, Tensor],
    values: tuple[Tensor, Tensor, Tensor, Tensor],
    trait_drift: Tensor,
    *,
    is_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return gradients of likelihoods (T, L, P), of the weights that came in, of trait_drift.

    values are the weights that came in, those before each answer, likelihoods, and their sums.
    """
    g_totals, g_weights = grads
    begun, drifted, likelihoods, totals = values
    keep = 1.0 - trait_drift
    posterior = drifted * likelihoods / totals[..., None]
    relative = likelihoods / totals[..., None]
    g_joint = torch.empty_like(posterior)
    each = zip(
        *(one.unbind(0) for one in (posterior, relative, likelihoods)),
        *(one.unbind(0) for one in (totals[..., None], g_totals[..., None], g_joint)),
        strict=True,
    )
    for t, (after, beside, likelihood, total, g_total, here) in reversed(list(enumerate(each))):
        # A weight after the answer is joint / total: its gradient reaches joint in two ways.
        common = g_total - (g_weights * after).sum(1, keepdim=True) / total
        torch.add(g_weights / total, common, out=here)
        g_weights = torch.addcmul(common * likelihood, g_weights, beside)
        if t or not is_first:
            g_weights = g_weights * keep
    before = torch.cat([begun[None], posterior[:-1]])
    from_even = (g_joint * likelihoods).mul_(1.0 / begun.shape[1] - before)
    if is_first:
        from_even = from_even[1:]
    return g_joint * drifted, g_weights, from_even.sum()


def _back_through_steps(
    links: Links,
    linear: tuple[Tensor, Tensor, Tensor | None, Tensor],
    answers: tuple[list[Tensor], Tensor],
    grads: tuple[Tensor, Tensor, Tensor],
    *,
    is_first: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return gradients of the rows read, of parents' sums, of x, of the level and its drift."""
    stay, pull, weight, known = linear
    jacobian, site = answers
    g_mean, g_variance, g_likelihoods = grads
    n_steps, n_learners, n_skills, row_length = stay.shape
    n_points, n_writes = row_length // 3, n_steps * n_skills
    cut = 2 * n_points
    share = links.share[..., None]
    share_r = share * known[..., cut:]
    into_site = torch.cat([share_r, share_r, share_r * share_r], -1)
    of_r = share * site[:, :, None]
    of_r[..., cut:].mul_(2.0 * share_r).add_(1.0)
    g_known = torch.empty_like(stay)
    # Of every write, what reads of it pass back: to the next of its skill, to its children.
    g_next = stay.new_zeros(n_learners, n_writes + 1, row_length)
    flat = g_next.view(-1, row_length)
    g_next_at = g_next[:, :-1].view(n_learners, n_steps, n_skills, -1).unbind(1)
    # As weight has it: (L, T 2 S, 3 P), of a and b in the first S rows of a step, of r in the rest.
    g_sums = stay.new_zeros(n_learners, 2 * n_writes, row_length)
    g_sums_at = g_sums.view(n_learners, n_steps, 2 * n_skills, -1).unbind(1)
    first = torch.arange(n_learners, device=stay.device)[:, None] * (n_writes + 1)
    source = (first + links.following).view(n_learners, n_steps, n_skills)
    sources = source.transpose(0, 1).reshape(n_steps, -1).unbind(0)
    g_into = stay.new_empty(6, n_learners, n_points)
    g_x = []
    g_level_drift = torch.zeros_like(g_mean)
    each = zip(
        *(one.unbind(0) for one in (stay, pull, into_site, of_r, share, share * share)),
        jacobian,
        *(one.unbind(0) for one in (g_likelihoods, g_known)),
        strict=True,
    )
    for t, now in reversed(list(enumerate(each))):
        stay_t, pull_t, into_t, of_r_t, share_t, square_t, jacobian_t, g_likely, here = now
        g_row = flat.index_select(0, sources[t]).view(n_learners, n_skills, row_length)
        if weight is not None:
            end = (t + 1) * n_skills
            reading = weight[:, 2 * end :, t * n_skills : end].transpose(1, 2)
            g_row.add_(torch.bmm(reading, g_sums[:, 2 * end :]))
        g_site = (g_row * into_t).sum(1).view(n_learners, 3, n_points)
        g_into[:3] = g_site.transpose(0, 1)
        torch.stack([g_mean, g_variance, g_likely], out=g_into[3:])
        # (5, 6, L, P) times (6, L, P): what reaches x's a, b and r, and the level's m and v.
        g_x_a, g_x_b, g_x_r, g_mean, g_variance = (jacobian_t * g_into).sum(1).unbind(0)
        g_x.append(g_x_a)
        torch.addcmul(g_row[..., :n_points], share_t, g_x_a[:, None], out=here[..., :n_points])
        torch.addcmul(
            g_row[..., n_points:cut], share_t, g_x_b[:, None], out=here[..., n_points:cut]
        )
        g_r = (g_row * of_r_t).view(n_learners, n_skills, 3, n_points).sum(2)
        torch.addcmul(g_r, square_t, g_x_r[:, None], out=here[..., cut:])
        torch.mul(here, stay_t, out=g_next_at[t])
        if weight is not None:
            of_sums = here * pull_t
            g_sums_at[t][:, :n_skills, :cut] = of_sums[..., :cut]
            g_sums_at[t][:, n_skills:, cut:] = of_sums[..., cut:]
        if t or not is_first:
            g_level_drift = g_level_drift + g_variance
    g_x.reverse()
    return g_known, g_sums, torch.stack(g_x), g_mean, g_variance, g_level_drift.sum()


def _jacobian(at: Sequence[Tensor], sign: Tensor) -> tuple[list[Tensor], Tensor]:
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
    quadrature = _quadrature(centre)
    site = _answer(centre, width, sign, (quadrature[0], quadrature[1][:, :3]))
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
    site: _Answer, centre: Tensor, sign: Tensor, quadrature: tuple[Tensor, Tensor]
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
