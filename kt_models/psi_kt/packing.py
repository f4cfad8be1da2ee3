"""A log laid out for fitting: everything that does not depend on parameters, found once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays, lookup
from kt_models.baselines.features import Rates, fit_rates
from kt_models.errors import ConfigError
from kt_models.psi_kt.batch import slots_of, times_in_days
from kt_models.psi_kt.config import PSIKTConfig
from kt_models.psi_kt.history import features_of_log, rate_of_log
from kt_models.psi_kt.recursion import F

I64 = NDArray[np.int64]

_RATE_FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Merged responses for the filter, S places for skills in each.

    skill (n, S): codes, K for none; share (n, S); gap_days (n, S) since the skill's last answer, or
    the learner's first; is_new (n, S); item (n,): codes, I for none; values (n, F); sign (n,);
    start, length: of the learners, longest first.
    """

    skills: NDArray[np.str_]
    items: NDArray[np.str_]
    rates: Rates
    skill: I64
    share: F
    gap_days: F
    is_new: NDArray[np.bool_]
    item: I64
    values: F
    sign: F
    start: I64
    length: I64

    @property
    def n_responses(self) -> int:
        """Return the number of responses."""
        return len(self.sign)

    def counts(self) -> dict[str, F]:
        """Return the answers that bear on each skill (K,), item (I,) and coefficient (F,)."""
        n_skills, n_items = len(self.skills), len(self.items)
        return {
            "skill_offset": np.bincount(self.skill.ravel(), minlength=n_skills)[:n_skills] * 1.0,
            "item_offset": np.bincount(self.item, minlength=n_items)[:n_items] * 1.0,
            "coefficients": (self.values**2).sum(axis=0),
        }


def pack(data: ResponseArrays, *, unit_steps: bool) -> Packed:
    """Lay merged data out. Raises: DataError for an index log without unit_steps."""
    used = np.unique(data.skill_index)
    skills = np.asarray(data.skills[used])
    code = lookup(skills, data.skills).astype(np.int64)
    slot, share = slots_of(data)
    skill = np.append(code, [-1, len(skills)])[slot]
    items = np.asarray(data.items[np.unique(data.item[data.item >= 0])])
    item_code = lookup(items, data.items).astype(np.int64)
    item_code[item_code < 0] = len(items)
    gap_days, is_new = _gaps(data, times_in_days(data, unit_steps=unit_steps), slot)
    starts = data.learner_slices()
    lengths = np.diff(starts)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    return Packed(
        skills=skills,
        items=items,
        rates=fit_rates(data),
        skill=skill,
        share=share,
        gap_days=gap_days,
        is_new=is_new,
        item=np.append(item_code, len(items))[data.item],
        values=features_of_log(data, rate=_others_rate(data)),
        sign=np.where(data.correct == 1, 1.0, -1.0),
        start=starts[order],
        length=lengths[order],
    )


def _others_rate(data: ResponseArrays) -> F:
    """Return (n,) what other learners score on each response.

    A rate that counts the answer itself would make every surplus smaller in fitting than it is
    for the learners that the model then meets.
    """
    rate = np.empty(data.n_responses)
    fold = np.arange(len(data.learners)) % _RATE_FOLDS
    for number in range(_RATE_FOLDS):
        rows = np.flatnonzero(fold[data.learner] == number)
        if not len(rows):
            continue
        rest = np.flatnonzero(fold[data.learner] != number)
        rates = fit_rates(data.take(rest) if len(rest) else data)
        of_item = np.append(rates.item, np.nan)[lookup(rates.items, data.items)]
        of_skill = rates.skill[lookup(rates.skills, data.skills)]
        rate[rows] = rate_of_log(data, skill_rate=of_skill, item_rate=of_item)[rows]
    return rate


def _gaps(data: ResponseArrays, days: F, slot: I64) -> tuple[F, NDArray[np.bool_]]:
    """Return (n, S) days since each skill's last answer, or the learner's first, and newness."""
    n, width = slot.shape
    row = np.repeat(np.arange(n), width)
    key = data.learner[row].astype(np.int64) * (data.n_skills + 2) + slot.ravel()
    order = np.argsort(key, kind="stable")
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = np.diff(key[order]) != 0
    previous = np.empty(len(order))
    previous[order] = np.concatenate([[0.0], days[row][order][:-1]])
    new = np.empty(len(order), dtype=np.bool_)
    new[order] = is_first
    begin = days[data.learner_slices()[data.learner]][row]
    gap = days[row] - np.where(new, begin, previous)
    is_real = (slot <= data.n_skills).ravel()
    return (gap * is_real).reshape(n, width), (new | ~is_real).reshape(n, width)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Rows of a stretch of steps: rows[t] (n_t,) of the learners still active, longest first."""

    rows: tuple[I64, ...]
    is_first: bool

    @property
    def n_responses(self) -> int:
        """Return the number of responses."""
        return sum(len(one) for one in self.rows)

    def padded(self) -> I64:
        """Return (T, L) rows of the learners of the first step; 0 where one has no more."""
        found = np.zeros((len(self.rows), len(self.rows[0])), dtype=np.int64)
        for step, rows in enumerate(self.rows):
            found[step, : len(rows)] = rows
        return found


def groups_of(packed: Packed, *, size: int) -> list[slice]:
    """Return slices of the learners, of like length."""
    return [slice(begin, begin + size) for begin in range(0, len(packed.start), size)]


def windows_of(packed: Packed, group: slice, *, size: int) -> Iterator[Window]:
    """Yield the stretches of a group of learners, in order."""
    start, length = packed.start[group], packed.length[group]
    longest = int(length[0])
    for begin in range(0, longest, size):
        steps = range(begin, min(begin + size, longest))
        active = np.searchsorted(-length, [-step for step in steps], side="left")
        yield Window(
            rows=tuple(start[:n] + step for n, step in zip(active.tolist(), steps, strict=True)),
            is_first=begin == 0,
        )


def authored_matrix(config: PSIKTConfig, skills: NDArray[np.str_]) -> NDArray[np.float64] | None:
    """Return (parent, child) ones of the authored graph, None for no graph.

    Raises: ConfigError for an unknown skill or a skill that is its own parent.
    """
    if not config.authored:
        return None
    place = {str(skill): code for code, skill in enumerate(skills)}
    found = np.zeros((len(skills), len(skills)))
    for parent, child in config.authored:
        for skill in (parent, child):
            if skill not in place:
                raise ConfigError(
                    f"authored edge '{parent}' -> '{child}': the log has no skill '{skill}'"
                )
        if parent == child:
            raise ConfigError(f"authored edge '{parent}' -> '{child}' goes from a skill to itself")
        found[place[parent], place[child]] = 1.0
    return found
