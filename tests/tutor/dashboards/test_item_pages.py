"""Skills and items: what is listed, the CSV that equals it, one item, and what large logs do."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates, respond
from tests.tutor.dashboards.test_heatmap import body_of
from tests.world import World
from tutor.accounts.models import User
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_take
from tutor.content.graph import course_graph
from tutor.content.models import Step
from tutor.dashboards.item_facts import ItemFlag
from tutor.dashboards.item_keys import is_same_as_key, number_of
from tutor.dashboards.item_measuring import items_measure, items_measurement

ClientOf = Callable[[User], Client]


def address(world: World, page: str = "items/") -> str:
    return f"/teach/classes/{world.classroom.uuid}/{page}"


@pytest.fixture
def answers(world: World, now: datetime) -> World:
    """Twenty classmates: strong ones write 12 to b's item, weak ones its key; zed is elsewhere."""
    mates = classmates(world, 20, now=now)
    for place, mate in enumerate(mates):
        is_strong = place >= 10
        at = now - timedelta(days=2)
        respond(world, mate, "a", [is_strong] * 3, at=at, raw_answer="5")
        respond(world, mate, "c", [is_strong] * 3, at=at, raw_answer="5")
        for key in ("a1a", "a1b", "b1a", "b1b", "c1a", "c1b"):
            row = respond(world, mate, "a", [is_strong], at=at, raw_answer="5")[0]
            step = Step.objects.get(course=world.course, key=key)
            row.step, row.skill_ids = step, [world.skills[key[0]].pk]
            row.save()
        wrong = "12" if is_strong else "7"
        respond(world, mate, "b", [not is_strong], at=at, raw_answer=wrong)
    respond(world, world.zed, "b", [False] * 2, at=now, raw_answer="zed was here")
    return world


def test_a_planted_key_is_found_and_named(answers: World, now: datetime) -> None:
    measured = items_measure(answers.course, None, now=now)
    step = Step.objects.get(course=answers.course, key="b2a")
    facts = measured.items[step.pk]
    assert ItemFlag.NEGATIVE in facts.flags
    assert ItemFlag.WRONG_KEY in facts.flags
    assert [(wrong.text, wrong.n) for wrong in facts.wrong] == [("12", 10)]
    sound = Step.objects.get(course=answers.course, key="c1a")
    assert measured.items[sound.pk].flags == ()


def test_the_lists_show_skills_then_their_items(answers: World, client_of: ClientOf) -> None:
    client = client_of(answers.tess)
    page = client.get(address(answers)).content.decode()
    body = body_of(page)
    assert [row[0].strip() for row in body.rows] == ["Skill a", "Skill b", "Skill c"]
    skill = answers.skills["b"].uuid
    assert f"?level=items&amp;of=course&amp;skill={skill}" in page
    items = body_of(client.get(f"{address(answers)}?level=items&skill={skill}").content.decode())
    assert [row[0].strip() for row in items.rows] == ["Sums b1", "Sums b1", "Sums b2"]
    flagged = body_of(client.get(f"{address(answers)}?level=items&flagged=1").content.decode())
    assert [row[0].strip() for row in flagged.rows] == ["Sums b2"]


def test_what_was_picked_stands_in_words_on_an_items_page(
    answers: World, client_of: ClientOf
) -> None:
    step = Step.objects.get(course=answers.course, key="b2a")
    document = step.problem.revision.document if step.problem.revision else {}
    document["steps"][0] |= {
        "answer": {"kind": "multiple_choice", "correct": ["x"]},
        "choices": [
            {"id": "x", "text": "one"},
            {"id": "y", "text": "Count *all*."},
            {"id": "z", "text": "Add."},
        ],
    }
    assert step.problem.revision is not None
    step.problem.revision.document = document
    # What is kept in the process is known by it.
    step.problem.revision.checksum = "picked in words"
    step.problem.revision.save()
    step.responses.filter(raw_answer="12").update(raw_answer='["y","z"]')
    page = client_of(answers.tess).get(address(answers, f"items/{step.uuid}/")).content.decode()
    assert '<th scope="row">Count <em>all</em>; Add' in page
    assert "[&quot;y&quot;" not in page


@pytest.mark.parametrize(
    "query", ["", "?level=items", "?level=items&of=class&sort=right", "?sort=-attempts"]
)
def test_csv_equals_the_screen(answers: World, client_of: ClientOf, query: str) -> None:
    client = client_of(answers.tess)
    screen = body_of(client.get(address(answers) + query).content.decode()).rows
    sent = client.get(address(answers, "items.csv") + query).content.decode("utf-8-sig")
    _head, *rows = csv.reader(io.StringIO(sent))
    assert len(rows) == len(screen)
    for row, shown in zip(rows, screen, strict=True):
        assert shown[0].strip() == row[0]
        assert shown[1].replace("\N{NO-BREAK SPACE}%", "").replace("–", "").strip() == row[4]
        assert shown[2] == row[3]
        assert shown[4] == row[11]
        assert shown[5].replace("\N{NO-BREAK SPACE}%", "").replace("–", "").strip() == row[12]


