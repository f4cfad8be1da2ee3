"""Own answers in words: what was picked reads as it stood on the screen."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from tests.e2e.kinds import kinds_bundle
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.content.importing import course_import
from tutor.content.models import Course, Problem, Step
from tutor.practice.models import Activity, Session
from tutor.practice.services import dont_know
from tutor.responses.models import Response, ResponseKind, ResponseSource
from tutor.roster.services import classroom_create, classroom_join

pytestmark = pytest.mark.django_db

ClientOf = Callable[[User], Client]
SENTENCES = [
    {"id": "half", "text": "Count *all* the beads."},
    {"id": "third", "text": "Count the red ones."},
    {"id": "quarter", "text": "$\\frac{1}{4}$"},
]


@pytest.fixture
def ada(now: datetime) -> User:
    """A learner of the course with every kind, whose choices are sentences."""
    bundle = deepcopy(kinds_bundle())
    for problem in bundle["problems"]:
        for step in problem["steps"]:
            if "choices" in step and step["answer"]["kind"] != "ordering":
                step["choices"] = SENTENCES
    course_import(bundle, by=None, now=now, is_dry_run=False)
    course = Course.objects.get(key="kinds")
    classroom = classroom_create(name="6b", course=course, teachers=[], now=now)
    ada = account_create(username="ada", display_name="Ada")
    classroom_join(ada, join_code=classroom.join_code, now=now)
    return ada


def given(ada: User, kind: str, raw: str, now: datetime) -> Response:
    step = Step.objects.select_related("problem").get(key=f"s-{kind}")
    return Response.objects.create(
        learner=ada,
        course=step.course,
        step=step,
        revision=step.problem.revision,
        skill_ids=list(step.skills.values_list("pk", flat=True)),
        session_uuid=uuid4(),
        source=ResponseSource.PRACTICE,
        kind=ResponseKind.ANSWER,
        is_correct=False,
        is_observation=True,
        raw_answer=raw,
        try_number=1,
        answered_at=now,
        recorded_at=now,
    )


def page_of(client: Client, course: Course) -> str:
    return client.get(f"/learn/{course.uuid}/answers/").content.decode()


@pytest.mark.parametrize(
    ("kind", "raw", "words"),
    [
        ("choice", "half", "Count <em>all</em> the beads."),
        (
            "multiple_choice",
            ["half", "third"],
            "Count <em>all</em> the beads; Count the red ones",
        ),
        ("ordering", ["two", "one", "three"], "two; one; three"),
        (
            "matching",
            {"l1": "third", "l2": "half"},
            "0.5 → Count the red ones; 0.25 → Count <em>all</em> the beads",
        ),
    ],
)
def test_what_was_picked_reads_as_words(
    ada: User, client_of: ClientOf, now: datetime, kind: str, raw: Any, words: str
) -> None:
    given(ada, kind, raw if isinstance(raw, str) else json.dumps(raw), now)
    page = page_of(client_of(ada), Course.objects.get())
    assert f'<span class="response-answer">{words}</span>' in page


def test_what_was_typed_stands_as_typed_in_letters_of_one_width(
    ada: User, client_of: ClientOf, now: datetime
) -> None:
    given(ada, "text", "a <b>", now)
    page = page_of(client_of(ada), Course.objects.get())
    assert '<span class="response-answer response-typed">a &lt;b&gt;</span>' in page


def test_one_skill_is_told_of_as_one(ada: User, client_of: ClientOf) -> None:
    course = Course.objects.get()
    for address in (f"/learn/{course.uuid}/", f"/learn/{course.uuid}/progress/"):
        assert "of 1 skill mastered" in client_of(ada).get(address).content.decode()


def test_a_tuple_is_asked_for_as_prompts_ask_for_it(
    ada: User, client_of: ClientOf, now: datetime
) -> None:
    problem = Problem.objects.get(key="p-tuple")
    session = Session.objects.create(
        learner=ada, course=problem.course, started_at=now, last_active_at=now
    )
    assert problem.revision is not None
    Activity.objects.create(
        session=session,
        revision=problem.revision,
        skill_id_aim=problem.course.skills.get().pk,
        step_shown_at=now,
        started_at=now,
    )
    page = client_of(ada).get(f"/practice/{session.uuid}/").content.decode()
    assert "Values in order, with commas, such as 2, -3" in page


def test_a_right_answer_that_is_a_sentence_keeps_its_one_full_stop(
    ada: User, client_of: ClientOf, now: datetime
) -> None:
    course = Course.objects.get()
    session = Session.objects.create(learner=ada, course=course, started_at=now, last_active_at=now)
    problem = Problem.objects.get(key="p-choice")
    assert problem.revision is not None
    activity = Activity.objects.create(
        session=session,
        revision=problem.revision,
        skill_id_aim=course.skills.get().pk,
        step_shown_at=now,
        started_at=now,
    )
    dont_know(session, attempt_token=activity.attempt_token, now=now)
    page = client_of(ada).get(f"/practice/{session.uuid}/").content.decode()
    assert '<div class="right-answer">Count <em>all</em> the beads.</div></div>' in page
    assert "You will meet this again." in page
