"""Every count on home, map, skill page and in one's own data is that of the list behind it."""

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client

from tests.tutor.practice.test_progress import figures_of, sitting, text_of
from tests.tutor.tracing.logs import response_of
from tests.world import World
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.scheduling.models import SkillStanding
from tutor.scheduling.statuses import Status

ClientOf = Callable[[User], Client]
ROW = '<li class="map-row">'


@pytest.fixture
def practised(world: World) -> World:
    """Ada practised on two days with hints and second tries; what she mastered is due again."""
    now = now_utc()
    sitting(world, now - timedelta(days=9), [["7"], ["12", "7"], ["7"], ["7"]])
    sitting(world, now - timedelta(minutes=20), [["?", "?", "s1:7", "7"], ["7"]])
    SkillStanding.objects.filter(learner=world.ada, skill=world.skills["a"]).update(
        mastered_at=now - timedelta(days=8), review_due_at=now - timedelta(days=1)
    )
    return world


def listed(client: Client, world: World, status: str) -> int:
    """How many skills the map's list shows of a status."""
    address = f"/learn/{world.course.uuid}/map/?view=list&status={status}"
    return text_of(client, address).count(ROW)


def test_each_sign_of_the_map_counts_the_skills_that_its_list_shows(
    practised: World, client_of: ClientOf
) -> None:
    client = client_of(practised.ada)
    page = text_of(client, f"/learn/{practised.course.uuid}/map/")
    legend = page.split('class="map-legend"')[1].split("</ul>")[0]
    found = re.findall(
        r'href="\?view=list&amp;status=(\w+)".*?<span class="muted">(\d+)</span></a>', legend
    )
    assert dict(found)["review_due"] == "1"
    for status, said in found:
        assert listed(client, practised, status) == int(said), status
    everything = text_of(client, f"/learn/{practised.course.uuid}/map/?view=list")
    assert everything.count(ROW) == sum(int(said) for _, said in found)


@pytest.mark.parametrize("page", ["", "progress/"])
def test_mastered_and_begun_are_as_many_as_the_map_lists(
    practised: World, client_of: ClientOf, page: str
) -> None:
    client = client_of(practised.ada)
    text = text_of(client, f"/learn/{practised.course.uuid}/{page}")
    n_begun = re.search(r"· (\d+) more begun", text)
    n_skills = re.search(r"of (\d+) skills mastered", text)
    assert n_begun
    assert n_skills
    assert int(n_begun[1]) == sum(
        listed(client, practised, status) for status in (Status.LEARNING, Status.REVIEW_DUE)
    )
    assert int(n_skills[1]) == sum(
        listed(client, practised, status) for status in Status if status != Status.UNKNOWN
    )
    assert int(figures_of(text)["mastered"][0]) == listed(client, practised, Status.MASTERED)


def test_reviews_on_home_are_those_that_the_map_lists(
    practised: World, client_of: ClientOf
) -> None:
    client = client_of(practised.ada)
    home = text_of(client, f"/learn/{practised.course.uuid}/")
    assert figures_of(home)["reviews"][0] == "1"
    assert listed(client, practised, Status.REVIEW_DUE) == 1
    due = home.split('id="due"')[1].split("</section>")[0]
    (said,) = re.findall(r'<a href="[^"]*/skills/[^"]*">([^<]+)</a>', due)
    assert said == "Skill a"


def test_a_review_answered_today_says_that_it_comes_again_tomorrow(
    world: World, client_of: ClientOf
) -> None:
    """What is still believed lost stays due, and the scheduler lets it rest for the day."""
    now = now_utc()
    sitting(world, now - timedelta(days=9), [["7"], ["7"], ["7"], ["7"]])
    SkillStanding.objects.filter(learner=world.ada).update(
        mastered_at=now - timedelta(days=8), review_due_at=now - timedelta(days=1)
    )
    client, address = client_of(world.ada), f"/learn/{world.course.uuid}/"
    assert "again tomorrow" not in text_of(client, address)
    step = world.course.steps.get(key="a1a")
    response_of(world.course, world.ada, step.pk, world.skills["a"].pk, False, now).save()
    home = text_of(client, address)
    due = home.split('id="due"')[1].split("</section>")[0]
    rows = re.findall(r'/skills/[^"]*">([^<]+)</a> <span class="muted small">([^<]*)', due)
    assert rows[-1] == ("Skill a", "again tomorrow")
    assert all(said != "again tomorrow" for _, said in rows[:-1])
    assert figures_of(home)["reviews"][0] == str(len(rows))


def test_the_most_overdue_review_stands_first(world: World, client_of: ClientOf) -> None:
    now = now_utc()
    for days, key in enumerate("abc", start=1):
        SkillStanding.objects.create(
            learner=world.ada,
            skill=world.skills[key],
            opened_at=now - timedelta(days=20),
            mastered_at=now - timedelta(days=15),
            right_at=now - timedelta(days=15),
            review_due_at=now - timedelta(days=days),
        )
    home = text_of(client_of(world.ada), f"/learn/{world.course.uuid}/")
    due = home.split('id="due"')[1].split("</section>")[0]
    assert re.findall(r'/skills/[^"]*">([^<]+)</a>', due) == ["Skill c", "Skill b", "Skill a"]


def test_the_answers_of_a_skill_page_are_as_many_as_their_list(
    practised: World, client_of: ClientOf
) -> None:
    client = client_of(practised.ada)
    for skill in practised.skills.values():
        page = text_of(client, f"/learn/{practised.course.uuid}/skills/{skill.uuid}/")
        found = re.search(r'<a href="([^"]*answers/\?skill=[^"]*)">(\d+) answers? in all</a>', page)
        if found is None:
            assert "None yet." in page
            continue
        assert text_of(client, found[1]).count("<li data-counted") == int(found[2])


def test_own_data_says_what_the_pages_say(practised: World, client_of: ClientOf) -> None:
    client = client_of(practised.ada)
    response = client.get("/account/data/stepwise-data.zip")
    assert isinstance(response.streaming_content, Iterator)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    answers, beliefs = (
        list(csv.DictReader(io.StringIO(archive.read(name).decode())))
        for name in ("answers.csv", "beliefs.csv")
    )
    page = figures_of(text_of(client, f"/learn/{practised.course.uuid}/answers/"))
    counted = [row for row in answers if row["is_counted"] == "True"]
    assert page["counted"][0] == str(len(counted))
    assert page["right"][0] == str(sum(row["is_correct"] == "True" for row in counted))
    n_of_skill = Counter(row["skills"] for row in counted)
    uuid_of = {skill.title: skill.uuid for skill in practised.skills.values()}
    for row in beliefs:
        assert int(row["n_answers"]) == n_of_skill[row["skill"]]
        address = f"/learn/{practised.course.uuid}/skills/{uuid_of[row['skill']]}/"
        said = re.search(r'<span class="belief-value">(\d+).%</span>', text_of(client, address))
        if said is not None:
            assert int(said[1]) == round(100 * float(row["p_correct"]))
