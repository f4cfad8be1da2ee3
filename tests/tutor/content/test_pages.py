import hashlib
import io
import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from tests.tutor.content.bundle_case import GIF, bundle_make, put
from tutor.content.bundles import canonical
from tutor.content.errors import Severity
from tutor.content.exporting import ExportForm
from tutor.content.formats import content_read
from tutor.content.importing import course_import
from tutor.content.jobs import import_job_create, import_job_run
from tutor.content.labels import ACTIONS, KINDS, SEVERITIES, STAGES
from tutor.content.models import Asset, Course, CourseVersion, ImportJob, ImportStatus
from tutor.content.pages import job_page
from tutor.content.planning import KINDS as KINDS_OF_PLANS
from tutor.content.planning import PLURALS, Action

pytestmark = pytest.mark.django_db


def upload(document=None, name="course.json"):
    return SimpleUploadedFile(name, json.dumps(document or bundle_make()).encode())


@pytest.fixture
def job(world, now):
    return import_job_create(upload(), by=world.tess, now=now)


@pytest.fixture
def imported(world, now):
    return course_import(bundle_make(), by=world.tess, now=now, is_dry_run=False).course


@pytest.fixture
def asset(world):
    return Asset.objects.create(
        course=world.course,
        key="dot.gif",
        media_type="image/gif",
        sha256=hashlib.sha256(GIF).hexdigest(),
        data=GIF,
    )


def run(job, now):
    import_job_run(str(job.uuid), clock=lambda: now)
    job.refresh_from_db()


# Every page with what may reach it: (name, arguments of the page, method that it has).
PAGES = [
    ("import_list", lambda w, j, c: (), "get"),
    ("import_detail", lambda w, j, c: (j.uuid,), "get"),
    ("import_apply", lambda w, j, c: (j.uuid,), "post"),
    ("course_versions", lambda w, j, c: (c.uuid,), "get"),
    ("version_roll_back", lambda w, j, c: (c.uuid, 1), "post"),
    ("course_download", lambda w, j, c: (c.uuid, "json"), "get"),
]


@pytest.mark.parametrize(("name", "arguments", "method"), PAGES)
class TestLadder:
    def test_it_works_for_its_teacher(
        self, world, client_of, job, imported, name, arguments, method
    ):
        url = reverse(name, args=arguments(world, job, imported))
        response = getattr(client_of(world.tess), method)(url)
        assert response.status_code == (200 if method == "get" else 302)

    def test_an_administrator_may_too(
        self, world, client_of, job, imported, name, arguments, method
    ):
        url = reverse(name, args=arguments(world, job, imported))
        assert getattr(client_of(world.root), method)(url).status_code in {200, 302}

    def test_nobody_logged_in_is_sent_to_the_login(
        self, world, job, imported, name, arguments, method
    ):
        url = reverse(name, args=arguments(world, job, imported))
        response = getattr(Client(), method)(url)
        assert response.status_code == 302
        assert response.url.startswith(reverse("login"))

    def test_a_learner_is_refused(self, world, client_of, job, imported, name, arguments, method):
        url = reverse(name, args=arguments(world, job, imported))
        assert getattr(client_of(world.ada), method)(url).status_code == 403

    def test_other_methods_do_not_exist(
        self, world, client_of, job, imported, name, arguments, method
    ):
        url = reverse(name, args=arguments(world, job, imported))
        client = client_of(world.tess)
        assert client.delete(url).status_code == 405
        if method == "post":
            assert client.get(url).status_code == 405


@pytest.mark.parametrize(("name", "arguments", "method"), PAGES[1:])
def test_an_unknown_id_is_not_found(world, client_of, job, imported, name, arguments, method):
    url = reverse(name, args=(uuid4(), *arguments(world, job, imported)[1:]))
    assert getattr(client_of(world.tess), method)(url).status_code == 404


def test_another_teachers_import_is_not_found(world, client_of, job):
    client = client_of(world.zoe)
    assert client.get(reverse("import_detail", args=[job.uuid])).status_code == 404
    assert client.post(reverse("import_apply", args=[job.uuid])).status_code == 404
    assert "course.json" not in client.get(reverse("import_list")).content.decode()


def test_an_upload_is_a_dry_run_unless_asked_otherwise(world, client_of):
    client = client_of(world.tess)
    page = client.get(reverse("import_list")).content.decode()
    assert 'name="is_dry_run"' in page
    assert "checked" in page.split('name="is_dry_run"')[1].split(">")[0]
    client.post(reverse("import_list"), {"file": upload(), "is_dry_run": "on"})
    assert ImportJob.objects.get().is_dry_run


def test_an_upload_leads_to_its_page(world, client_of):
    response = client_of(world.tess).post(reverse("import_list"), {"file": upload()})
    job = ImportJob.objects.get()
    assert response.url == reverse("import_detail", args=[job.uuid])
    assert (job.created_by, job.is_dry_run) == (world.tess, False)


