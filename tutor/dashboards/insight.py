"""What the serving model says of a learner beyond today's beliefs: traits and the days to come."""

from dataclasses import dataclass
from datetime import datetime

from tutor.accounts.models import User
from tutor.dashboards.forecast import DAYS, AheadRow, ahead_rows
from tutor.dashboards.trait_rows import TraitRow, trait_rows
from tutor.roster.models import Classroom
from tutor.tracing.selectors import states_of_learners
from tutor.tracing.traits import LearnerTraits, learner_traits


@dataclass(frozen=True, slots=True)
class Insight:
    """What the serving model says of the learner beyond today's beliefs."""

    traits: LearnerTraits
    trait_rows: tuple[TraitRow, ...]
    ahead_days: tuple[int, ...]
    ahead: tuple[AheadRow, ...]


def insight_of_learner(learner: User, classroom: Classroom, *, now: datetime) -> Insight:
    """Read traits beside the class's, and the coming days (one query, whatever the class's size).

    Two where nobody of the class has answered under the serving version.
    """
    course = classroom.course
    members = User.objects.filter(enrolments__classroom=classroom, enrolments__left_at=None)
    held = states_of_learners(members.values_list("pk", flat=True), course, now=now)
    traits = learner_traits(held, learner)
    return Insight(
        traits=traits,
        trait_rows=trait_rows(traits),
        ahead_days=DAYS,
        ahead=ahead_rows(held, learner, course, now=now),
    )
