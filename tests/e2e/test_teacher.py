"""A teacher's morning in a real browser: classes, who needs help, heatmap, learner, API page."""

import random
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.world import PASSWORD, World, course_make, world_make
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.content.graph import course_graph, course_graphs_forget
from tutor.content.models import Course, Lesson, Skill
from tutor.responses.models import Response, ResponseKind
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_create, classroom_join
from tutor.tracing.services import state_rebuild, tracing_hold

NAMES = (
    "Aiko",
    "Bela",
    "Chidi",
    "Dana",
    "Emil",
    "Farah",
    "Goran",
    "Hana",
    "Ivo",
    "Jana",
    "Kofi",
    "Lena",
)

TITLES = {
    "parts": "Parts of a whole",
    "line": "Fractions on the number line",
    "equal": "Equivalent fractions",
    "simple": "Simplest form",
    "mixed": "Mixed numbers",
    "amount": "A fraction of an amount",
    "common": "Common denominators",
    "compare": "Comparing and ordering",
    "like": "Adding with the same denominator",
    "unlike": "Adding with different denominators",
    "multiply": "Multiplying fractions",
    "divide": "Dividing fractions",
}


def class_make(world: World) -> Classroom:
    """Give tess a class of learners who differ, on a course of a dozen skills."""
    now = now_utc()
    course = course_make(now=now, key="fractions", skills=tuple(TITLES))
    for key, title in TITLES.items():
        Skill.objects.filter(course=course, key=key).update(title=title)
        Lesson.objects.filter(course=course, key=f"l-{key}").update(title=title)
    # A lesson of three skills, so that there is something to fold.
    lesson = course.lessons.order_by("order")[0]
    lesson.skills.set(course.skills.order_by("position")[:3])
    course_graphs_forget()
    classroom = classroom_create(name="Fractions 6a", course=course, teachers=[world.tess], now=now)
    for number, name in enumerate(NAMES):
        learner = account_create(
            username=f"pupil{number}", display_name=name, is_simulated=number % 4 == 0
        )
        classroom_join(learner, join_code=classroom.join_code, now=now)
        learner_answers(learner, course, rng=random.Random(number))
    return classroom


def learner_answers(learner: User, course: Course, *, rng: random.Random) -> None:
    """Write three weeks of answers into the log and trace them."""
    graph, now = course_graph(course), now_utc()
    ability, rows = rng.uniform(0.25, 0.98), []
    steps = [
        rng.choice(graph.steps_by_skill[skill.id])
        for skill in graph.skills[: rng.randint(3, len(graph.skills))]
        for _ in range(rng.randint(1, 9))
    ]
    # Spread over three weeks; every sixth learner stopped ten days ago.
    last = now - (timedelta(days=10) if rng.random() < 1 / 6 else timedelta(minutes=5))
    for place, step in enumerate(steps):
        at = last - timedelta(days=(len(steps) - 1 - place) * 18 / len(steps))
        is_help = rng.random() > 0.9 + ability / 10
        rows.append(
            Response(
                learner=learner,
                course=course,
                step_id=step.step_id,
                skill_ids=list(step.skill_ids),
                session_uuid=uuid4(),
                kind=ResponseKind.DONT_KNOW if is_help else ResponseKind.ANSWER,
                is_observation=True,
                is_correct=not is_help and rng.random() < ability,
                raw_answer="" if is_help else f"{rng.randint(1, 9)}/{rng.randint(2, 12)}",
                elapsed_ms=rng.randint(8_000, 120_000),
                answered_at=at,
                recorded_at=at,
            )
        )
    Response.objects.bulk_create(rows)
    with transaction.atomic():
        state = tracing_hold(learner, course, now=now).state
    state_rebuild(state.pk, now=now)


@pytest.fixture
def classroom(transactional_db: None) -> Classroom:
    """A class with a history."""
    return class_make(world_make(now=now_utc()))


def look(page: Page, name: str) -> None:
    """Picture and axe of a teacher's page."""
    shot(page, f"teacher-{name}")
    axe_check(page)


def test_a_teachers_morning(classroom: Classroom, page_desktop: Page) -> None:
    page = page_desktop
    log_in(page, "tess", PASSWORD)
    expect(page).to_have_url(re.compile("/teach/$"))
    look(page, "classes")
    page.get_by_role("link", name="Fractions 6a", exact=True).click()
    expect(page.get_by_role("heading", name="Who needs help now")).to_be_visible()
    look(page, "class")
    page.get_by_role("link", name="Mastery heatmap").click()
    look(page, "heatmap")

    page.get_by_role("grid").locator("tbody td").nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#heat-detail")).to_contain_text("Bela,")
    page.get_by_role("link", name="Mean").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Mean")
    assert "sort=mean" in page.url
    # Focus survives the swap.
    expect(page.locator("#sort-mean")).to_be_focused()
    page.get_by_role("link", name="Fold all lessons").first.click()
    expect(page.get_by_role("link", name="Unfold all lessons")).to_be_visible()
    look(page, "heatmap-folded")
    page.go_back()
    expect(page.get_by_role("link", name="Fold all lessons")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of this table").click()
    assert download.value.suggested_filename.endswith(".csv")

    page.get_by_role("row").get_by_role("link", name="Goran").click()
    expect(page.get_by_role("heading", name="Goran")).to_be_visible()
    look(page, "learner")
    row = page.locator(".skill-table tbody tr").first
    row.get_by_role("link").click()
    expect(page.locator("#history-head")).to_have_text(row.get_by_role("link").inner_text())
    page.get_by_role("link", name="How is this computed?").first.click()
    look(page, "how")


@pytest.mark.parametrize(("width", "is_dark"), [(1920, False), (1280, True), (360, False)])
def test_pages_fit_every_screen(
    classroom: Classroom, open_page: OpenPage, width: int, is_dark: bool
) -> None:
    page = open_page(is_dark=is_dark)
    page.set_viewport_size({"width": width, "height": 900})
    log_in(page, "tess", PASSWORD)
    learner = User.objects.get(display_name="Goran")
    home = f"/teach/classes/{classroom.uuid}/"
    mark = f"{width}{'-dark' if is_dark else ''}"
    for name, target in (
        ("class", home),
        ("heatmap", f"{home}heatmap/"),
        ("learner", f"{home}learners/{learner.uuid}/"),
    ):
        page.goto(target)
        look(page, f"{name}-{mark}")


def test_the_api_page_obeys_the_sites_policy(classroom: Classroom, page_desktop: Page) -> None:
    page = page_desktop
    log_in(page, "tess", PASSWORD)
    page.goto("/api/v1/docs/")
    expect(page.locator("#api-docs")).to_contain_text("/api/v1/courses/")
    shot(page, "teacher-api")
    operation = page.locator("#operations-courses-courses_list")
    operation.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text(
        f'"key": "{classroom.course.key}"'
    )
