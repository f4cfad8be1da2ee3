"""The map's picture in a real browser: keys, search, zoom, drag; and a large course on it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browsing import axe_check, log_in, shot
from tests.e2e.conftest import OpenPage
from tests.tutor.practice.khan import N_SKILLS, khan_course_make
from tests.world import PASSWORD, World, world_make
from tutor.common.clock import now_utc
from tutor.roster.services import classroom_create, classroom_join

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(live_server: LiveServer) -> World:
    return world_make(now=now_utc())


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label') || ''"))


def test_the_picture_is_walked_by_arrow_keys_and_opened_by_enter(
    page_desktop: Page, world: World
) -> None:
    page = page_desktop
    log_in(page, "ada", PASSWORD)
    page.goto(f"/learn/{world.course.uuid}/map/")
    page.locator("#map .map-node[tabindex='0']").focus()
    assert focused(page).startswith("Skill a")
    expect(page.locator("#map-detail")).to_contain_text("Skill a: Ready to learn")
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("Skill b")
    expect(page.locator("#map .map-line")).to_have_count(2)
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("Skill c")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    assert focused(page).startswith("Skill a")
    expect(page.locator("#map .map-node[tabindex='0']")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("h1", has_text="Skill a")).to_be_visible()


def test_nothing_covers_the_picture_and_the_way_to_the_list_is_seen_when_focused(
    page_desktop: Page, world: World
) -> None:
    page = page_desktop
    log_in(page, "ada", PASSWORD)
    page.goto(f"/learn/{world.course.uuid}/map/")
    picture = page.locator("#map-scroll").bounding_box()
    zoom = page.locator(".map-zoom").bounding_box()
    assert picture is not None
    assert zoom is not None
    assert zoom["y"] >= picture["y"] + picture["height"]
    link = page.get_by_role("link", name="The list says the same.")
    link.focus()
    expect(link).to_be_in_viewport(ratio=1)
    box = page.locator("#map-keys").bounding_box()
    assert box is not None
    assert box["height"] > 16
    axe_check(page)


def test_a_phone_is_not_told_of_arrow_keys(page_phone: Page, world: World) -> None:
    log_in(page_phone, "ada", PASSWORD)
    page_phone.goto(f"/learn/{world.course.uuid}/map/")
    expect(page_phone.locator("#map")).to_be_visible()
    expect(page_phone.locator("#map-detail")).to_be_hidden()


def test_without_script_the_picture_scrolls_and_its_skills_open(
    open_page: OpenPage, world: World
) -> None:
    page = open_page(has_javascript=False)
    log_in(page, "ada", PASSWORD)
    page.goto(f"/learn/{world.course.uuid}/map/")
    expect(page.get_by_role("button", name="All", exact=True)).to_be_hidden()
    page.get_by_label("Find a skill").fill("skill c")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("status")).to_contain_text("1 skill")
    page.get_by_role("link", name="Picture", exact=True).click()
    page.locator("#map .map-node").first.click()
    expect(page.locator("h1", has_text="Skill a")).to_be_visible()


def test_1351_skills_are_searched_zoomed_and_listed(
    page_desktop: Page, world: World, data_dir: Path
) -> None:
    course = khan_course_make(data_dir, now=now_utc())
    classroom = classroom_create(name="Large", course=course, teachers=[], now=now_utc())
    classroom_join(world.ada, join_code=classroom.join_code, now=now_utc())
    page = page_desktop
    log_in(page, "ada", PASSWORD)
    page.goto(f"/learn/{course.uuid}/map/")
    expect(page.locator("#map .map-node")).to_have_count(N_SKILLS)
    page.get_by_label("Find a skill").fill("naming angles")
    expect(page.locator("#map-detail")).to_contain_text("Found: 1")
    expect(page.locator("#map .map-hit")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert focused(page).startswith("Naming angles")
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.locator("#map")).to_have_class(re.compile("map-far"))
    shot(page, "map-large-all")
    page.get_by_role("button", name="larger").click()
    page.get_by_role("button", name="Where I am").click()
    expect(page.locator("#map")).not_to_have_class(re.compile("map-far"))
    shot(page, "map-large")
    page.get_by_role("link", name="List", exact=True).click()
    expect(page.locator(".map-row")).to_have_count(N_SKILLS)
    page.get_by_label("Find a skill").fill("naming angles")
    expect(page.locator(".map-row")).to_have_count(1)
    axe_check(page)
