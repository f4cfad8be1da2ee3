"""Features of the logistic baselines: skills and items in a sparse part, context in a dense."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup
from kt_models.baselines.history import (
    I64,
    F,
    Groups,
    SkillEntries,
    by_learner,
    by_learner_item,
    skill_entries,
)
from kt_models.errors import DataError
from kt_models.split import positions

SECONDS_PER_DAY = 86_400.0
WINDOWS_DAYS = (1.0 / 24.0, 1.0, 7.0, 30.0)
LEARNER_SPANS = (1, 3, 10, 30)
SKILL_SPANS = (1, 2, 4, 8)
# The run of a skill that its own column reads.
SKILL_RUN = 4
# Where rates start from; the weights adapt to any value near what a log has.
TYPICAL_SHARE = 0.65
MIN_TURNS = 10

Sparse: TypeAlias = Any  # scipy.sparse.csr_array; scipy has no type stubs


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """Which columns there are; windows_days is empty for a log without real times."""

    has_items: bool = False
    has_context: bool = True
    windows_days: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Shares of right answers in the training data, shrunk: what an answer is compared with.

    skill (n_skills + 1,) and item (n_items,); the last skill stands for unknown ones. pairs
    (n_pairs,) are the turns from one skill to another that occurred often enough to be given
    weights, as from * n_skills + to, ascending.
    """

    skills: NDArray[np.str_]
    items: NDArray[np.str_]
    skill: F
    item: F
    pairs: I64


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """sparse (n, n_columns) and dense (n, n_context): the two parts of the feature matrix."""

    sparse: Sparse
    dense: F


def fit_rates(data: ResponseArrays) -> Rates:
    """Estimate the share right of every skill and item, drawn towards the whole and the skill."""
    mean = (float(data.correct.sum()) + 1.0) / (data.n_responses + 2.0)
    row = np.repeat(np.arange(data.n_responses), np.diff(data.skill_indptr))
    right = np.bincount(data.skill_index, weights=data.correct[row], minlength=data.n_skills)
    skill_n = np.bincount(data.skill_index, minlength=data.n_skills)
    skill = np.append((right + 10.0 * mean) / (skill_n + 10.0), mean)
    of_row = _mean_of_skills(data, skill[data.skill_index])
    known = data.item >= 0
    n_items = len(data.items)
    item_right = np.bincount(data.item[known], weights=data.correct[known], minlength=n_items)
    item_n = np.bincount(data.item[known], minlength=n_items)
    prior = np.bincount(data.item[known], weights=of_row[known], minlength=n_items)
    prior = np.where(item_n > 0, prior / np.maximum(item_n, 1), mean)
    item = (item_right + 4.0 * prior) / (item_n + 4.0)
    seen = item_n > 0
    turns = _turns(data, np.arange(data.n_skills), n_codes=data.n_skills)
    pairs, counts = np.unique(turns.pair, return_counts=True)
    return Rates(
        skills=data.skills,
        items=data.items[seen],
        skill=skill,
        item=item[seen],
        pairs=pairs[counts >= MIN_TURNS],
    )


def n_skill_blocks(config: FeatureConfig) -> int:
    """Return how many columns each skill has."""
    return 3 + 2 * len(config.windows_days) + (3 if config.has_context else 0)


def column_counts(rates: Rates, config: FeatureConfig) -> tuple[int, int, int]:
    """Return the widths of the sparse part: skills' blocks, turns between skills, items."""
    return (
        n_skill_blocks(config) * len(rates.skills),
        2 * len(rates.pairs) if config.has_context else 0,
        len(rates.items) if config.has_items else 0,
    )


