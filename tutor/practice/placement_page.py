"""What the placement's page shows: the offer, the question at hand, or the result."""

from dataclasses import dataclass
from datetime import datetime

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.practice.models import Session
from tutor.practice.placing import placing_session, placing_show
from tutor.practice.screen import StepScreen, screen_build
from tutor.scheduling.models import Placement
from tutor.scheduling.placements import PlacementResult, placement_open, placement_result
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.statuses import Status

# So many of the skills to begin with are named; the map has them all.
FRINGE_SHOWN = 6
BEGIN = frozenset({Status.READY, Status.LEARNING})


@dataclass(frozen=True, slots=True)
class PlacementAsked:
    """The question at hand; `n_done` were answered, at most `n_most` are asked."""

    session: Session
    screen: StepScreen
    n_done: int
    n_most: int


@dataclass(frozen=True, slots=True)
class PlacementFound:
    """Where a finished placement says to begin.

    `n_low` and `n_high` are the ends of the range of skills that the learner probably knows.
    """

    result: PlacementResult
    begin: tuple[SkillNode, ...]
    n_more: int
    n_low: int
    n_high: int


@dataclass(frozen=True, slots=True)
class PlacementPage:
    """One of the three; neither `asked` nor `found` is the offer."""

    asked: PlacementAsked | None
    found: PlacementFound | None


def placement_page(learner: User, course: Course, *, now: datetime) -> PlacementPage:
    """Return what there is of a learner's placement."""
    placement = placement_open(learner, course)
    asked = None if placement is None else _asked(learner, course, placement, now=now)
    if asked is not None:
        return PlacementPage(asked=asked, found=None)
    last = (
        Placement.objects.filter(learner=learner, course=course, ended_at__isnull=False)
        .order_by("-id")
        .first()
    )
    return PlacementPage(
        asked=None, found=None if last is None else _found(learner, last, course, now=now)
    )


def _asked(
    learner: User, course: Course, placement: Placement, *, now: datetime
) -> PlacementAsked | None:
    session = placing_session(learner, course)
    if session is None:
        return None
    question = placing_show(session, placement, now=now)
    screen = screen_build(session, now=now)
    if question is None or screen is None:
        return None
    return PlacementAsked(
        session=session, screen=screen, n_done=question.n_answered, n_most=question.n_most
    )


def _found(learner: User, placement: Placement, course: Course, *, now: datetime) -> PlacementFound:
    graph = course_graph(course)
    result = placement_result(placement, course)
    statuses = statuses_of_learner(learner, course, now=now)
    # What is named must be open; where the fringe is too uncertain to open, what comes before is.
    fringe = {placed.skill_id for placed in result.fringe}
    opened = [skill for skill in graph.skills if statuses[skill.id].status in BEGIN]
    begin = [skill for skill in opened if skill.id in fringe] or opened
    # The 80 % interval of a normal distribution.
    spread = 1.28 * result.n_known_sd
    return PlacementFound(
        result=result,
        begin=tuple(begin[:FRINGE_SHOWN]),
        n_more=max(len(begin) - FRINGE_SHOWN, 0),
        n_low=max(round(result.n_known_expected - spread), 0),
        n_high=min(round(result.n_known_expected + spread), result.n_skills),
    )
