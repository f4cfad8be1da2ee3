"""An administrator looks after the models in a real browser; a teacher looks back to a day."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils.timezone import localdate
from playwright.sync_api import Page, expect

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.tutor.tracing.logs import log_make, work_off
from tests.world import PASSWORD
from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.roster.services import classroom_create, classroom_join
from tutor.tracing import engine
from tutor.tracing.drift import drifts_measure
from tutor.tracing.fits import fit_claim, fit_execute, fit_request
from tutor.tracing.lag import lag_note
from tutor.tracing.models import FitRun, ModelVersion, Promotion, VersionStatus
from tutor.tracing.services import version_serving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_artifacts(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    engine._fitted.cache_clear()
    yield
    engine._fitted.cache_clear()


@pytest.fixture
def course(transactional_db: None) -> Course:
    """A course with sixty days of answers, its class, and root who runs the site."""
    now = now_utc()
    course = log_make(now=now, key="algebra")
    version_serving(course, now=now - timedelta(days=60))
    account_create(username="root", display_name="Root", role=Role.ADMINISTRATOR, password=PASSWORD)
    tess = account_create(
        username="tess", display_name="Tess", role=Role.TEACHER, password=PASSWORD
    )
    classroom = classroom_create(name="6b", course=course, teachers=[tess], now=now)
    learner = User.objects.get(username="algebra0")
    learner.set_password(PASSWORD)
    learner.save()
    classroom_join(learner, join_code=classroom.join_code, now=now)
    return course


def fit_done(course: Course) -> ModelVersion:
    """Fit and test a version, as a worker would."""
    run = fit_request(course, model_name="bkt", by=None, now=now_utc())
    done = fit_execute(run.pk, clock=now_utc, is_threaded=False)
    assert done is not None
    return done.version


def look(page: Page, name: str) -> None:
    axe_check(page)
    shot(page, f"models-{name}")


def test_a_fit_is_followed_until_it_ends(page_desktop: Page, course: Course) -> None:
    page = page_desktop
    log_in(page, "root", PASSWORD)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Models").click()
    look(page, "list")
    page.get_by_role("main").get_by_role("link", name=course.title).click()
    page.get_by_label("Model").select_option("bkt")
    page.get_by_role("button", name="Start the fit").click()
    run = FitRun.objects.get()
    fit_claim(run.pk, now=now_utc())
    FitRun.objects.update(progress=0.4, stage="Passing over the answers, round 3")
    expect(page.get_by_text("Passing over the answers, round 3")).to_be_visible()
    look(page, "running")
    page.get_by_role("button", name="Cancel").focus()
    FitRun.objects.update(progress=0.6)
    expect(page.locator("progress").first).to_have_attribute("value", "60")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Told to stop.", exact=True)).to_be_visible()
    FitRun.objects.update(status="cancelled", reason="Cancelled.", finished_at=now_utc())
    expect(page.locator("#live")).to_have_text("Done: what runs on this page has ended.")
    expect(page.locator("#live-models[hx-get]")).to_have_count(0)


@pytest.mark.parametrize("is_phone", [False, True])
def test_a_version_is_read_promoted_and_rolled_back(
    open_page: OpenPage, course: Course, is_phone: bool
) -> None:
    version = fit_done(course)
    Promotion.objects.all().delete()
    lag_note(1.2, now=now_utc())
    page = open_page(is_phone=is_phone, is_dark=is_phone)
    suffix = "-phone" if is_phone else ""
    log_in(page, "root", PASSWORD)
    page.goto(f"/teach/models/versions/{version.uuid}/")
    look(page, f"version{suffix}")
    page.get_by_role("link", name="Promote").click()
    look(page, f"promote{suffix}")
    page.get_by_role("button", name="Let it serve").click()
    expect(page.get_by_text("0 of 1 groups of learners")).to_be_visible()
    look(page, f"replay{suffix}")
    work_off(now_utc())
    drifts_measure(now=now_utc() + timedelta(days=1))
    version.refresh_from_db()
    assert version.status == VersionStatus.SERVING
    page.reload()
    look(page, f"served{suffix}")
    page.get_by_role("link", name="Roll back (mastery)").click()
    look(page, f"back{suffix}")
    page.get_by_role("button", name="Go back to it").click()
    expect(page.get_by_text("0 of 1 groups of learners")).to_be_visible()


def test_the_pages_work_without_javascript(open_page: OpenPage, course: Course) -> None:
    page = open_page(has_javascript=False)
    log_in(page, "root", PASSWORD)
    page.goto(f"/teach/models/courses/{course.uuid}/")
    page.get_by_role("button", name="Start the fit").click()
    expect(page.get_by_text("The fit is asked for")).to_be_visible()
    page.get_by_role("link", name="Refresh").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled while waiting.")).to_be_visible()


def test_a_teacher_reads_the_models_and_looks_back_to_a_day(
    page_desktop: Page, course: Course
) -> None:
    fit_done(course)
    work_off(now_utc())
    # Served as of work_off's later clock; the page's own clock must have passed it.
    ModelVersion.objects.filter(status=VersionStatus.SERVING).update(
        served_from=now_utc() - timedelta(hours=1)
    )
    Promotion.objects.update(finished_at=ModelVersion.objects.get(status="serving").served_from)
    page = page_desktop
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/models/courses/{course.uuid}/")
    expect(page.get_by_role("heading", name="Start a fit")).to_have_count(0)
    look(page, "teacher")
    learner = User.objects.get(username="algebra0")
    classroom = course.classrooms.get()
    page.goto(f"/teach/classes/{classroom.uuid}/learners/{learner.uuid}/")
    expect(page.get_by_text("The model changed on")).to_be_visible()
    day = localdate(Response.objects.filter(learner=learner).latest("answered_at").answered_at)
    page.get_by_role("textbox", name="Day").fill(day.isoformat())
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("under the version that served then")).to_be_visible()
    look(page, "as-of")
    page.get_by_role("textbox", name="Day").evaluate("field => field.removeAttribute('max')")
    page.get_by_role("textbox", name="Day").fill("2099-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("is still to come")).to_be_visible()
    axe_check(page)


def test_a_learner_reads_of_the_change(page_phone: Page, course: Course) -> None:
    fit_done(course)
    work_off(now_utc())
    at = now_utc() - timedelta(hours=1)
    ModelVersion.objects.filter(status=VersionStatus.SERVING).update(served_from=at)
    Promotion.objects.update(finished_at=at)
    log_in(page_phone, "algebra0", PASSWORD)
    expect(page_phone.get_by_text("another model reckons your numbers")).to_be_visible()
    look(page_phone, "learner-home")
    skill = course.skills.get(key="a")
    page_phone.goto(f"/learn/{course.uuid}/skills/{skill.uuid}/")
    expect(page_phone.get_by_text("the one before would say")).to_be_visible()
    look(page_phone, "learner-skill")
