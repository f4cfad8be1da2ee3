"""The mastery heatmap, as a page and as CSV."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.tables import csv_text
from tutor.content.graph import course_graph
from tutor.dashboards.downloads import csv_response, day_of
from tutor.dashboards.heatmap import OPEN_SKILLS, Group, Heatmap, Order, groups_of, heatmap_build
from tutor.dashboards.heatmap_text import (
    COLOURS,
    FRAME_FROM,
    MARK_OF_LESSON,
    MARKS,
    class_row_html,
    detail_header,
    detail_rows,
    heads_html,
    rows_html,
    table_header,
    table_rows,
)
from tutor.dashboards.words import words_in_force
from tutor.roster.access import class_page
from tutor.roster.models import Classroom
from tutor.roster.selectors import classroom_learners
from tutor.tracing.selectors import EVIDENCE_MIN, beliefs_of_learners

ALL, NONE = "all", "none"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address asks for: the order of rows, what is unfolded, and what is shown at all.

    `toggled` are the lessons that stand otherwise than `base` says; a base of None is the page's
    own choice. `lesson` shows one lesson alone, `who` some learners.
    """

    order: Order
    base: str | None
    toggled: frozenset[UUID] = frozenset()
    lesson: UUID | None = None
    who: frozenset[UUID] = frozenset()

    def query(self, **changed: Any) -> str:
        """Return the address's query with something changed."""
        wanted = replace(self, **changed)
        pairs = [("sort", wanted.order.value)]
        if wanted.base is not None:
            pairs.append(("open", wanted.base))
        pairs += [("but", str(uuid)) for uuid in sorted(wanted.toggled)]
        if wanted.lesson is not None:
            pairs.append(("lesson", str(wanted.lesson)))
        pairs += [("who", str(uuid)) for uuid in sorted(wanted.who)]
        return "?" + urlencode(pairs)

    def is_open(self, lesson: UUID, *, is_small: bool) -> bool:
        """Whether a lesson's skills are shown; a small course opens with all of them."""
        base = self.base == ALL or (self.base is None and is_small)
        return base != (lesson in self.toggled)

    def toggle(self, lesson: UUID, *, is_small: bool) -> str:
        """Return the query that folds or unfolds one lesson: short however many lessons."""
        base = self.base or (ALL if is_small else NONE)
        return self.query(base=base, toggled=self.toggled ^ {lesson})


def choice_read(query: QueryDict) -> Choice:
    """Read the choice from an address. Raises: Http404 for what cannot be meant."""
    base, lesson = query.get("open"), query.get("lesson")
    if base not in {None, ALL, NONE} or len(query.getlist("open")) > 1:
        raise Http404
    try:
        return Choice(
            order=Order(query.get("sort", Order.NAME.value)),
            base=base,
            toggled=frozenset(UUID(word) for word in query.getlist("but")),
            lesson=UUID(lesson) if lesson else None,
            who=frozenset(UUID(word) for word in query.getlist("who")),
        )
    except ValueError as error:
        raise Http404 from error


def heatmap_read(classroom: Classroom, choice: Choice, *, now: datetime) -> Heatmap:
    """Read a class's heatmap: four queries and one forecast (and the graph's, once a version)."""
    graph = course_graph(classroom.course)
    is_small = len(graph.skills) <= OPEN_SKILLS
    lessons = _lessons(groups_of(graph, opened=()))
    if choice.lesson is not None:
        if choice.lesson not in lessons:
            raise Http404
        groups = groups_of(graph, opened={choice.lesson})
        groups = tuple(group for group in groups if group.uuid == choice.lesson)
    else:
        opened = {lesson for lesson in lessons if choice.is_open(lesson, is_small=is_small)}
        groups = groups_of(graph, opened=opened)
    learners = classroom_learners(classroom)
    if choice.who:
        learners = [learner for learner in learners if learner.uuid in choice.who]
    beliefs = beliefs_of_learners(learners, classroom.course, now=now)
    said = words_in_force(learners, classroom.course, now=now)
    return heatmap_build(learners, beliefs, groups, order=choice.order, said=said)


