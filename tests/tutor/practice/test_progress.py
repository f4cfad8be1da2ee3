"""The progress page, and that every number of a learner's pages agrees with what it leads to."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils.http import urlencode
from hypothesis import given
from hypothesis import strategies as st

from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.common.templatetags.stepwise import percent
from tutor.content.graph import course_graph
from tutor.practice.answers import (
    Period,
    answer_lines,
    duration_text,
    run_of_days,
    school_day,
    summary_of,
    week_of,
)
from tutor.practice.map_page import skill_rows
from tutor.practice.progress import progress_page
from tutor.practice.recording import activity_of
from tutor.practice.services import (
    activity_continue,
    answer_submit,
    hint_open,
    scaffold_answer,
    session_end,
    session_start,
)
from tutor.responses.models import Response
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.statuses import Status
from tutor.tracing.selectors import beliefs_of_learner
from tutor.tracing.services import learner_replay, version_serving

ClientOf = Callable[[User], Client]


def sitting(world: World, at: datetime, answers: list[list[str]]) -> None:
    """One sitting: for each step the tries, half a minute each; "?" opens a hint."""
    session = session_start(world.ada, world.course, now=at)
    for tries in answers:
        for raw in tries:
            at += timedelta(seconds=30)
            activity = activity_of(session)
            if activity is None:
                return
            token = activity.attempt_token
            if raw == "?":
                hint_open(session, attempt_token=token, now=at)
            elif raw.startswith("s1:"):
                scaffold_answer(
                    session,
                    hint_key="s1",
                    raw_answer=raw.removeprefix("s1:"),
                    attempt_token=token,
                    now=at,
                )
            else:
                answer_submit(session, raw_answer=raw, attempt_token=token, now=at)
        activity = activity_of(session)
        assert activity is not None
        activity_continue(session, attempt_token=activity.attempt_token, now=at)
    session_end(session, now=at)


@pytest.fixture
def practised(world: World) -> World:
    """Ada practised on three days, with hints, helping questions and second tries."""
    now = now_utc()
    sitting(world, now - timedelta(days=8), [["7"], ["12", "7"], ["7"]])
    sitting(world, now - timedelta(days=1, minutes=20), [["?", "?", "s1:7", "7"], ["7"]])
    sitting(world, now - timedelta(minutes=20), [["7"], ["12", "12", "7"], ["7"]])
    return world


def text_of(client: Client, address: str) -> str:
    response = client.get(unescape(address))
    assert response.status_code == 200, address
    return re.sub(r"\s+", " ", response.content.decode())


def figures_of(page: str) -> dict[str, tuple[str, str]]:
    """Each marked number of a page: what it says, and where it leads."""
    found = re.findall(
        r'<(?:a|dd|span)[^>]*data-figure="([\w-]+)"(?: href="([^"]*)")?[^>]*>([^<]*)<', page
    )
    return {name: (said.strip(), href) for name, href, said in found}


def test_the_numbers_of_the_week_are_those_of_the_list_they_lead_to(
    practised: World, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Looked at with the last answer, for a new week may have begun since.
    last = Response.objects.latest("answered_at").answered_at
    monkeypatch.setattr("tutor.practice.views.progress.now_utc", lambda: last)
    client = client_of(practised.ada)
    week = figures_of(text_of(client, f"/learn/{practised.course.uuid}/progress/"))
    for name in ("counted", "right", "time"):
        said, href = week[f"week-{name}"]
        listed = text_of(client, href)
        assert figures_of(listed)[name][0] == said
        rows = re.findall(r'<li data-counted="(\d)" data-right="(\d)">', listed)
        assert rows
        if name == "counted":
            assert sum(counted == "1" for counted, _ in rows) == int(said)
        if name == "right":
            assert sum(row == ("1", "1") for row in rows) == int(said)


def test_each_day_of_the_calendar_agrees_with_its_list_and_days_add_up_to_weeks(
    practised: World, client_of: ClientOf
) -> None:
    client, now = client_of(practised.ada), now_utc()
    page = text_of(client, f"/learn/{practised.course.uuid}/progress/")
    days = re.findall(
        r'data-day="([\d-]+)" href="([^"]+)" title="[^"]*, ([^"]*)">.*?</span>(\d+)</a>', page
    )
    assert len(days) == 3
    for _day, href, time_said, said in days:
        figures = figures_of(text_of(client, href))
        assert (figures["counted"][0], figures["time"][0]) == (said, time_said)
    model = progress_page(practised.ada, practised.course, now=now)
    for week in model.weeks:
        for number in ("n_responses", "n_counted", "n_right", "seconds"):
            assert getattr(week.summary, number) == sum(
                getattr(dot.summary, number) for dot in week.days
            )
    assert sum(week.summary.n_responses for week in model.weeks) == Response.objects.count()


def test_mastered_and_due_lead_to_lists_of_that_length(
    practised: World, client_of: ClientOf
) -> None:
    client = client_of(practised.ada)
    for address in (
        f"/learn/{practised.course.uuid}/",
        f"/learn/{practised.course.uuid}/progress/",
    ):
        said, href = figures_of(text_of(client, address))["mastered"]
        assert text_of(client, href).count('<li class="map-row">') == int(said)


def test_the_retention_of_a_skill_is_what_its_own_page_says(
    practised: World, client_of: ClientOf
) -> None:
    client = client_of(practised.ada)
    page = text_of(client, f"/learn/{practised.course.uuid}/progress/")
    rows = re.findall(r'data-now="([^"]+)" data-later="([^"]+)" href="([^"]+)"', page)
    assert rows
    for now_said, later_said, href in rows:
        skill = text_of(client, href)
        assert f'<span class="belief-value">{now_said}</span>' in skill
        assert f"without practice, about {later_said} in a week" in skill


def test_only_what_loses_something_that_shows_is_listed_as_losing(practised: World) -> None:
    now = now_utc()
    before = progress_page(practised.ada, practised.course, now=now).retention
    assert before.rows
    for found in before.rows:
        assert percent(found.later.p_correct) != percent(found.row.belief.p_correct)
    rows = skill_rows(
        course_graph(practised.course),
        statuses_of_learner(practised.ada, practised.course, now=now),
        beliefs_of_learner(practised.ada, practised.course, now=now),
    )
    n_known = sum(row.belief.has_evidence for row in rows.values())
    assert len(before.rows) + before.n_hidden + before.n_same == n_known
    # Forgotten long ago, nothing is left to lose.
    later = progress_page(practised.ada, practised.course, now=now + timedelta(days=9000)).retention
    assert (later.rows, later.n_same) == ((), n_known)


def test_the_answers_behind_a_belief_are_as_many_as_it_says(
    practised: World, client_of: ClientOf
) -> None:
    client = client_of(practised.ada)
    for skill in practised.skills.values():
        address = f"/learn/{practised.course.uuid}/skills/{skill.uuid}/"
        found = re.search(r"; from (\d+) answers?\.", text_of(client, address))
        listed = text_of(
            client,
            f"/learn/{practised.course.uuid}/answers/?" + urlencode({"skill": skill.uuid}),
        )
        assert figures_of(listed)["counted"][0] == (found[1] if found else "0")


def test_an_answer_counts_for_the_skills_that_its_step_had_then(
    practised: World, client_of: ClientOf
) -> None:
    step = practised.course.steps.get(key="a1a")
    step.skills.set([practised.skills["c"]])
    client = client_of(practised.ada)
    address = f"/learn/{practised.course.uuid}/answers/?skill="
    before = figures_of(text_of(client, f"{address}{practised.skills['a'].uuid}"))["counted"][0]
    assert int(before) > 0
    assert (
        figures_of(text_of(client, f"{address}{practised.skills['c'].uuid}"))["counted"][0] == "0"
    )


def test_time_on_a_step_counts_once_however_many_tries_it_took(world: World) -> None:
    at = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    sitting(world, at, [["12", "12", "7"], ["7"]])
    lines = answer_lines(world.ada, world.course, Period(date(2026, 3, 2), date(2026, 3, 2)))
    assert [line.seconds for line in lines] == [30, 30, 30, 30]
    found = summary_of(lines)
    assert (found.n_responses, found.n_counted, found.n_right) == (4, 2, 1)
    assert found.time_text == "2 min 0 s"


def test_the_week_before_is_compared_and_a_new_mastery_is_named(
    practised: World, client_of: ClientOf
) -> None:
    SkillStanding.objects.update_or_create(
        learner=practised.ada,
        skill=practised.skills["a"],
        defaults={"is_mastered": True, "mastered_at": now_utc(), "opened_at": now_utc()},
    )
    page = text_of(client_of(practised.ada), f"/learn/{practised.course.uuid}/progress/")
    said = figures_of(page)["week-mastered"][0]
    assert page.count("data-mastered") == int(said) >= 1


def test_a_week_of_nothing_lets_fresh_mastery_come_back_for_review(
    world: World, client_of: ClientOf
) -> None:
    now, skill = now_utc(), world.skills["a"]
    step = world.course.steps.get(key="a2a")
    for hour in range(8):
        at = now - timedelta(hours=8 - hour)
        response_of(world.course, world.ada, step.pk, skill.pk, True, at).save()
    learner_replay(version_serving(world.course, now=now), world.ada.pk, now=now)
    SkillStanding.objects.create(
        learner=world.ada,
        skill=skill,
        opened_at=now,
        is_mastered=True,
        mastered_at=now,
        review_due_at=now + timedelta(days=3),
    )
    retention = progress_page(world.ada, world.course, now=now).retention
    assert (retention.n_mastered, retention.n_kept) == (1, 0)
    (row,) = retention.rows
    assert row.later.p_correct < row.row.belief.p_correct
    assert (row.row.status, row.status_later) == (Status.MASTERED, Status.REVIEW_DUE)
    page = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/progress/")
    assert "Of the one skill that you have mastered, none still holds in a week" in page


def test_a_learner_who_has_done_nothing_sees_words_and_one_way_on(
    world: World, client_of: ClientOf
) -> None:
    page = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/progress/")
    assert "Nothing yet this week." in page
    assert "After a few answers on a skill you see here how well it will hold." in page
    answers = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/answers/")
    assert "No answers here." in answers


def test_many_answers_come_in_pages(world: World, client_of: ClientOf) -> None:
    step, skill = world.course.steps.get(key="a2a"), world.skills["a"]
    now = now_utc()
    for minute in range(61):
        at = now - timedelta(minutes=minute)
        response_of(world.course, world.ada, step.pk, skill.pk, True, at).save()
    client = client_of(world.ada)
    address = f"/learn/{world.course.uuid}/answers/?skill={skill.uuid}"
    assert text_of(client, address).count("<li data-counted") == 50
    assert text_of(client, f"{address}&page=2").count("<li data-counted") == 11
    assert text_of(client, f"{address}&page=99").count("<li data-counted") == 11


@pytest.mark.parametrize(
    "query", ["day=2026-13-01", "week=0001-01-01", "week=9999-12-31", "skill=x", "page=-1"]
)
def test_nonsense_in_the_address_shows_all_answers(
    world: World, client_of: ClientOf, query: str
) -> None:
    client = client_of(world.ada)
    assert client.get(f"/learn/{world.course.uuid}/answers/?{query}").status_code == 200


def test_a_week_begins_on_monday_at_the_school() -> None:
    week = week_of(date(2026, 3, 8))
    assert (week.first, week.last) == (date(2026, 3, 2), date(2026, 3, 8))
    assert school_day(week.begins_at) == week.first
    assert school_day(week.ends_at - timedelta(seconds=1)) == week.last


@given(st.sets(st.integers(0, 40)), st.integers(0, 40))
def test_a_run_goes_on_over_today_and_breaks_at_a_gap(offsets: set[int], today_at: int) -> None:
    first = date(2026, 1, 1)
    today = first + timedelta(days=today_at)
    run = run_of_days([first + timedelta(days=offset) for offset in offsets], today=today)
    begins = today_at if today_at in offsets else today_at - 1
    expected = 0
    while begins - expected in offsets:
        expected += 1
    assert run == expected


@pytest.mark.parametrize(
    ("seconds", "said"), [(9, "9 s"), (60, "1 min 0 s"), (3725, "1 h 2 min 5 s")]
)
def test_times_are_told_to_the_second(seconds: int, said: str) -> None:
    assert duration_text(seconds) == said
