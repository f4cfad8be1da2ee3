"""Simulated learners under a policy: weeks of sittings, and what they still know afterwards."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tutor.scheduling.baseline_policies import Remembering
from tutor.scheduling.graph_arrays import F, GraphArrays, Mask, Rows
from tutor.scheduling.retention import interval_days, n_spaced_after, resting, retained
from tutor.scheduling.simulation.learners import (
    GUESS,
    SIMULATORS,
    SLIP,
    Characters,
    Learners,
    able,
    characters_draw,
)
from tutor.scheduling.situations import NOBODY, REVIEW, Policy, Situation
from tutor.scheduling.statuses import (
    MASTERED,
    REVIEW_DUE,
    ManyBeliefs,
    PolicyConfig,
    StandingArrays,
    StatusArrays,
    mastered_now,
    statuses_many,
)
from tutor.tracing import engine

STEP_MINUTES, WRONG_LONGER, LESSON_MINUTES, STEP_SPREAD = 1.0, 1.5, 3.0, 0.3
Where: TypeAlias = tuple[Rows, Rows] | tuple[slice, slice]
EVERYWHERE = (slice(None), slice(None))
# Below this chance of knowing the least known prerequisite, a skill is not reachable yet.
REACHABLE = 0.5
# A goal is reached when this share of it would be retained.
MASTERY_SHARE = 0.6
DAYS_AFTER_EXAM = 30.0
MINUTES_A_DAY = 1440.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When learners sit down: days a week, at the same hour, for so many minutes; then an exam."""

    weeks: int
    days_a_week: int = 5
    minutes: float = 20.0
    exam_days_after: float = 3.0

    @property
    def days(self) -> list[float]:
        """The days of the sittings."""
        return [7.0 * week + day for week in range(self.weeks) for day in range(self.days_a_week)]

    @property
    def exam_day(self) -> float:
        """The day of the exam."""
        return self.days[-1] + self.exam_days_after

    @property
    def hours(self) -> float:
        """How long a learner practises in all."""
        return len(self.days) * self.minutes / 60.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What is simulated besides the policy: whom, where, what is believed of them, and when.

    `believed` is the graph that the policy is shown; `ages_evidence` and `has_intervals` say what
    its beliefs are like. The learners themselves live on `arrays`.
    """

    simulator: str
    arrays: GraphArrays
    believed: GraphArrays
    goal: Mask
    schedule: Schedule
    config: PolicyConfig
    ages_evidence: bool = True
    has_intervals: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of a policy, each (n_learners,); hours of the whole schedule where never."""

    retention_exam: F
    retention_30d: F
    hours_to_mastery: F
    unreachable_share: F


