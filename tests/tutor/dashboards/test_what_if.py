"""What if: futures of the model itself, held to what can be worked out."""

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates, respond, trace
from tests.world import World
from tutor.accounts.models import User
from tutor.common.clock import days_since_epoch
from tutor.common.rates import Rate
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.dashboards.views import insight
from tutor.dashboards.what_if import Plan, WhatIf, what_if
from tutor.tracing import engine
from tutor.tracing.models import LearnerState, ModelVersion
from tutor.tracing.rehearsal import PlannedStep, rehearse
from tutor.tracing.services import version_serving

ClientOf = Callable[[User], Client]


@pytest.fixture
def begun(world: World, now: datetime) -> World:
    """ada has answered a a little."""
    respond(world, world.ada, "a", [True, False], at=now - timedelta(days=2))
    trace(world, world.ada, now=now)
    return world


def state_of(world: World, now: datetime) -> tuple[ModelVersion, bytes]:
    version = version_serving(world.course, now=now)
    return version, bytes(LearnerState.objects.get(version=version, learner=world.ada).blob)


def test_no_practice_is_the_forecast(begun: World, now: datetime) -> None:
    version, blob = state_of(begun, now)
    skill, at = begun.skills["a"].pk, days_since_epoch(now) + 7
    rng = np.random.default_rng(1)
    futures = rehearse(
        version, [blob, None], [], skill_ids=[skill], at_days=at, n_futures=2, rng=rng
    )
    expected = engine.forecast(version, [blob, None], [skill], at_days=at)
    assert futures.p_mastery.shape == (2, 2, 1)
    np.testing.assert_allclose(futures.p_mastery[0], expected.p_mastery)
    np.testing.assert_allclose(futures.p_mastery[1], expected.p_mastery)


def test_one_step_is_right_as_often_as_the_model_says(begun: World, now: datetime) -> None:
    version, blob = state_of(begun, now)
    skill, at = begun.skills["a"].pk, days_since_epoch(now)
    ends = {}
    for outcome in (True, False):
        seen = engine.observation_make([skill], item="", is_correct=outcome, at_days=at)
        after = engine.state_advance(version, blob, [seen])
        ends[outcome] = float(
            engine.forecast(version, [after], [skill], at_days=at + 1).p_mastery[0, 0]
        )
    p = float(engine.forecast(version, [blob], [skill], at_days=at).p_correct[0, 0])
    futures = rehearse(
        version,
        [blob],
        [PlannedStep(skill, at)],
        skill_ids=[skill],
        at_days=at + 1,
        n_futures=4_000,
        rng=np.random.default_rng(2),
    )
    drawn = futures.p_mastery[:, 0, 0]
    is_right = np.isclose(drawn, ends[True])
    assert np.all(is_right | np.isclose(drawn, ends[False]))
    assert is_right.mean() == pytest.approx(p, abs=0.03)


def test_psi_kt_is_asked_alike(psi_kt_course: Course, now: datetime) -> None:
    version = version_serving(psi_kt_course, now=now)
    blobs = LearnerState.objects.filter(version=version).values_list("blob", flat=True)[:3]
    skills = list(psi_kt_course.skills.values_list("pk", flat=True))[:2]
    at = days_since_epoch(now) + 1
    steps = [PlannedStep(skills[place % 2], at + place / 100) for place in range(12)]
    rng = np.random.default_rng(3)
    futures = rehearse(
        version, list(blobs), steps, skill_ids=skills, at_days=at + 3, n_futures=4, rng=rng
    )
    assert futures.p_correct.shape == (4, 3, 2)
    assert np.all((futures.p_correct > 0) & (futures.p_correct < 1))
    # Different answers lead to different ends.
    assert np.ptp(futures.p_correct, axis=0).min() > 0


def answer_of(world: World, now: datetime, *, sittings: int = 3, seed: int = 5) -> WhatIf:
    skills = [world.skills["a"].pk, world.skills["b"].pk]
    found = what_if(world.classroom, skills, Plan(sittings, 20), now=now, seed=seed)
    assert found is not None
    return found


def test_practice_helps_and_the_range_holds_the_mean(begun: World, now: datetime) -> None:
    answer = answer_of(begun, now)
    for row in answer.skills:
        assert row.right.lower <= row.right.value <= row.right.upper
        assert row.right.value > row.right_idle
        assert row.mastered.lower <= row.mastered.value <= row.mastered.upper <= row.n == 2
    assert answer.skills[0].n_evidence == 1
    assert answer.n_times == 2


