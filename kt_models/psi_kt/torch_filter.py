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
    """Levels and weights of trait points (L, P) between windows."""

    mean: Tensor
    variance: Tensor
    weights: Tensor


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
    """Read skills of the table, and what their parents know: weight (L, S, K + 1) sums a, b, 1,
    its square r, 1. The token orders reads and writes in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, token: Tensor, weight: Tensor, memory: Memory, skill: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        n, s = skill.shape
        # (L, 2 S, K + 1): weights above their squares, so that the table is gone through once.
        both = torch.cat([weight, weight * weight], 1)
        ctx.memory, ctx.skill, ctx.both = memory, skill, both
        sums = torch.bmm(both, memory.table[:n])
        level, noise = sums[:, :s, : memory.n_level], sums[:, s:, memory.n_level :]
        return token.clone(), memory.table[memory.at(skill)], level, noise

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        token, value, level, noise = grads
        memory, skill, both = ctx.memory, ctx.skill, ctx.both
        n, s = skill.shape
        each = level.new_zeros(n, 2 * s, memory.table.shape[-1])
        each[:, :s, : memory.n_level] = level
        each[:, s:, memory.n_level :] = noise
        memory.adjoint[:n].baddbmm_(both.transpose(1, 2), each)
        memory.adjoint[memory.at(skill)] += value
        products = torch.bmm(each, memory.table[:n].transpose(1, 2))
        return token, products[:, :s] + 2.0 * both[:, :s] * products[:, s:], None, None


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


def _apply(function: Any, *arguments: Any) -> Any:
    """Run a function with its own backward pass: torch gives `apply` no types."""
    return function.apply(*arguments)


def begin(population: Population, n_learners: int) -> Carried:
    """Return the beliefs of learners who have answered nothing."""
    shape = (n_learners, len(population.alpha))
    return Carried(
        mean=population.level_mean.expand(shape),
        variance=population.level_variance.expand(shape),
        weights=torch.full_like(population.alpha, 1.0 / shape[1]).expand(shape),
    )


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
    gaps, around = _gaps(population, steps, memory), _around(population)
    mean, variance, weights = carried
    keep, anew = 1.0 - population.trait_drift, population.trait_drift / len(population.alpha)
    found = []
    for number, (step, gap) in enumerate(zip(steps, gaps, strict=True)):
        n = len(step.sign)
        m, v, w = mean[:n], variance[:n], weights[:n]
        if number or not is_first:
            v = v + population.level_drift
            w = keep * w + anew
        token, *known = _apply(_Read, token, gap.share, memory, step.skill)
        ab, r = _revisit(around, step, gap, *known)
        written, m, v, likelihood = _learn(ab, r, m, v, step, nodes, powers)
        token = _apply(_Write, token, written, memory, step.skill)
        joint = w * likelihood
        total = joint.sum(1, keepdim=True)
        found.append(total[:, 0])
        w = joint / total
        if n == len(mean):
            mean, variance, weights = m, v, w
        else:
            mean = torch.cat([m, mean[n:]])
            variance = torch.cat([v, variance[n:]])
            weights = torch.cat([w, weights[n:]])
    # The token carries the order of writes into whatever is made of the result.
    return torch.cat(found).log() + 0.0 * token, Carried(mean, variance, weights)


def detached(carried: Carried) -> Carried:
    """Return what is carried over as numbers: gradients stop at the edge of a window."""
    return Carried(*(one.detach() for one in carried))


class _Gap(NamedTuple):
    """What a gap does, whatever is known: of skills (L, S), times 2 P for a and b, P for r.

    share (L, S, K + 1) of the parents, total and total_square (L, S, 1) their sums; a and b keep
    `stay` of themselves and move by `leave` towards the target, r keeps stay_r, gains noise, and
    leave_r of the pull's variance.
    """

    share: Tensor
    total: Tensor
    total_square: Tensor
    stay: Tensor
    leave: Tensor
    stay_r: Tensor
    leave_r: Tensor
    noise: Tensor


def _gaps(population: Population, steps: list[Step], memory: Memory) -> list[_Gap]:
    """Return the gaps of all steps: found together, since none depends on what is known."""
    sizes = [len(step.sign) for step in steps]
    skill = torch.cat([step.skill for step in steps])
    rate = population.alpha * torch.cat([step.gap_days for step in steps])[..., None]
    stay, leave = torch.exp(-rate), -torch.expm1(-rate)
    # One more column, of the empty place: the whole table is then what the shares weigh.
    shares = torch.cat([population.share, population.share.new_zeros(memory.n_skills + 1, 1)], 1)
    whole = _Gap(
        share=shares[skill],
        total=population.share.sum(1)[skill][..., None],
        total_square=(population.share * population.share).sum(1)[skill][..., None],
        stay=torch.cat([stay, stay], -1),
        leave=torch.cat([leave, leave], -1),
        stay_r=stay * stay,
        leave_r=leave * leave,
        noise=population.spread * -torch.expm1(-2.0 * rate),
    )
    return [_Gap(*parts) for parts in zip(*(torch.split(one, sizes) for one in whole), strict=True)]


class _Around(NamedTuple):
    """Where skills begin and whereto they go, (2 P,) of a and b, P or one number of r."""

    target: Tensor
    start: Tensor
    start_variance: Tensor
    gamma: Tensor
    gamma_square: Tensor
    starts_at_target: bool


def _around(population: Population) -> _Around:
    gamma = population.gamma
    # A skill begins at start_mean, around the level or not; the target always is around it.
    target = gamma.new_tensor([0.0, 1.0]).repeat_interleave(len(gamma))
    slope = target if population.starts_at_target else torch.zeros_like(target)
    return _Around(
        target=target,
        start=population.start_mean * (1.0 - target) + slope,
        start_variance=population.start_variance,
        gamma=gamma.repeat(2),
        gamma_square=gamma * gamma,
        starts_at_target=population.starts_at_target,
    )


def _revisit(
    around: _Around, step: Step, gap: _Gap, before: Tensor, level_sum: Tensor, noise_sum: Tensor
) -> tuple[Tensor, Tensor]:
    """Return a and b side by side (L, S, 2 P), and r (L, S, P), at the moment of the response."""
    cut = len(around.target)
    # Parents that were never practised stand at the start.
    rest = gap.total - level_sum[..., -1:]
    rest_square = gap.total_square - noise_sum[..., -1:]
    pull = around.gamma * (level_sum[..., :-1] + rest * around.start)
    pull_r = around.gamma_square * (noise_sum[..., :-1] + rest_square * around.start_variance)
    is_new = step.is_new[..., None]
    ab, r = before[..., :cut], before[..., cut + 1 : -1]
    if not around.starts_at_target:
        ab = torch.where(is_new, around.start, ab)
        r = torch.where(is_new, around.start_variance, r)
    moved = gap.stay * ab + gap.leave * (around.target + pull)
    moved_r = gap.stay_r * r + gap.leave_r * pull_r + gap.noise
    if not around.starts_at_target:
        return moved, moved_r
    return (
        torch.where(is_new, around.start + pull, moved),
        torch.where(is_new, around.start_variance + pull_r, moved_r),
    )


def _learn(
    ab: Tensor, r: Tensor, m: Tensor, v: Tensor, step: Step, nodes: Tensor, powers: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the skills' rows of the table, level, and likelihood (L, P) after an answer."""
    share, n_points = step.share[..., None], m.shape[1]
    x_ab, x_r = (share * ab).sum(1), (share * share * r).sum(1)
    x_a, x_b = x_ab[:, :n_points] + step.offset[:, None], x_ab[:, n_points:]
    centre = x_a + x_b * m
    covariance = x_b * v
    width = (x_b * covariance + x_r).clamp_min(recursion.LEAST_VARIANCE)
    scale = width.sqrt()
    x = centre[..., None] + scale[..., None] * nodes
    moments = torch.sigmoid(step.sign[:, None, None] * x) @ powers
    is_double = ab.dtype == torch.float64
    total = moments[..., 0].clamp_min(recursion.LEAST_LIKELIHOOD if is_double else 1e-30)
    first, second = moments[..., 1] / total, moments[..., 2] / total
    most = recursion.MOST_SHRINKAGE if is_double else 1.0 - 1e-5
    shrinkage = (1.0 - second + first * first).clamp(0.0, most)
    slope, relative = first / scale, shrinkage / width
    precision = relative / (1.0 - shrinkage)
    gain = share * r / (1.0 + precision * x_r)[:, None, :]
    push = slope * (1.0 + precision * width) + precision * (centre - x_a)
    change = torch.cat([push, -precision * x_b], 1)[:, None, :]
    one = torch.ones_like(r[..., :1])
    after = (
        ab + torch.cat([gain, gain], -1) * change,
        one,
        r - share * r * gain * precision[:, None, :],
        one,
    )
    m = m + covariance * slope
    v = v - covariance * covariance * relative
    return torch.cat(after, -1), m, v, total


def _quadrature(like: Tensor) -> tuple[Tensor, Tensor]:
    """Return nodes (Q,) and weights times their powers 0, 1, 2 (Q, 3)."""
    nodes = torch.as_tensor(recursion.NODES.copy()).to(like)
    weights = torch.as_tensor(recursion.NODE_WEIGHTS.copy()).to(like)
    return nodes, torch.stack([weights, weights * nodes, weights * nodes**2], 1)
