"""A learner practises in a real browser: each answer kind, by keyboard, without JavaScript."""

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.e2e.kinds import KINDS, kinds_bundle
from tests.world import PASSWORD
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.content.importing import course_import
from tutor.content.models import Course, Problem
from tutor.practice.models import Activity, Session
from tutor.responses.models import Response, ResponseKind
from tutor.roster.services import classroom_create, classroom_join

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def learner(live_server: LiveServer) -> User:
    """A learner in a class on the course with every kind."""
    now = now_utc()
    course_import(kinds_bundle(), by=None, now=now, is_dry_run=False)
    course = Course.objects.get(key="kinds")
    classroom = classroom_create(name="6b", course=course, teachers=[], now=now)
    ada = account_create(username="ada", display_name="Ada", password=PASSWORD)
    classroom_join(ada, join_code=classroom.join_code, now=now)
    return ada


def problem_show(learner: User, kind: str) -> Session:
    """Put one problem on the learner's screen."""
    now = now_utc()
    course = Course.objects.get(key="kinds")
    session = Session.objects.create(
        learner=learner, course=course, started_at=now, last_active_at=now
    )
    problem = Problem.objects.get(key=f"p-{kind}")
    assert problem.revision is not None
    Activity.objects.create(
        session=session,
        revision=problem.revision,
        skill_id_aim=course.skills.get().pk,
        step_shown_at=now,
        started_at=now,
    )
    return session


def answer_give(page: Page, kind: str) -> None:
    """Give the right answer to the problem of a kind."""
    typed = KINDS[kind][2]
    if typed:
        page.get_by_label("Your answer").fill(typed)
    elif kind == "choice":
        page.locator("input[value=half]").check()
    elif kind == "multiple_choice":
        page.locator("input[value=half]").check()
        page.locator("input[value=quarter]").check()
    elif kind == "ordering":
        for place, word in enumerate(("one", "two", "three"), start=1):
            page.locator(f"select[name=order-{word}]").select_option(str(place))
    else:
        page.locator("select[name=match-l1]").select_option("half")
        page.locator("select[name=match-l2]").select_option("quarter")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_answered_on_a_phone(page_phone: Page, learner: User, kind: str) -> None:
    session = problem_show(learner, kind)
    log_in(page_phone, "ada", PASSWORD)
    page_phone.goto(f"/practice/{session.uuid}/")
    answer_give(page_phone, kind)
    if KINDS[kind][2] and kind not in {"text", "number", "list", "tuple", "interval"}:
        expect(page_phone.locator(".preview-maths math")).to_be_visible()
    axe_check(page_phone)
    shot(page_phone, f"kind-{kind}")
    page_phone.get_by_role("button", name="Check").click()
    expect(page_phone.locator("#feedback-title")).to_be_focused()
    expect(page_phone.locator("#feedback-title")).to_contain_text("Right")
    axe_check(page_phone)
    response = Response.objects.get(learner=learner)
    assert response.is_correct
    assert response.is_observation


def test_a_number_with_a_unit_has_a_number_pad_and_a_key_for_its_unit(
    open_page: OpenPage, learner: User
) -> None:
    session = problem_show(learner, "number")
    page = open_page(is_phone=True)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    field = page.get_by_label("Your answer", exact=True)
    expect(field).to_have_attribute("inputmode", "decimal")
    field.fill("12")
    page.get_by_role("button", name="cm", exact=True).click()
    expect(field).to_have_value("12 cm")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#feedback-title")).to_contain_text("Right")