def test_a_form_that_is_not_right_comes_back_with_its_errors(world, client_of):
    client = client_of(world.tess)
    response = client.post(reverse("import_list"), {})
    assert response.status_code == 422
    assert b"This field is required" in response.content
    response = client.post(reverse("import_list"), {"file": upload(), "format": "graph"})
    assert response.status_code == 422
    assert b"Choose the course" in response.content


@override_settings(MAX_UPLOAD_BYTES=10)
def test_a_file_above_the_limit_is_refused_before_it_is_kept(world, client_of):
    response = client_of(world.tess).post(reverse("import_list"), {"file": upload()})
    assert response.status_code == 422
    assert not ImportJob.objects.exists()


def test_a_waiting_import_is_followed_and_a_finished_one_is_not(world, client_of, job, now):
    client, url = client_of(world.tess), reverse("import_detail", args=[job.uuid])
    assert b'hx-trigger="every 1s"' in client.get(url).content
    run(job, now)
    assert b"hx-trigger" not in client.get(url).content


def test_htmx_gets_the_part_that_changes_only(world, client_of, job):
    url = reverse("import_detail", args=[job.uuid])
    response = client_of(world.tess).get(url, headers={"HX-Request": "true"})
    assert response.content.strip().startswith(b'<div id="job"')
    assert b"<html" not in response.content
    assert "HX-Request" in response.headers["Vary"]


def test_a_clean_dry_run_is_shown_and_can_be_applied(world, client_of, job, now):
    run(job, now)
    client = client_of(world.tess)
    page = client.get(reverse("import_detail", args=[job.uuid])).content.decode()
    assert "What would change" in page
    assert "Apply this import" in page
    client.post(reverse("import_apply", args=[job.uuid]))
    applied = ImportJob.objects.get(is_dry_run=False)
    run(applied, now)
    assert Course.objects.filter(key="adding").exists()
    page = client.get(reverse("import_detail", args=[applied.uuid])).content.decode()
    assert "is now version 1" in page


def test_a_refused_import_lists_every_error_and_cannot_be_applied(world, client_of, now):
    bundle = bundle_make()
    put(bundle, "/problems/1/lesson", "<b>gone</b>")
    put(bundle, "/skills/0/title", 7)
    job = import_job_create(upload(bundle), by=world.tess, now=now)
    run(job, now)
    client = client_of(world.tess)
    page = client.get(reverse("import_detail", args=[job.uuid])).content.decode()
    assert "/skills/0/title" in page
    assert "/problems/1/lesson" in page
    assert "<b>gone" not in page
    assert "Apply" not in page
    client.post(reverse("import_apply", args=[job.uuid]))
    assert ImportJob.objects.count() == 1


def test_the_difference_of_each_change_is_shown(world, client_of, imported, now):
    bundle = bundle_make()
    put(bundle, "/skills/0/title", "Adding <up>")
    job = import_job_create(upload(bundle), by=world.tess, now=now)
    run(job, now)
    page = client_of(world.tess).get(reverse("import_detail", args=[job.uuid])).content.decode()
    assert "<del>Add</del>" in page
    assert "<ins>Adding &lt;up&gt;</ins>" in page


def test_rolling_back_makes_a_new_version_and_says_so(world, client_of, imported, now):
    bundle = bundle_make()
    put(bundle, "/course/title", "Other")
    course_import(bundle, by=None, now=now, is_dry_run=False)
    client = client_of(world.tess)
    page = client.get(reverse("course_versions", args=[imported.uuid])).content.decode()
    assert "Roll back to 1" in page
    response = client.post(reverse("version_roll_back", args=[imported.uuid, 1]))
    job = ImportJob.objects.get(roll_back_to=1)
    assert response.url == reverse("import_detail", args=[job.uuid])
    page = client.get(response.url).content.decode()
    assert "Roll-back of Other to version 1" in page
    assert b'hx-trigger="every 1s"' in client.get(response.url).content
    run(job, now)
    assert "Sums is now version 3" in client.get(response.url).content.decode()
    assert CourseVersion.objects.filter(course=imported).count() == 3
    response = client.post(reverse("version_roll_back", args=[imported.uuid, 99]), follow=True)
    assert "has no version 99" in response.content.decode()


def test_lists_ask_as_often_for_many_as_for_few(
    world, client_of, now, django_assert_max_num_queries
):
    for _ in range(12):
        import_job_create(upload(), by=world.tess, now=now)
    client = client_of(world.tess)
    with django_assert_max_num_queries(8):
        client.get(reverse("import_list"))


