"""The heatmap: layout, folding, order, and a CSV that equals the screen."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates, respond, trace
from tests.world import World
from tutor.accounts.models import AuditEvent, User
from tutor.content.graph import course_graph, course_graphs_forget
from tutor.content.models import Lesson
from tutor.dashboards.heatmap import Order, groups_of, heatmap_build, mastery_percent
from tutor.dashboards.heatmap_text import FRAME_FROM, colour_step
from tutor.scheduling.goals import override_lift, override_make
from tutor.scheduling.models import Override, OverrideSays
from tutor.tracing.selectors import EVIDENCE_MIN, beliefs_of_learners
from tutor.tracing.services import version_serving

ClientOf = Callable[[User], Client]


class Body(HTMLParser):
    """The rows of a page's table body: each cell's text and classes."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.classes: list[list[str]] = []
        self.titles: list[list[str]] = []
        self._is_in = False
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "tbody":
            self._is_in = True
        if not self._is_in:
            return
        if tag == "tr":
            for table in (self.rows, self.classes, self.titles):
                table.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self.classes[-1].append(given.get("class") or "")
            self.titles[-1].append(given.get("title") or "")
        elif tag in {"small", "span"}:
            self._skip += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "tbody":
            self._is_in = False
        elif tag in {"small", "span"} and self._is_in:
            self._skip -= 1

    def handle_data(self, data: str) -> None:
        if self._is_in and not self._skip and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def body_of(html: str) -> Body:
    body = Body()
    body.feed(html)
    return body


def fold_course(world: World) -> None:
    """Have the first lesson teach two skills, so that there is something to fold."""
    lesson = Lesson.objects.get(course=world.course, key="l-a")
    lesson.skills.add(world.skills["b"])
    course_graphs_forget()


@pytest.fixture
def histories(world: World, now: datetime) -> World:
    """ada: much and right on a, little on b; ben: wrong on a."""
    respond(world, world.ada, "a", [True] * 6, at=now - timedelta(days=2))
    respond(world, world.ada, "b", [False] * (EVIDENCE_MIN - 1), at=now - timedelta(days=1))
    respond(world, world.ben, "a", [False] * 4, at=now - timedelta(days=1))
    trace(world, world.ada, world.ben, now=now)
    return world


def say(
    world: World, learner: User, skill: str, says: OverrideSays, *, at: datetime, days: float = 30
) -> Override:
    return override_make(
        learner,
        world.skills[skill],
        says=says,
        note="Seen at the board.",
        half_life_days=days,
        by=world.tess,
        now=at,
    )


def address(world: World, page: str = "heatmap/") -> str:
    return f"/teach/classes/{world.classroom.uuid}/{page}"


def test_cells_show_the_next_answer_mastery_hatching_and_nothing(
    histories: World, client_of: ClientOf, now: datetime
) -> None:
    page = client_of(histories.tess).get(address(histories))
    body = body_of(page.content.decode())
    ada, ben = body.rows
    beliefs = beliefs_of_learners([histories.ada], histories.course, now=now)
    expected = [str(int(100 * p + 0.5)) for p in beliefs.p_correct[0]]
    mastery = [int(100 * p) for p in beliefs.p_mastery[0]]
    assert ada[0] == "Ada"
    assert ada[2:] == [expected[0], expected[1], ""]
    assert body.classes[0][2] == f"cell-{mastery[0] // 10} framed"
    assert mastery[0] >= FRAME_FROM
    assert body.classes[0][3] == f"cell-{mastery[1] // 10} few"
    assert f"mastered {mastery[0]} %" in body.titles[0][2]
    assert body.classes[0][4] == "none"
    assert body.titles[0][4] == "no answer yet"
    assert "6 answers · 28 Feb 2026" in body.titles[0][2]
    assert int(ben[2]) < int(ada[2])


@pytest.mark.parametrize("query", ["", "?sort=-mean", "?open=none", "?sort=-name&open=all"])
def test_csv_equals_the_screen(histories: World, client_of: ClientOf, query: str) -> None:
    fold_course(histories)
    client = client_of(histories.tess)
    body = body_of(client.get(address(histories) + query).content.decode())
    sent = client.get(address(histories, "heatmap.csv") + query)
    assert sent.headers["Content-Type"] == "text/csv; charset=utf-8"
    _head, *rows = csv.reader(io.StringIO(sent.content.decode("utf-8-sig")))
    screen = [[cell.strip() for cell in row] for row in body.rows]
    assert [[row[0], row[2], *row[4:-1]] for row in rows] == screen


