"""What answers say, in a real browser: live, groups, what-if, items, the graph, a report."""

import random
import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.e2e.hands import Keyboard
from tests.e2e.test_teacher import class_make
from tests.tutor.tracing.logs import response_of
from tests.tutor.tracing.psi_kt import psi_kt_serving
from tests.world import PASSWORD, World, course_make, world_make
from tutor.accounts.models import User
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.content.models import Course, Prerequisite, Skill, Step
from tutor.practice.services import session_start
from tutor.responses.models import Response
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_create
from tutor.scheduling.models import EdgeDecision

LOOKS = [(1280, False), (1920, True), (820, False), (360, True)]
TITLES = {
    "halves": "Halves and quarters",
    "equal": "Equivalent fractions",
    "add": "Adding fractions",
    "area": "Area of rectangles",
    "angles": "Angles in triangles",
}


@pytest.fixture
def world(transactional_db: None) -> World:
    """The small world at the present."""
    return world_make(now=now_utc())


@pytest.fixture
def classroom(world: World) -> Classroom:
    """A class with a history, some of whom work now; one item with a broken key."""
    made = class_make(world)
    now = now_utc()
    people = list(User.objects.filter(enrolments__classroom=made).order_by("display_name"))
    for place, person in enumerate(people[:5]):
        session_start(person, made.course, now=now - timedelta(minutes=2 * (place % 3)))
    broken = Step.objects.filter(course=made.course).order_by("pk")[4]
    skill = broken.skills.get()
    rng = random.Random(4)
    rows = []
    for number in range(45):
        person = account_create(username=f"other{number}", display_name=f"Other {number}")
        is_strong = number % 3 != 0
        for step in Step.objects.filter(course=made.course).order_by("pk")[:10]:
            is_right = rng.random() < (0.9 if is_strong else 0.35)
            raw = "7" if is_right else rng.choice(["12", "8", "43"])
            if step == broken:
                is_right, raw = not is_strong, "12" if is_strong else "7"
            row = response_of(made.course, person, step.pk, skill.pk, is_right, now)
            row.raw_answer, row.elapsed_ms = raw, rng.randint(8_000, 90_000)
            row.misconception = "multiplies" if raw == "12" else ""
            rows.append(row)
    Response.objects.bulk_create(rows)
    stuck = people[1]
    for _ in range(3):
        response_of(made.course, stuck, broken.pk, skill.pk, False, now).save()
    return made


@pytest.fixture
def graph_class(world: World) -> Classroom:
    """A class on a course without prerequisites, of whose skills one builds on another."""
    now = now_utc()
    course = course_make(now=now, key="numbers", skills=tuple(TITLES))
    Prerequisite.objects.filter(course=course).delete()
    course.version_number += 1
    course.save()
    for key, title in TITLES.items():
        Skill.objects.filter(course=course, key=key).update(title=title)
    _log(course)
    psi_kt_serving(course, now)
    return classroom_create(name="Numbers 6b", course=course, teachers=[world.tess], now=now)


def _log(course: Course) -> None:
    rng, now = random.Random(7), now_utc()
    skills = {skill.key: skill for skill in course.skills.all()}
    steps = {step.skills.get().key: step for step in course.steps.filter(key__endswith="2a")}
    rows = []
    for number in range(150):
        person = account_create(username=f"log{number}", display_name=f"L {number}")
        knows = {key: rng.random() < 0.5 for key in TITLES}
        knows["equal"] = knows["halves"] and rng.random() < 0.95
        at = now - timedelta(days=30)
        order = ["halves", "area", "angles", "add", "equal"]
        for key in [one for one in order for _ in range(3)]:
            at += timedelta(hours=3)
            is_right = rng.random() < (0.92 if knows[key] else 0.12)
            rows.append(response_of(course, person, steps[key].pk, skills[key].pk, is_right, at))
    Response.objects.bulk_create(rows)


def look(page: Page, name: str) -> None:
    shot(page, f"insight-{name}")
    axe_check(page)