def design(data: ResponseArrays, rates: Rates, config: FeatureConfig) -> Design:
    """Return the features of merged responses, each from that learner's earlier rows only.

    Skills and items that the rates do not know have no column of their own; their history counts.

    Raises: DataError when windows are asked of data that has order indexes for times.
    """
    if config.windows_days and data.time_unit == "index":
        raise DataError("time windows need times in days or seconds; the data has order indexes")
    entries = skill_entries(data)
    column = lookup(rates.skills, data.skills)[entries.skill]
    item = np.full(data.n_responses, -1)
    if config.has_items and len(data.items):
        item = np.append(lookup(rates.items, data.items), -1)[data.item]
    right = data.correct.astype(np.float64)
    surplus = np.zeros(len(right))
    if config.has_context:
        surplus = right - _expected(data, rates, item, column)
    time_days = None if data.time_unit == "index" else days(data)
    position = positions(data).astype(np.float64)
    of_skill = _past(
        entries.groups,
        right=right[entries.row],
        surplus=surplus[entries.row],
        position=position[entries.row],
        time_days=None if time_days is None else time_days[entries.row],
        spans=SKILL_SPANS if config.has_context else (),
        windows_days=config.windows_days,
    )
    dense = np.empty((data.n_responses, 0))
    if config.has_context:
        of_learner = _past(
            by_learner(data),
            right=right,
            surplus=surplus,
            position=position,
            time_days=time_days,
            spans=LEARNER_SPANS,
        )
        columns = learner_context(of_learner)
        columns += [_mean_of_skills(data, values) for values in skill_context(of_skill)]
        if of_learner.gap_days is not None:
            columns.append(log_gap(of_learner.gap_days))
        dense = np.column_stack(columns)
    if config.has_items:
        dense = np.column_stack([dense, *_item_history(data)])
    blocks = skill_blocks(of_skill, has_context=config.has_context)
    return Design(sparse=_sparse(data, entries, column, item, blocks, rates, config), dense=dense)


