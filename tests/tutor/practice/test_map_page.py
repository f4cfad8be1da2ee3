"""The map: one drawing, two views of it, whatever the size of the course."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.tutor.practice.khan import N_SKILLS, khan_course_make
from tests.world import World
from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.practice.map_page import drawing_of, map_page
from tutor.practice.recording import activity_of
from tutor.practice.services import answer_submit, session_start
from tutor.roster.services import classroom_create, classroom_join

ClientOf = Callable[[User], Client]
MAP_QUERIES = 7


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def answer(world: World, raw: str, now: datetime) -> None:
    session = session_start(world.ada, world.course, now=now)
    activity = activity_of(session)
    assert activity is not None
    answer_submit(session, raw_answer=raw, attempt_token=activity.attempt_token, now=now)


def test_the_picture_has_every_skill_once_with_its_status_in_words(
    world: World, client_of: ClientOf
) -> None:
    page = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/map/")
    assert page.count('class="map-node') == 3
    assert 'aria-label="Skill a: Ready to learn"' in page
    assert 'aria-label="Skill c: Locked"' in page
    skill = world.skills["a"]
    assert f'href="/learn/{world.course.uuid}/skills/{skill.uuid}/"' in page


def test_the_picture_is_one_stop_for_the_tab_key_where_the_learner_is_at_work(
    world: World, client_of: ClientOf
) -> None:
    page = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/map/")
    (stop,) = re.findall(r'<a class="map-node[^>]*tabindex="0"[^>]*>', page)
    assert "Skill a" in stop


def test_the_picture_shows_the_interval_of_what_was_practised(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    answer(world, "7", now)
    page = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/map/")
    assert page.count('class="map-band"') == 1
    assert re.search(r'aria-label="Skill a: Learning, first impression between \d+', page)


def test_a_title_cannot_bring_markup_into_the_picture(world: World, client_of: ClientOf) -> None:
    world.skills["a"].title = '"><script>alert(1)</script>'
    world.skills["a"].save()
    page = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/map/")
    assert "<script>alert" not in page


def test_the_list_names_what_holds_a_locked_skill(world: World, client_of: ClientOf) -> None:
    page = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/map/?view=list")
    assert "first: Skill a" in page
    assert "map-node" not in page


def test_the_list_is_narrowed_by_words_and_by_status(world: World, client_of: ClientOf) -> None:
    client, address = client_of(world.ada), f"/learn/{world.course.uuid}/map/?view=list"
    found = text_of(client, f"{address}&q=SKILL+b")
    assert ("Skill b" in found, ">Skill c<" in found) == (True, False)
    locked = text_of(client, f"{address}&status=locked")
    assert "2 skills" in locked
    assert ">Skill a<" not in locked
    assert "No skill is like that" in text_of(client, f"{address}&q=nothing")


def test_nonsense_in_the_address_shows_the_whole_list(world: World, client_of: ClientOf) -> None:
    address = f"/learn/{world.course.uuid}/map/?view=list&status=asleep&q={'x' * 200}"
    assert "3 skills" in text_of(client_of(world.ada), address)


def test_searching_with_htmx_sends_the_list_alone(world: World, client_of: ClientOf) -> None:
    response = client_of(world.ada).get(
        f"/learn/{world.course.uuid}/map/?view=list&q=b", headers={"HX-Request": "true"}
    )
    page = response.content.decode()
    assert page.strip().startswith('<div id="map-list">')
    assert "<html" not in page


def test_the_counts_of_the_legend_are_the_sizes_of_the_groups(world: World, now: datetime) -> None:
    answer(world, "7", now)
    page = map_page(world.ada, world.course, now=now, is_list=True)
    assert page.list is not None
    assert [(count.status, count.n) for count in page.counts] == [
        (status, len(rows)) for status, rows in page.list.groups
    ]
    assert sum(count.n for count in page.counts) == page.n_skills == 3


def test_a_version_is_drawn_once_and_a_new_one_anew(world: World) -> None:
    course = world.course
    first = drawing_of(course, course_graph(course))
    assert drawing_of(course, course_graph(course)) is first
    course.skills.filter(key="c").update(is_retired=True)
    course.version_number += 1
    assert len(drawing_of(course, course_graph(course)).places) == 2


@pytest.fixture
def khan(world: World, data_dir: Path, now: datetime) -> Course:
    course = khan_course_make(data_dir, now=now)
    classroom = classroom_create(name="Large", course=course, teachers=[], now=now)
    classroom_join(world.ada, join_code=classroom.join_code, now=now)
    return course


def queries_of(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_1351_skills_cost_the_queries_of_3_and_less_than_a_megabyte(
    world: World, khan: Course, client_of: ClientOf
) -> None:
    client = client_of(world.ada)
    for view in ("", "?view=list"):
        small = queries_of(client, f"/learn/{world.course.uuid}/map/{view}")
        large = queries_of(client, f"/learn/{khan.uuid}/map/{view}")
        assert small == large <= MAP_QUERIES
    page = client.get(f"/learn/{khan.uuid}/map/").content
    assert page.count(b'class="map-node') == N_SKILLS
    assert len(page) < 1_000_000


def test_the_history_changes_no_count_of_queries(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    client, address = client_of(world.ada), f"/learn/{world.course.uuid}/map/"
    answer(world, "7", now)
    few = queries_of(client, address)
    for minute in range(8):
        answer(world, "41", now + timedelta(minutes=minute))
    assert queries_of(client, address) == few
