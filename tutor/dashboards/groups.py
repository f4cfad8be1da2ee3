"""Small groups of learners whom the same earlier skill holds back. Pure.

The thresholds are constants here and are printed on the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from tutor.common.clock import days_since_epoch
from tutor.content.graph import CourseGraph, LessonRef, SkillNode
from tutor.tracing.selectors import EVIDENCE_MIN, ClassBeliefs, SkillBelief

# A skill is weak below this P(mastery), with enough evidence and an interval of the next answer
# that ends below the second value: what has only faded from sight is not called weak.
WEAK_BELOW, WEAK_UPPER = 0.5, 0.55
# Only what was practised lately holds somebody back now.
RECENT = timedelta(days=21)
GROUP_LEAST, GROUP_MOST = 2, 6
GROUPS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Member:
    """A learner in a group: what is believed of the shared skill, and what it holds back."""

    learner_id: int
    belief: SkillBelief
    held: tuple[SkillNode, ...]


@dataclass(frozen=True, slots=True)
class SuggestedGroup:
    """Learners who share a weak skill, weakest first, and the lesson that teaches it.

    `n_sharing` counts everybody in the class whom it holds back; a group takes the weakest.
    """

    skill: SkillNode
    lesson: LessonRef | None
    members: tuple[Member, ...]
    n_sharing: int
    held: tuple[SkillNode, ...]


def groups_suggest(beliefs: ClassBeliefs, graph: CourseGraph) -> tuple[SuggestedGroup, ...]:
    """Return groups that can work at the same time: nobody is in two.

    A learner is held back by a skill that is weak, on which nothing weak comes before it, and that
    lies at or before a weak skill practised lately. The skill that holds back the most learners
    gets the first group.
    """
    roots = _roots(beliefs, graph)
    sharing = {skill: len(rows) for skill, rows in roots.items()}
    place = {skill_id: row for row, skill_id in enumerate(graph.skill_ids)}
    taken: set[int] = set()
    groups: list[SuggestedGroup] = []
    while len(groups) < GROUPS_SHOWN:
        open_ = {
            skill: {row: held for row, held in rows.items() if row not in taken}
            for skill, rows in roots.items()
        }
        best = max(
            open_,
            key=lambda skill: (
                min(len(open_[skill]), GROUP_MOST),
                len({one for held in open_[skill].values() for one in held}),
                -place[skill],
            ),
            default=None,
        )
        if best is None or len(open_[best]) < GROUP_LEAST:
            break
        members = _members(beliefs, graph, best, open_[best])
        taken |= {beliefs.learner_ids.index(member.learner_id) for member in members}
        held = {one.id for member in members for one in member.held}
        # The lesson that is about this skill most.
        lessons = sorted(graph.lessons_by_skill[best], key=lambda lesson: len(lesson.skill_ids))
        groups.append(
            SuggestedGroup(
                skill=graph.skill_of[best],
                lesson=lessons[0] if lessons else None,
                members=members,
                n_sharing=sharing[best],
                held=tuple(skill for skill in graph.skills if skill.id in held),
            )
        )
    return tuple(groups)


def _roots(beliefs: ClassBeliefs, graph: CourseGraph) -> dict[int, dict[int, set[int]]]:
    """Return by skill whom it holds back (a row of the beliefs), and from which skills."""
    weak = (
        (beliefs.n_observations >= EVIDENCE_MIN)
        & (beliefs.p_mastery < WEAK_BELOW)
        & (beliefs.upper < WEAK_UPPER)
    )
    since = days_since_epoch(beliefs.at - RECENT)
    recent = weak & (np.nan_to_num(beliefs.last_at_days, nan=-np.inf) >= since)
    roots: dict[int, dict[int, set[int]]] = {}
    for row in range(len(beliefs.learner_ids)):
        of_row = {graph.skill_ids[at] for at in np.flatnonzero(weak[row]).tolist()}
        for at in np.flatnonzero(recent[row]).tolist():
            skill = graph.skill_ids[at]
            for root in _first_weak(skill, of_row, graph):
                roots.setdefault(root, {}).setdefault(row, set()).add(skill)
    return roots


def _first_weak(skill: int, weak: set[int], graph: CourseGraph) -> list[int]:
    """Return the weak skills at or before a skill that have nothing weak before them."""
    before = (graph.ancestors(skill) & weak) | {skill}
    return [one for one in before if not graph.ancestors(one) & weak]


def _members(
    beliefs: ClassBeliefs, graph: CourseGraph, skill: int, rows: dict[int, set[int]]
) -> tuple[Member, ...]:
    column = graph.skill_ids.index(skill)
    ordered: Sequence[int] = sorted(rows, key=lambda row: float(beliefs.p_mastery[row, column]))
    return tuple(
        Member(
            learner_id=beliefs.learner_ids[row],
            belief=beliefs.of_row(row).of(skill),
            held=tuple(
                graph.skill_of[one]
                for one in sorted(rows[row], key=graph.skill_ids.index)
                if one != skill
            ),
        )
        for row in ordered[:GROUP_MOST]
    )