@pytest.mark.parametrize(("width", "is_dark"), LOOKS)
def test_pages_fit_every_screen_and_are_accessible(
    classroom: Classroom, open_page: OpenPage, width: int, is_dark: bool
) -> None:
    page = open_page(is_dark=is_dark)
    page.set_viewport_size({"width": width, "height": 900})
    log_in(page, "tess", PASSWORD)
    home = f"/teach/classes/{classroom.uuid}/"
    person = User.objects.get(display_name="Goran")
    broken = Step.objects.filter(course=classroom.course).order_by("pk")[4]
    first = classroom.course.skills.order_by("position")[0]
    what_if = f"what-if/?skill1={first.uuid}&sittings=3&minutes=20"
    for name, target in (
        ("skills", "items/"),
        ("items", "items/?level=items"),
        ("item", f"items/{broken.uuid}/"),
        ("groups", "groups/"),
        ("live", "now/"),
        ("what-if", what_if),
        ("graph-none", "graph/"),
        ("report", f"learners/{person.uuid}/report/"),
        ("heatmap", "heatmap/"),
    ):
        page.goto(home + target)
        look(page, f"{name}-{width}{'-dark' if is_dark else ''}")


def test_a_broken_item_is_found_opened_and_exported(
    classroom: Classroom, page_desktop: Page
) -> None:
    page, hands = page_desktop, Keyboard(page_desktop)
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/items/")
    hands.press(page.get_by_role("link", name=re.compile("Look broken")))
    row = page.locator(".item-table tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("good learners agree on another answer")
    with page.expect_download() as download:
        hands.press(page.get_by_role("link", name="CSV"))
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 2
    hands.press(row.get_by_role("link"))
    expect(page.get_by_role("heading", name="What was answered")).to_be_visible()
    expect(page.get_by_text("This item looks broken")).to_be_visible()


def test_the_class_now_renews_itself(classroom: Classroom, open_page: OpenPage) -> None:
    page = open_page()
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/now/")
    rows = page.locator(".live-table tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("may be stuck")
    late = User.objects.filter(enrolments__classroom=classroom).order_by("-display_name")[0]
    session_start(late, classroom.course, now=now_utc())
    # Coming back to the page renews it at once, as the timer does.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(rows).to_have_count(6)


def test_the_class_now_without_javascript_has_a_link(
    classroom: Classroom, open_page: OpenPage
) -> None:
    page = open_page(has_javascript=False)
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/now/")
    page.get_by_role("link", name="Renew").click()
    expect(page.locator(".live-table tbody tr")).to_have_count(5)


def test_a_group_becomes_an_assignment(classroom: Classroom, page_desktop: Page) -> None:
    page, hands = page_desktop, Keyboard(page_desktop)
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/groups/")
    card = page.locator(".group-card").first
    title = card.get_by_role("heading").inner_text()
    hands.press(card.get_by_role("link", name="Assign"))
    expect(page.get_by_role("checkbox", name=title, exact=True).first).to_be_checked()


def test_a_week_of_practice_is_asked_about(classroom: Classroom, page_desktop: Page) -> None:
    page, hands = page_desktop, Keyboard(page_desktop)
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/what-if/")
    page.get_by_label("Skill", exact=True).select_option(index=1)
    hands.write(page.get_by_label("Minutes in each"), "15")
    hands.press(page.get_by_role("button", name="Ask the model"))
    expect(page.get_by_role("heading", name="In a week, with 3 × 15 minutes")).to_be_visible()


@pytest.mark.parametrize("is_dark", [False, True])
def test_an_edge_is_accepted_and_withdrawn_by_keyboard(
    graph_class: Classroom, open_page: OpenPage, is_dark: bool
) -> None:
    page = open_page(is_dark=is_dark)
    hands, suffix = Keyboard(page), "-dark" if is_dark else ""
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{graph_class.uuid}/graph/")
    card = page.locator(".edge-case").first
    expect(card).to_contain_text("Halves and quarters → Equivalent fractions")
    look(page, f"graph{suffix}")
    hands.press(card.get_by_role("button", name="Accept"))
    expect(page.get_by_text("The next proposal already obeys")).to_be_visible()
    look(page, f"graph-accepted{suffix}")
    edge = Prerequisite.objects.get(course=graph_class.course)
    assert (edge.from_skill.key, edge.to_skill.key) == ("halves", "equal")
    hands.press(page.get_by_role("button", name="Withdraw"))
    expect(page.get_by_text("The decision is withdrawn")).to_be_visible()
    assert not Prerequisite.objects.filter(course=graph_class.course).exists()
    assert EdgeDecision.objects.get().undone_at is not None


def test_a_report_prints_without_menus(classroom: Classroom, page_desktop: Page) -> None:
    page = page_desktop
    log_in(page, "tess", PASSWORD)
    person = User.objects.get(display_name="Goran")
    page.goto(f"/teach/classes/{classroom.uuid}/learners/{person.uuid}/")
    page.get_by_role("link", name="Report for home").click()
    expect(page.get_by_role("heading", name="Goran")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".tabs").first).to_be_hidden()
    expect(page.locator(".site-header")).to_be_hidden()
    expect(page.get_by_role("heading", name="How sure is this?")).to_be_visible()
    shot(page, "insight-report-print")


def test_the_heatmap_prints_with_its_colours(classroom: Classroom, page_desktop: Page) -> None:
    page = page_desktop
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/heatmap/")
    page.emulate_media(media="print")
    expect(page.locator(".heat-tools")).to_be_hidden()
    assert page.locator(".heat-scroll").evaluate("e => getComputedStyle(e).overflow") == "visible"
    # What sticks on the screen would cover rows on paper.
    for part in ("thead th", "tbody th", "tfoot td"):
        cell = page.locator(f".heat-table {part}").last
        assert cell.evaluate("e => getComputedStyle(e).position") == "static", part
    shot(page, "insight-heatmap-print")


COVERED = """() => {
  const cell = document.activeElement.closest("td, th");
  const box = cell.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return cell.contains(top) ? "" : `${cell.textContent} lies behind ${top && top.outerHTML}`;
}"""


@pytest.mark.parametrize(("width", "query"), [(1280, ""), (360, ""), (360, "?open=none")])
def test_no_cell_of_the_heatmap_is_focused_behind_its_heads(
    classroom: Classroom, open_page: OpenPage, width: int, query: str
) -> None:
    page = open_page()
    # Low, so that a class of twelve scrolls.
    page.set_viewport_size({"width": width, "height": 560})
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/heatmap/{query}")
    page.locator(".heat-table tbody td").nth(1).focus()
    keys = ["ArrowDown"] * 11 + ["ArrowRight"] * 11 + ["ArrowUp"] * 11 + ["ArrowLeft"] * 13
    for key in (*keys, "End", "PageDown", "Control+Home", "Control+End", "PageUp", "Home"):
        page.keyboard.press(key)
        assert page.evaluate(COVERED) == "", key


def test_the_heatmap_by_keyboard_says_what_it_is_on_and_opens_it(
    classroom: Classroom, page_desktop: Page
) -> None:
    page, line = page_desktop, page_desktop.locator("#heat-detail")
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/heatmap/")
    page.locator(".heat-table tbody td").nth(1).focus()
    expect(line).to_contain_text("Aiko, Parts of a whole")
    shot(page, "insight-heatmap-focus")
    page.keyboard.press("ArrowLeft")
    expect(line).to_have_text("")
    page.keyboard.press("Control+End")
    expect(line).to_contain_text("Lena, Dividing fractions")
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#history-head")).to_have_text("Parts of a whole")
    expect(page.get_by_role("heading", name="Aiko")).to_be_visible()


def test_escape_closes_the_further_pages(classroom: Classroom, page_desktop: Page) -> None:
    page = page_desktop
    log_in(page, "tess", PASSWORD)
    page.goto(f"/teach/classes/{classroom.uuid}/")
    page.locator(".tabs-more summary").press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".tabs-more a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".tabs-more a").first).to_be_hidden()
    expect(page.locator(".tabs-more summary")).to_be_focused()
