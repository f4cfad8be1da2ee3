"""A course is changed by its authors: in the service, on the pages and through the API alike."""

import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.accounts.services import account_create
from tutor.common.errors import TutorError
from tutor.content.access import can_author
from tutor.content.graphs import graph_import
from tutor.content.importing import course_import, course_roll_back
from tutor.content.jobs import import_job_create, import_job_run, roll_back_start
from tutor.content.models import ImportFormat, ImportJob, ImportStatus

pytestmark = pytest.mark.django_db

GRAPH = {"nodes": [{"id": "add"}, {"id": "times"}], "edges": [{"from": "add", "to": "times"}]}


@pytest.fixture
def course(world, now):
    return course_import(bundle_make(), by=world.tess, now=now, is_dry_run=False).course


def changed():
    bundle = bundle_make()
    put(bundle, "/course/title", "Other")
    return bundle


def test_whoever_imports_a_course_first_becomes_its_author(world, course):
    assert list(course.authors.all()) == [world.tess]
    assert can_author(world.tess, course)
    assert can_author(world.root, course)
    assert not can_author(world.zoe, course)
    assert not can_author(world.ada, course)


def test_a_course_of_the_command_line_is_open_to_every_teacher(world, now):
    course = course_import(bundle_make(), by=None, now=now, is_dry_run=False).course
    assert not course.authors.exists()
    assert can_author(world.tess, course)
    assert can_author(world.zoe, course)
    assert not can_author(world.ada, course)


def test_changing_an_open_course_takes_it_from_nobody(world, now):
    course = course_import(bundle_make(), by=None, now=now, is_dry_run=False).course
    course_import(changed(), by=world.tess, now=now, is_dry_run=False)
    assert can_author(world.zoe, course)


def test_an_author_whose_account_is_closed_may_no_more(world, course):
    world.tess.is_active = False
    assert not can_author(world.tess, course)


@pytest.mark.parametrize("is_dry_run", [True, False])
@pytest.mark.parametrize("person", ["zoe", "ada"])
def test_others_change_nothing_whichever_way_they_try(world, course, now, is_dry_run, person):
    by = getattr(world, person)
    course_import(changed(), by=world.tess, now=now, is_dry_run=False)
    options = {"by": by, "now": now, "is_dry_run": is_dry_run}
    for attempt in (
        lambda: course_import(bundle_make(), **options),
        lambda: course_roll_back(course, 1, **options),
        lambda: graph_import(GRAPH, course=course, **options),
    ):
        with pytest.raises(TutorError) as refusal:
            attempt()
        assert refusal.value.code == "not_an_author"
        assert "authors" in refusal.value.message
    course.refresh_from_db()
    assert (course.title, course.version_number) == ("Other", 2)


def test_authors_and_administrators_go_on(world, course, now):
    course.authors.add(world.zoe)
    assert course_import(changed(), by=world.zoe, now=now, is_dry_run=False).version == 2
    assert course_roll_back(course, 1, by=world.root, now=now).version == 3


def test_an_upload_of_another_teacher_is_refused_with_the_reason(world, course, now):
    file = ContentFile(json.dumps(changed()).encode(), name="c.json")
    job = import_job_create(file, by=world.zoe, is_dry_run=False, now=now)
    import_job_run(str(job.uuid), clock=lambda: now + timedelta(seconds=1))
    job.refresh_from_db()
    assert job.status == ImportStatus.REFUSED
    assert "changed by its authors only" in job.errors[0]["message"]


def test_a_graph_for_anothers_course_is_refused_at_the_form(world, course, client_of):
    upload = SimpleUploadedFile("g.json", json.dumps(GRAPH).encode())
    answers = {"file": upload, "format": ImportFormat.GRAPH, "course": course.uuid}
    response = client_of(world.zoe).post(reverse("import_list"), answers)
    assert response.status_code == 422
    assert "changed by its authors only" in response.content.decode()
    assert not ImportJob.objects.exists()


def test_another_teacher_looks_but_does_not_roll_back(world, course, client_of):
    client = client_of(world.zoe)
    assert client.get(reverse("course_versions", args=[course.uuid])).status_code == 200
    url = reverse("version_roll_back", args=[course.uuid, 1])
    assert client.post(url).status_code == 403
    assert not ImportJob.objects.exists()


def test_a_roll_back_shows_its_progress_and_is_refused_to_others(world, course, now):
    with pytest.raises(TutorError) as refusal:
        roll_back_start(course, 1, by=world.zoe, now=now)
    assert refusal.value.code == "not_an_author"
    course_import(changed(), by=world.tess, now=now, is_dry_run=False)
    job = roll_back_start(course, 1, by=world.tess, now=now)
    seen = []

    def clock():
        # Two seconds a look, so that every report is due.
        seen.append(ImportJob.objects.get(pk=job.pk).stage)
        return now + timedelta(seconds=2 * len(seen))

    assert import_job_run(str(job.uuid), clock=clock)
    job.refresh_from_db()
    assert (job.status, job.result["version"], job.attempts) == (ImportStatus.DONE, 3, 1)
    assert {"checking problems", "writing"} <= set(seen)
    course.refresh_from_db()
    assert course.title == "Sums"


def test_nothing_is_done_in_the_name_of_an_account_that_is_gone(world, course, now):
    leaver = account_create(username="lea", display_name="Lea", role="teacher")
    course.authors.add(leaver)
    file = ContentFile(json.dumps(changed()).encode(), name="c.json")
    job = import_job_create(file, by=leaver, is_dry_run=False, now=now)
    leaver.delete()
    import_job_run(str(job.uuid), clock=lambda: now + timedelta(seconds=1))
    job.refresh_from_db()
    assert job.status == ImportStatus.REFUSED
    assert "no account any more" in job.errors[0]["message"]
    course.refresh_from_db()
    assert course.title == "Sums"
