"""The map: the course as a picture and as a list. The drawing is made once per course version."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from uuid import UUID

from django.urls import reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.templatetags.stepwise import percent, status_word
from tutor.content.graph import CourseGraph, SkillNode, course_graph
from tutor.content.models import Course
from tutor.practice.layout import CourseMap, course_map
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.statuses import SkillStatus, Status
from tutor.tracing.selectors import LearnerBeliefs, SkillBelief, beliefs_of_learner

# The order in which a learner looks for them.
STATUS_ORDER = (
    Status.REVIEW_DUE,
    Status.LEARNING,
    Status.READY,
    Status.LOCKED,
    Status.MASTERED,
    Status.UNKNOWN,
)
DRAWINGS_KEPT = 8
# Where the belief stands in a box of the picture.
BAND_X, BAND_Y, BAND_WIDTH = 40.0, 52.0, 148.0


@dataclass(frozen=True, slots=True)
class SkillRow:
    """A skill with the learner's standing in it."""

    skill: SkillNode
    status: str
    belief: SkillBelief
    needs: tuple[SkillNode, ...] = ()


def skill_row(
    graph: CourseGraph, skill_id: int, status: SkillStatus, belief: SkillBelief
) -> SkillRow:
    """Return a skill's row from what is at hand."""
    return SkillRow(
        skill=graph.skill_of[skill_id],
        status=status.status.value,
        belief=belief,
        needs=tuple(graph.skill_of[parent] for parent in status.held_by),
    )


def skill_rows(
    graph: CourseGraph, statuses: Mapping[int, SkillStatus], beliefs: LearnerBeliefs
) -> dict[int, SkillRow]:
    """Return the rows of all of a course's skills."""
    return {
        skill: skill_row(graph, skill, statuses[skill], beliefs.of(skill))
        for skill in graph.skill_ids
    }


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many skills have a status."""

    status: str
    n: int


@dataclass(frozen=True, slots=True)
class MapPicture:
    """The picture, ready to show; `alone_y` is where skills begin that nothing joins."""

    width: int
    height: int
    edges: SafeString
    nodes: SafeString
    alone_y: str | None
    shapes: tuple[str, ...] = tuple(status.value for status in Status)


@dataclass(frozen=True, slots=True)
class MapList:
    """The list, by status. `query` and `status` say what it is narrowed to."""

    groups: tuple[tuple[str, tuple[SkillRow, ...]], ...]
    n_found: int
    query: str
    status: str


@dataclass(frozen=True, slots=True)
class MapPage:
    """Every skill of a course; the picture or the list, whichever was asked for."""

    n_skills: int
    counts: tuple[StatusCount, ...]
    picture: MapPicture | None
    list: MapList | None


def map_page(
    learner: User,
    course: Course,
    *,
    now: datetime,
    is_list: bool = False,
    query: str = "",
    status: str = "",
) -> MapPage:
    """Return the course's skills with their statuses. A query or a status narrows the list."""
    graph = course_graph(course)
    beliefs = beliefs_of_learner(learner, course, now=now)
    statuses = statuses_of_learner(learner, course, now=now, beliefs=beliefs)
    rows = skill_rows(graph, statuses, beliefs)
    return MapPage(
        n_skills=len(rows),
        counts=tuple(
            StatusCount(found.value, n)
            for found in STATUS_ORDER
            if (n := sum(row.status == found for row in rows.values()))
        ),
        picture=None if is_list else _picture(course, graph, rows),
        list=_list(rows, query=query, status=status) if is_list else None,
    )


def _list(rows: Mapping[int, SkillRow], *, query: str, status: str) -> MapList:
    words = query.casefold().split()
    found = [
        row
        for row in rows.values()
        if (not status or row.status == status)
        and all(word in row.skill.title.casefold() for word in words)
    ]
    groups = (
        (wanted.value, tuple(row for row in found if row.status == wanted))
        for wanted in STATUS_ORDER
    )
    return MapList(
        groups=tuple((wanted, members) for wanted, members in groups if members),
        n_found=len(found),
        query=query,
        status=status,
    )


# The uuid too: a database that was replaced (tests, restores) may give a number again.
_kept: OrderedDict[tuple[int, UUID, int], tuple[CourseGraph, CourseMap]] = OrderedDict()
# Held while drawing, too: grandalf sets the interpreter's recursion limit for a while.
_lock = Lock()


