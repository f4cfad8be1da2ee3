"""Every page of accounts and learners: accessible on phone and desktop, in light and dark."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.world import PASSWORD, World, world_make
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.practice.recording import activity_of
from tutor.practice.services import activity_continue, answer_submit, session_end, session_start
from tutor.responses.models import Response
from tutor.scheduling.goals import assignment_make

pytestmark = pytest.mark.django_db(transaction=True)

# Contrast depends on the scheme, layout on the width: two looks cover both.
LOOKS = [(True, False), (False, True)]


@pytest.fixture
def lived_in(live_server: LiveServer) -> World:
    """The small world, in which ada practised yesterday."""
    at = now_utc() - timedelta(days=1)
    world = world_make(now=at)
    session = session_start(world.ada, world.course, now=at)
    for turn in range(8):
        at += timedelta(seconds=30)
        activity = activity_of(session)
        if activity is None:
            break
        answers = ["12", "7"] if turn % 3 == 1 else ["7"]
        for answer in answers:
            activity.refresh_from_db()
            token = activity.attempt_token
            answer_submit(session, raw_answer=answer, attempt_token=token, now=at)
        activity.refresh_from_db()
        activity_continue(session, attempt_token=activity.attempt_token, now=at)
    session_end(session, now=at)
    return world


def look(page: Page, address: str, name: str) -> None:
    page.goto(address)
    axe_check(page)
    shot(page, name)


@pytest.mark.parametrize(("is_phone", "is_dark"), LOOKS)
def test_every_learner_page_is_accessible(
    open_page: OpenPage, lived_in: World, is_phone: bool, is_dark: bool
) -> None:
    page = open_page(is_phone=is_phone, is_dark=is_dark)
    suffix = f"{'phone' if is_phone else 'desktop'}-{'dark' if is_dark else 'light'}"
    look(page, "/login/", f"login-{suffix}")
    look(page, "/join/", f"join-{suffix}")
    log_in(page, "ada", PASSWORD)
    course = f"/learn/{lived_in.course.uuid}/"
    look(page, "/learn/", f"home-{suffix}")
    look(page, f"{course}map/", f"map-{suffix}")
    look(page, f"{course}map/?view=list", f"map-list-{suffix}")
    look(page, f"{course}progress/", f"progress-{suffix}")
    look(page, f"{course}answers/", f"answers-{suffix}")
    look(page, f"{course}placement/", f"placement-{suffix}")
    look(page, "/account/data/", f"data-{suffix}")
    look(page, "/account/delete/", f"delete-{suffix}")
    for key in ("a", "c"):
        look(page, f"{course}skills/{lived_in.skills[key].uuid}/", f"skill-{key}-{suffix}")
    lesson = lived_in.course.lessons.order_by("order").first()
    assert lesson is not None
    look(page, f"{course}lessons/{lesson.uuid}/", f"lesson-{suffix}")
    look(page, "/learn/how/", f"how-{suffix}")
    look(page, "/account/", f"account-{suffix}")
    look(page, "/account/password/", f"password-{suffix}")
    page.goto("/learn/")
    page.get_by_role("button", name="Start", exact=True).click()
    # A skill that is new begins with its lesson.
    page.locator(".button-check").first.wait_for()
    if page.get_by_role("button", name="To the first problem").count():
        page.get_by_role("button", name="To the first problem").click()
    page.get_by_role("button", name="Give me a hint").click()
    expect(page.locator("#hint-last h3")).to_be_focused()
    page.get_by_role("button", name="Another hint").click()
    expect(page.get_by_label("Your answer to this question")).to_be_visible()
    axe_check(page)
    shot(page, f"practice-hints-{suffix}")
    page.get_by_label("Your answer", exact=True).fill("12")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#not-yet")).to_contain_text("You multiplied.")
    axe_check(page)
    shot(page, f"practice-not-yet-{suffix}")
    page.get_by_role("button", name="know this yet").click()
    expect(page.locator("#feedback-title")).to_be_focused()
    axe_check(page)
    shot(page, f"practice-shown-{suffix}")


@pytest.mark.parametrize(("is_phone", "is_dark"), LOOKS)
def test_a_placement_tells_in_view_that_an_answer_waits(
    open_page: OpenPage, live_server: LiveServer, is_phone: bool, is_dark: bool
) -> None:
    world = world_make(now=now_utc())
    page = open_page(is_phone=is_phone, is_dark=is_dark, is_quiet=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/learn/{world.course.uuid}/placement/")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sums")
    axe_check(page)
    shot(page, f"placement-question-{'phone' if is_phone else 'desktop'}")
    page.context.set_offline(True)
    page.get_by_role("button", name="know this yet").click()
    expect(page.locator("#offline")).to_be_in_viewport(ratio=1)
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
    assert Response.objects.count() == 1


def test_empty_and_shut_pages_are_accessible(open_page: OpenPage, lived_in: World) -> None:
    User.objects.create_user(username="nia", display_name="Nia", password=PASSWORD)
    page = open_page(is_phone=True, is_quiet=False)
    for _ in range(10):
        page.goto("/login/")
        page.get_by_label("Username").fill("ben")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        page.wait_for_load_state()
    expect(page.get_by_role("heading", name="A short pause")).to_be_visible()
    axe_check(page)
    shot(page, "locked")
    log_in(page, "nia", PASSWORD)
    axe_check(page)
    shot(page, "home-empty")


def test_goals_assignments_and_a_mistyped_password_are_accessible(
    page_phone: Page, lived_in: World
) -> None:
    assignment_make(
        lived_in.classroom,
        title="Everything by summer",
        skill_ids=[lived_in.skills["c"].pk],
        due_at=now_utc() + timedelta(days=30),
        by=lived_in.tess,
        now=now_utc(),
    )
    page, course = page_phone, f"/learn/{lived_in.course.uuid}/"
    log_in(page, "ada", PASSWORD)
    page.goto(f"{course}skills/{lived_in.skills['b'].uuid}/")
    page.get_by_role("button", name="Make this my goal").click()
    expect(page.get_by_text("Your goal: Skill b")).to_be_visible()
    expect(page.get_by_text("Everything by summer")).to_be_visible()
    axe_check(page)
    shot(page, "home-goals")
    page.goto("/account/delete/")
    page.get_by_label("Your password").fill("wrong")
    page.get_by_label("I know that this cannot be undone.").check()
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    axe_check(page)
    shot(page, "delete-mistake")


def test_a_teacher_makes_a_token_and_sees_it_once(page_desktop: Page, lived_in: World) -> None:
    page = page_desktop
    log_in(page, "root", PASSWORD)
    page.goto("/account/")
    page.get_by_label("Name", exact=True).fill("gradebook")
    page.get_by_label("read", exact=True).check()
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("#new-token")).to_have_value(re.compile("^sw_"))
    axe_check(page)
    shot(page, "account-token")
    page.goto("/account/")
    expect(page.locator("#new-token")).to_have_count(0)
