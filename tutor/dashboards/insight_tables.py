"""Suggested groups and what-if answers as CSV: the rows and numbers of their pages."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.tables import Cell
from tutor.dashboards.groups import Member, SuggestedGroup
from tutor.dashboards.heatmap import mastery_percent
from tutor.dashboards.heatmap_text import FRAME_FROM, percent_shown
from tutor.dashboards.what_if import WhatIf


def group_mastery(member: Member) -> int:
    """Return the chance of mastery as every page shows it: whole per cent, rounded down."""
    return int(mastery_percent(np.array(member.belief.p_mastery)))


def group_header() -> list[str]:
    """Return the header of the table with a row a member."""
    return [
        _("Group"),
        _("Skill"),
        _("Lesson"),
        _("Learner"),
        _("Simulated"),
        _("Mastery %"),
        _("First answers"),
        _("Holds back"),
    ]


def group_rows(groups: Sequence[SuggestedGroup], by_id: Mapping[int, User]) -> Iterator[list[Cell]]:
    """Return a row for every member of every group, in the page's order."""
    for number, group in enumerate(groups, start=1):
        for member in group.members:
            learner = by_id[member.learner_id]
            yield [
                number,
                group.skill.title,
                group.lesson.title if group.lesson else None,
                str(learner),
                _("yes") if learner.is_simulated else _("no"),
                group_mastery(member),
                member.belief.n_observations,
                "; ".join(skill.title for skill in member.held),
            ]


def what_if_header() -> list[str]:
    """Return the header of the table with a row a skill."""
    return [
        _("Skill"),
        _("Learners"),
        _("Have practised it"),
        *(
            name.format(n=FRAME_FROM)
            for name in (
                _("Mastery {n} % or more now"),
                _("Mastery {n} % or more without practice"),
                _("Mastery {n} % or more with practice"),
                _("Mastery {n} % or more with practice, low"),
                _("Mastery {n} % or more with practice, high"),
            )
        ),
        _("Next answer right now %"),
        _("Without practice %"),
        _("With practice %"),
        _("With practice, low %"),
        _("With practice, high %"),
        _("Likely still not there"),
    ]


def what_if_rows(answer: WhatIf) -> Iterator[list[Cell]]:
    """Return a row for every skill, as the page rounds it."""
    for row in answer.skills:
        yield [
            row.skill.title,
            row.n,
            row.n_evidence,
            row.mastered_now,
            row.mastered_idle,
            *(_whole(end) for end in (row.mastered.value, row.mastered.lower, row.mastered.upper)),
            percent_shown(100 * row.right_now),
            percent_shown(100 * row.right_idle),
            *(
                percent_shown(100 * end)
                for end in (row.right.value, row.right.lower, row.right.upper)
            ),
            "; ".join(str(learner) for learner in row.unlikely),
        ]


def _whole(value: float) -> int:
    """Return a count as the page's `floatformat:0` rounds it: halves away from nought."""
    return int(value + 0.5)
