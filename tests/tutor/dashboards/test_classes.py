"""The list of classes, and making one."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import respond, trace
from tests.world import World
from tutor.accounts.models import AuditEvent, User
from tutor.common.templatetags.stepwise import percent
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_create
from tutor.scheduling.statuses import PolicyConfig

ClientOf = Callable[[User], Client]


def test_a_teacher_sees_own_classes_only(world: World, client_of: ClientOf) -> None:
    page = client_of(world.tess).get("/teach/").content.decode()
    assert "Class 6b" in page
    assert "Class 7a" not in page


def test_an_administrator_sees_all_with_their_teachers(world: World, client_of: ClientOf) -> None:
    page = client_of(world.root).get("/teach/").content.decode()
    assert "Class 6b" in page
    assert "Class 7a" in page
    assert "Zoe" in page


def test_making_a_class_shows_its_code(world: World, client_of: ClientOf) -> None:
    form = {"name": "Class 8c", "course": world.course.pk}
    answer = client_of(world.tess).post("/teach/", form, follow=True)
    made = Classroom.objects.get(name="Class 8c")
    assert answer.redirect_chain == [(f"/teach/classes/{made.uuid}/", 302)]
    assert list(made.teachers.all()) == [world.tess]
    assert made.join_code in answer.content.decode()


def test_an_administrator_chooses_the_teachers(world: World, client_of: ClientOf) -> None:
    form = {"name": "Class 8c", "course": world.course.pk, "teachers": [world.zoe.pk]}
    client_of(world.root).post("/teach/", form)
    assert list(Classroom.objects.get(name="Class 8c").teachers.all()) == [world.zoe]


def test_a_teacher_cannot_make_a_class_of_somebody_else(world: World, client_of: ClientOf) -> None:
    form = {"name": "Class 8c", "course": world.course.pk, "teachers": [world.zoe.pk]}
    client_of(world.tess).post("/teach/", form)
    assert list(Classroom.objects.get(name="Class 8c").teachers.all()) == [world.tess]


def test_a_class_without_name_is_refused_with_the_form(world: World, client_of: ClientOf) -> None:
    answer = client_of(world.tess).post("/teach/", {"name": " ", "course": world.course.pk})
    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()


def test_the_list_takes_the_same_queries_for_many_classes(
    world: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(world.tess)
    client.get("/teach/")
    # session, user, classes, their teachers, courses of the form; who is in, answers, newest ones
    with django_assert_num_queries(8):
        client.get("/teach/")
    for number in range(5):
        classroom_create(
            name=f"Class {number}", course=world.course, teachers=[world.tess], now=now
        )
    with django_assert_num_queries(8):
        client.get("/teach/")


def test_the_class_page_names_who_is_stuck_and_where_to_begin(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    respond(world, world.ada, "b", [False] * 5, at=now - timedelta(hours=1))
    trace(world, world.ada, now=now)
    page = client_of(world.tess).get(f"/teach/classes/{world.classroom.uuid}/").content.decode()
    assert "Stuck on <strong>Skill b</strong>: 0 of the last 5 right." in page
    assert "Look at “Skill a” first." in page
    assert 'href="/teach/how/#help"' in page


def test_the_class_page_is_in_the_audit_log(world: World, client_of: ClientOf) -> None:
    client_of(world.tess).get(f"/teach/classes/{world.classroom.uuid}/")
    event = AuditEvent.objects.get(action="classroom_viewed")
    assert (event.actor, event.object_id) == (world.tess, str(world.classroom.uuid))


def test_the_explanation_prints_the_thresholds_in_force(world: World, client_of: ClientOf) -> None:
    page = client_of(world.tess).get("/teach/how/").content.decode()
    mastered = percent(PolicyConfig().mastery_enter)
    stuck = "of the last 5 answers on a skill (at least 4)"
    for words in (stuck, "10 or more answers", mastered):
        assert words in page
