"""Grading answers again: only what is really another verdict is corrected, and the log stays."""

from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.world import World
from tutor.common.errors import TutorError
from tutor.content.models import ProblemRevision, Step
from tutor.responses.models import Regrade, Response, ResponseKind
from tutor.responses.regrading import regrade_find, regrade_record, regrades_of_learner
from tutor.responses.selectors import with_effective_correctness
from tutor.responses.services import Given, response_record


def step_of(world: World, key: str = "a1a") -> Step:
    return Step.objects.select_related("course", "problem__revision").get(
        course=world.course, key=key
    )


def revise(step: Step, now: datetime, **changes: Any) -> Step:
    """Show a new revision: keys of the step's document, or `variables` of the problem."""
    before = step.problem.revision
    assert before is not None
    document = deepcopy(before.document)
    document["variables"] = changes.pop("variables", document.get("variables", {}))
    part = next(part for part in document["steps"] if part["id"] == step.key)
    part.update(changes)
    step.problem.revision = ProblemRevision.objects.create(
        problem=step.problem,
        number=before.number + 1,
        document=document,
        checksum=uuid4().hex,
        created_at=now,
    )
    step.problem.save()
    return step


def answered(
    world: World, step: Step, raw: str, *, is_right: bool, now: datetime, **more: Any
) -> Response:
    given: dict[str, Any] = {
        "kind": ResponseKind.ANSWER,
        "revision_id": step.problem.revision_id,
        "raw_answer": raw,
        "is_right": is_right,
    } | more
    learner = given.pop("learner", world.ada)
    is_step_observed = given.pop("is_step_observed", False)
    return response_record(
        learner,
        Given(
            course_id=world.course.pk,
            step_id=step.pk,
            skill_ids=[world.skills["a"].pk],
            session_uuid=uuid4(),
            attempt_token=uuid4(),
            **given,
        ),
        is_step_observed=is_step_observed,
        answered_at=now,
        now=now,
    )


def eight() -> dict[str, str]:
    return {"kind": "number", "value": "8"}


def test_a_corrected_key_changes_the_verdicts_it_must(world: World, now: datetime) -> None:
    step = step_of(world)
    seven = answered(world, step, "7", is_right=True, now=now)
    right = answered(world, step, "8", is_right=False, now=now, learner=world.ben)
    answered(world, step, "9", is_right=False, now=now)
    revise(step, now, answer=eight())
    findings = regrade_find(step)
    assert {change.response_id: change.is_correct for change in findings.changes} == {
        seven.pk: False,
        right.pk: True,
    }
    regrade_record(findings, by=world.tess, reason="The key said 7.", now=now)
    effective = with_effective_correctness(Response.objects.all())
    assert {row.raw_answer: row.effective_is_correct for row in effective} == {
        "7": False,
        "8": True,
        "9": False,
    }
    seven.refresh_from_db()
    assert seven.is_correct


def test_a_second_regrade_finds_nothing(world: World, now: datetime) -> None:
    step = step_of(world)
    answered(world, step, "7", is_right=True, now=now)
    revise(step, now, answer=eight())
    findings = regrade_find(step)
    assert len(regrade_record(findings, by=None, reason="Wrong key.", now=now)) == 1
    assert regrade_record(findings, by=None, reason="Wrong key.", now=now) == ()
    assert regrade_find(step).changes == ()
    assert Regrade.objects.count() == 1


def test_a_regrade_can_be_taken_back(world: World, now: datetime) -> None:
    step = step_of(world)
    answered(world, step, "7", is_right=True, now=now)
    revise(step, now, answer=eight())
    regrade_record(regrade_find(step), by=None, reason="Wrong key.", now=now)
    revise(step, now, answer={"kind": "number", "value": "7"})
    (change,) = regrade_find(step).changes
    assert change.is_correct