def drawing_of(course: Course, graph: CourseGraph) -> CourseMap:
    """Return the drawing of a course's graph; made once per version in each process."""
    key = (course.pk, course.uuid, course.version_number)
    with _lock:
        found = _kept.get(key)
        if found is None or found[0] is not graph:
            found = (
                graph,
                course_map({skill.id: skill.title for skill in graph.skills}, graph.parents),
            )
            _kept[key] = found
        _kept.move_to_end(key)
        while len(_kept) > DRAWINGS_KEPT:
            _kept.popitem(last=False)
    return found[1]


def _picture(course: Course, graph: CourseGraph, rows: Mapping[int, SkillRow]) -> MapPicture:
    """Write the picture as text: a template's loop over 1,351 boxes takes several times as long."""
    drawing = drawing_of(course, graph)
    number = {place.skill_id: at for at, place in enumerate(drawing.places)}
    nobody = UUID(int=0)
    address = reverse("skill", args=[course.uuid, nobody])
    here = _here(list(rows.values()))
    words = {status.value: str(status_word(status.value)) for status in Status}
    nodes = [
        _node(
            rows[place.skill_id],
            at=at,
            corner=f"{place.x} {place.y}",
            lines=place.lines,
            address=address.replace(str(nobody), str(rows[place.skill_id].skill.uuid)),
            status_name=words[rows[place.skill_id].status],
            is_here=place.skill_id == here,
        )
        for at, place in enumerate(drawing.places)
    ]
    edges = [
        f'<path d="{edge.path}" data-from="{number[edge.parent_id]}" '
        f'data-to="{number[edge.child_id]}"/>'
        for edge in drawing.edges
    ]
    return MapPicture(
        width=drawing.width,
        height=drawing.height,
        # Numbers and escaped titles only.
        edges=mark_safe("".join(edges)),  # noqa: S308
        nodes=mark_safe("".join(nodes)),  # noqa: S308
        alone_y=drawing.alone_y,
    )


def _here(rows: Sequence[SkillRow]) -> int | None:
    """Return the skill on which the picture opens: where the learner is at work."""
    for status in STATUS_ORDER:
        for row in rows:
            if row.status == status:
                return row.skill.id
    return None


def _node(
    row: SkillRow,
    *,
    at: int,
    corner: str,
    lines: Sequence[str],
    address: str,
    status_name: str,
    is_here: bool,
) -> str:
    begins = "".join(
        f'<tspan x="40" dy="{16 if place else 0}">{conditional_escape(line)}</tspan>'
        for place, line in enumerate(lines)
    )
    return (
        f'<a class="map-node map-{row.status}" href="{address}" transform="translate({corner})" '
        f'tabindex="{0 if is_here else -1}" data-at="{at}" '
        f'aria-label="{conditional_escape(_spoken(row, status_name))}">'
        '<rect class="map-box" width="200" height="64" rx="8"/>'
        f'<use class="status-{row.status}" href="#shape-{row.status}" x="12" y="22"/>'
        f'<text class="map-text" x="40" y="{30 if len(lines) == 1 else 21}">{begins}</text>'
        f"{_band(row.belief)}</a>"
    )


def _spoken(row: SkillRow, status_name: str) -> str:
    belief = row.belief
    if not belief.n_observations:
        return _("{title}: {status}").format(title=row.skill.title, status=status_name)
    if not belief.has_evidence:
        return _("{title}: {status}, first impression between {lower} and {upper}").format(
            title=row.skill.title,
            status=status_name,
            lower=percent(belief.lower),
            upper=percent(belief.upper),
        )
    return _("{title}: {status}, {value}, probably between {lower} and {upper}").format(
        title=row.skill.title,
        status=status_name,
        value=percent(belief.p_correct),
        lower=percent(belief.lower),
        upper=percent(belief.upper),
    )


def _band(belief: SkillBelief) -> str:
    """Draw the estimate with its interval; nothing where there is no evidence."""
    if not belief.n_observations:
        return ""

    def place(share: float) -> float:
        return BAND_X + BAND_WIDTH * min(1.0, max(0.0, share))

    left, right = place(belief.lower), place(belief.upper)
    return (
        f'<rect class="map-track" x="{BAND_X}" y="{BAND_Y}" width="{BAND_WIDTH}" height="4"/>'
        f'<rect class="map-band" x="{left:.1f}" y="{BAND_Y}" width="{right - left:.1f}" '
        'height="4"/>'
        f'<rect class="map-mark" x="{place(belief.p_correct) - 1.5:.1f}" y="{BAND_Y - 3}" '
        'width="3" height="10"/>'
    )
