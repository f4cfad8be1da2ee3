"""Teachers' words on a learner's skills: what was said, and what it counts for today."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tutor.accounts.models import User
from tutor.content.graph import SkillNode, course_graph
from tutor.content.models import Course
from tutor.scheduling.models import Override
from tutor.scheduling.overlay import IN_FORCE, word_weight

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Said:
    """A word in force, for tables of a whole class: what (an OverrideSays), since when, of what."""

    says: str
    at: datetime
    skill: SkillNode


@dataclass(frozen=True, slots=True)
class TeacherWord:
    """A word that was not lifted: `weight` from 1 down to 0; in force until `until`."""

    override: Override
    skill: SkillNode
    weight: float
    until: datetime

    @property
    def is_in_force(self) -> bool:
        """Whether it still decides the skill's status; after that it only moves the order."""
        return self.weight >= IN_FORCE


def words_in_force(
    learners: Collection[User], course: Course, *, now: datetime
) -> dict[tuple[int, int], Said]:
    """Return the words that decide a status now, by learner and skill id (one query)."""
    skill_of = course_graph(course).skill_of
    rows = Override.objects.filter(
        learner__in=[learner.pk for learner in learners],
        skill__course=course,
        lifted_at=None,
    ).values_list("learner_id", "skill_id", "says", "created_at", "half_life_days")
    return {
        (learner, skill): Said(says=says, at=at, skill=skill_of[skill])
        for learner, skill, says, at, half_life_days in rows
        if skill in skill_of
        and word_weight(age_days=(now - at) / DAY, half_life_days=half_life_days) >= IN_FORCE
    }


def words_of_learner(learner: User, course: Course, *, now: datetime) -> Mapping[int, TeacherWord]:
    """Return the words on a learner's skills by skill id, the newest first (one query)."""
    skill_of = course_graph(course).skill_of
    rows = (
        Override.objects.filter(learner=learner, skill__course=course, lifted_at=None)
        .select_related("created_by")
        .order_by("-created_at", "-id")
    )
    return {
        row.skill_id: TeacherWord(
            override=row,
            skill=skill_of[row.skill_id],
            weight=word_weight(
                age_days=(now - row.created_at) / DAY, half_life_days=row.half_life_days
            ),
            # IN_FORCE is one half: it holds for one half-life.
            until=row.created_at + row.half_life_days * DAY,
        )
        for row in rows
        if row.skill_id in skill_of
    }
