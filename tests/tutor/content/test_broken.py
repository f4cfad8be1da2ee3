"""Every kind of bad input ends in a listed error, and the database is as it was."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape

from tests.tutor.content.broken_cases import CASES
from tests.tutor.content.broken_make import Broken, encoded, tables, zipped
from tests.tutor.content.bundle_case import bundle_make
from tests.world import World
from tutor.content.jobs import import_job_create, import_job_run
from tutor.content.models import (
    Asset,
    Course,
    CourseVersion,
    Hint,
    ImportJob,
    ImportStatus,
    Lesson,
    Prerequisite,
    Problem,
    ProblemRevision,
    Skill,
    Step,
)

MODELS = (
    *(Course, CourseVersion, Skill, Prerequisite, Lesson, Problem, ProblemRevision, Step, Hint),
    Asset,
)

pytestmark = pytest.mark.django_db


def rows_in_all():
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in MODELS}


def imported(file: str, content: bytes, world: World, now) -> ImportJob:
    job = import_job_create(
        ContentFile(content, name=file), by=world.tess, is_dry_run=False, now=now
    )
    assert import_job_run(str(job.uuid), clock=lambda: now + timedelta(seconds=1))
    job.refresh_from_db()
    return job


def test_the_corpus_is_large_and_its_names_are_its_own():
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_is_refused_with_a_listed_error_and_changes_nothing(case: Broken, world, now):
    before = rows_in_all()
    job = imported(case.file, case.make(), world, now)
    assert job.status == ImportStatus.REFUSED
    errors = [row for row in job.errors if row["severity"] == "error"]
    told = [row for row in errors if case.words in row["message"]]
    assert told, f"{case.words!r} is not said: {errors}"
    row = told[0]
    assert row["pointer"].startswith(case.where)
    assert row["pointer"]
    assert row["expected"]
    assert case.expected in row["expected"]
    assert len(row["value"]) <= 200
    assert rows_in_all() == before


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("c.json", b"\xef\xbb\xbf" + encoded(bundle_make())),
        ("c.json", encoded(bundle_make()).replace(b", ", b",\r\n")),
        ("c.zip", zipped(tables())),
        ("q.gift", b"\xef\xbb\xbf::One::Is it?{T}\r\n\r\nIs it not?{F}\r\n"),
        ("q.txt", b"\xef\xbb\xbfWhich?\r\nA) x\r\nB) y\r\nANSWER: A\r\n"),
    ],
    ids=["mark before JSON", "CRLF in JSON", "mark and CRLF in CSV", "in GIFT", "in Aiken"],
)
def test_byte_order_marks_and_windows_line_ends_are_no_fault(file, content, world, now):
    job = imported(file, content, world, now)
    assert (job.status, job.result.get("version")) == (ImportStatus.DONE, 1)


def test_a_file_above_the_sites_limit_is_refused_before_it_is_read(world, now, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    job = imported("c.json", encoded(bundle_make()), world, now)
    assert job.status == ImportStatus.REFUSED
    assert "at most 1000 are read" in job.errors[0]["message"]


def test_files_that_a_bundle_does_not_name_are_told(world, now):
    bundle = encoded(bundle_make())
    files = {"bundle.json": bundle, "assets/dot.gif": b"GIF89a", "__MACOSX/._x": b"x"}
    job = imported("c.zip", zipped(files), world, now)
    assert job.status == ImportStatus.DONE
    told = [row["pointer"] for row in job.errors if "left out" in row["message"]]
    assert told == ["__MACOSX/._x"]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_upload_page_tells_the_same_of_it(case: Broken, world, client_of, now):
    client = client_of(world.tess)
    before = rows_in_all()
    upload = SimpleUploadedFile(case.file, case.make())
    sent = client.post(reverse("import_list"), {"file": upload})
    if sent.status_code == 422:
        # An empty file is no file to a form.
        assert case.name == "empty file"
        assert "The submitted file is empty" in sent.content.decode()
        return
    job = ImportJob.objects.get()
    import_job_run(str(job.uuid), clock=lambda: now + timedelta(seconds=1))
    page = client.get(sent.url).content.decode()
    job.refresh_from_db()
    row = next(
        row for row in job.errors if row["severity"] == "error" and case.words in row["message"]
    )
    assert escape(row["message"]) in page
    assert f"<code>{escape(row['pointer'])}</code>" in page
    assert escape(row["expected"]) in page
    assert rows_in_all() == before


def test_an_upload_that_says_it_is_a_gigabyte_is_refused_by_its_length(world, client_of):
    response = client_of(world.tess).generic(
        "POST",
        reverse("import_list"),
        b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(2**30),
    )
    assert response.status_code == 413
    assert "expected at most 100 MB" in response.content.decode()
    assert not ImportJob.objects.exists()
