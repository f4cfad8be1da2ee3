"""Skills and items of a class's course: the lists, one item, and the CSV of the list."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.tables import csv_text
from tutor.content.graph import course_graph
from tutor.dashboards import item_facts
from tutor.dashboards.downloads import csv_response, day_of
from tutor.dashboards.heatmap import groups_of
from tutor.dashboards.item_detail import ITEM_READ, item_page
from tutor.dashboards.item_measuring import (
    FRESH_FOR,
    MOST_READ,
    Measurement,
    items_measurement,
)
from tutor.dashboards.item_pages import (
    Choice,
    Level,
    Scope,
    Sort,
    choice_read,
    listing,
    table_header,
    table_rows,
)
from tutor.roster.access import class_page
from tutor.roster.models import Classroom

LARGEST_FIRST = {Sort.ATTEMPTS, Sort.HELP, Sort.SECONDS}


@require_safe
@class_page
def item_list(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """List the skills or the items with what the answers say of them."""
    now = now_utc()
    choice = choice_read(request.GET)
    graph = course_graph(classroom.course)
    measured = items_measurement(classroom.course, _scope(classroom, choice), now=now)
    context = {
        "classroom": classroom,
        "choice": choice,
        "measured": measured,
        "list": listing(graph, measured, choice) if measured else None,
        "lessons": [group for group in groups_of(graph) if group.uuid is not None],
        "links": _links(choice),
        "rules": item_facts,
        "most_read": MOST_READ,
        "fresh_minutes": int(FRESH_FOR.total_seconds() // 60),
    }
    is_fragment = request.htmx and not request.htmx.history_restore_request
    return render(request, f"dashboards/items.html{'#items' if is_fragment else ''}", context)


@require_safe
@class_page
def item_list_csv(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Send the whole list of a choice, of which the page shows a part at a time."""
    now = now_utc()
    choice = choice_read(request.GET)
    measured = items_measurement(classroom.course, _scope(classroom, choice), now=now)
    if measured is None:
        return HttpResponse(
            _("The answers are being counted for the first time; try again in a moment."),
            status=503,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": "20"},
        )
    rows = listing(course_graph(classroom.course), measured, choice).rows
    text = csv_text(table_header(choice.level), table_rows(rows), is_marked=True)
    return csv_response(text, f"{choice.level.value} {day_of(now)}")


@require_safe
@class_page
def item_one(request: UserRequest, classroom: Classroom, step_uuid: UUID) -> HttpResponse:
    """Show one item: its problem, what was answered, and how it tells learners apart."""
    choice = choice_read(request.GET)
    scope = _scope(classroom, choice)
    measured = items_measurement(classroom.course, scope, now=now_utc())
    graph = course_graph(classroom.course)
    measured = measured or Measurement.nothing(now_utc())
    context = {
        "classroom": classroom,
        "choice": choice,
        "measured": measured,
        "page": item_page(graph, measured, step_uuid, classroom=scope),
        "links": _links(choice),
        "rules": item_facts,
        "item_read": ITEM_READ,
    }
    return render(request, "dashboards/item.html", context)


def _scope(classroom: Classroom, choice: Choice) -> Classroom | None:
    return classroom if choice.scope is Scope.CLASS else None


def _links(choice: Choice) -> dict[str, object]:
    sorts = {}
    for sort in Sort:
        is_this = choice.sort is sort
        # The first press of a number's head shows the largest first, of the order's the beginning.
        is_down = not choice.is_down if is_this else sort in LARGEST_FIRST
        state = ("descending" if choice.is_down else "ascending") if is_this else "none"
        sorts[sort.value] = {"href": choice.query(sort=sort, is_down=is_down), "state": state}
    return {
        "sorts": sorts,
        "skills": choice.query(level=Level.SKILLS, skill=None, is_flagged=False),
        "items": choice.query(level=Level.ITEMS, is_flagged=False),
        "flagged": choice.query(level=Level.ITEMS, is_flagged=True, skill=None, lesson=None),
        "course": choice.query(scope=Scope.COURSE),
        "of_class": choice.query(scope=Scope.CLASS),
        "here": choice.query(page=choice.page),
        "all_skills": choice.query(skill=None),
        "before": choice.query(page=choice.page - 1),
        "after": choice.query(page=choice.page + 1),
    }