def _lessons(groups: tuple[Group, ...]) -> frozenset[UUID]:
    return frozenset(group.uuid for group in groups if group.uuid is not None)


@require_safe
@class_page
def heatmap_page(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Show learners x skills; with htmx the table alone."""
    now = now_utc()
    choice = choice_read(request.GET)
    heatmap = heatmap_read(classroom, choice, now=now)
    simulated = render_to_string("_partials/simulated.html")
    context = {
        "classroom": classroom,
        "heatmap": heatmap,
        "rows": rows_html(heatmap, classroom_uuid=classroom.uuid, simulated=simulated),
        "column_heads": heads_html(heatmap),
        "class_row": class_row_html(heatmap),
        "heads": _heads(heatmap, choice),
        "sorts": _sorts(choice),
        "folding": _folding(heatmap, choice),
        "choice": choice,
        "lessons": _lesson_choices(classroom),
        "everybody": choice.query(who=frozenset()),
        "query": choice.query(),
        "evidence_min": EVIDENCE_MIN,
        "steps": range(COLOURS),
        "frame_from": FRAME_FROM,
        "marks": [
            *((mark, says.label) for says, mark in MARKS.items()),
            (MARK_OF_LESSON, _("on a skill of the lesson")),
        ],
        "now": now,
    }
    is_fragment = request.htmx and not request.htmx.history_restore_request
    name = "dashboards/heatmap.html#heat" if is_fragment else "dashboards/heatmap.html"
    return render(request, name, context)


@dataclass(frozen=True, slots=True)
class Head:
    """A lesson's head cell; `href` folds or unfolds it, None where there is nothing to fold."""

    group: Group
    href: str | None


def _heads(heatmap: Heatmap, choice: Choice) -> list[Head]:
    is_small = heatmap.n_skills <= OPEN_SKILLS
    heads = []
    for group in heatmap.groups:
        href = None
        if group.uuid is not None and len(group.skills) > 1 and choice.lesson is None:
            href = choice.toggle(group.uuid, is_small=is_small)
        heads.append(Head(group=group, href=href))
    return heads


@dataclass(frozen=True, slots=True)
class Sort:
    """A column head that sorts: where it leads and how it stands (`aria-sort`)."""

    href: str
    state: str


def _sorts(choice: Choice) -> dict[str, Sort]:
    sorts = {}
    for up, down in ((Order.NAME, Order.NAME_DOWN), (Order.MEAN, Order.MEAN_DOWN)):
        state = {up: "ascending", down: "descending"}.get(choice.order, "none")
        wanted = down if choice.order == up else up
        sorts[up.value] = Sort(href=choice.query(order=wanted), state=state)
    return sorts


def _lesson_choices(classroom: Classroom) -> list[Group]:
    return [group for group in groups_of(course_graph(classroom.course)) if group.uuid is not None]


def _folding(heatmap: Heatmap, choice: Choice) -> dict[str, str]:
    """Return the links that unfold and fold every lesson, where they would change something."""
    if choice.lesson is not None:
        return {}
    foldable = [group for group in heatmap.groups if len(group.skills) > 1 and group.uuid]
    links = {}
    if any(not group.is_open for group in foldable):
        links[ALL] = choice.query(base=ALL, toggled=frozenset())
    if any(group.is_open for group in foldable):
        links[NONE] = choice.query(base=NONE, toggled=frozenset())
    return links


@require_safe
@class_page
def heatmap_csv(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Send the numbers that the page shows; `layout=details` sends a row a cell."""
    now = now_utc()
    layout = request.GET.get("layout", "table")
    if layout not in {"table", "details"}:
        raise Http404
    heatmap = heatmap_read(classroom, choice_read(request.GET), now=now)
    if layout == "details":
        text = csv_text(detail_header(), detail_rows(heatmap), is_marked=True)
    else:
        text = csv_text(table_header(heatmap), table_rows(heatmap), is_marked=True)
    return csv_response(text, f"mastery {classroom.name} {day_of(now)}")
