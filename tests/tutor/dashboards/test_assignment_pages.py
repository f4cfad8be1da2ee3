"""Assignments: made, looked at, changed and taken back by teachers; read by learners."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates, respond, trace
from tests.world import World
from tutor.accounts.models import AuditEvent, User
from tutor.dashboards.assignments import assignment_rows
from tutor.scheduling.class_outlooks import paces_of_learners
from tutor.scheduling.goals import assignment_make
from tutor.scheduling.models import Assignment
from tutor.scheduling.outlooks import OWN_TIMES, pace_of_learner
from tutor.scheduling.paths import Fit
from tutor.scheduling.services import offer_for

ClientOf = Callable[[User], Client]
SOON = timedelta(days=14)


def to(name: str, world: World, assignment: Assignment | None = None) -> str:
    kwargs = {"classroom_uuid": world.classroom.uuid}
    if assignment:
        kwargs["assignment_uuid"] = assignment.uuid
    return reverse(f"teach:{name}", kwargs=kwargs)


def asked(world: World, *, skills: str = "b", **more: Any) -> dict[str, Any]:
    return {
        "skills": [str(world.skills[key].uuid) for key in skills],
        "due": "2026-03-16",
        "audience": "all",
    } | more


def made(world: World, now: datetime, *, learners: tuple[User, ...] = ()) -> Assignment:
    return assignment_make(
        world.classroom,
        title="Sums",
        skill_ids=[world.skills["b"].pk],
        due_at=now + SOON,
        learners=learners,
        by=world.tess,
        now=now,
    )


def test_an_assignment_is_made_and_its_learners_read_it(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    client = client_of(world.tess)
    form = asked(world, skills="ab", note="Before the test.", save="1")
    answer = client.post(to("assignment_new", world), form, follow=True)
    assignment = Assignment.objects.get()
    assert answer.redirect_chain[0][0] == to("assignment", world, assignment)
    assert assignment.title == "Skill a, Skill b"
    assert assignment.created_by == world.tess
    assert assignment.due_at.isoformat() == "2026-03-16T23:59:00+00:00"
    event = AuditEvent.objects.get(action="assignment_make")
    assert event.detail == {"assignment": str(assignment.uuid)}
    assignment_make(
        world.classroom,
        title="For today",
        note="Read first.",
        skill_ids=[world.skills["a"].pk],
        due_at=datetime.now(tz=now.tzinfo) + SOON,
        by=world.tess,
        now=now,
    )
    home = client_of(world.ada).get("/learn/").content.decode()
    assert "For today" in home
    assert "Read first." in home


def test_a_look_says_for_whom_it_fits_and_sets_nothing(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    answer = client_of(world.tess).post(to("assignment_new", world), asked(world, look="1"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Nothing is set yet" in page
    assert not Assignment.objects.exists()
    assert [(each.learner, each.path.fit) for each in answer.context["progress"]] == [
        (world.ada, Fit.FITS),
        (world.ben, Fit.FITS),
    ]
    # Two skills with a lesson each, at the pace of who has not begun: an hour a week.
    path = answer.context["progress"][0].path
    assert (len(path.left), path.minutes_until_due) == (2, pytest.approx(60 * 14.5 / 7, abs=1))
    assert answer.context["progress"][0].left_text in page
    tight = asked(world, look="1", due="2026-03-02")
    answer = client_of(world.tess).post(to("assignment_new", world), tight)
    assert {each.path.fit for each in answer.context["progress"]} == {Fit.TOO_MUCH}


def test_the_form_comes_filled_from_where_one_came(world: World, client_of: ClientOf) -> None:
    target = (
        f"{to('assignment_new', world)}?skill={world.skills['c'].uuid}&learner={world.ada.uuid}"
    )
    page = client_of(world.tess).get(target).content.decode()
    assert f'value="{world.skills["c"].uuid}" checked' in page
    assert f'value="{world.ada.uuid}" id="id_learners_0" checked' in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"skills": []}, "Choose at least one skill"),
        ({"skills": ["8e1bd1bd-0000-4000-8000-000000000000"]}, "valid choice"),
        ({"due": "2026-03-01"}, "is past"),
        ({"due": "soon"}, "valid date"),
        ({"audience": "some", "learners": []}, "Choose at least one learner"),
    ],
)
def test_what_cannot_be_meant_comes_back_with_the_form(
    world: World, client_of: ClientOf, change: dict[str, Any], words: str
) -> None:
    answer = client_of(world.tess).post(to("assignment_new", world), asked(world) | change)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Assignment.objects.exists()


def test_nobody_elses_learner_is_given_an_assignment(world: World, client_of: ClientOf) -> None:
    form = asked(world, audience="some", learners=[str(world.zed.uuid)])
    assert client_of(world.tess).post(to("assignment_new", world), form).status_code == 422


def test_an_assignment_of_some_is_changed_and_withdrawn(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    client, assignment = client_of(world.tess), made(world, now, learners=(world.ada,))
    page = client.get(to("assignment_edit", world, assignment)).content.decode()
    assert f'value="{world.ada.uuid}" id="id_learners_0" checked' in page
    form = asked(world, skills="c", audience="some", learners=[str(world.ben.uuid)], title="Now C")
    client.post(to("assignment_edit", world, assignment), form)
    assignment.refresh_from_db()
    assert (assignment.title, list(assignment.learners.all())) == ("Now C", [world.ben])
    assert list(assignment.skills.all()) == [world.skills["c"]]
    client.post(to("assignment_withdraw", world, assignment))
    client.post(to("assignment_withdraw", world, assignment))
    assert client.get(to("assignment", world, assignment)).status_code == 404
    actions = AuditEvent.objects.filter(object_id=str(world.classroom.uuid))
    assert actions.filter(action="assignment_change").count() == 1
    assert actions.filter(action="assignment_withdraw").count() == 1


def test_progress_is_told_in_the_learners_own_numbers(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    assignment = made(world, now)
    respond(world, world.ada, "a", [True] * 8, at=now - timedelta(hours=2))
    respond(world, world.ada, "b", [True] * 8, at=now - timedelta(hours=1))
    trace(world, world.ada, now=now)
    (row,) = assignment_rows(world.classroom, now=now)
    ada, ben = row.progress
    assert (ada.path.n_mastered, ada.path.fit) == (2, Fit.DONE)
    assert (ben.path.n_mastered, ben.path.n_skills) == (0, 2)
    assert (row.n_done, row.n_open, row.counts[Fit.FITS]) == (1, 1, 1)
    page = client_of(world.tess).get(to("assignment", world, assignment)).content.decode()
    assert "2 of 2 skills" in page
    part = client_of(world.tess).get(
        to("assignment", world, assignment), headers={"HX-Request": "true"}
    )
    assert "<html" not in part.content.decode()


def test_a_date_that_passed_is_said_and_may_stay(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    assignment = made(world, now)
    Assignment.objects.update(due_at=now - timedelta(days=1))
    assignment.refresh_from_db()
    client = client_of(world.tess)
    page = client.get(to("assignments", world)).content.decode()
    assert "2 not done by the date" in page
    for due, status in (("2026-03-01", 302), ("2026-02-28", 422)):
        form = asked(world, due=due, title="New")
        assert client.post(to("assignment_edit", world, assignment), form).status_code == status
    assignment.refresh_from_db()
    assert (assignment.title, assignment.due_at) == ("New", now - timedelta(days=1))


def test_an_assignment_of_another_class_is_not_found(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    other = world.zed.enrolments.get().classroom
    foreign = assignment_make(
        other,
        title="Theirs",
        skill_ids=[world.skills["a"].pk],
        due_at=now + SOON,
        by=world.zoe,
        now=now,
    )
    client = client_of(world.tess)
    for name in ("assignment", "assignment_edit"):
        assert client.get(to(name, world, foreign)).status_code == 404
    assert client.post(to("assignment_withdraw", world, foreign)).status_code == 404


def test_a_classes_paces_are_those_of_its_learners(world: World, now: datetime) -> None:
    respond(world, world.ada, "a", [True] * 40, at=now - timedelta(days=40))
    respond(world, world.ada, "b", [True] * (OWN_TIMES - 20), at=now - timedelta(days=3))
    respond(world, world.ben, "a", [False] * 3, at=now - timedelta(days=1))
    for number, row in enumerate(world.ada.responses.order_by("pk")):
        row.elapsed_ms = 5_000 + 2_000 * number
        row.save()
    people = [world.ada, world.ben, world.zed]
    found = paces_of_learners([person.pk for person in people], world.course, now=now)
    for person in people:
        assert found[person.pk] == pace_of_learner(person, world.course, now=now)


def test_the_lists_queries_do_not_grow_with_class_assignments_or_history(
    world: World, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    offer_for(world.ada, world.course, now=now)
    made(world, now)
    trace(world, world.ada, now=now)
    with django_assert_num_queries(11):
        assignment_rows(world.classroom, now=now)
    for mate in classmates(world, 8, now=now):
        respond(world, mate, "a", [True, False] * 40, at=now - timedelta(days=1))
        trace(world, mate, now=now)
        made(world, now, learners=(mate,))
    with django_assert_num_queries(11):
        assignment_rows(world.classroom, now=now)