def test_details_have_a_row_a_cell_with_numbers_as_numbers(
    histories: World, client_of: ClientOf
) -> None:
    sent = client_of(histories.tess).get(address(histories, "heatmap.csv") + "?layout=details")
    rows = list(csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig"))))
    assert len(rows) == 2 * 3
    assert rows[0]["Answers"] == "6"
    assert 0 <= int(rows[0]["Interval low %"]) <= int(rows[0]["Next answer right %"])
    assert rows[0]["Last practised"] == "2026-02-28"
    assert rows[1]["Enough evidence"] == "no"
    assert rows[2]["Mastery %"] == ""
    assert {row["Teacher’s word"] for row in rows} == {""}


def test_a_name_that_is_a_formula_is_defused(histories: World, client_of: ClientOf) -> None:
    User.objects.filter(pk=histories.ada.pk).update(display_name="=1+1")
    sent = client_of(histories.tess).get(address(histories, "heatmap.csv")).content.decode()
    assert "'=1+1" in sent


def test_names_are_escaped(histories: World, client_of: ClientOf) -> None:
    User.objects.filter(pk=histories.ada.pk).update(display_name="<b>Ada</b>")
    page = client_of(histories.tess).get(address(histories)).content.decode()
    assert "&lt;b&gt;Ada" in page
    assert "<b>Ada" not in page


def test_simulated_learners_are_labelled(histories: World, client_of: ClientOf) -> None:
    User.objects.filter(pk=histories.ada.pk).update(is_simulated=True)
    client = client_of(histories.tess)
    assert "simulated" in client.get(address(histories)).content.decode()
    rows = list(
        csv.reader(io.StringIO(client.get(address(histories, "heatmap.csv")).content.decode()))
    )
    assert [row[1] for row in rows[1:]] == ["yes", "no"]


def test_a_folded_lesson_is_the_mean_of_its_skills(histories: World, now: datetime) -> None:
    fold_course(histories)
    graph = course_graph(histories.course)
    beliefs = beliefs_of_learners([histories.ada, histories.ben], histories.course, now=now)
    folded = heatmap_build(
        [histories.ada, histories.ben], beliefs, groups_of(graph, opened=()), order=Order.NAME
    )
    assert [column.is_lesson for column in folded.columns] == [True, False]
    expected = np.floor(100 * beliefs.p_mastery[:, :2].mean(axis=1))
    assert folded.mastery[:, 0].tolist() == expected.tolist()
    np.testing.assert_allclose(folded.correct[:, 0], beliefs.p_correct[:, :2].mean(axis=1))
    assert folded.n[:, 0].tolist() == [6 + EVIDENCE_MIN - 1, 4]
    assert np.isnan(folded.low[:, 0]).all()
    # One of two skills has enough evidence: half is enough.
    assert folded.is_few[:, 0].tolist() == [False, False]


def test_large_courses_open_with_lessons(histories: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fold_course(histories)
    graph = course_graph(histories.course)
    assert [group.is_open for group in groups_of(graph)] == [True, True]
    monkeypatch.setattr("tutor.dashboards.heatmap.OPEN_SKILLS", 2)
    assert [group.is_open for group in groups_of(graph)] == [False, True]


def test_order_by_mean_puts_the_unknown_last_both_ways(
    histories: World, client_of: ClientOf, now: datetime
) -> None:
    classmates(histories, 1, now=now)
    client = client_of(histories.tess)

    def names(sort: str) -> list[str]:
        page = client.get(address(histories), {"sort": sort}).content.decode()
        return [row[0] for row in body_of(page).rows]

    assert names("mean") == ["Ben", "Ada", "Mate 00"]
    assert names("-mean") == ["Ada", "Ben", "Mate 00"]
    assert names("-name") == ["Mate 00", "Ben", "Ada"]


def test_mean_is_over_skills_with_enough_evidence(histories: World, client_of: ClientOf) -> None:
    page = client_of(histories.tess).get(address(histories)).content.decode()
    ada = body_of(page).rows[0]
    assert ada[1].strip() == ada[2]
    assert "<small>1/3</small>" in page


def test_htmx_gets_the_table_alone(histories: World, client_of: ClientOf) -> None:
    headers = {"HX-Request": "true", "HX-Target": "heat"}
    part = client_of(histories.tess).get(address(histories), headers=headers).content.decode()
    assert part.lstrip().startswith('<div id="heat"')
    assert "<html" not in part


def test_going_back_in_history_gets_the_whole_page(histories: World, client_of: ClientOf) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    page = client_of(histories.tess).get(address(histories), headers=headers).content.decode()
    assert "<html" in page


@pytest.mark.parametrize("query", ["?sort=height", "?open=3", "?open=all&open=none"])
def test_what_cannot_be_meant_is_not_found(
    histories: World, client_of: ClientOf, query: str
) -> None:
    client = client_of(histories.tess)
    assert client.get(address(histories) + query).status_code == 404
    assert client.get(address(histories, "heatmap.csv") + query).status_code == 404


def test_looks_and_exports_are_in_the_audit_log(histories: World, client_of: ClientOf) -> None:
    client = client_of(histories.tess)
    client.get(address(histories))
    client.get(address(histories, "heatmap.csv"))
    events = AuditEvent.objects.filter(actor=histories.tess, object_kind="classroom")
    actions = set(events.values_list("action", flat=True))
    assert {"heatmap_viewed", "heatmap_csv_exported"} <= actions


def test_queries_do_not_grow_with_class_or_history(
    histories: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    version_serving(histories.course, now=now)
    course_graph(histories.course)
    client = client_of(histories.tess)
    # session, user, class, teacher of it, learners, version and states, words, audit
    with django_assert_num_queries(8):
        client.get(address(histories))
    mates = classmates(histories, 6, now=now)
    for mate in mates:
        respond(histories, mate, "a", [True] * 20, at=now)
        say(histories, mate, "b", OverrideSays.KNOWS, at=now)
    trace(histories, *mates, now=now)
    with django_assert_num_queries(8):
        client.get(address(histories))


def test_an_empty_class_says_what_to_do(world: World, client_of: ClientOf) -> None:
    world.classroom.enrolments.all().delete()
    page = client_of(world.tess).get(address(world)).content.decode()
    assert world.classroom.join_code in page
    assert "<table" not in page


@pytest.mark.parametrize(("percent", "step"), [(0, 0), (9, 0), (10, 1), (99, 9), (100, 10)])
def test_colours_have_eleven_steps(percent: int, step: int) -> None:
    assert colour_step(percent) == step


def test_a_number_never_claims_a_threshold_that_is_not_reached() -> None:
    shares = np.array([0.949999, 0.95, 0.29, 1.0, 0.0])
    assert mastery_percent(shares).tolist() == [94, 95, 29, 100, 0]


def test_a_lesson_alone_is_shown_and_exported(histories: World, client_of: ClientOf) -> None:
    lesson = Lesson.objects.get(course=histories.course, key="l-b")
    client = client_of(histories.tess)
    query = f"?lesson={lesson.uuid}"
    body = body_of(client.get(address(histories) + query).content.decode())
    assert [len(row) for row in body.rows] == [3, 3]
    sent = client.get(address(histories, "heatmap.csv") + query).content.decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(sent))
    assert head[4:] == ["Skill b", "Teachers’ words"]
    assert [row[4] for row in rows] == [row[2] for row in body.rows]
    assert client.get(address(histories) + f"?lesson={histories.ada.uuid}").status_code == 404


def test_some_learners_alone_are_shown_with_a_way_back(
    histories: World, client_of: ClientOf
) -> None:
    client = client_of(histories.tess)
    page = client.get(address(histories) + f"?who={histories.ben.uuid}").content.decode()
    assert [row[0] for row in body_of(page).rows] == ["Ben"]
    assert "Show everybody" in page
    # A stranger's id shows nobody.
    page = client.get(address(histories) + f"?who={histories.zed.uuid}").content.decode()
    assert "Zed" not in page


def test_one_lesson_folds_by_a_short_address(histories: World, client_of: ClientOf) -> None:
    fold_course(histories)
    lesson = Lesson.objects.get(course=histories.course, key="l-a")
    client = client_of(histories.tess)
    page = client.get(address(histories)).content.decode()
    assert f'href="?sort=name&amp;open=all&amp;but={lesson.uuid}"' in page
    folded = client.get(address(histories) + f"?open=all&but={lesson.uuid}").content.decode()
    assert [len(row) for row in body_of(folded).rows] == [4, 4]
    assert 'href="?sort=name&amp;open=all"' in folded


def test_teachers_words_are_marked_and_exported(
    histories: World, client_of: ClientOf, now: datetime
) -> None:
    say(histories, histories.ada, "a", OverrideSays.NOT_YET, at=now)
    say(histories, histories.ben, "c", OverrideSays.KNOWS, at=now)
    # Gone: lifted, and faded below one half.
    lifted = say(histories, histories.ada, "b", OverrideSays.OPEN, at=now)
    override_lift(lifted, by=histories.tess, now=now)
    say(histories, histories.ben, "a", OverrideSays.KNOWS, at=now - timedelta(days=31))
    client = client_of(histories.tess)
    page = client.get(address(histories)).content.decode()
    body = body_of(page)
    assert page.count('class="said-mark" aria-hidden="true">▼') == 2  # the legend and one cell
    assert body.titles[0][2].startswith("teacher’s word: does not know it yet · ")
    assert body.classes[1][4] == "none said"
    assert body.titles[1][4] == "teacher’s word: knows it · no answer yet"
    said = [[cell for cell in row if "said" in cell.split()] for row in body.classes]
    assert [len(row) for row in said] == [1, 1]
    # Heard, too: the words are in the cell, out of sight.
    assert '<span class="visually-hidden"> teacher’s word: knows it</span>' in page

    sent = client.get(address(histories, "heatmap.csv")).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(sent)))
    assert [row["Teachers’ words"] for row in rows] == [
        "Skill a: does not know it yet",
        "Skill c: knows it",
    ]
    sent = client.get(address(histories, "heatmap.csv") + "?layout=details").content.decode()
    cells = list(csv.DictReader(io.StringIO(sent)))
    assert [row["Teacher’s word"] for row in cells] == [
        *("does not know it yet", "", ""),
        *("", "", "knows it"),
    ]


