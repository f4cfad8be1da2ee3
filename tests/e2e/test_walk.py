"""The main job on real content: a learner practises, and the teacher sees it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.world import PASSWORD
from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.content.documents import StepDocument
from tutor.content.formats import content_import, content_read
from tutor.content.models import Course, ImportFormat
from tutor.grading.answers import answer_expected
from tutor.practice.models import Session
from tutor.practice.recording import scene_of
from tutor.responses.models import Response, ResponseKind
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_create, classroom_join
from tutor.scheduling.models import Plan

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

POOL = "content/oatutor-elementary-algebra-ch1-2.zip"
GRAPH = "content/graphs/oatutor-elementary-algebra-2e-skill-prerequisites.json"
N_STEPS = 12
MATHS = {"number", "fraction", "expression"}


@pytest.fixture
def classroom(live_server: LiveServer, data_dir: Path) -> Classroom:
    """Tess's class, with one fresh learner, on the real course and its real graph."""
    course: Course | None = None
    for file in (POOL, GRAPH):
        path = data_dir / file
        if not path.exists():
            pytest.skip(f"no {path} (set STEPWISE_DATA)")
        content = content_read(path, name=path.name, wanted=ImportFormat.AUTO)
        content_import(content, course=course, by=None, now=now_utc(), is_dry_run=False)
        course = Course.objects.get()
    assert course is not None
    tess = account_create(
        username="tess", display_name="Tess", role=Role.TEACHER, password=PASSWORD
    )
    classroom = classroom_create(name="8c", course=course, teachers=[tess], now=now_utc())
    fred = account_create(username="fred", display_name="Fred Fresh", password=PASSWORD)
    classroom_join(fred, join_code=classroom.join_code, now=now_utc())
    return classroom


def step_at_hand() -> StepDocument:
    scene = scene_of(Session.objects.get())
    assert scene is not None
    return scene.step


def lesson_pass(page: Page) -> None:
    """A skill that is new begins with its lesson."""
    go_on = page.get_by_role("button", name="To the first problem")
    expect(page.locator("h1.problem-title")).to_be_visible()
    if go_on.count():
        go_on.click()
        expect(go_on).to_have_count(0)


def typed_right(answer: Mapping[str, Any]) -> str:
    """What a learner types for an answer that is typed."""
    match answer["kind"]:
        case "text":
            return str(answer["accepted"][0])
        case "list":
            return ", ".join(map(str, answer["values"]))
        case "tuple":
            return f"({', '.join(map(str, answer['values']))})"
        case "number":
            return f"{answer['value']} {(answer.get('units') or [''])[0]}"
        case _:
            return str(answer["value"])


def answer_give(page: Page, step: StepDocument, *, is_right: bool) -> None:
    """Type or pick an answer; a wrong one is readable."""
    answer = step.answer
    if answer["kind"] in {"choice", "multiple_choice"}:
        right = answer["correct"] if answer["kind"] != "choice" else [answer["correct"]]
        for choice in step.choices:
            if (choice["id"] in right) is is_right:
                page.locator(f"input[value={json.dumps(choice['id'])}]").check()
                if answer["kind"] == "choice":
                    break
        return
    page.get_by_label("Your answer", exact=True).fill(typed_right(answer) if is_right else "987654")


def check(page: Page, *, clicks: int = 1) -> None:
    with page.expect_response(lambda answer: "/answer/" in answer.url):
        page.get_by_role("button", name="Check", exact=True).click(click_count=clicks)