class Class:
    """Learners in the middle of a schedule, with everything that a policy is told of them."""

    def __init__(
        self, setting: Setting, characters: Characters, policy: Policy, *, rng: np.random.Generator
    ) -> None:
        n_learners, n = characters.knows_already.shape
        self._setting, self._policy, self._rng = setting, policy, rng
        self._pace = characters.pace
        self.learners: Learners = SIMULATORS[setting.simulator](setting.arrays, characters)
        self._table = engine.cold_start_table(
            n_learners=n_learners, n_skills=n, ages_evidence=setting.ages_evidence
        )
        shape = (n_learners, n)
        self._standings = StandingArrays(*np.zeros((4, *shape), dtype=np.bool_))
        self._n_spaced = np.zeros(shape, dtype=np.int64)
        self._right_at = np.full(shape, np.nan)
        self._run = np.zeros(shape, dtype=np.int64)
        self._best_run = np.zeros(shape, dtype=np.int64)
        self._answers_today = np.zeros(shape, dtype=np.int64)
        self._right_today = np.zeros(shape)
        self._just_right, self._worn = np.zeros((2, *shape), dtype=np.bool_)
        self._last = np.full(n_learners, NOBODY)
        self._in_a_row = np.zeros(n_learners, dtype=np.int64)
        self._new_today, self._reviews_today = np.zeros((2, n_learners), dtype=np.int64)
        self._beliefs, self._retention_later = self._forecast(0.0)
        self._retention = self._beliefs.p_mastery
        self.minutes = np.zeros(n_learners)
        self.minutes_unreachable = np.zeros(n_learners)
        if isinstance(policy, Remembering):
            policy.begin(setting.believed, n_learners=n_learners)

    def _forecast(self, at: float) -> tuple[ManyBeliefs, F]:
        forecast = self._table.forecast(at=at)
        lower, upper = forecast.lower, forecast.upper
        if not self._setting.has_intervals:
            lower, upper = forecast.p_correct.copy(), forecast.p_correct.copy()
        beliefs = ManyBeliefs(
            p_correct=forecast.p_correct,
            p_mastery=forecast.p_mastery,
            lower=lower,
            upper=upper,
            n_observations=forecast.n_observations,
        )
        horizon = self._setting.config.review_horizon_days
        return beliefs, self._table.p_mastery(at=at + horizon)

    def sitting(self, at: float) -> None:
        """Let every learner sit for the schedule's minutes."""
        horizon = self._setting.config.review_horizon_days
        self._beliefs, later = self._forecast(at)
        if self._setting.ages_evidence:
            waited = np.nan_to_num(at - self._right_at)
            due = waited >= interval_days(self._n_spaced, config=self._setting.config)
            self._standings.is_due[:] = due & self._standings.was_mastered
        # Within a sitting time moves no belief; what is practised is brought up to date.
        self._retention = self._retained(self._beliefs.p_mastery, at)
        self._retention_later = self._retained(later, at + horizon)
        self._new_today[:], self._reviews_today[:] = 0, 0
        self._answers_today[:] = 0
        self._right_today[:] = 0.0
        used = np.zeros(len(self.minutes))
        while True:
            is_on = used < self._setting.schedule.minutes
            if not is_on.any():
                break
            statuses = self._statuses()
            decision = self._policy.decide(
                self._situation(statuses, at=at), u=self._rng.random(len(used))
            )
            chosen = decision.chosen
            # Who has nothing left to do ends the sitting; the time is not counted.
            used[chosen == NOBODY] = np.inf
            who = np.flatnonzero(is_on & (chosen != NOBODY))
            if len(who):
                now = at + float(used[who].min()) / MINUTES_A_DAY
                used[who] += self._step(who, chosen[who], decision.kinds, statuses, at=now)

    def _statuses(self) -> StatusArrays:
        config, standings = self._setting.config, self._standings
        is_mastered = mastered_now(self._beliefs, standings, config=config)
        was_mastered = standings.was_mastered | is_mastered
        standings = StandingArrays(
            is_open=standings.is_open,
            is_mastered=is_mastered,
            was_mastered=was_mastered,
            is_due=standings.is_due,
        )
        statuses = statuses_many(self._setting.believed, self._beliefs, standings, config=config)
        self._standings = StandingArrays(
            is_open=standings.is_open | statuses.is_open,
            is_mastered=is_mastered,
            was_mastered=was_mastered,
            is_due=standings.is_due,
        )
        return statuses

    def _situation(self, statuses: StatusArrays, *, at: float) -> Situation:
        config = self._setting.config
        spinning = (self._beliefs.n_observations >= config.wheel_opportunities) & (
            self._best_run < config.wheel_run
        )
        return Situation(
            arrays=self._setting.believed,
            beliefs=self._beliefs,
            statuses=statuses,
            goal=self._setting.goal,
            just_right=self._just_right,
            worn=self._worn,
            exhausted=np.zeros(spinning.shape, dtype=np.bool_),
            spinning=spinning,
            right_today=self._right_today,
            rests=resting(
                gap_days=at - self._right_at,
                n_spaced=self._n_spaced,
                answers_today=self._answers_today,
                n_observations=self._beliefs.n_observations,
                is_lost=(statuses.code == REVIEW_DUE)
                & (self._beliefs.p_mastery < config.mastery_leave),
                config=config,
            ),
            new_today=self._new_today,
            reviews_today=self._reviews_today,
            at_days=at,
            retention=self._retention,
            retention_later=self._retention_later,
        )

    def _retained(self, p_mastery: F, at: float, where: Where = EVERYWHERE) -> F:
        if not self._setting.ages_evidence:
            return p_mastery
        return retained(
            p_mastery,
            gap_days=np.nan_to_num(at - self._right_at[where]),
            n_spaced=self._n_spaced[where],
            was_mastered=self._standings.was_mastered[where],
            config=self._setting.config,
        )

    def _step(
        self, who: Rows, skills: Rows, kinds: NDArray[np.int8], statuses: StatusArrays, *, at: float
    ) -> F:
        """Let learners answer one step each; return the minutes that it took them."""
        is_first = self._beliefs.n_observations[who, skills] == 0
        recall, basis = self.learners.look(who, skills, at)
        p_right = GUESS + (1 - GUESS - SLIP) * able(recall, basis)
        is_right = self._rng.random(len(who)) < p_right
        self.learners.practise(
            who,
            skills,
            recall=recall,
            basis=basis,
            is_right=is_right,
            is_first=is_first,
            at=at,
        )
        self._note_today(who, skills, kinds, statuses, is_first=is_first)
        self._believe(who, skills, is_right, at=at)
        minutes = STEP_MINUTES * np.where(is_right, 1.0, WRONG_LONGER)
        minutes = minutes * np.exp(self._rng.normal(0.0, STEP_SPREAD, len(who)))
        minutes = (minutes + LESSON_MINUTES * is_first) * self._pace[who]
        self.minutes[who] += minutes
        self.minutes_unreachable[who] += minutes * (basis < REACHABLE)
        return np.asarray(minutes)

    def _note_today(
        self,
        who: Rows,
        skills: Rows,
        kinds: NDArray[np.int8],
        statuses: StatusArrays,
        *,
        is_first: Mask,
    ) -> None:
        fresh = self._answers_today[who, skills] == 0
        self._answers_today[who, skills] += 1
        self._new_today[who] += is_first
        was_due = np.isin(statuses.code[who, skills], (REVIEW_DUE, MASTERED))
        self._reviews_today[who] += fresh & (was_due | (kinds[who, skills] == REVIEW))

    def _believe(self, who: Rows, skills: Rows, is_right: Mask, *, at: float) -> None:
        self._n_spaced[who, skills] = n_spaced_after(
            self._n_spaced[who, skills],
            gap_days=np.nan_to_num(at - self._right_at[who, skills]),
            is_right=is_right,
            config=self._setting.config,
        )
        self._right_at[who[is_right], skills[is_right]] = at
        self._standings.is_due[who[is_right], skills[is_right]] = False
        self._table.update(who, skills, is_right, at=at)
        moved = self._table.forecast_of(who, skills, at=at)
        beliefs, where = self._beliefs, (who, skills)
        beliefs.p_correct[where], beliefs.p_mastery[where] = moved.p_correct, moved.p_mastery
        has = self._setting.has_intervals
        beliefs.lower[where] = moved.lower if has else moved.p_correct
        beliefs.upper[where] = moved.upper if has else moved.p_correct
        beliefs.n_observations[where] = moved.n_observations
        horizon = self._setting.config.review_horizon_days
        later = self._table.forecast_of(who, skills, at=at + horizon).p_mastery
        self._retention[where] = self._retained(moved.p_mastery, at, where)
        self._retention_later[where] = self._retained(later, at + horizon, where)
        self._run[where] = np.where(is_right, self._run[where] + 1, 0)
        self._best_run[where] = np.maximum(self._best_run[where], self._run[where])
        before = self._last[who]
        self._in_a_row[who] = np.where(before == skills, self._in_a_row[who] + 1, 1)
        self._just_right[who, np.maximum(before, 0)] = False
        self._worn[who, np.maximum(before, 0)] = False
        self._just_right[where] = is_right
        self._right_today[where] += is_right
        self._worn[where] = self._in_a_row[who] >= self._setting.config.most_in_a_row
        self._last[who] = skills
        if isinstance(self._policy, Remembering):
            self._policy.observe(who, skills, is_right, at_days=at)


