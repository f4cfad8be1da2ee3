"""When what was mastered should be seen again: intervals that grow with spaced success. Pure.

A model's forecast decides when it says so earlier. But the cold-start model has seen no learner
forget, so what was mastered never waits longer than an interval that begins short and grows each
time the skill was still known after most of the last one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tutor.scheduling.graph_arrays import F, Mask, Rows
from tutor.scheduling.statuses import PolicyConfig

LONGEST_DAYS = 365.0
# What is due tomorrow is due in tomorrow's sitting, though that may begin earlier in the day.
SLACK_DAYS = 0.25
# A right answer after at least this share of the interval counts as spaced.
SPACED_SHARE = 0.5


def interval_days(n_spaced: Rows, *, config: PolicyConfig) -> F:
    """Return how long a skill waits after so many spaced successes, any shape."""
    grown = config.review_first_days * config.review_growth ** np.minimum(n_spaced, 20)
    return np.asarray(np.minimum(grown, LONGEST_DAYS) - SLACK_DAYS, dtype=np.float64)


def n_spaced_after(n_spaced: Rows, *, gap_days: F, is_right: Mask, config: PolicyConfig) -> Rows:
    """Return the spaced successes after an answer, `gap_days` after the last right one.

    A wrong answer takes half of them away.
    """
    is_spaced = gap_days >= SPACED_SHARE * interval_days(n_spaced, config=config)
    return np.asarray(np.where(is_right, n_spaced + is_spaced, n_spaced // 2), dtype=np.int64)


def retained(
    p_mastery: F, *, gap_days: F, n_spaced: Rows, was_mastered: Mask, config: PolicyConfig
) -> F:
    """Return what is left of P(mastery) `gap_days` after the last right answer.

    At the end of its interval what was mastered has fallen by the factor `mastery_leave`.
    """
    share = np.maximum(gap_days, 0.0) / interval_days(n_spaced, config=config)
    left = np.where(was_mastered, config.mastery_leave**share, 1.0)
    return np.asarray(p_mastery * left)


def resting(
    *,
    gap_days: F,
    n_spaced: Rows,
    answers_today: Rows,
    n_observations: Rows,
    is_lost: Mask,
    config: PolicyConfig,
) -> Mask:
    """Return what has had its share for now: asked enough today, or still within its interval.

    A day brings one answer of a skill, the first day two: what is asked again at once is recalled
    for a minute, what is asked again tomorrow for longer. gap_days since the last right answer, NaN
    for never. What was mastered and is believed lost rests until the next day only, whatever
    its interval: a model forecasts that it will not last.
    """
    is_first_day = n_observations <= answers_today
    most = np.where(is_first_day, config.most_answers_first_day, config.most_answers_a_day)
    had_enough = (answers_today > 0) & (answers_today >= most)
    waits = interval_days(np.where(is_lost, 0, n_spaced), config=config)
    return np.asarray(had_enough | (gap_days < waits))


@dataclass(frozen=True, slots=True)
class Spacing:
    """How a skill was practised: spaced successes, and the day of the last right answer."""

    n_spaced: int = 0
    right_at_days: float | None = None


def spacing_after(
    spacing: Spacing, *, at_days: float, is_right: bool, config: PolicyConfig
) -> Spacing:
    """Return the spacing of one skill after one observation."""
    gap = 0.0 if spacing.right_at_days is None else max(at_days - spacing.right_at_days, 0.0)
    n_spaced = n_spaced_after(
        np.array(spacing.n_spaced),
        gap_days=np.array(gap),
        is_right=np.array(is_right),
        config=config,
    )
    return Spacing(
        n_spaced=int(n_spaced), right_at_days=at_days if is_right else spacing.right_at_days
    )


def spacing_of_history(answers: Iterable[tuple[float, bool]], *, config: PolicyConfig) -> Spacing:
    """Return the spacing of one skill from all its observations (day, was it right) in order."""
    spacing = Spacing()
    for at_days, is_right in answers:
        spacing = spacing_after(spacing, at_days=at_days, is_right=is_right, config=config)
    return spacing