def test_without_javascript_a_number_with_a_unit_keeps_its_letters(
    open_page: OpenPage, learner: User
) -> None:
    """The key that types the unit needs the script; a pad without letters would lock one out."""
    session = problem_show(learner, "number")
    page = open_page(is_phone=True, has_javascript=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    field = page.get_by_label("Your answer", exact=True)
    expect(field).to_have_attribute("inputmode", "text")
    expect(page.get_by_role("button", name="cm", exact=True)).to_be_hidden()


def test_on_a_phone_keys_stand_beside_their_field_and_ways_on_are_buttons_of_the_card(
    page_phone: Page, learner: User
) -> None:
    session = problem_show(learner, "fraction")
    log_in(page_phone, "ada", PASSWORD)
    page_phone.goto(f"/practice/{session.uuid}/")
    field = page_phone.get_by_label("Your answer").bounding_box()
    assert field is not None
    for key in page_phone.locator(".answer-keys button").all():
        box = key.bounding_box()
        assert box is not None
        assert box["y"] == field["y"]
    card = page_phone.locator("article.problem")
    for name in ("Give me a hint", "I don’t know this yet"):
        button = card.get_by_role("button", name=name)
        colour = button.evaluate("element => getComputedStyle(element).borderTopColor")
        assert colour != "rgba(0, 0, 0, 0)"
    # No band above Check where nothing is previewed.
    assert page_phone.locator(".preview").evaluate("element => element.offsetHeight") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_answered_without_javascript(
    open_page: OpenPage, learner: User, kind: str
) -> None:
    session = problem_show(learner, kind)
    page = open_page(has_javascript=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    answer_give(page, kind)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#feedback-title")).to_contain_text("Right")
    assert Response.objects.get(learner=learner).is_correct


def test_a_whole_step_by_keyboard_alone(page_desktop: Page, learner: User) -> None:
    session = problem_show(learner, "choice")
    page = page_desktop
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    page.keyboard.press("b")
    expect(page.locator("input[value=third]")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("#not-yet")).to_contain_text("Three thirds make one whole.")
    expect(page.locator("input[value=half]")).to_be_focused()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#feedback-title")).to_be_focused()
    # Past the worked solution and the link that explains the number.
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("main").locator(".continue button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1.problem-title")).to_be_focused()
    assert [row.is_correct for row in Response.objects.order_by("id")] == [False, True]


def test_an_unreadable_answer_stays_in_its_field_and_counts_nothing(
    page_desktop: Page, learner: User
) -> None:
    session = problem_show(learner, "fraction")
    log_in(page_desktop, "ada", PASSWORD)
    page_desktop.goto(f"/practice/{session.uuid}/")
    field = page_desktop.get_by_label("Your answer")
    field.fill("3/")
    with page_desktop.expect_response(lambda answer: "/answer/" in answer.url) as posted:
        field.press("Enter")
    assert posted.value.status == 422
    expect(field).to_have_value("3/")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    axe_check(page_desktop)
    shot(page_desktop, "unreadable")
    assert not Response.objects.exists()


def test_a_double_click_counts_once(page_desktop: Page, learner: User) -> None:
    session = problem_show(learner, "text")
    log_in(page_desktop, "ada", PASSWORD)
    page_desktop.goto(f"/practice/{session.uuid}/")
    page_desktop.get_by_label("Your answer").fill("numerator")
    page_desktop.get_by_role("button", name="Check").dblclick()
    expect(page_desktop.locator("#feedback-title")).to_contain_text("Right")
    assert Response.objects.count() == 1


def test_an_answer_given_offline_is_sent_when_the_network_is_back(
    open_page: OpenPage, learner: User
) -> None:
    session = problem_show(learner, "text")
    page = open_page(is_quiet=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    page.get_by_label("Your answer").fill("numerator")
    page.context.set_offline(True)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#offline")).to_be_visible()
    expect(page.get_by_label("Your answer")).to_have_value("numerator")
    shot(page, "offline")
    page.context.set_offline(False)
    expect(page.locator("#feedback-title")).to_contain_text("Right")
    assert Response.objects.count() == 1


def test_an_answer_whose_reply_is_lost_is_sent_again_and_counts_once(
    open_page: OpenPage, learner: User
) -> None:
    session = problem_show(learner, "text")
    page = open_page(is_quiet=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    sent: list[int] = []

    def cut_once(route: Route) -> None:
        # The answer arrives and is recorded; the line is cut before the reply comes back.
        reply = route.fetch()
        sent.append(reply.status)
        if len(sent) == 1:
            route.abort()
        else:
            route.fulfill(response=reply)

    page.route("**/answer/", cut_once)
    page.get_by_label("Your answer").fill("numerator")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#feedback-title")).to_contain_text("Right")
    assert sent == [200, 200]
    assert Response.objects.count() == 1


@pytest.mark.parametrize("failure", ["no network", "broken server"])
def test_what_is_typed_and_not_checked_is_never_sent(
    open_page: OpenPage, learner: User, failure: str
) -> None:
    session = problem_show(learner, "fraction")
    page = open_page(is_quiet=False)
    log_in(page, "ada", PASSWORD)
    page.clock.install()
    page.goto(f"/practice/{session.uuid}/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else 0)
    if failure == "no network":
        page.context.set_offline(True)
        with page.expect_event("requestfailed"):
            page.get_by_label("Your answer").fill("1")
        page.context.set_offline(False)
    else:
        page.route("**/preview/", lambda route: route.fulfill(status=500))
        with page.expect_response("**/preview/"):
            page.get_by_label("Your answer").fill("1")
        page.unroute("**/preview/")
    # Longer than any retry waits at first.
    page.clock.run_for(5_000)
    page.get_by_label("Your answer").fill("1/2")
    expect(page.locator(".preview-maths math")).to_be_visible()
    expect(page.locator("#not-yet")).to_have_count(0)
    assert all(url.endswith("/preview/") for url in sent), sent
    assert not Response.objects.exists()


def test_a_preview_leaves_the_answer_that_waits_alone(open_page: OpenPage, learner: User) -> None:
    session = problem_show(learner, "fraction")
    page = open_page(is_quiet=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    page.route("**/answer/", lambda route: route.fulfill(status=503), times=1)
    with page.expect_response("**/preview/"):
        page.get_by_label("Your answer").fill("3/4")
        page.get_by_label("Your answer").press("Enter")
    expect(page.locator("#feedback-title")).to_contain_text("Right")
    assert Response.objects.get().is_correct


def test_what_waits_is_taken_back_when_it_is_changed(open_page: OpenPage, learner: User) -> None:
    session = problem_show(learner, "text")
    page = open_page(is_quiet=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    page.get_by_label("Your answer").fill("denominator")
    page.context.set_offline(True)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#offline")).to_be_visible()
    page.get_by_label("Your answer").fill("numera")
    expect(page.locator("#offline")).to_be_hidden()
    page.context.set_offline(False)
    page.get_by_label("Your answer").fill("numerator")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#feedback-title")).to_have_text("Right")
    assert Response.objects.get().raw_answer == "numerator"


def test_nothing_else_goes_out_while_an_answer_waits(open_page: OpenPage, learner: User) -> None:
    session = problem_show(learner, "text")
    page = open_page(is_quiet=False, is_phone=True)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.get_by_label("Your answer").fill("numerator")
    page.context.set_offline(True)
    page.get_by_role("button", name="Check").click()
    # On a phone the notice lies where one looks.
    expect(page.locator("#offline")).to_be_in_viewport(ratio=1)
    shot(page, "offline-phone")
    page.get_by_role("button", name="Give me a hint").click()
    expect(page.locator("#offline")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#feedback-title")).to_have_text("Right")
    response = Response.objects.get()
    assert (response.kind, response.is_correct) == (ResponseKind.ANSWER, True)
    # Waiting is no thinking: every sending tells the time of the first.
    times = {part for body in asked for part in body.split("&") if part.startswith("elapsed_ms")}
    assert len(times) == 1, times


@pytest.mark.parametrize("has_javascript", [True, False])
def test_an_answer_that_meets_an_expired_login_is_kept_and_counts_after_it(
    open_page: OpenPage, learner: User, has_javascript: bool
) -> None:
    session = problem_show(learner, "text")
    page = open_page(has_javascript=has_javascript)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    page.get_by_label("Your answer").fill("numerator")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Your answer is kept. Log in and it is checked.")).to_be_visible()
    if has_javascript:
        axe_check(page)
        shot(page, "answer-kept")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    if not has_javascript:
        page.get_by_role("button", name="Send my answer").click()
    expect(page.locator("#feedback-title")).to_contain_text("Right")
    assert Response.objects.get(learner=learner).is_correct


def test_a_page_from_before_another_login_says_what_to_do(
    open_page: OpenPage, learner: User
) -> None:
    session = problem_show(learner, "text")
    page = open_page(is_quiet=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/practice/{session.uuid}/")
    page.get_by_label("Your answer").fill("numerator")
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="This page was too old to send")).to_be_visible()
    axe_check(page)
    page.go_back()
    page.reload()
    page.get_by_label("Your answer").fill("numerator")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#feedback-title")).to_contain_text("Right")
    assert Response.objects.count() == 1
