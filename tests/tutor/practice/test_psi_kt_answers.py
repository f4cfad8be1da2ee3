"""Answers while PSI-KT serves: the queries that BKT needs, and states that equal the log."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.tutor.tracing.logs import serving, work_off
from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.practice.models import Session
from tutor.practice.recording import activity_of
from tutor.practice.services import activity_continue, session_start
from tutor.responses.models import Response
from tutor.roster.services import classroom_create, classroom_join
from tutor.tracing.models import LearnerState
from tutor.tracing.promotion import roll_back
from tutor.tracing.services import states_verify


@pytest.fixture
def session(psi_kt_course: Course, now: datetime) -> Session:
    learner = User.objects.get(username="log3")
    classroom = classroom_create(name="6b", course=psi_kt_course, teachers=[], now=now)
    classroom_join(learner, join_code=classroom.join_code, now=now)
    return session_start(learner, psi_kt_course, now=now)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("tutor.practice.views.sitting.now_utc", lambda: now + timedelta(hours=1))


# Of an answer that opens a skill, ends a problem and plans what comes next.
QUERIES_MOST = 21


def posted(client: Client, session: Session, raw: str, now: datetime) -> list[str]:
    """Answer over HTTP, go on to the next step, and return the answer's queries of states.

    What else is asked hangs on whether the answer ended a problem, not on the model.
    """
    activity = activity_of(session)
    assert activity is not None
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(
            f"/practice/{session.uuid}/answer/",
            {"attempt_token": str(activity.attempt_token), "answer": raw},
            headers={"HX-Request": "true"},
        )
    assert answer.status_code == 200
    later = now + timedelta(hours=1)
    activity.refresh_from_db()
    activity_continue(session, attempt_token=activity.attempt_token, now=later)
    assert len(queries) <= QUERIES_MOST
    asked = [query["sql"] for query in queries if '"tracing_' in query["sql"]]
    return [sql.partition(" ")[0] for sql in asked]


def n_observations(session: Session) -> int:
    return Response.objects.filter(learner=session.learner, is_observation=True).count()


def test_an_answer_reads_and_writes_one_state_as_under_bkt(
    session: Session, client_of: Callable[[User], Client], now: datetime
) -> None:
    course, client = session.course, client_of(session.learner)
    under_psi_kt = [posted(client, session, "7", now) for _ in range(3)]
    roll_back(course, role="mastery", by=None, now=now)
    work_off(now)
    assert serving(course).model_name == "bkt"
    session = session_start(session.learner, course, now=now + timedelta(hours=1))
    under_bkt = [posted(client, session, "7", now) for _ in range(3)]
    for asked in under_psi_kt + under_bkt:
        assert asked[:2] == ["SELECT", "UPDATE"]
        # Where the next problem is planned: the prediction role's forecasts, if there are any.
        assert asked[2:] in ([], ["SELECT"])


def test_answers_over_http_leave_the_state_that_a_replay_gives(
    session: Session, client_of: Callable[[User], Client], now: datetime
) -> None:
    client = client_of(session.learner)
    for raw in ("7", "12", "7"):
        posted(client, session, raw, now)
    state = LearnerState.objects.get(learner=session.learner, version=serving(session.course))
    assert n_observations(session) > 40
    assert (state.is_stale, state.n_observations) == (False, n_observations(session))
    verification = states_verify(session.course, now=now, is_repairing=False)
    assert verification.differing_state_ids == ()