def _sparse(
    data: ResponseArrays,
    entries: SkillEntries,
    column: NDArray[np.int32],
    item: NDArray[Any],
    blocks: Sequence[F],
    rates: Rates,
    config: FeatureConfig,
) -> Sparse:
    from scipy import sparse

    n_skills = len(rates.skills)
    share = 1.0 / np.diff(data.skill_indptr)[entries.row]
    known = column >= 0
    rows, columns, values = [], [], []
    for block, of_skill in enumerate(blocks):
        filled = known & (of_skill != 0.0)
        rows.append(entries.row[filled])
        columns.append(block * n_skills + column[filled].astype(np.int64))
        values.append((of_skill * share)[filled])
    n_blocks, n_turns, n_items = column_counts(rates, config)
    if config.has_context:
        turns = _turns(data, lookup(rates.skills, data.skills), n_codes=n_skills)
        place = np.searchsorted(rates.pairs, turns.pair)
        is_known = place < len(rates.pairs)
        is_known[is_known] = rates.pairs[place[is_known]] == turns.pair[is_known]
        for shift, value in ((0, np.ones(len(place))), (n_turns // 2, turns.answer)):
            rows.append(turns.row[is_known])
            columns.append(n_blocks + shift + place[is_known])
            values.append(value[is_known])
    if config.has_items:
        has_item = np.flatnonzero(item >= 0)
        rows.append(has_item)
        columns.append(n_blocks + n_turns + item[has_item])
        values.append(np.ones(len(has_item)))
    where = (np.concatenate(rows), np.concatenate(columns))
    shape = (data.n_responses, n_blocks + n_turns + n_items)
    return sparse.csr_array((np.concatenate(values), where), shape=shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Turns:
    """Responses whose first skill is not that of the one before: row (m,), pair (m,).

    answer (m,) is 1 where the response before was right and -1 where it was wrong.
    """

    row: I64
    pair: I64
    answer: F


def _turns(data: ResponseArrays, code: NDArray[Any], *, n_codes: int) -> _Turns:
    """Find the turns; code (len(data.skills),) recodes skills to n_codes, -1 for unknown ones."""
    if not data.n_responses:
        return _Turns(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    skill = code[data.skill_index[data.skill_indptr[:-1]]].astype(np.int64)
    is_turn = np.zeros(data.n_responses, dtype=np.bool_)
    is_turn[1:] = (data.learner[1:] == data.learner[:-1]) & (skill[1:] != skill[:-1])
    is_turn[1:] &= (skill[1:] >= 0) & (skill[:-1] >= 0)
    row = np.flatnonzero(is_turn)
    return _Turns(
        row=row,
        pair=skill[row - 1] * n_codes + skill[row],
        answer=np.where(data.correct[row - 1] == 1, 1.0, -1.0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What lies before each of m rows of one kind of key, a learner or a learner's skill.

    right, n and surplus (m,) are sums over all of it; recent holds the same three over the last
    `span` of it; within (m,) right and wrong ones in each time window; between (m,) responses and
    gap_days (m,) days since the last of it, NaN for none.
    """

    right: F
    n: F
    surplus: F
    recent: Mapping[int, tuple[F, F, F]]
    within: Sequence[tuple[F, F]]
    between: F
    gap_days: F | None


def _past(
    groups: Groups,
    *,
    right: F,
    surplus: F,
    position: F,
    time_days: F | None,
    spans: Sequence[int],
    windows_days: Sequence[float] = (),
) -> Past:
    recent = {}
    for span in spans:
        of_right, n = groups.recent(right, span=span)
        recent[span] = (of_right, n, groups.recent(surplus, span=span)[0])
    within = []
    for window in windows_days:
        assert time_days is not None  # noqa: S101 - design refuses windows without times
        counts = (right, 1.0 - right)
        wins, fails = (groups.within(one, time_days, window_days=window) for one in counts)
        within.append((wins, fails))
    return Past(
        right=groups.before(right),
        n=groups.before(np.ones(len(right))),
        surplus=groups.before(surplus),
        recent=recent,
        within=within,
        between=groups.since(position),
        gap_days=None if time_days is None else groups.since(time_days),
    )


def skill_blocks(past: Past, *, has_context: bool) -> list[F]:
    """Return per entry: the skill itself, wins, fails, both in every window, and the run."""
    counts = [past.right, past.n - past.right]
    counts += [count for pair in past.within for count in pair]
    blocks = [np.ones(len(past.n)), *(np.log1p(count) for count in counts)]
    if has_context:
        recent, n_recent, _ = past.recent[SKILL_RUN]
        blocks.append((recent + 2 * TYPICAL_SHARE) / (n_recent + 2) - TYPICAL_SHARE)
        blocks += [
            np.isnan(past.between).astype(np.float64),
            (past.between == 1).astype(np.float64),
        ]
    return blocks


def days(data: ResponseArrays) -> F:
    """Return (n,) times in days; order indexes come back as they are."""
    return data.time / SECONDS_PER_DAY if data.time_unit == "seconds" else data.time


def _expected(
    data: ResponseArrays,
    rates: Rates,
    item: NDArray[Any],
    column: NDArray[np.int32],
) -> F:
    """Return (n,) the share of right answers that others give to each row's item or skills."""
    by_skill = _mean_of_skills(data, rates.skill[column])
    if not len(rates.item) or not (item >= 0).any():
        return by_skill
    return np.where(item >= 0, rates.item[item], by_skill)


def _mean_of_skills(data: ResponseArrays, per_entry: F) -> F:
    if not data.n_responses:
        return np.empty(0)
    means: F = np.add.reduceat(per_entry, data.skill_indptr[:-1]) / np.diff(data.skill_indptr)
    return means


def learner_context(past: Past) -> list[F]:
    """Return totals, recent rates, and how answers compared with what others give.

    An answer minus its expected share tells ability apart from the difficulty of what was tried,
    which is where plain win and fail counts lose most.
    """
    columns = [np.log1p(past.right), np.log1p(past.n - past.right)]
    columns.append(_rate(past.right, past.n, prior=5.0))
    columns += _surplus(past)
    for span in LEARNER_SPANS:
        recent, counts, surplus = past.recent[span]
        columns.append(_rate(recent, counts, prior=2.0))
        columns += [surplus / (counts + 2.0), surplus / np.sqrt(counts + 1.0)]
    return columns


def skill_context(past: Past) -> list[F]:
    """Return the same of a skill, per entry, and how long ago it was practised."""
    columns = [_rate(past.right, past.n, prior=2.0), *_surplus(past)]
    for span in SKILL_SPANS:
        recent, counts, surplus = past.recent[span]
        columns += [_rate(recent, counts, prior=1.0), surplus / (counts + 1)]
    between = past.between
    columns += [np.log1p(np.nan_to_num(between)), np.isnan(between).astype(np.float64)]
    columns += [(between == gap).astype(np.float64) for gap in (1, 2)]
    if past.gap_days is not None:
        columns.append(log_gap(past.gap_days))
    return columns


def _rate(right: F, attempts: F, *, prior: float) -> F:
    """Return the share right drawn towards a typical one by `prior` answers, centred on it."""
    return (right + prior * TYPICAL_SHARE) / (attempts + prior) - TYPICAL_SHARE


def _surplus(past: Past) -> list[F]:
    return [past.surplus / (past.n + 5.0), past.surplus / np.sqrt(past.n + 5.0)]


def log_gap(gap_days: F) -> F:
    """Return log(1 + minutes) since the key's previous row, 0 for its first."""
    gap: F = np.log1p(np.nan_to_num(gap_days) * 1_440.0)
    return gap


def _item_history(data: ResponseArrays) -> list[F]:
    right = data.correct.astype(np.float64)
    groups = by_learner_item(data)
    wins, attempts = groups.before(right), groups.before(np.ones(len(right)))
    return [np.log1p(wins), np.log1p(attempts - wins)]
