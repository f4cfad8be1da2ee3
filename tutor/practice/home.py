"""What the learner's home shows: read once, no query from a template."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.practice.map_page import SkillRow, skill_rows
from tutor.practice.models import Activity, SessionKind
from tutor.practice.proposals import Proposal, proposal_of
from tutor.responses.regrading import LearnerRegrade, regrades_of_learner
from tutor.scheduling.guidance import guidance_of_learner
from tutor.scheduling.outlooks import AimPath, aim_paths, pace_of_learner, sitting_of_offer
from tutor.scheduling.paths import GoalPath, SittingPlan
from tutor.scheduling.placements import placement_is_offered, placement_open
from tutor.scheduling.selectors import (
    day_start,
    policy_config,
    standings_of_learner,
    view_of,
)
from tutor.scheduling.services import Offer, offer_for
from tutor.scheduling.situations import Kind
from tutor.scheduling.statuses import PolicyConfig, Status
from tutor.tracing.changes import RoleChange, role_change

# For how long home tells of corrected answers.
REGRADES_TOLD_FOR = timedelta(days=14)
REVIEWS_SHOWN = 6
AIMS_SHOWN = 3
# With fewer skills there is next to nothing to skip.
PLACEMENT_FROM = 3
# From here on time is told in hours.
HOURS_FROM_MINUTES = 100


@dataclass(frozen=True, slots=True)
class Way:
    """An aim as a slim line: what is left, how long it takes as a range, and its date."""

    title: str
    is_own_goal: bool
    is_course: bool
    path: GoalPath
    n_begun: int
    left_text: str
    due_at: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A skill that is due for review; answered today, it has had its share until tomorrow."""

    row: SkillRow
    is_for_tomorrow: bool


@dataclass(frozen=True, slots=True)
class HomePage:
    """The learner's home on one course. `reviews` are the first of `n_reviews`."""

    course: Course
    first: Proposal | None
    alternatives: tuple[Proposal, ...]
    sitting_text: str
    ways: tuple[Way, ...]
    reviews: tuple[Review, ...]
    n_reviews: int
    n_mastered: int
    n_begun: int
    n_skills: int
    has_open_activity: bool
    skill_open: SkillNode | None
    has_open_placement: bool
    is_placement_offered: bool
    change: RoleChange | None
    regrades: tuple[LearnerRegrade, ...]


def home_page(learner: User, course: Course, *, now: datetime) -> HomePage:
    """Return what is next, what is due, the way to the goal, and how far the learner is."""
    graph = course_graph(course)
    offer = offer_for(learner, course, now=now)
    rows = skill_rows(graph, offer.statuses, offer.beliefs)
    guidance = guidance_of_learner(learner, course, now=now)
    pace = pace_of_learner(learner, course, now=now)
    view = view_of(
        graph,
        offer.beliefs,
        standings_of_learner(learner, graph),
        course=course,
        guidance=guidance,
    )
    under_way = list(
        Activity.objects.filter(
            session__learner=learner,
            session__course=course,
            session__kind=SessionKind.PRACTICE,
            session__ended_at=None,
            finished_at=None,
        ).values_list("skill_id_aim", flat=True)[:1]
    )
    reviews = _reviews(rows, offer, now=now, config=policy_config(course))
    return HomePage(
        course=course,
        first=None if offer.first is None else proposal_of(offer.first, rows),
        alternatives=tuple(proposal_of(candidate, rows) for candidate in offer.alternatives),
        sitting_text=_sitting_text(sitting_of_offer(offer, pace=pace)),
        ways=tuple(
            _way(found, rows)
            for found in aim_paths(view, guidance, pace=pace, now=now)[:AIMS_SHOWN]
        ),
        reviews=tuple(reviews[:REVIEWS_SHOWN]),
        n_reviews=len(reviews),
        n_mastered=sum(row.status == Status.MASTERED for row in rows.values()),
        n_begun=sum(row.status in {Status.LEARNING, Status.REVIEW_DUE} for row in rows.values()),
        n_skills=sum(row.status != Status.UNKNOWN for row in rows.values()),
        has_open_activity=bool(under_way),
        skill_open=graph.skill_of.get(under_way[0] or 0) if under_way else None,
        has_open_placement=placement_open(learner, course) is not None,
        is_placement_offered=len(graph.practisable) >= PLACEMENT_FROM
        and placement_is_offered(learner, course),
        change=role_change(offer.beliefs.version, now=now),
        regrades=tuple(regrades_of_learner(learner, course, since=now - REGRADES_TOLD_FOR)),
    )