class TestPictures:
    def url(self, world, key="dot.gif"):
        return reverse("course_asset", args=[world.course.uuid, key])

    @pytest.mark.parametrize("person", ["ada", "tess", "zoe", "root"])
    def test_learners_of_the_course_and_teachers_see_it(self, world, client_of, asset, person):
        response = client_of(getattr(world, person)).get(self.url(world))
        assert response.status_code == 200
        assert response.content == GIF
        assert response.headers["Content-Type"] == "image/gif"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "private" in response.headers["Cache-Control"]

    def test_a_learner_of_another_course_does_not_find_it(self, world, client_of, imported):
        url = reverse("course_asset", args=[imported.uuid, "dot.gif"])
        assert client_of(world.ada).get(url).status_code == 404
        assert client_of(world.tess).get(url).status_code == 200

    def test_nobody_logged_in_is_sent_to_the_login(self, world, asset):
        assert Client().get(self.url(world)).status_code == 302

    def test_unknown_names_and_methods(self, world, client_of, asset):
        client = client_of(world.ada)
        assert client.get(self.url(world, "no.gif")).status_code == 404
        assert client.post(self.url(world)).status_code == 405

    def test_a_known_picture_is_not_sent_again(self, world, client_of, asset):
        client = client_of(world.ada)
        etag = client.get(self.url(world)).headers["ETag"]
        response = client.get(self.url(world), headers={"If-None-Match": etag})
        assert (response.status_code, response.content) == (304, b"")

    def test_only_an_address_with_the_checksum_is_kept_for_ever(self, world, client_of, asset):
        client = client_of(world.ada)
        assert "immutable" not in client.get(self.url(world)).headers["Cache-Control"]
        pinned = client.get(self.url(world), {"v": asset.sha256})
        assert "immutable" in pinned.headers["Cache-Control"]


def test_every_list_of_the_admin_opens(world, client_of, imported, job):
    client = client_of(world.root)
    for model in (
        *("course", "skill", "prerequisite", "lesson", "problem", "problemrevision", "step"),
        *("hint", "asset", "courseversion", "importjob", "draft"),
    ):
        url = reverse(f"admin:content_{model}_changelist")
        assert client.get(url).status_code == 200, model
    step = imported.steps.first()
    assert client.get(reverse("admin:content_step_change", args=[step.pk])).status_code == 200


def test_a_failed_import_says_what_to_do(world, client_of, job):
    message = "The import broke off 3 times, so it was given up."
    ImportJob.objects.filter(pk=job.pk).update(
        status=ImportStatus.FAILED, result={"message": message}
    )
    page = client_of(world.tess).get(reverse("import_detail", args=[job.uuid])).content.decode()
    assert message in page
    assert "hx-trigger" not in page


@pytest.mark.parametrize("form", list(ExportForm))
def test_a_course_is_downloaded_in_every_form(world, client_of, imported, form):
    response = client_of(world.tess).get(reverse("course_download", args=(imported.uuid, form)))
    assert response.headers["Content-Disposition"] == f'attachment; filename="adding{form.suffix}"'
    assert response.headers["Content-Type"] == form.media_type
    packed = b"".join(response.streaming_content)
    content = content_read(io.BytesIO(packed), name=f"adding{form.suffix}")
    assert canonical(content.document) == canonical(bundle_make())


def test_a_form_that_is_none_is_not_found(world, client_of, imported):
    url = reverse("course_download", args=(imported.uuid, "pdf"))
    assert client_of(world.tess).get(url).status_code == 404


def test_the_page_of_versions_offers_every_form(world, client_of, imported):
    page = client_of(world.tess).get(reverse("course_versions", args=(imported.uuid,)))
    for form in ExportForm:
        assert reverse("course_download", args=(imported.uuid, form)) in page.content.decode()


def test_a_partial_import_is_asked_for_by_a_tick(world, client_of, now):
    bundle = bundle_make()
    put(bundle, "/problems/1/lesson", "gone")
    answers = {"file": upload(bundle), "is_partial": "on"}
    client = client_of(world.tess)
    client.post(reverse("import_list"), answers)
    job = ImportJob.objects.get()
    run(job, now)
    assert job.status == ImportStatus.DONE
    page = client.get(reverse("import_detail", args=(job.uuid,))).content.decode()
    assert "was left out: There is no lesson" in page


def test_a_quiz_goes_through_the_page(world, client_of, now):
    file = SimpleUploadedFile(
        "sums.gift", b"::One::Is 1 + 1 = 2?{T}\n\nWrite.{}".replace(b"=", b"\\=")
    )
    client_of(world.tess).post(reverse("import_list"), {"file": file})
    job = ImportJob.objects.get()
    run(job, now)
    assert (job.status, job.course.key) == (ImportStatus.DONE, "sums")
    assert any("an essay" in note for note in job.notes)


def test_every_word_that_imports_keep_has_a_name_on_pages():
    assert set(ACTIONS) == {action.value for action in Action}
    assert set(KINDS) == {*KINDS_OF_PLANS, *PLURALS.values()}
    assert set(SEVERITIES) == {severity.value for severity in Severity}


def test_a_page_in_another_language_names_stages_and_actions_in_it(job, monkeypatch, now):
    run(job, now)
    monkeypatch.setitem(ACTIONS, "created", "angelegt")
    monkeypatch.setitem(KINDS, "problems", "Aufgaben")
    monkeypatch.setitem(STAGES, "comparing", "vergleicht")
    job.stage = "comparing"
    page = job_page(job)
    assert (page.stage, page.actions[0]) == ("vergleicht", "angelegt")
    assert "Aufgaben" in [row.kind for row in page.counts]
    job.stage = "something new"
    assert job_page(job).stage == "something new"
