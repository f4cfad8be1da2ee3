"""The filter's arithmetic in torch, for gradients; kt_models.psi_kt.recursion says what it is.

A float64 test holds both to the same numbers. Knowledge lies in one table (learner, skill,
3 P + 2) that is written in place: its gradients go to a table of their own, and going backwards
undoes every write, so memory grows with the responses and not with responses times skills.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from kt_models.psi_kt import recursion


class Population(NamedTuple):
    """What learners share. Traits (P,); share (K + 1, K): of skill k's pull that of parent i."""

    alpha: Tensor
    spread: Tensor
    gamma: Tensor
    level_mean: Tensor
    level_variance: Tensor
    start_mean: Tensor
    start_variance: Tensor
    level_drift: Tensor
    trait_drift: Tensor
    share: Tensor
    starts_at_target: bool


class Step(NamedTuple):
    """One response of each active learner: skill, share, gap_days, is_new (L, S); others (L,)."""

    skill: Tensor
    share: Tensor
    gap_days: Tensor
    is_new: Tensor
    offset: Tensor
    sign: Tensor


class Carried(NamedTuple):
    """Levels and log weights (L, P) between windows."""

    mean: Tensor
    variance: Tensor
    log_weights: Tensor


class Memory:
    """The table of a group of learners: a, b, 1 | r, 1 of every practised skill, 0 for others."""

    def __init__(self, n_learners: int, n_skills: int, n_points: int, *, like: Tensor) -> None:
        shape = (n_learners, n_skills + 1, 3 * n_points + 2)
        self.table = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.adjoint = torch.zeros_like(self.table)
        self.n_skills = n_skills
        self.n_level = 2 * n_points + 1
        self._learner = torch.arange(n_learners, device=like.device)[:, None]

    def at(self, skill: Tensor) -> tuple[Tensor, Tensor]:
        """Return the index of skills (L, S) of the first L learners."""
        return self._learner[: len(skill)], skill

    def keep(self) -> Tensor:
        """Return a copy of the table, to come back to after a backward pass has undone it."""
        return self.table.clone()

    def come_back(self, kept: Tensor) -> None:
        """Take up the table of keep, with no gradients left over."""
        self.table.copy_(kept)
        self.adjoint.zero_()


class _Read(torch.autograd.Function):
    """Read skills of the table; the token orders reads and writes in the backward pass."""

    @staticmethod
    def forward(ctx: Any, token: Tensor, memory: Memory, skill: Tensor) -> tuple[Tensor, Tensor]:
        ctx.memory, ctx.skill = memory, skill
        return token.clone(), memory.table[memory.at(skill)]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        token, value = grads
        ctx.memory.adjoint[ctx.memory.at(ctx.skill)] += value
        return token, None, None


class _Write(torch.autograd.Function):
    """Write skills of the table, keeping what was there."""

    @staticmethod
    def forward(ctx: Any, token: Tensor, value: Tensor, memory: Memory, skill: Tensor) -> Tensor:
        where = memory.at(skill)
        ctx.memory, ctx.skill, ctx.old = memory, skill, memory.table[where]
        memory.table[where] = value
        memory.table[: len(skill), memory.n_skills] = 0.0
        return token.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        memory = ctx.memory
        where = memory.at(ctx.skill)
        gradient = memory.adjoint[where]
        memory.adjoint[where] = 0.0
        memory.table[where] = ctx.old
        return grads[0], gradient, None, None