def test_the_same_question_gets_the_same_answer(begun: World, now: datetime) -> None:
    assert answer_of(begun, now) == answer_of(begun, now)
    assert answer_of(begun, now).skills != answer_of(begun, now, seed=6).skills


def test_more_practice_is_not_less(begun: World, now: datetime) -> None:
    few, many = answer_of(begun, now, sittings=1), answer_of(begun, now, sittings=6)
    assert many.skills[0].mastered.value >= few.skills[0].mastered.value


def test_nothing_is_written(begun: World, now: datetime) -> None:
    before = state_of(begun, now)[1]
    answer_of(begun, now)
    assert state_of(begun, now)[1] == before


def test_queries_do_not_grow_with_class_or_history(
    begun: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(begun.tess)
    course_graph(begun.course)
    target = f"/teach/classes/{begun.classroom.uuid}/what-if/"
    query = {"skill1": str(begun.skills["a"].uuid), "sittings": 1, "minutes": 5}
    client.get(target, query)
    # session, user, class, teacher of it; learners, states, times; audit
    with django_assert_num_queries(8):
        client.get(target, query)
    for mate in classmates(begun, 5, now=now):
        respond(begun, mate, "a", [True] * 20, at=now - timedelta(days=1))
        trace(begun, mate, now=now)
    with django_assert_num_queries(8):
        client.get(target, query)


def test_the_page_asks_and_answers(begun: World, client_of: ClientOf) -> None:
    client = client_of(begun.tess)
    target = f"/teach/classes/{begun.classroom.uuid}/what-if/"
    assert "Ask the model" in client.get(target).content.decode()
    query = {"skill1": str(begun.skills["a"].uuid), "sittings": 3, "minutes": 20}
    page = client.get(target, query).content.decode()
    assert "In a week, with 3 × 20 minutes" in page
    assert "1 of 2 have practised it" in page
    # Not "mastered": a status outlasts the chance it was entered at, and here only chances are.
    assert "Learners with mastery at 95 % or more" in page
    assert "keeps its status until the chance falls below 80\xa0%" in page
    wrong = client.get(target, {**query, "skill1": "x", "sittings": 80})
    assert wrong.status_code == 422
    assert "Ensure this value is less than or equal to 7" in wrong.content.decode()


def test_the_csv_has_the_numbers_of_the_page(begun: World, client_of: ClientOf) -> None:
    client = client_of(begun.tess)
    target = f"/teach/classes/{begun.classroom.uuid}/what-if"
    query = {"skill1": begun.skills["a"].uuid, "skill2": begun.skills["b"].uuid}
    query = {key: str(value) for key, value in query.items()} | {"sittings": "3", "minutes": "20"}
    page = client.get(f"{target}/", query).content.decode()
    assert f"{target}.csv?skill1={query['skill1']}" in page
    table = page.split("<tbody>")[1].split("</tbody>")[0]
    shown = [
        [int(number) for number in re.findall(r"\d+", re.sub(r"<[^>]*>", " ", row))]
        for row in table.split("</tr>")[:-1]
    ]
    sent = client.get(f"{target}.csv", query)
    head, *rows = csv.reader(io.StringIO(sent.content.decode("utf-8-sig")))
    # The page has the evidence first and a total after it.
    assert [[int(row[2]), int(row[1]), *map(int, row[3:13])] for row in rows] == shown
    assert [row[0] for row in rows] == ["Skill a", "Skill b"]
    assert head[3] == "Mastery 95 % or more now"
    assert client.get(f"{target}.csv").status_code == 422


def test_many_questions_within_a_minute_have_to_wait(
    begun: World, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insight, "WHAT_IF_RATE", Rate(most=2, period=60))
    client = client_of(begun.tess)
    target = f"/teach/classes/{begun.classroom.uuid}/what-if"
    query = {"skill1": str(begun.skills["a"].uuid), "sittings": 1, "minutes": 5}
    # Looking at the page and a question with a mistake are free.
    client.get(f"{target}/")
    client.get(f"{target}/", {**query, "sittings": 80})
    assert client.get(f"{target}/", query).status_code == 200
    assert client.get(f"{target}.csv", query).status_code == 200
    late = client.get(f"{target}/", query)
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 60
    assert "asked 2 times within a minute" in late.content.decode()
    assert f'value="{query["skill1"]}" selected' in late.content.decode()
    assert client.get(f"{target}.csv", query).status_code == 429
    # Another person's questions are not counted with these.
    assert client_of(begun.root).get(f"{target}/", query).status_code == 200
