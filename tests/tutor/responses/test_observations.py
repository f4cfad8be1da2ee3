"""What counts as an observation, case by case."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from tests.world import World
from tutor.responses.exports import observations_export
from tutor.responses.models import Regrade, Response, ResponseKind
from tutor.responses.observations import ELAPSED_CAP_MS, elapsed_capped, response_judge
from tutor.responses.services import Given, response_record

ANSWER, HINT = ResponseKind.ANSWER, ResponseKind.HINT


@pytest.mark.parametrize(
    ("kind", "is_right", "is_step_observed", "hints_opened", "is_repeat", "expected"),
    [
        (ANSWER, True, False, 0, False, (True, True)),
        (ANSWER, False, False, 0, False, (True, False)),
        (ANSWER, True, False, 1, False, (True, False)),
        (ANSWER, True, True, 1, False, (False, True)),
        (ANSWER, True, False, 0, True, (False, True)),
        (HINT, False, False, 0, False, (True, False)),
        (ResponseKind.DONT_KNOW, False, False, 0, False, (True, False)),
        (ResponseKind.DONT_KNOW, False, True, 0, False, (False, False)),
        (ResponseKind.SCAFFOLD, True, True, 1, False, (False, True)),
    ],
)
def test_a_response_is_judged(
    kind: ResponseKind,
    is_right: bool,
    is_step_observed: bool,
    hints_opened: int,
    is_repeat: bool,
    expected: tuple[bool, bool],
) -> None:
    judged = response_judge(
        kind=kind,
        is_right=is_right,
        is_step_observed=is_step_observed,
        hints_opened=hints_opened,
        is_repeat_of_variant=is_repeat,
    )
    assert (judged.is_observation, judged.is_correct) == expected


@pytest.mark.parametrize(
    ("elapsed_ms", "expected"),
    [(None, None), (-5, None), (0, 0), (900, 900), (10**9, ELAPSED_CAP_MS)],
)
def test_elapsed_time_is_capped(elapsed_ms: int | None, expected: int | None) -> None:
    assert elapsed_capped(elapsed_ms) == expected


def given_answer(world: World, *, is_right: bool = True, **changes: object) -> Given:
    step = world.course.steps.get(key="a2a")
    values = {
        "course_id": world.course.pk,
        "step_id": step.pk,
        "revision_id": step.problem.revision_id,
        "skill_ids": [world.skills["a"].pk],
        "session_uuid": uuid4(),
        "attempt_token": uuid4(),
        "kind": ANSWER,
        "is_right": is_right,
    }
    return Given(**(values | changes))  # type: ignore[arg-type]


def record(world: World, given: Given, now: datetime) -> Response:
    return response_record(world.ada, given, is_step_observed=False, answered_at=now, now=now)


def test_the_database_refuses_a_second_response_with_the_same_token(
    world: World, now: datetime
) -> None:
    given = given_answer(world)
    record(world, given, now)
    with pytest.raises(IntegrityError), transaction.atomic():
        record(world, given, now)


def test_a_variant_met_again_in_the_sitting_is_no_observation(world: World, now: datetime) -> None:
    sitting = uuid4()
    first = record(world, given_answer(world, session_uuid=sitting, variant_seed=5), now)
    again = record(world, given_answer(world, session_uuid=sitting, variant_seed=5), now)
    other = record(world, given_answer(world, session_uuid=sitting, variant_seed=6), now)
    assert [r.is_observation for r in (first, again, other)] == [True, False, True]


def test_the_newest_regrade_is_what_models_are_told(world: World, now: datetime) -> None:
    response = record(world, given_answer(world, is_right=False), now)
    for is_correct in (False, True):
        Regrade.objects.create(
            response=response, is_correct=is_correct, reason="wrong key", regraded_at=now
        )
    (row,) = observations_export(world.course)
    assert row.is_correct is True
    assert row.item == "a2a"
    response.refresh_from_db()
    assert response.is_correct is False


def test_rows_come_by_learner_then_time(world: World, now: datetime) -> None:
    from datetime import timedelta

    late = record(world, given_answer(world), now)
    early = response_record(
        world.ada,
        given_answer(world),
        is_step_observed=False,
        answered_at=now - timedelta(days=1),
        now=now,
    )
    assert [row.response_id for row in observations_export(world.course)] == [early.pk, late.pk]