def test_a_word_moves_neither_number_nor_colour(
    histories: World, client_of: ClientOf, now: datetime
) -> None:
    client = client_of(histories.tess)
    before = body_of(client.get(address(histories)).content.decode())
    say(histories, histories.ada, "a", OverrideSays.NOT_YET, at=now)
    after = body_of(client.get(address(histories)).content.decode())
    assert after.rows == before.rows
    assert after.classes[0][2] == f"{before.classes[0][2]} said"


def test_a_folded_lesson_names_the_skills_of_words(
    histories: World, client_of: ClientOf, now: datetime
) -> None:
    fold_course(histories)
    say(histories, histories.ada, "b", OverrideSays.OPEN, at=now)
    say(histories, histories.ada, "a", OverrideSays.KNOWS, at=now)
    page = client_of(histories.tess).get(address(histories) + "?open=none").content.decode()
    title = body_of(page).titles[0][2]
    assert title.startswith("teacher’s word: Skill a: knows it; Skill b: may begin it · ")
    assert "◆" in page


def test_a_course_without_a_fit_says_so(
    histories: World, client_of: ClientOf, now: datetime
) -> None:
    client = client_of(histories.tess)
    assert "No fit serves this course yet" in client.get(address(histories)).content.decode()
    version = version_serving(histories.course, now=now)
    beliefs = beliefs_of_learners([histories.ada], histories.course, now=now)
    heatmap = heatmap_build([histories.ada], beliefs, groups_of(course_graph(histories.course)))
    assert not heatmap.is_fitted
    version.artifact = "somewhere"
    fitted = heatmap_build(
        [histories.ada],
        replace(beliefs, version=version),
        groups_of(course_graph(histories.course)),
    )
    assert fitted.is_fitted