class _Pull(torch.autograd.Function):
    """Sum what all parents know, weighted by share (a, b, 1) and by its square (r, 1)."""

    @staticmethod
    def forward(
        ctx: Any, token: Tensor, share: Tensor, memory: Memory, skill: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.memory, ctx.skill = memory, skill
        ctx.save_for_backward(share)
        known = memory.table[: len(skill), : memory.n_skills]
        weight = share[skill]
        level = torch.bmm(weight, known[:, :, : memory.n_level])
        noise = torch.bmm(weight**2, known[:, :, memory.n_level :])
        return token.clone(), level, noise

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        token, level, noise = grads
        (share,) = ctx.saved_tensors
        memory, skill = ctx.memory, ctx.skill
        n, cut = len(skill), memory.n_level
        known = memory.table[:n, : memory.n_skills]
        weight = share[skill]
        adjoint = memory.adjoint[:n, : memory.n_skills]
        adjoint[:, :, :cut] += torch.bmm(weight.transpose(1, 2), level)
        adjoint[:, :, cut:] += torch.bmm((weight**2).transpose(1, 2), noise)
        each = torch.bmm(level, known[:, :, :cut].transpose(1, 2))
        each += 2.0 * weight * torch.bmm(noise, known[:, :, cut:].transpose(1, 2))
        gradient = torch.zeros_like(share)
        gradient.index_add_(0, skill.reshape(-1), each.reshape(-1, memory.n_skills))
        return token, gradient, None, None


def _apply(function: Any, *arguments: Any) -> Any:
    """Run a function with its own backward pass: torch gives `apply` no types."""
    return function.apply(*arguments)


def begin(population: Population, n_learners: int) -> Carried:
    """Return the beliefs of learners who have answered nothing."""
    shape = (n_learners, len(population.alpha))
    return Carried(
        mean=population.level_mean.expand(shape),
        variance=population.level_variance.expand(shape),
        log_weights=torch.full(
            shape, -float(torch.tensor(float(shape[1])).log()),
            dtype=population.alpha.dtype, device=population.alpha.device,
        ),
    )  # fmt: skip


def filter_steps(
    population: Population,
    steps: list[Step],
    memory: Memory,
    carried: Carried,
    *,
    is_first: bool,
) -> tuple[Tensor, Carried]:
    """Filter some steps; return the log likelihoods (n_responses,), step by step, and what is next.

    Learners are sorted so that those without a further response come last.
    """
    token = population.alpha.new_zeros(()).requires_grad_()
    nodes, powers = _quadrature(population.alpha)
    total = population.share.sum(1)[:, None]
    total_square = (population.share**2).sum(1)[:, None]
    mean, variance, log_weights = carried
    found = []
    for number, step in enumerate(steps):
        n = len(step.sign)
        m, v, w = mean[:n], variance[:n], log_weights[:n]
        if number or not is_first:
            v = v + population.level_drift
            w = _drift(w, population.trait_drift)
        token, before = _apply(_Read, token, memory, step.skill)
        token, level_sum, noise_sum = _apply(_Pull, token, population.share, memory, step.skill)
        a, b, r = _revisit(
            population, step, before, level_sum, noise_sum,
            total=total[step.skill], total_square=total_square[step.skill],
        )  # fmt: skip
        (a, b, r), m, v, log_likelihood = _learn(a, b, r, m, v, step, nodes, powers)
        one = torch.ones_like(a[..., :1])
        token = _apply(_Write, token, torch.cat([a, b, one, r, one], -1), memory, step.skill)
        joint = w + log_likelihood
        found.append(torch.logsumexp(joint, 1) - torch.logsumexp(w, 1))
        if n == len(mean):
            mean, variance, log_weights = m, v, _normalised(joint)
        else:
            mean = torch.cat([m, mean[n:]])
            variance = torch.cat([v, variance[n:]])
            log_weights = torch.cat([_normalised(joint), log_weights[n:]])
    # The token carries the order of writes into whatever is made of the result.
    return torch.cat(found) + 0.0 * token, Carried(mean, variance, log_weights)


def detached(carried: Carried) -> Carried:
    """Return what is carried over as numbers: gradients stop at the edge of a window."""
    return Carried(*(one.detach() for one in carried))


def _revisit(
    population: Population,
    step: Step,
    before: Tensor,
    level_sum: Tensor,
    noise_sum: Tensor,
    *,
    total: Tensor,
    total_square: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    n_points = len(population.alpha)
    slope = 1.0 if population.starts_at_target else 0.0
    gamma = population.gamma
    # Parents that were never practised stand at the start.
    rest = total - level_sum[..., -1:]
    rest_square = total_square - noise_sum[..., -1:]
    pull_a = gamma * (level_sum[..., :n_points] + rest * population.start_mean)
    pull_b = gamma * (level_sum[..., n_points : 2 * n_points] + rest * slope)
    pull_r = gamma**2 * (noise_sum[..., :n_points] + rest_square * population.start_variance)
    is_new = step.is_new[..., None]
    a, b, r = (
        before[..., :n_points],
        before[..., n_points : 2 * n_points],
        before[..., -n_points - 1 : -1],
    )
    a = torch.where(is_new, population.start_mean, a)
    b = torch.where(is_new, torch.full_like(b, slope), b)
    r = torch.where(is_new, population.start_variance, r)
    rate = population.alpha * step.gap_days[..., None]
    stay, leave = torch.exp(-rate), -torch.expm1(-rate)
    noise = population.spread * -torch.expm1(-2.0 * rate)
    moved_a = stay * a + leave * pull_a
    moved_b = stay * b + leave * (1.0 + pull_b)
    moved_r = stay**2 * r + leave**2 * pull_r + noise
    if not population.starts_at_target:
        return moved_a, moved_b, moved_r
    return (
        torch.where(is_new, population.start_mean + pull_a, moved_a),
        torch.where(is_new, 1.0 + pull_b, moved_b),
        torch.where(is_new, population.start_variance + pull_r, moved_r),
    )


def _learn(
    a: Tensor, b: Tensor, r: Tensor, m: Tensor, v: Tensor, step: Step, nodes: Tensor, powers: Tensor
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor, Tensor, Tensor]:
    share = step.share[..., None]
    x_a = (share * a).sum(1) + step.offset[:, None]
    x_b = (share * b).sum(1)
    x_r = (share**2 * r).sum(1)
    centre = x_a + x_b * m
    width = (x_b**2 * v + x_r).clamp_min(recursion.LEAST_VARIANCE)
    scale = width.sqrt()
    x = centre[..., None] + scale[..., None] * nodes
    moments = torch.sigmoid(step.sign[:, None, None] * x) @ powers
    is_double = a.dtype == torch.float64
    total = moments[..., 0].clamp_min(recursion.LEAST_LIKELIHOOD if is_double else 1e-30)
    first, second = moments[..., 1] / total, moments[..., 2] / total
    most = recursion.MOST_SHRINKAGE if is_double else 1.0 - 1e-5
    shrinkage = (1.0 - second + first**2).clamp(0.0, most)
    slope = first / scale
    precision = shrinkage / (1.0 - shrinkage) / width
    gain = share * r / (1.0 + precision * x_r)[:, None, :]
    push = slope * (1.0 + precision * width) + precision * (centre - x_a)
    after = (
        a + gain * push[:, None, :],
        b - gain * (precision * x_b)[:, None, :],
        r - share * r * gain * precision[:, None, :],
    )
    covariance = x_b * v
    m = m + covariance * slope
    v = v - covariance**2 * shrinkage / width
    return after, m, v, total.log()


def _quadrature(like: Tensor) -> tuple[Tensor, Tensor]:
    """Return nodes (Q,) and weights times their powers 0, 1, 2 (Q, 3)."""
    nodes = torch.as_tensor(recursion.NODES.copy()).to(like)
    weights = torch.as_tensor(recursion.NODE_WEIGHTS.copy()).to(like)
    return nodes, torch.stack([weights, weights * nodes, weights * nodes**2], 1)


def _normalised(log_weights: Tensor) -> Tensor:
    return log_weights - torch.logsumexp(log_weights, 1, keepdim=True)


def _drift(log_weights: Tensor, share: Tensor) -> Tensor:
    weights = torch.softmax(log_weights, 1)
    return ((1.0 - share) * weights + share / log_weights.shape[1]).log()