def _reviews(
    rows: Mapping[int, SkillRow],
    offer: Offer,
    *,
    now: datetime,
    config: PolicyConfig,
) -> list[Review]:
    """Return what is due as the scheduler goes about it: still today, the most overdue first."""
    today = day_start(now)
    n_today = Counter(
        skill for row in offer.observations if row.answered_at >= today for skill in row.skill_ids
    )
    reviews = [
        Review(row=row, is_for_tomorrow=n_today[skill] >= config.most_answers_a_day)
        for skill, row in rows.items()
        if row.status == Status.REVIEW_DUE
    ]
    late, row_of = offer.view.remembered.late, offer.view.arrays.row_of
    return sorted(
        reviews, key=lambda found: (found.is_for_tomorrow, -late[row_of[found.row.skill.id]])
    )


def _way(found: AimPath, rows: Mapping[int, SkillRow]) -> Way:
    aim = found.aim
    if aim is None:
        title = _("The whole course")
    elif aim.is_assigned:
        title = aim.title
    else:
        named = [rows[skill].skill.title for skill in aim.skill_ids if skill in rows]
        title = _("Your goal: {skills}").format(skills=", ".join(named))
    return Way(
        title=title,
        is_own_goal=aim is not None and not aim.is_assigned,
        is_course=aim is None,
        path=found.path,
        n_begun=sum(
            rows[skill.skill_id].status in {Status.LEARNING, Status.REVIEW_DUE}
            for skill in found.path.left
        ),
        left_text=_left_text(found.path),
        due_at=None if aim is None else aim.due_at,
        note="" if aim is None else aim.note,
    )


def _left_text(path: GoalPath) -> str:
    """Return what is left in words: "7 skills to go, about 3 to 5 hours"."""
    if not path.left:
        return _("All of it is mastered.")
    skills = ngettext("{n} skill to go", "{n} skills to go", len(path.left)).format(
        n=len(path.left)
    )
    return f"{skills}, {range_text(path.minutes_low, path.minutes_high)}"


def range_text(low: float, high: float) -> str:
    """Return a range of minutes in words, rounded outwards."""
    if high < HOURS_FROM_MINUTES:
        least, most = max(floor(low / 5) * 5, 5), max(ceil(high / 5) * 5, 5)
        if least == most:
            return _("about {minutes} minutes").format(minutes=most)
        return _("about {low} to {high} minutes").format(low=least, high=most)
    least, most = max(floor(low / 60), 1), ceil(high / 60)
    if least == most:
        return ngettext("about {hours} hour", "about {hours} hours", most).format(hours=most)
    return _("about {low} to {high} hours").format(low=least, high=most)


def _sitting_text(plan: SittingPlan) -> str:
    """Return what a sitting would hold in words; nothing where there is nothing to plan."""
    n = Counter({block.kind: len(block.skill_ids) for block in plan.blocks})
    parts = []
    if n[Kind.REVIEW]:
        parts.append(ngettext("{n} review", "{n} reviews", n[Kind.REVIEW]).format(n=n[Kind.REVIEW]))
    if n[Kind.LEARN]:
        parts.append(
            ngettext("{n} new lesson", "{n} new lessons", n[Kind.LEARN]).format(n=n[Kind.LEARN])
        )
    if n[Kind.PRACTISE]:
        parts.append(_("mixed practice"))
    return ", ".join(parts)
