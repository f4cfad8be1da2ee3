"""Who needs help: each rule at its edge."""

from datetime import UTC, datetime
from types import MappingProxyType
from uuid import uuid4

import numpy as np
import pytest

from tutor.content.graph import CourseGraph, SkillNode
from tutor.dashboards.flags import FlagKind, Seen, flags_of_learner
from tutor.responses.models import ResponseKind
from tutor.tracing.models import ModelVersion
from tutor.tracing.selectors import LearnerBeliefs

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EASY, HARD = 1, 2


@pytest.fixture
def graph() -> CourseGraph:
    """Two skills, the first needed before the second."""
    nodes = tuple(SkillNode(pk, uuid4(), f"s{pk}", f"Skill {pk}") for pk in (EASY, HARD))
    none = MappingProxyType({EASY: (), HARD: ()})
    return CourseGraph(
        course_id=1,
        version_number=1,
        skills=nodes,
        parents=MappingProxyType({EASY: (), HARD: (EASY,)}),
        children=MappingProxyType({EASY: (HARD,), HARD: ()}),
        encompassed=none,
        steps_by_skill=none,
        lessons_by_skill=none,
    )


def beliefs(p_easy: float = 0.9, p_hard: float = 0.2) -> LearnerBeliefs:
    """What is believed of the two skills."""
    p = np.array([p_easy, p_hard])
    return LearnerBeliefs(
        version=ModelVersion(),
        at=AT,
        skill_ids=(EASY, HARD),
        p_correct=p,
        p_mastery=p,
        lower=p,
        upper=p,
        n_observations=np.array([5, 5]),
        last_at_days=np.array([1.0, 1.0]),
    )


def seen(skill: int, outcomes: str, kind: str = ResponseKind.ANSWER) -> list[Seen]:
    """Observations, newest first: `+` right, `-` not."""
    return [Seen((skill,), mark == "+", kind, AT) for mark in outcomes]


MASTERED = (EASY,)


@pytest.mark.parametrize(
    ("outcomes", "is_flagged"),
    [
        ("----", True),
        ("+---", True),
        ("---", False),
        ("++---", False),
        ("+----++++", True),
        ("+++++-----", False),
    ],
)
def test_stuck_is_at_most_one_right_of_the_last_five_and_at_least_four(
    graph: CourseGraph, outcomes: str, is_flagged: bool
) -> None:
    flags = flags_of_learner(seen(HARD, outcomes), beliefs(), MASTERED, graph)
    assert [flag.kind for flag in flags] == ([FlagKind.STUCK] if is_flagged else [])


def test_stuck_tells_how_many_of_how_many(graph: CourseGraph) -> None:
    (flag,) = flags_of_learner(seen(HARD, "-+---"), beliefs(), MASTERED, graph)
    assert (flag.count, flag.n, flag.skill) == (1, 5, graph.skill_of[HARD])


@pytest.mark.parametrize(
    ("outcomes", "is_flagged"),
    [("++-" * 4, True), ("++-" * 3, False), ("+++" + "-++" * 4, False)],
)
def test_ten_answers_without_three_right_in_a_row_are_no_progress(
    graph: CourseGraph, outcomes: str, is_flagged: bool
) -> None:
    flags = flags_of_learner(seen(HARD, outcomes), beliefs(), MASTERED, graph)
    assert [flag.kind for flag in flags] == ([FlagKind.NO_PROGRESS] if is_flagged else [])


def test_a_mastered_skill_raises_no_flag(graph: CourseGraph) -> None:
    assert flags_of_learner(seen(EASY, "-----"), beliefs(), MASTERED, graph) == []


@pytest.mark.parametrize(("helped", "is_flagged"), [(3, True), (2, False)])
def test_asking_first_half_of_the_time_is_flagged(
    graph: CourseGraph, helped: int, is_flagged: bool
) -> None:
    rows = seen(EASY, "-" * helped, ResponseKind.DONT_KNOW) + seen(EASY, "+" * (6 - helped))
    flags = flags_of_learner(rows, beliefs(), MASTERED, graph)
    assert [flag.kind for flag in flags] == ([FlagKind.ASKING] if is_flagged else [])


@pytest.mark.parametrize(("p_easy", "is_named"), [(0.49, True), (0.5, False)])
def test_the_weak_prerequisite_is_named(graph: CourseGraph, p_easy: float, is_named: bool) -> None:
    (flag,) = flags_of_learner(seen(HARD, "----"), beliefs(p_easy), MASTERED, graph)
    assert (flag.missing == graph.skill_of[EASY]) is is_named


def test_the_gravest_flag_comes_first(graph: CourseGraph) -> None:
    rows = seen(HARD, "------", ResponseKind.HINT)
    flags = flags_of_learner(rows, beliefs(), MASTERED, graph)
    assert [flag.kind for flag in flags] == [FlagKind.STUCK, FlagKind.ASKING]


def test_a_skill_that_left_the_course_is_passed_over(graph: CourseGraph) -> None:
    assert flags_of_learner(seen(99, "-----"), beliefs(), MASTERED, graph) == []