def test_nobody_is_named_and_a_lone_answer_is_not_shown(
    answers: World, client_of: ClientOf
) -> None:
    client = client_of(answers.tess)
    step = Step.objects.get(course=answers.course, key="b2a")
    for page in ("items/?level=items", f"items/{step.uuid}/", "items.csv?level=items"):
        text = client.get(address(answers, page)).content.decode()
        assert "zed was here" not in text
        assert "Mate" not in text


def test_an_item_shows_answers_key_and_thirds(answers: World, client_of: ClientOf) -> None:
    step = Step.objects.get(course=answers.course, key="b2a")
    page = client_of(answers.tess).get(address(answers, f"items/{step.uuid}/?of=class"))
    text = page.content.decode()
    bars = page.context["page"].answers
    assert [(bar.label, bar.n) for bar in bars] == [("Right at the first try", 10), ("12", 10)]
    weak, _middle, strong = page.context["page"].levels
    assert weak.right.value > strong.right.value
    assert "This item looks broken" in text
    assert "good learners agree on another answer" in text


def test_the_class_alone_is_counted_when_asked(answers: World, now: datetime) -> None:
    everybody = items_measure(answers.course, None, now=now)
    of_class = items_measure(answers.course, answers.classroom, now=now)
    step = Step.objects.get(course=answers.course, key="b2a")
    assert everybody.items[step.pk].attempts == 22
    assert of_class.items[step.pk].attempts == 20


def test_queries_do_not_grow_with_answers(
    answers: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(answers.tess)
    course_graph(answers.course)
    step = Step.objects.get(course=answers.course, key="b2a")
    # session, user, class, teacher; log twice, steps, audit; the items' names, or the item
    counts = {"items/": 8, "items/?level=items": 9, f"items/{step.uuid}/": 10}
    for _round in range(2):
        for page, count in counts.items():
            with django_assert_num_queries(count):
                client.get(address(answers, page))
        for mate in classmates_of(answers):
            respond(answers, mate, "c", [True] * 5, at=now)


def classmates_of(world: World) -> list[User]:
    return list(User.objects.filter(enrolments__classroom=world.classroom))


def test_a_large_log_is_measured_by_a_worker(
    answers: World, client_of: ClientOf, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutor.dashboards.item_measuring.AT_ONCE", 50)
    client = client_of(answers.tess)
    page = client.get(address(answers)).content.decode()
    assert "A worker is reading the answers" in page
    assert client.get(address(answers, "items.csv")).status_code == 503
    # Asked once, however often the page is looked at.
    entry = OutboxEntry.objects.get(topic="items-measure")
    outbox_take(entry.pk, now=now + timedelta(minutes=1))
    kept = items_measurement(answers.course, None, now=now + timedelta(minutes=2))
    if kept is None:
        pytest.fail("the worker kept nothing")
    assert len(kept.items) == 9
    cache.clear()


@pytest.mark.parametrize("query", ["?sort=height", "?level=7", "?skill=x", "?page=no"])
def test_what_cannot_be_meant_is_not_found(world: World, client_of: ClientOf, query: str) -> None:
    assert client_of(world.tess).get(address(world) + query).status_code == 404


def test_another_courses_item_is_not_found(world: World, client_of: ClientOf) -> None:
    page = address(world, f"items/{world.ada.uuid}/")
    assert client_of(world.tess).get(page).status_code == 404


@pytest.mark.parametrize(
    ("answer", "text", "expected"),
    [
        ({"kind": "number", "value": "7"}, "7.0", True),
        ({"kind": "number", "value": "7"}, "8", False),
        ({"kind": "text", "accept": ["ten"]}, "eleven", False),
        ({"kind": "fraction", "value": "1/2", "form": "lowest"}, "2/4", False),
    ],
)
def test_an_answer_that_says_what_the_key_says(
    answer: dict[str, object], text: str, expected: bool
) -> None:
    assert is_same_as_key(Step(answer=answer, choices=[]), text) is expected


def test_numbers_in_plain_writing() -> None:
    assert number_of("1 1/2") == number_of("1.5") == number_of("3 / 2") == number_of("150 %")
    assert number_of("x") is None
    assert number_of("1/0") is None