def test_an_observation_after_help_stays_incorrect(world: World, now: datetime) -> None:
    step = step_of(world)
    answered(world, step, "8", is_right=False, now=now, hints_opened=1)
    later = answered(
        world, step, "8", is_right=False, now=now, hints_opened=1, is_step_observed=True
    )
    revise(step, now, answer=eight())
    (change,) = regrade_find(step).changes
    assert change.response_id == later.pk
    assert not change.is_observation


def test_help_first_is_never_graded_again(world: World, now: datetime) -> None:
    step = step_of(world)
    answered(world, step, "", is_right=False, now=now, kind=ResponseKind.DONT_KNOW)
    answered(world, step, "7", is_right=True, now=now, kind=ResponseKind.SCAFFOLD, hint_key="s1")
    revise(step, now, answer=eight())
    assert regrade_find(step).n_answers == 0


def test_answers_without_a_text_or_unreadable_now_keep_their_verdict(
    world: World, now: datetime
) -> None:
    step = step_of(world)
    answered(world, step, "", is_right=True, now=now, revision_id=None)
    answered(world, step, "seven", is_right=True, now=now)
    revise(step, now, answer=eight())
    findings = regrade_find(step)
    assert (findings.n_answers, findings.n_without_text, findings.n_unreadable) == (2, 1, 1)
    assert findings.changes == ()


def test_each_answer_is_graded_with_its_own_variant(world: World, now: datetime) -> None:
    numbers = {"n": {"kind": "integer", "min": 2, "max": 90}}
    step = revise(
        step_of(world), now, variables=numbers, answer={"kind": "number", "value": "@{n}"}
    )
    answered(world, step, "7", is_right=True, now=now, variant_seed=3)
    revise(step, now, answer={"kind": "number", "value": "@{2 * n}"})
    (change,) = regrade_find(step).changes
    assert not change.is_correct


def test_a_variant_that_would_be_drawn_otherwise_now_is_left_alone(
    world: World, now: datetime
) -> None:
    numbers = {"n": {"kind": "integer", "min": 2, "max": 90}}
    step = revise(
        step_of(world), now, variables=numbers, answer={"kind": "number", "value": "@{n}"}
    )
    answered(world, step, "7", is_right=True, now=now, variant_seed=3)
    revise(step, now, variables={"n": {"kind": "integer", "min": 1000, "max": 2000}})
    findings = regrade_find(step)
    assert (findings.n_other_variant, findings.changes) == (1, ())


def test_a_step_that_nobody_is_shown_cannot_be_regraded(world: World, now: datetime) -> None:
    step = step_of(world)
    step.problem.revision = None
    with pytest.raises(TutorError) as refusal:
        regrade_find(step)
    assert refusal.value.code == "step_not_shown"


def test_a_key_that_cannot_be_graded_with_is_refused(world: World, now: datetime) -> None:
    step = step_of(world)
    answered(world, step, "7", is_right=True, now=now)
    revise(step, now, answer={"kind": "number", "value": "several"})
    with pytest.raises(TutorError) as refusal:
        regrade_find(step)
    assert refusal.value.code == "answer_invalid"


def test_a_regrade_says_why(world: World, now: datetime) -> None:
    step = step_of(world)
    with pytest.raises(TutorError) as refusal:
        regrade_record(regrade_find(step), by=world.tess, reason="  ", now=now)
    assert refusal.value.code == "reason_missing"


def test_a_learner_is_told_of_the_latest_correction_of_each_own_answer(
    world: World, now: datetime
) -> None:
    step = step_of(world)
    answered(world, step, "8", is_right=False, now=now)
    answered(world, step, "8", is_right=False, now=now, learner=world.ben)
    revise(step, now, answer=eight())
    regrade_record(regrade_find(step), by=world.tess, reason="The key said 7.", now=now)
    (notice,) = regrades_of_learner(world.ada, world.course, since=now)
    assert (notice.is_correct, notice.reason) == (True, "The key said 7.")
    assert notice.problem_title == "Sums a1"
    assert regrades_of_learner(world.zed, world.course, since=now) == []
