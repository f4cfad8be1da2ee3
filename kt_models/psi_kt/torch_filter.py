"""The filter in torch, for gradients; kt_models.psi_kt.recursion says what it is.

A float64 test holds both to the same numbers. Learners run side by side, a window of steps at a
time: all that does not depend on what was learned within the window is found here, together; what
does is kt_models.psi_kt.window_filter. Gradients stop at the edges of windows.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from kt_models.psi_kt.window_filter import Coefficients, Levels, Links
from kt_models.psi_kt.window_filter import filter_window as run_window


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


class Steps(NamedTuple):
    """A window's responses: skill (K for none), share, gap_days, is_new (T, L, S); others (T, L).

    n_active of the L learners answer in each step, and they are the first ones; what stands in the
    places of the others is not read, but must be finite.
    """

    skill: Tensor
    share: Tensor
    gap_days: Tensor
    is_new: Tensor
    offset: Tensor
    sign: Tensor
    n_active: tuple[int, ...]


class Memory:
    """What a group of learners know between windows: a, b, r of every practised skill, or 0."""

    def __init__(self, n_learners: int, n_skills: int, n_points: int, *, like: Tensor) -> None:
        shape = (n_learners, n_skills + 1, 3 * n_points)
        self.table = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.is_practised = torch.zeros(shape[:2], dtype=torch.bool, device=like.device)


def begin(population: Population, n_learners: int) -> Levels:
    """Return the beliefs of learners who have answered nothing."""
    shape = (n_learners, len(population.alpha))
    return Levels(
        mean=population.level_mean.expand(shape),
        variance=population.level_variance.expand(shape),
        weights=torch.full_like(population.alpha, 1.0 / shape[1]).expand(shape),
    )


def detached(levels: Levels) -> Levels:
    """Return what is carried over as numbers: gradients stop at the edge of a window."""
    return Levels(*(one.detach() for one in levels))


def filter_steps(
    population: Population, steps: Steps, memory: Memory, levels: Levels, *, is_first: bool
) -> tuple[Tensor, Levels]:
    """Filter a window; return log likelihoods (n_responses,), step by step, and what is next."""
    with torch.no_grad():
        order = _order_of(steps, n_skills=population.share.shape[1])
    coefficients = _coefficients(population, steps, order, memory, is_first=is_first)
    links = Links(
        share=steps.share,
        sign=steps.sign,
        previous=order.previous.clamp_min(0),
        following=order.following,
    )
    total, after, rows = run_window(
        links,
        coefficients,
        levels,
        level_drift=population.level_drift,
        trait_drift=population.trait_drift,
        is_first=is_first,
    )
    with torch.no_grad():
        _remember(memory, order, rows)
    return total[order.is_active].log(), after


class _Order(NamedTuple):
    """The writes of a window in their order; J = T S of a learner.

    skill, is_real (L, J): of each write, whether there is one. previous (T, L, S): the last write
    of the same skill, -1 for none; following (L, J): the next one, J for none. is_active (T, L).
    """

    skill: Tensor
    is_real: Tensor
    previous: Tensor
    following: Tensor
    is_active: Tensor


def _order_of(steps: Steps, *, n_skills: int) -> _Order:
    n_steps, n_learners, n_places = steps.skill.shape
    device = steps.skill.device
    n_active = torch.tensor(steps.n_active, device=device)
    is_active = torch.arange(n_learners, device=device) < n_active[:, None]
    skill = steps.skill.transpose(0, 1).reshape(n_learners, n_steps * n_places).contiguous()
    is_real = is_active.T.repeat_interleave(n_places, 1) & (skill < n_skills)
    key = torch.where(is_real, skill, n_skills)
    in_order, place = key.sort(dim=1, stable=True)
    is_same = (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] < n_skills)
    n_writes = n_steps * n_places
    previous = torch.full_like(place, -1)
    previous.scatter_(1, place[:, 1:], torch.where(is_same, place[:, :-1], -1))
    following = torch.full_like(place, n_writes)
    following.scatter_(1, place[:, :-1], torch.where(is_same, place[:, 1:], n_writes))
    return _Order(
        skill=skill,
        is_real=is_real,
        previous=previous.view(n_learners, n_steps, n_places).transpose(0, 1).contiguous(),
        following=following,
        is_active=is_active,
    )


def _remember(memory: Memory, order: _Order, rows: Tensor) -> None:
    """Put the last row that was written of each skill into the table."""
    is_last = order.is_real & (order.following == order.skill.shape[1])
    learner, write = is_last.nonzero(as_tuple=True)
    skill = order.skill[learner, write]
    # A new table: the way back through this window still reads the old one.
    memory.table = memory.table.clone()
    memory.table[learner, skill] = rows[learner, write]
    memory.is_practised[learner, skill] = True


def _coefficients(
    population: Population, steps: Steps, order: _Order, memory: Memory, *, is_first: bool
) -> Coefficients:
    """Return what gaps, starts, and what was known before the window make of a window."""
    gamma, cut = population.gamma, 2 * len(population.gamma)
    # A skill begins at start_mean, around the level or not; the target always is around it.
    target = gamma.new_zeros(cut)
    target[len(gamma) :] = 1.0
    start = population.start_mean * (1.0 - target)
    if population.starts_at_target:
        start = start + target
    rate = population.alpha * steps.gap_days[..., None]
    stay, leave = torch.exp(-rate), -torch.expm1(-rate)
    noise = population.spread * -torch.expm1(-2.0 * rate)
    stays = torch.cat([stay, stay, stay * stay], -1)
    pulls = torch.cat([leave, leave, leave * leave], -1)
    reach = torch.cat([gamma, gamma, gamma * gamma])
    start_row = torch.cat([start, population.start_variance.expand(len(gamma))])
    moved = torch.cat([leave * target[:1], leave * target[-1:], noise], -1)
    is_new = steps.is_new[..., None]
    if population.starts_at_target:
        stays, pulls = torch.where(is_new, 0.0, stays), torch.where(is_new, 1.0, pulls)
        moved = torch.where(is_new, start_row, moved)
    pulls = pulls * reach
    weight, sums = _pulls(population, steps, order, memory, start_row, is_first=is_first)
    if sums is not None:
        moved = moved + pulls * sums
    if not population.starts_at_target:
        moved = moved + stays * torch.where(is_new, start_row, 0.0)
    if not is_first:
        moved = moved + stays * _known_before(steps, order, memory)
    return Coefficients(
        stay=torch.where((order.previous < 0)[..., None], 0.0, stays),
        pull=pulls,
        moved=moved,
        weight=weight,
        offset=steps.offset,
    )


def _known_before(steps: Steps, order: _Order, memory: Memory) -> Tensor:
    """Return (T, L, S, 3 P) rows of the table, 0 for what was written within the window."""
    learner = torch.arange(steps.skill.shape[1], device=steps.skill.device)[:, None]
    rows = memory.table[learner, steps.skill]
    return torch.where((order.previous < 0)[..., None], rows, 0.0)


def _pulls(
    population: Population,
    steps: Steps,
    order: _Order,
    memory: Memory,
    start_row: Tensor,
    *,
    is_first: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Return the weight of each write in the later reads, as Coefficients, and the other sums.

    Those are (T, L, S, 3 P): of the start, for parents that were never practised, and of the table,
    for those that were not practised within the window.
    """
    if not bool(population.share.detach().any()):
        return None, None
    n_steps, n_learners, n_places = steps.skill.shape
    n_writes, n_skills = n_steps * n_places, population.share.shape[1]
    skill = order.skill
    write = torch.arange(n_writes, device=skill.device)
    step = write // n_places
    # A write is read from the next step on, until its skill is written again.
    is_later = step[None, :] < step[:, None]
    is_kept = order.following[:, None, :] >= n_places * step[:, None]
    is_live = is_later & is_kept & order.is_real[:, None, :]
    pair = skill[:, :, None] * n_skills + skill.clamp_max(n_skills - 1)[:, None, :]
    weight = population.share.reshape(-1).gather(0, pair.view(-1)).view_as(pair) * is_live
    total = population.share.sum(1)[skill]
    total_square = (population.share * population.share).sum(1)[skill]
    seen, seen_square = weight.sum(2), (weight * weight).sum(2)
    known: Tensor | None = None
    if not is_first:
        shares = population.share[skill] * _is_of_table(order, memory, n_places * step)
        squares = shares * shares
        cut = 2 * len(population.gamma)
        table = memory.table[:n_learners, :n_skills]
        known = torch.cat(
            [torch.bmm(shares, table[..., :cut]), torch.bmm(squares, table[..., cut:])], -1
        )
        seen, seen_square = seen + shares.sum(2), seen_square + squares.sum(2)
    n_points = len(population.gamma)
    rest = torch.cat(
        [(total - seen)[..., None].expand(-1, -1, 2 * n_points),
         (total_square - seen_square)[..., None].expand(-1, -1, n_points)], -1,
    )  # fmt: skip
    sums = rest * start_row
    if known is not None:
        sums = sums + known
    # Of each step the weights first, for a and b, then their squares, for r.
    shape = (n_learners, n_steps, n_places, n_writes)
    both = torch.cat([weight.view(shape), (weight * weight).view(shape)], 2)
    return both.flatten(1, 2), sums.view(n_learners, n_steps, n_places, -1).transpose(0, 1)


def _is_of_table(order: _Order, memory: Memory, first_of_step: Tensor) -> Tensor:
    """Return (L, J, K) whether a read finds a practised skill's row still in the table.

    first_of_step (J,): the first write of the step that a read belongs to.
    """
    n_learners, n_writes = order.skill.shape
    write = torch.arange(n_writes, device=order.skill.device)
    is_practised = memory.is_practised[:n_learners, :-1]
    first = torch.full_like(memory.is_practised[:n_learners], n_writes, dtype=torch.long)
    where = torch.where(order.is_real, order.skill, first.shape[1] - 1)
    first.scatter_reduce_(1, where, write.expand_as(where), "amin")
    return is_practised[:, None, :] & (first[:, None, :-1] >= first_of_step[:, None])
