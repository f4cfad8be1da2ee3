"""The steps of one window, forward and back, as one node of torch's graph of gradients.

What a step does to a learner is a dozen small products; left to autograd, keeping book of them
costs more than they do. Here the way back is written out: the derivative of what an answer does is
found for all steps together, and the loop over steps only chains them.

Shapes: T steps, L learners, S skills a response, P trait points; J = T S writes of a learner, of
which write t S + s is that of skill s at step t. A skill's row is a, b, r side by side (3 P).
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from kt_models.psi_kt import recursion
from kt_models.psi_kt.torch_answer import answer_of, jacobian, quadrature_of


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
        slopes, site = jacobian(at, ctx.links.sign)
        g_known, g_sums, g_x, g_mean, g_variance, g_level_drift = _back_through_steps(
            ctx.links, (stay, pull, weight, known), (slopes, site),
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
    quadrature = quadrature_of(stay)
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
        site = answer_of(centre, width, sign, quadrature)
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