def policy_simulate(
    setting: Setting, policy: Policy, *, seeds: tuple[int, ...], n_learners: int
) -> Outcome:
    """Return what comes of a policy for n_learners of each seed, one after another.

    Each seed draws the same learners whatever the policy.
    """
    characters = _joined(
        [
            characters_draw(setting.arrays, n=n_learners, rng=np.random.default_rng([seed, 1]))
            for seed in seeds
        ]
    )
    rng = np.random.default_rng([*seeds, 2])
    group = Class(setting, characters, policy, rng=rng)
    goal = setting.goal[0]
    schedule = setting.schedule
    n = len(characters.ability)
    reached = np.full(n, schedule.hours)
    for place, day in enumerate(schedule.days):
        group.sitting(day)
        if place % schedule.days_a_week == schedule.days_a_week - 1:
            share = group.learners.known(day)[:, goal].mean(axis=1)
            hours = group.minutes / 60.0
            reached = np.where(share >= MASTERY_SHARE, np.minimum(reached, hours), reached)
    exam = schedule.exam_day
    return Outcome(
        retention_exam=group.learners.known(exam)[:, goal].mean(axis=1),
        retention_30d=group.learners.known(exam + DAYS_AFTER_EXAM)[:, goal].mean(axis=1),
        hours_to_mastery=reached,
        unreachable_share=group.minutes_unreachable / np.maximum(group.minutes, 1e-9),
    )


def _joined(parts: list[Characters]) -> Characters:
    return Characters(
        ability=np.concatenate([part.ability for part in parts]),
        gain=np.concatenate([part.gain for part in parts]),
        forgetting=np.concatenate([part.forgetting for part in parts]),
        pace=np.concatenate([part.pace for part in parts]),
        difficulty=np.concatenate([part.difficulty for part in parts]),
        knows_already=np.concatenate([part.knows_already for part in parts]),
    )
