"""A learner as the teacher sees them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import respond, trace
from tests.world import World
from tutor.accounts.models import AuditEvent, User
from tutor.content.graph import course_graph
from tutor.dashboards.learner import FORECAST_DAYS, PAGE_ROWS, timeline_of_learner
from tutor.responses.models import Regrade, ResponseKind
from tutor.tracing.services import version_serving

ClientOf = Callable[[User], Client]


def address(world: World, learner: User | None = None) -> str:
    return f"/teach/classes/{world.classroom.uuid}/learners/{(learner or world.ada).uuid}/"


def read(client: Client, target: str, **headers: str) -> str:
    answer = client.get(target, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def history(world: World, now: datetime) -> World:
    """ada has answered a rightly a week ago and b wrongly yesterday."""
    respond(world, world.ada, "a", [True] * 4, at=now - timedelta(days=7))
    respond(world, world.ada, "b", [False] * 3, at=now - timedelta(days=1), raw_answer="12<b>")
    trace(world, world.ada, now=now)
    return world


def test_the_page_shows_skills_chart_plan_and_responses(
    history: World, client_of: ClientOf
) -> None:
    page = read(client_of(history.tess), address(history))
    assert '<h2 id="history-head">Skill b</h2>' in page
    assert page.count('class="trend-wrong" transform') == 3
    assert "What is next, and why" in page
    assert page.count("12&lt;b&gt;") == 3
    assert "12<b>" not in page


def test_a_skill_can_be_chosen(history: World, client_of: ClientOf) -> None:
    target = f"{address(history)}?skill={history.skills['a'].uuid}"
    page = read(client_of(history.tess), target)
    assert '<h2 id="history-head">Skill a</h2>' in page
    assert page.count('class="trend-right" cx') == 4 + 1


def test_htmx_gets_the_part_it_asked_for(history: World, client_of: ClientOf) -> None:
    client = client_of(history.tess)
    chart = read(
        client,
        f"{address(history)}?skill={history.skills['a'].uuid}",
        **{"HX-Request": "true", "HX-Target": "history"},
    )
    assert chart.lstrip().startswith('<section id="history"')
    rows = read(client, address(history), **{"HX-Request": "true", "HX-Target": "timeline"})
    assert rows.lstrip().startswith('<section id="timeline"')
    assert "<html" not in chart + rows


@pytest.mark.parametrize(
    "query",
    ["?skill=7", "?skill=0b9ff5d0-9f4b-4c5e-9d4e-0f6f4d0a1b2c", "?before=x", "?before=999999"],
)
def test_what_is_not_the_learners_is_not_found(
    history: World, client_of: ClientOf, query: str
) -> None:
    assert client_of(history.tess).get(address(history) + query).status_code == 404


def test_a_page_cannot_start_at_somebody_elses_response(
    history: World, client_of: ClientOf, now: datetime
) -> None:
    (other,) = respond(history, history.ben, "a", [True], at=now)
    target = f"{address(history)}?before={other.pk}"
    assert client_of(history.tess).get(target).status_code == 404


def test_pages_of_the_timeline_hold_every_response_once(world: World, now: datetime) -> None:
    # Many at one moment: the page must go on within it.
    given = respond(world, world.ada, "a", [True] * (2 * PAGE_ROWS + 3), at=now)
    found, before, pages = [], None, 0
    while True:
        page = timeline_of_learner(world.ada, world.course, before=before)
        found += [row.response.pk for row in page.rows]
        pages += 1
        before = page.before
        if before is None:
            break
    assert pages == 3
    assert found == [response.pk for response in reversed(given)]


def test_corrections_later_tries_and_help_are_marked(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    (wrong,) = respond(world, world.ada, "a", [False], at=now)
    Regrade.objects.create(
        response=wrong, is_correct=True, reason="the key was wrong", regraded_at=now
    )
    respond(world, world.ada, "a", [True], at=now, is_observation=False)
    respond(world, world.ada, "a", [False], at=now, kind=ResponseKind.DONT_KNOW)
    trace(world, world.ada, now=now)
    page = read(client_of(world.tess), address(world))
    assert page.count('<span class="tag">corrected</span>') == 1
    assert "try 1" in page
    assert "I don&#x27;t know this yet" in page
    timeline = timeline_of_learner(world.ada, world.course, before=None)
    assert [row.is_correct for row in timeline.rows] == [False, True, True]


def test_the_chart_ends_with_the_belief_of_now(history: World, client_of: ClientOf) -> None:
    page = read(client_of(history.tess), address(history))
    # Three quarters of the width are the past, the rest the two weeks to come.
    assert 'class="trend-now" cx="484.0"' in page
    ahead = page.partition('trend-line-ahead" points="')[2].partition('"')[0].split()
    assert len(ahead) == 1 + FORECAST_DAYS
    assert ahead[0].startswith("484.0,")
    assert ahead[-1].startswith("628.0,")
    assert page.count("without practice</td>") == FORECAST_DAYS
    assert "2 Mar 2026, 12:00" in page


def test_a_learner_without_answers_has_an_empty_page(world: World, client_of: ClientOf) -> None:
    page = read(client_of(world.tess), address(world, world.ben))
    assert "No responses yet" in page
    assert "No answers yet" in page


def test_a_simulated_learner_is_labelled(history: World, client_of: ClientOf) -> None:
    User.objects.filter(pk=history.ada.pk).update(is_simulated=True)
    page = read(client_of(history.tess), address(history))
    heading = page.partition("<h1>")[2].partition("</h1>")[0]
    assert "simulated" in heading


def test_every_look_is_in_the_audit_log(history: World, client_of: ClientOf) -> None:
    read(client_of(history.tess), address(history))
    event = AuditEvent.objects.get(action="learner_viewed")
    assert (event.actor, event.object_id) == (history.tess, str(history.ada.uuid))
    assert event.detail == {"classroom": str(history.classroom.uuid)}


def test_queries_do_not_grow_with_history(
    history: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    version_serving(history.course, now=now)
    course_graph(history.course)
    client = client_of(history.tess)
    client.get(address(history))
    # session, user, class, teacher of it, learner; beliefs, standings, observations, guidance,
    # forecasts; plan; version, the log's mark; the class's states; responses; audit
    with django_assert_num_queries(18):
        client.get(address(history))
    respond(history, history.ada, "a", [True, False] * 60, at=now)
    trace(history, history.ada, now=now)
    # One more, once: what was answered since the last look at the chart.
    with django_assert_num_queries(19):
        client.get(address(history))
    with django_assert_num_queries(18):
        client.get(address(history))


def test_large_courses_hide_untouched_locked_skills_until_asked(
    history: World, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutor.dashboards.views.learners.OPEN_SKILLS", 2)
    client = client_of(history.tess)
    link = f'href="?skill={history.skills["c"].uuid}"'
    page = read(client, address(history))
    assert "Show 1 more skill" in page
    assert link not in page
    assert link in read(client, f"{address(history)}?all=1")
