"""A teacher writes in a real browser: a problem, its variants, publishing; a learner meets it."""

import re

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.e2e.hands import Hands, Keyboard, Mouse
from tests.world import PASSWORD, World, world_make
from tutor.common.clock import now_utc
from tutor.content.demo.assemble import demo_bundle
from tutor.content.graph import course_graphs_forget
from tutor.content.importing import course_import
from tutor.content.jobs import import_job_run
from tutor.content.models import Course, Draft, ImportJob, ImportStatus, Problem, Step
from tutor.responses.models import Response
from tutor.roster.services import classroom_create, classroom_join

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    with transaction.atomic():
        made = world_make(now=now_utc())
    course_graphs_forget()
    return made


def tiny_bundle() -> dict[str, object]:
    """A course of one skill, whose only problem is still to be written."""
    return {
        "format": "stepwise-bundle",
        "format_version": 1,
        "course": {"id": "double", "title": "Doubling"},
        "skills": [{"id": "double", "title": "Double a number"}],
        "lessons": [
            {"id": "l-double", "title": "Doubling", "skills": ["double"], "body": "Twice."}
        ],
        "problems": [],
    }


@pytest.fixture
def course(world: World) -> Course:
    """tess's own course, with ada in a class on it."""
    made = course_import(tiny_bundle(), by=world.tess, now=now_utc(), is_dry_run=False).course
    assert made is not None
    classroom = classroom_create(name="Doublers", course=made, teachers=[world.tess], now=now_utc())
    classroom_join(world.ada, join_code=classroom.join_code, now=now_utc())
    course_graphs_forget()
    return made


def by_label(page: Page, label: str, nth: int = 0):
    return page.locator("#draft-form").get_by_label(label, exact=True).nth(nth)


def button(page: Page, name: str | re.Pattern[str]):
    return page.get_by_role("main").get_by_role("button", name=name)


def problem_write(page: Page, hands: Hands) -> None:
    """From the course's page to a published problem with variants, hints and feedback."""
    hands.press(button(page, "Write a problem"))
    expect(page).to_have_url(re.compile("/content/drafts/"))
    hands.write(by_label(page, "Title"), "Twice as many")
    hands.press(page.locator("summary", has_text="Variables"))
    hands.press(button(page, "Add a variable"))
    expect(by_label(page, "From")).to_have_value("1")
    hands.write(by_label(page, "From"), "2")
    hands.write(by_label(page, "To"), "40")
    hands.write(by_label(page, "Question"), "How much is $2 \\times @{a}$?")
    hands.write(by_label(page, "Right answer"), "@{2 * a}")
    hands.press(page.locator("summary", has_text="Hints, in the order"))
    hands.press(button(page, "Add a hint"))
    expect(page.locator("#f-steps-0-hints-0-text")).to_be_visible()
    hands.write(page.locator("#f-steps-0-hints-0-text"), "Take it twice.")
    hands.press(page.locator("summary", has_text="Feedback on known mistakes"))
    hands.press(button(page, "Add feedback"))
    hands.write(by_label(page, "To the answer"), "@{a}")
    hands.write(by_label(page, "say"), "That is the number once.")
    hands.press(button(page, "Keep the draft"))
    expect(page.get_by_text("Ready to publish.")).to_be_visible()


