"""Who needs help now: stated rules over recent observations, each with its evidence. Pure.

The thresholds are constants here and are printed on the page that explains them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tutor.content.graph import CourseGraph, SkillNode
from tutor.responses.models import ResponseKind
from tutor.scheduling.policies import is_wheel_spinning
from tutor.scheduling.statuses import PolicyConfig
from tutor.tracing.selectors import LearnerBeliefs

# Older answers say little about who needs help today.
WINDOW = timedelta(days=14)
# How many of a learner's newest observations are looked at.
NEWEST = 40
STUCK_LAST = 5
STUCK_LEAST = 4
STUCK_MOST_RIGHT = 1
# A prerequisite is called missing below this P(mastery).
MISSING_BELOW = 0.5
ASKING_LAST = 10
ASKING_LEAST = 6
ASKING_SHARE = 0.5
AWAY_AFTER = timedelta(days=7)

HELP_FIRST = frozenset({ResponseKind.HINT, ResponseKind.DONT_KNOW})


class FlagKind(StrEnum):
    """What was noticed, gravest first."""

    STUCK = "stuck"
    NO_PROGRESS = "no_progress"
    ASKING = "asking"


GRAVEST = {kind: rank for rank, kind in enumerate(FlagKind)}


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation as the rules see it."""

    skill_ids: tuple[int, ...]
    is_correct: bool
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Flag:
    """What was noticed of a learner: `count` of `n` observations, and where to begin.

    For `stuck` and `no_progress` the count is of right answers on the skill, for `asking` of
    answers that began with help.
    """

    kind: FlagKind
    skill: SkillNode | None
    count: int
    n: int
    missing: SkillNode | None = None


def flags_of_learner(
    newest: Sequence[Seen],
    beliefs: LearnerBeliefs,
    mastered: Collection[int],
    graph: CourseGraph,
) -> list[Flag]:
    """Return what the rules notice of one learner, gravest first.

    `newest` are the learner's observations within the window, newest first. A skill in `mastered`
    raises no flag: "needs help" must not outlive the help.
    """
    by_skill: dict[int, list[Seen]] = {}
    for seen in newest:
        for skill_id in seen.skill_ids:
            if skill_id in beliefs.row_of and skill_id not in mastered:
                by_skill.setdefault(skill_id, []).append(seen)
    flags = []
    for skill_id, rows in by_skill.items():
        flag = _stuck(skill_id, rows, graph) or _no_progress(skill_id, rows, graph)
        if flag:
            flags.append(_with_missing(flag, beliefs, graph))
    asking = _asking(newest)
    if asking:
        flags.append(asking)
    return sorted(flags, key=lambda flag: (GRAVEST[flag.kind], -flag.n))


def _stuck(skill_id: int, rows: Sequence[Seen], graph: CourseGraph) -> Flag | None:
    last = rows[:STUCK_LAST]
    right = sum(seen.is_correct for seen in last)
    if len(last) < STUCK_LEAST or right > STUCK_MOST_RIGHT:
        return None
    return Flag(FlagKind.STUCK, graph.skill_of[skill_id], count=right, n=len(last))


def _no_progress(skill_id: int, rows: Sequence[Seen], graph: CourseGraph) -> Flag | None:
    outcomes = [seen.is_correct for seen in rows]
    if not is_wheel_spinning(outcomes, config=PolicyConfig()):
        return None
    return Flag(
        FlagKind.NO_PROGRESS, graph.skill_of[skill_id], count=sum(outcomes), n=len(outcomes)
    )


def _asking(newest: Iterable[Seen]) -> Flag | None:
    last = list(newest)[:ASKING_LAST]
    helped = sum(seen.kind in HELP_FIRST for seen in last)
    if len(last) < ASKING_LEAST or helped < ASKING_SHARE * len(last):
        return None
    return Flag(FlagKind.ASKING, None, count=helped, n=len(last))


def _with_missing(flag: Flag, beliefs: LearnerBeliefs, graph: CourseGraph) -> Flag:
    """Name the prerequisite that is most likely missing: the least mastered direct one."""
    if flag.skill is None:
        return flag
    weak = [
        (belief.p_mastery, parent)
        for parent in graph.parents[flag.skill.id]
        if (belief := beliefs.of(parent)).p_mastery < MISSING_BELOW
    ]
    if not weak:
        return flag
    return replace(flag, missing=graph.skill_of[min(weak)[1]])
