"""No page of a learner costs more queries for a longer history or a larger course."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.tutor.practice.khan import khan_course_make
from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.content.models import Course
from tutor.practice.recording import activity_of
from tutor.practice.services import activity_continue, answer_submit, session_start
from tutor.roster.services import classroom_create, classroom_join

ClientOf = Callable[[User], Client]

# Session, user and course are three of them.
MOST = {
    "": 19,
    "map/": 7,
    "map/?view=list": 7,
    "progress/": 12,
    "answers/": 6,
    "answers/?week={day}": 7,
    "answers/?skill={skill}": 6,
    "skills/{skill}/": 14,
    "placement/": 6,
    "lessons/{lesson}/": 4,
}
# Those of a person, whatever the course.
MOST_OF_ONESELF = {"/account/": 3, "/account/data/": 2, "/account/delete/": 2}


def practise(learner: User, course: Course, n_answers: int, *, at: datetime) -> None:
    session = session_start(learner, course, now=at)
    for turn in range(n_answers):
        activity = activity_of(session)
        assert activity is not None
        moment = at + timedelta(minutes=turn)
        answer_submit(session, raw_answer="7", attempt_token=activity.attempt_token, now=moment)
        activity.refresh_from_db()
        activity_continue(session, attempt_token=activity.attempt_token, now=moment)


def addresses(course: Course) -> dict[str, str]:
    skill = course.skills.order_by("position").first()
    lesson = course.lessons.order_by("order").first()
    assert skill is not None
    assert lesson is not None
    names = {"skill": skill.uuid, "lesson": lesson.uuid, "day": now_utc().date().isoformat()}
    return {page: f"/learn/{course.uuid}/{page.format(**names)}" for page in MOST} | {
        address: address for address in MOST_OF_ONESELF
    }


def costs(client: Client, course: Course) -> dict[str, int]:
    found = {}
    for page, address in addresses(course).items():
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200, address
        found[page] = len(queries)
    return found


def dearer(found: dict[str, int]) -> dict[str, int]:
    most = MOST | MOST_OF_ONESELF
    return {page: n for page, n in found.items() if n > most[page]}


def test_pages_cost_a_stated_number_of_queries_whatever_the_history(
    world: World, client_of: ClientOf
) -> None:
    client = client_of(world.ada)
    practise(world.ada, world.course, 2, at=now_utc() - timedelta(days=1))
    few = costs(client, world.course)
    step = world.course.steps.get(key="b2a")
    for hour in range(80):
        at = now_utc() - timedelta(hours=hour + 30)
        skill_id = world.skills["b"].pk
        response_of(world.course, world.ada, step.pk, skill_id, hour % 2, at).save()
    practise(world.ada, world.course, 2, at=now_utc() - timedelta(hours=1))
    many = costs(client, world.course)
    assert many == few
    assert dearer(many) == {}


@pytest.mark.slow
def test_pages_cost_no_more_on_1351_skills(
    world: World, data_dir: Path, client_of: ClientOf, now: datetime
) -> None:
    course = khan_course_make(data_dir, now=now)
    classroom = classroom_create(name="Large", course=course, teachers=[], now=now)
    classroom_join(world.ada, join_code=classroom.join_code, now=now)
    practise(world.ada, course, 4, at=now_utc() - timedelta(days=1))
    large = costs(client_of(world.ada), course)
    assert dearer(large) == {}