class TestAuthoring:
    @pytest.mark.parametrize("way", ["mouse", "keyboard", "no script"])
    def test_a_problem_is_written_published_and_met(
        self, open_page: OpenPage, world: World, course: Course, way: str
    ) -> None:
        page = open_page(has_javascript=way != "no script")
        hands: Hands = Keyboard(page) if way == "keyboard" else Mouse(page)
        log_in(page, "tess", PASSWORD)
        hands.press(page.get_by_role("link", name="Content", exact=True))
        hands.press(page.get_by_role("heading", name="Doubling").get_by_role("link"))
        problem_write(page, hands)
        if way == "mouse":
            axe_check(page)
            shot(page, "author-editor-desktop")
        hands.press(button(page, "Publish …"))
        expect(page.get_by_role("heading", name="Publish Twice as many")).to_be_visible()
        if way == "mouse":
            axe_check(page)
        hands.press(button(page, "Publish"))
        expect(page.get_by_text("this is version 2 of Doubling")).to_be_visible()
        first = page.locator(".variant-values").inner_text()
        hands.press(page.get_by_role("link", name="Next variant"))
        expect(page.locator(".variant-values")).not_to_have_text(first)
        value = int(re.findall(r"= (\d+)", page.locator(".variant-values").inner_text())[0])
        hands.write(page.get_by_label("Try an answer"), str(value))
        hands.press(button(page, "Try it"))
        expect(page.locator("#verdict")).to_contain_text("That is the number once.")
        hands.write(page.get_by_label("Try an answer"), str(2 * value))
        hands.press(button(page, "Try it"))
        expect(page.locator("#verdict")).to_contain_text("Right.")
        assert not Response.objects.exists()
        if way == "mouse":
            axe_check(page)
        self.learner_answers(open_page(), course)

    def learner_answers(self, page: Page, course: Course) -> None:
        course_graphs_forget()
        log_in(page, "ada", PASSWORD)
        page.goto(f"/learn/{course.uuid}/")
        page.get_by_role("button", name="Start").first.click()
        page.get_by_role("button", name="To the first problem").click()
        expect(page.get_by_role("heading", name="Twice as many")).to_be_visible()
        maths = page.locator("#prompt math").text_content() or ""
        page.get_by_label("Your answer").fill(str(2 * int(re.findall(r"\d+", maths)[-1])))
        page.get_by_role("button", name="Check").click()
        expect(page.locator("#feedback-title")).to_contain_text("Right")
        assert Response.objects.get().step.key == "l-double-1-a"

    def test_an_edit_is_a_revision_and_is_rolled_back(
        self, open_page: OpenPage, world: World
    ) -> None:
        course = course_import(demo_bundle(), by=world.tess, now=now_utc(), is_dry_run=False).course
        assert course is not None
        problem = Problem.objects.filter(course=course, variables__has_key="a").first()
        assert problem is not None
        before = problem.title
        page = open_page()
        log_in(page, "tess", PASSWORD)
        page.goto(f"/content/problems/{problem.uuid}/")
        axe_check(page)
        shot(page, "author-problem-desktop")
        button(page, "Edit").click()
        by_label(page, "Title").fill("Another title")
        expect(page.get_by_text(re.compile("Draft kept at"))).to_be_visible()
        assert Draft.objects.get().document["title"] == "Another title"
        button(page, "Publish …").click()
        expect(page.locator("ins", has_text="Another title")).to_be_visible()
        shot(page, "author-publish-desktop")
        button(page, "Publish").click()
        expect(page.get_by_role("heading", name="Another title").first).to_be_visible()
        expect(page.get_by_role("link", name="Revision 1")).to_be_visible()
        page.get_by_role("link", name="Versions of the course").click()
        button(page, "Roll back to 1").click()
        job = ImportJob.objects.get(roll_back_to=1)
        import_job_run(str(job.uuid), clock=now_utc)
        expect(page.get_by_text("is now version 3")).to_be_visible()
        job.refresh_from_db()
        assert job.status == ImportStatus.DONE
        problem.refresh_from_db()
        assert problem.title == before
        assert not Step.objects.filter(problem=problem, is_retired=True).exists()

    @pytest.mark.parametrize(
        ("is_phone", "is_dark"), [(True, False), (True, True), (False, False), (False, True)]
    )
    def test_every_page_is_accessible_and_fits(
        self, open_page: OpenPage, world: World, is_phone: bool, is_dark: bool
    ) -> None:
        course = course_import(demo_bundle(), by=world.tess, now=now_utc(), is_dry_run=False).course
        assert course is not None
        look = f"{'phone' if is_phone else 'desktop'}-{'dark' if is_dark else 'light'}"
        page = open_page(is_phone=is_phone, is_dark=is_dark)
        log_in(page, "tess", PASSWORD)
        problem = Problem.objects.filter(course=course, variables__has_key="a").first()
        lesson = course.lessons.first()
        assert problem is not None
        assert lesson is not None
        for name, url in {
            "home": "/content/",
            "course": f"/content/courses/{course.uuid}/",
            "problem": f"/content/problems/{problem.uuid}/",
            "lesson": f"/content/lessons/{lesson.uuid}/",
        }.items():
            page.goto(url)
            axe_check(page)
            shot(page, f"author-{name}-{look}")
        button(page, "Edit").click()
        axe_check(page)
        shot(page, f"author-lesson-editor-{look}")
        page.goto(f"/content/problems/{problem.uuid}/")
        button(page, "Edit").click()
        by_label(page, "Right answer").fill("@{a +}")
        button(page, "Keep the draft").click()
        expect(page.get_by_text("Not ready to publish")).to_be_visible()
        axe_check(page)
        shot(page, f"author-editor-{look}")
        page.get_by_role("link", name="As JSON").click()
        axe_check(page)
        shot(page, f"author-json-{look}")
