"""Who reaches what: relation first, role second."""

from datetime import datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tests.world import World
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.roster.access import (
    classroom_for_teacher,
    course_for_learner,
    course_for_member,
    learner_in_classroom,
)
from tutor.roster.models import Enrolment
from tutor.roster.selectors import classroom_learners, classrooms_of_teacher, courses_of_learner
from tutor.roster.services import classroom_create, classroom_join


def test_a_teacher_reaches_the_own_class_and_an_administrator_every_class(world: World) -> None:
    uuid = world.classroom.uuid
    assert classroom_for_teacher(world.tess, uuid) == world.classroom
    assert classroom_for_teacher(world.root, uuid) == world.classroom


def test_a_stranger_does_not_learn_that_the_class_exists(world: World) -> None:
    for stranger in (world.zoe, world.zed):
        with pytest.raises(Http404):
            classroom_for_teacher(stranger, world.classroom.uuid)


def test_a_learner_of_the_class_is_told_that_the_page_is_not_theirs(world: World) -> None:
    with pytest.raises(PermissionDenied):
        classroom_for_teacher(world.ada, world.classroom.uuid)


def test_learners_are_found_only_in_their_class(world: World) -> None:
    assert learner_in_classroom(world.classroom, world.ada.uuid) == world.ada
    with pytest.raises(Http404):
        learner_in_classroom(world.classroom, world.zed.uuid)


def test_a_learner_who_left_is_out(world: World, now: datetime) -> None:
    Enrolment.objects.filter(learner=world.ada).update(left_at=now)
    assert classroom_learners(world.classroom) == [world.ben]
    assert courses_of_learner(world.ada) == []
    with pytest.raises(Http404):
        course_for_learner(world.ada, world.course.uuid)


def test_an_archived_class_gives_no_course(world: World) -> None:
    world.classroom.is_archived = True
    world.classroom.save()
    with pytest.raises(Http404):
        course_for_learner(world.ada, world.course.uuid)


def test_every_teacher_reaches_a_course_and_only_its_learners_do(
    world: World, now: datetime
) -> None:
    other = Course.objects.create(key="other", title="Other", created_at=now)
    assert course_for_member(world.zoe, other.uuid) == other
    assert course_for_member(world.ada, world.course.uuid) == world.course
    with pytest.raises(Http404):
        course_for_member(world.ada, other.uuid)


def test_joining_forgives_how_the_code_is_typed_and_happens_once(
    world: World, now: datetime
) -> None:
    code = world.classroom.join_code
    typed = f" {code[:4].lower()}-{code[4:]} "
    assert classroom_join(world.zed, join_code=typed, now=now) == world.classroom
    with pytest.raises(TutorError) as refused:
        classroom_join(world.zed, join_code=code, now=now)
    assert refused.value.code == "already_joined"


def test_an_unknown_code_and_a_teacher_are_refused(world: World, now: datetime) -> None:
    with pytest.raises(TutorError) as unknown:
        classroom_join(world.zed, join_code="NOPE", now=now)
    with pytest.raises(TutorError) as teacher:
        classroom_join(world.zoe, join_code=world.classroom.join_code, now=now)
    assert (unknown.value.code, teacher.value.code) == ("unknown_join_code", "not_a_learner")


def test_a_learner_cannot_lead_a_class(world: World, now: datetime) -> None:
    with pytest.raises(TutorError) as refused:
        classroom_create(name="X", course=world.course, teachers=[world.ada], now=now)
    assert refused.value.code == "not_a_teacher"
    assert not classrooms_of_teacher(world.ada).exists()
