"""The table of many learners says what the filter of one says."""

from dataclasses import fields

import numpy as np
import pytest

from kt_models.bkt.filter import FittedBKT
from kt_models.bkt.table import BKTTable
from kt_models.errors import DataError
from kt_models.protocol import Observation

N_LEARNERS, N_SKILLS = 6, 4


def test_table_equals_the_filter_of_each_learner() -> None:
    rng = np.random.default_rng(3)
    table = BKTTable.with_defaults(n_learners=N_LEARNERS, n_skills=N_SKILLS)
    model = FittedBKT.with_defaults()
    states = [model.init_state() for _ in range(N_LEARNERS)]
    names = [str(skill) for skill in range(N_SKILLS)]
    at = 100.0
    for _ in range(40):
        at += float(rng.exponential(3.0))
        who = np.flatnonzero(rng.random(N_LEARNERS) < 0.7)
        skills = rng.integers(0, N_SKILLS, len(who))
        right = rng.random(len(who)) < 0.6
        table.update(who, skills, right, at=at)
        for learner, skill, is_right in zip(who, skills, right, strict=True):
            states[learner] = model.update(
                states[learner],
                Observation(skills=(names[skill],), item=None, is_correct=bool(is_right), at=at),
            )
    later = at + 20.0
    expected = model.forecast_many(states, names, at=later)
    found = table.forecast(at=later)
    for field in fields(expected):
        np.testing.assert_allclose(
            getattr(found, field.name), getattr(expected, field.name), rtol=1e-12, atol=1e-12
        )
    some = table.forecast_of(np.array([2, 5]), np.array([0, 3]), at=later)
    np.testing.assert_allclose(some.p_correct, expected.p_correct[[2, 5], [0, 3]])
    np.testing.assert_allclose(table.p_mastery(at=later), expected.p_mastery, rtol=1e-12)


def test_without_ageing_time_changes_nothing() -> None:
    table = BKTTable.with_defaults(n_learners=1, n_skills=1, ages_evidence=False)
    table.update(np.array([0]), np.array([0]), np.array([True]), at=0.0)
    assert table.p_mastery(at=1.0) == table.p_mastery(at=500.0)


def test_time_does_not_go_back() -> None:
    table = BKTTable.with_defaults(n_learners=2, n_skills=1)
    table.update(np.array([1]), np.array([0]), np.array([True]), at=5.0)
    with pytest.raises(DataError, match=r"4\.0 is earlier than the last one at 5\.0"):
        table.update(np.array([1]), np.array([0]), np.array([True]), at=4.0)