def one_step(page: Page, step: StepDocument, doings: set[str]) -> set[str]:
    """Answer the step at hand, first doing one of what is still to do; return what was done."""
    done: set[str] = set()
    if "unreadable" in doings and step.answer["kind"] in MATHS:
        page.get_by_label("Your answer", exact=True).fill("3 +* (")
        check(page)
        expect(page.locator("#unread")).to_contain_text("did not count as a try")
        done = {"unreadable"}
    elif "hint" in doings and page.get_by_role("button", name="Give me a hint").count():
        page.get_by_role("button", name="Give me a hint").click()
        expect(page.locator("#hint-last h3")).to_be_focused()
        done = {"hint"}
    elif "wrong" in doings:
        answer_give(page, step, is_right=False)
        check(page)
        expect(page.locator("#not-yet")).to_be_visible()
        done = {"wrong"}
    elif "dont_know" in doings:
        page.get_by_role("button", name="know this yet").click()
        expect(page.locator("#feedback-title")).to_contain_text("Here is how it goes")
        return {"dont_know"}
    elif "double" in doings:
        done = {"double"}
    answer_give(page, step, is_right=True)
    check(page, clicks=2 if "double" in done else 1)
    expect(page.locator("#feedback-title")).to_contain_text("Right")
    return done


def test_a_fresh_learner_practises_and_the_teacher_sees_it(
    open_page: OpenPage, classroom: Classroom
) -> None:
    fred = User.objects.get(username="fred")
    page = open_page(is_phone=True)
    log_in(page, "fred", PASSWORD)
    expect(page.get_by_text("Next for you")).to_be_visible()
    shot(page, "walk-home")
    page.get_by_role("button", name="Start", exact=True).click()
    doings = {"wrong", "hint", "unreadable", "double", "dont_know"}
    moves: list[tuple[str | None, str | None]] = []
    for number in range(N_STEPS):
        lesson_pass(page)
        step = step_at_hand()
        assert answer_expected(step.answer, step.choices)
        # The first step is plain; then one doing a step, in whatever order the steps allow.
        doings -= one_step(page, step, doings if number else set())
        before = page.locator(".change .belief-before").get_attribute("cx")
        moves.append((before, page.locator(".change .belief-mark").get_attribute("x")))
        expect(page.locator(".change-words")).not_to_be_empty()
        if page.locator(".upcoming strong").count():
            expect(page.locator(".upcoming")).to_contain_text(re.compile(r"\w.*\.\s*$"))
        axe_check(page)
        shot(page, f"walk-{number + 1:02}")
        page.locator(".continue button").click()
        expect(page.locator("h1.problem-title")).to_be_focused()
    assert not doings
    # Near certainty an answer moves the mark by less than is drawn.
    assert sum(before != after for before, after in moves) >= N_STEPS // 2
    assert all(before != after for before, after in moves[:4])
    observations = Response.objects.filter(learner=fred, is_observation=True)
    assert observations.count() == N_STEPS
    assert observations.filter(kind=ResponseKind.HINT).count() == 1
    assert observations.filter(kind=ResponseKind.DONT_KNOW).count() == 1
    assert all(plan.candidates and plan.propensity for plan in Plan.objects.filter(learner=fred))
    teacher_looks(open_page(), classroom, fred, learner_page=page)


def teacher_looks(page: Page, classroom: Classroom, fred: User, *, learner_page: Page) -> None:
    """See the learner's responses on the timeline, and the very number that the learner sees."""
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/heatmap/")
    expect(page.get_by_role("row", name=re.compile("Fred Fresh"))).to_be_visible()
    shot(page, "walk-heatmap")
    page.goto(f"/teach/classes/{classroom.uuid}/learners/{fred.uuid}/?all=1")
    shot(page, "walk-learner")
    n_responses = Response.objects.filter(learner=fred).count()
    expect(page.locator("#timeline tbody tr")).to_have_count(n_responses)
    skill = max(
        classroom.course.skills.all(),
        key=lambda skill: Response.objects.filter(
            learner=fred, is_observation=True, step__skills=skill
        ).count(),
    )
    learner_page.goto(f"/learn/{classroom.course.uuid}/skills/{skill.uuid}/")
    words = learner_page.locator(".skill-top .belief-note").first.inner_text()
    ends = re.findall(r"\d+\s%", words)
    row = page.locator(".skill-table tbody tr", has_text=skill.title).first
    expect(row).to_contain_text(f"{ends[0]} – {ends[1]}")
