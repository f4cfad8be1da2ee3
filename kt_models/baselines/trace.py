"""A logistic model one answer at a time: counts instead of the history, the numbers of the batch.

A forecast costs the same after ten answers and after ten thousand; only the answers of the last
month are kept one by one, for the time windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kt_models.baselines.features import (
    LEARNER_SPANS,
    SKILL_SPANS,
    Past,
    column_counts,
    learner_context,
    log_gap,
    skill_blocks,
    skill_context,
)
from kt_models.baselines.history import MS_PER_DAY, UNIT, F
from kt_models.baselines.logistic import FittedLogistic
from kt_models.protocol import Observation

Asked: TypeAlias = tuple[tuple[str, ...], str | None]
"""The skills of a response that may come next, and its item where known."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What lies behind a learner, or a learner's skill.

    surplus is in units of 1 / UNIT; recent holds (right, surplus) of the last ones, the newest at
    the end; lately (milliseconds, right) of those that a time window may still reach.
    """

    right: int = 0
    n: int = 0
    surplus: int = 0
    recent: tuple[tuple[int, int], ...] = ()
    position: int = 0
    at: float = float("nan")
    lately: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """All that a logistic model reads of a learner's answers.

    items holds (right, n) of every known item; previous the first skill of the last answer, and
    whether it was right.
    """

    learner: Tally = Tally()
    skills: Mapping[str, Tally] = field(default_factory=dict)
    items: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    previous: tuple[str, int] | None = None


NOTHING = Trace()
_NEVER = Tally()


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """Means over the skills of each row: entries from starts (n,), counts (n,) of them."""

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]

    def __call__(self, per_entry: F) -> F:
        found: F = np.add.reduceat(per_entry, self.starts) / self.counts
        return found


class LogisticTrace:
    """A fitted logistic model with what it needs to look up."""

    def __init__(self, fitted: FittedLogistic) -> None:
        self.fitted = fitted
        self._skills = {str(name): code for code, name in enumerate(fitted.rates.skills)}
        self._items = {str(name): code for code, name in enumerate(fitted.rates.items)}
        self._windows = [round(window * MS_PER_DAY) for window in fitted.features.windows_days]

    def after(self, trace: Trace, observation: Observation) -> Trace:
        """Return the trace after one more answer."""
        right = int(observation.is_correct)
        surplus = 0
        if self.fitted.features.has_context:
            expected = self._expected(observation.skills, observation.item)
            surplus = int(np.rint((right - expected) * UNIT))
        at, position = observation.at, trace.learner.n
        skills, items = dict(trace.skills), dict(trace.items)
        for skill in observation.skills:
            tally = _told(skills.get(skill, _NEVER), right, surplus, span=max(SKILL_SPANS))
            skills[skill] = replace(
                tally, position=position, at=at, lately=self._lately(tally, right, at)
            )
        if self.fitted.features.has_items and observation.item is not None:
            before = items.get(observation.item, (0, 0))
            items[observation.item] = (before[0] + right, before[1] + 1)
        learner = _told(trace.learner, right, surplus, span=max(LEARNER_SPANS))
        return Trace(
            learner=replace(learner, position=position, at=at),
            skills=skills,
            items=items,
            previous=(observation.skills[0], right),
        )

    def logits(self, trace: Trace, asked: Sequence[Asked], *, at: float) -> F:
        """Return (n_asked,) log odds of each as the next answer, at a time not before the last."""
        counts = np.array([len(skills) for skills, _ in asked])
        starts = np.cumsum(counts) - counts
        names = [skill for skills, _ in asked for skill in skills]
        tallies = [trace.skills.get(name, _NEVER) for name in names]
        past = self._past(tallies, trace, at, SKILL_SPANS)
        found = np.full(len(asked), self.fitted.weights.intercept)
        mean = _Means(starts=starts, counts=counts)
        found += mean(self._skill_logits(past, names))
        found += [self._row_logit(trace, skills, item) for skills, item in asked]
        for weight, column in zip(
            self.fitted.weights.dense.tolist(),
            self._dense(trace, past, asked, mean=mean, at=at),
            strict=True,
        ):
            found += weight * column
        return found

    def _dense(
        self,
        trace: Trace,
        past: Past,
        asked: Sequence[Asked],
        *,
        mean: _Means,
        at: float,
    ) -> list[F]:
        columns: list[F] = []
        if self.fitted.features.has_context:
            learner = self._past([trace.learner], trace, at, LEARNER_SPANS)
            columns += learner_context(learner)
            columns += [mean(one) for one in skill_context(past)]
            if learner.gap_days is not None:
                columns.append(log_gap(learner.gap_days))
        if self.fitted.features.has_items:
            on_item = np.array(
                [(0, 0) if item is None else trace.items.get(item, (0, 0)) for _, item in asked],
                dtype=np.float64,
            )
            columns += [np.log1p(on_item[:, 0]), np.log1p(on_item[:, 1] - on_item[:, 0])]
        return columns

    def _skill_logits(self, past: Past, names: Sequence[str]) -> F:
        """Return (n_entries,) what the columns of each entry's skill add; nothing if unknown."""
        n_skills = len(self._skills)
        code = np.array([self._skills.get(name, -1) for name in names])
        blocks = skill_blocks(past, has_context=self.fitted.features.has_context)
        weights = self.fitted.weights.sparse[: len(blocks) * n_skills].reshape(-1, n_skills)
        found = np.zeros(len(names))
        known = code >= 0
        for block, weight in zip(blocks, weights, strict=True):
            found[known] += block[known] * weight[code[known]]
        return found

    def _row_logit(self, trace: Trace, skills: tuple[str, ...], item: str | None) -> float:
        """Return what the turn from the skill before and the item add."""
        rates, features = self.fitted.rates, self.fitted.features
        weights = self.fitted.weights.sparse
        n_blocks, n_turns, _ = column_counts(rates, features)
        found = 0.0
        if features.has_items and item in self._items:
            found += float(weights[n_blocks + n_turns + self._items[item]])
        if not features.has_context or trace.previous is None:
            return found
        before, here = (self._skills.get(one, -1) for one in (trace.previous[0], skills[0]))
        if before >= 0 and here >= 0 and before != here:
            pair = before * len(self._skills) + here
            place = int(np.searchsorted(rates.pairs, pair))
            if place < len(rates.pairs) and rates.pairs[place] == pair:
                sign = 1.0 if trace.previous[1] else -1.0
                found += float(weights[n_blocks + place])
                found += sign * float(weights[n_blocks + n_turns // 2 + place])
        return found

    def _past(
        self, tallies: Sequence[Tally], trace: Trace, at: float, spans: Sequence[int]
    ) -> Past:
        recent = {
            span: tuple(
                np.array(values, dtype=np.float64)
                for values in zip(*(_recent(one, span) for one in tallies), strict=True)
            )
            for span in spans
        }
        at_ms = int(np.rint(at * MS_PER_DAY)) if self._windows else 0
        within = []
        for window in self._windows:
            kept = [
                [right for when, right in one.lately if when >= at_ms - window] for one in tallies
            ]
            wins = np.array([sum(one) for one in kept], dtype=np.float64)
            within.append((wins, np.array([len(one) for one in kept]) - wins))
        never = [one.n == 0 for one in tallies]
        position = np.array([trace.learner.n - one.position for one in tallies], dtype=np.float64)
        gap_days = None
        if self.fitted.time_unit != "index":
            gap_days = np.array([at - one.at for one in tallies])
        return Past(
            right=np.array([one.right for one in tallies], dtype=np.float64),
            n=np.array([one.n for one in tallies], dtype=np.float64),
            surplus=np.array([one.surplus / UNIT for one in tallies]),
            recent=recent,  # type: ignore[arg-type]
            within=within,
            between=np.where(never, np.nan, position),
            gap_days=gap_days,
        )

    def _expected(self, skills: Sequence[str], item: str | None) -> float:
        rates = self.fitted.rates
        if self.fitted.features.has_items and item in self._items:
            return float(rates.item[self._items[item]])
        return float(sum(rates.skill[self._skills.get(one, -1)] for one in skills)) / len(skills)

    def _lately(self, tally: Tally, right: int, at: float) -> tuple[tuple[int, int], ...]:
        if not self._windows:
            return ()
        at_ms = int(np.rint(at * MS_PER_DAY))
        oldest = at_ms - max(self._windows)
        return (*(one for one in tally.lately if one[0] >= oldest), (at_ms, right))


def trace_dump(trace: Trace) -> list[Any]:
    """Return the trace as lists for JSON."""
    return [
        _dumped(trace.learner),
        {skill: _dumped(tally) for skill, tally in trace.skills.items()},
        {item: list(counts) for item, counts in trace.items.items()},
        None if trace.previous is None else list(trace.previous),
    ]


def trace_load(kept: Sequence[Any]) -> Trace:
    """Return the trace of trace_dump's lists.

    Raises: ValueError, TypeError or AttributeError for anything else.
    """
    learner, skills, items, previous = kept
    return Trace(
        learner=_loaded(learner),
        skills={skill: _loaded(tally) for skill, tally in skills.items()},
        items={item: (int(right), int(n)) for item, (right, n) in items.items()},
        previous=None if previous is None else (str(previous[0]), int(previous[1])),
    )


def _dumped(tally: Tally) -> list[Any]:
    return [
        tally.right,
        tally.n,
        tally.surplus,
        [list(one) for one in tally.recent],
        tally.position,
        tally.at if tally.n else None,
        [list(one) for one in tally.lately],
    ]


def _loaded(kept: Sequence[Any]) -> Tally:
    right, n, surplus, recent, position, at, lately = kept
    return Tally(
        right=int(right),
        n=int(n),
        surplus=int(surplus),
        recent=tuple((int(one), int(two)) for one, two in recent),
        position=int(position),
        at=float("nan") if at is None else float(at),
        lately=tuple((int(one), int(two)) for one, two in lately),
    )


def _told(tally: Tally, right: int, surplus: int, *, span: int) -> Tally:
    return replace(
        tally,
        right=tally.right + right,
        n=tally.n + 1,
        surplus=tally.surplus + surplus,
        recent=(*tally.recent, (right, surplus))[-span:],
    )


def _recent(tally: Tally, span: int) -> tuple[int, int, float]:
    kept = tally.recent[-span:]
    return sum(one for one, _ in kept), len(kept), sum(two for _, two in kept) / UNIT
