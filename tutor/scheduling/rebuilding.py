"""Standings after a replay: what a corrected, imported or late log opens, masters, takes back."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from tutor.accounts.models import User
from tutor.common.outbox import REPLAY_QUEUE, handler
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.responses.exports import observations_export
from tutor.scheduling.retention import Spacing, spacing_of_history
from tutor.scheduling.selectors import policy_config
from tutor.scheduling.standings import standings_refresh
from tutor.tracing.selectors import beliefs_of_state
from tutor.tracing.services import REPLAYED_TOPIC, tracing_hold


@handler(REPLAYED_TOPIC, queue=REPLAY_QUEUE)
def _replayed_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    learner = User.objects.filter(pk=payload["learner_id"]).first()
    course = Course.objects.filter(model_versions=payload["version_id"]).first()
    if learner is not None and course is not None:
        standings_rebuild(learner, course, now=now)


@transaction.atomic
def standings_rebuild(learner: User, course: Course, *, now: datetime) -> None:
    """Bring a learner's stored standings up to a mastery state that was replayed.

    Whatever the log says was practised counts as just practised: it is open, and its review falls
    due by the new state. Safe to run twice.
    """
    graph = course_graph(course)
    # Held until the end, so that an answer moves the standings before this or after it.
    tracing = tracing_hold(learner, course, now=now)
    beliefs = beliefs_of_state(tracing.state, version=tracing.version, course=course, now=now)
    practised = {
        skill_id for skill_id, n in zip(graph.skill_ids, beliefs.n_observations, strict=True) if n
    }
    standings_refresh(
        learner,
        course,
        graph=graph,
        beliefs=beliefs,
        tracing=tracing,
        touched=practised,
        now=now,
        spacings=_spacings(learner, course, now=now),
    )


def _spacings(learner: User, course: Course, *, now: datetime) -> dict[int, Spacing]:
    """Return the spacing of every practised skill, from the whole log (one query)."""
    answers: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for row in observations_export(course, learner_ids=[learner.pk], until=now):
        for skill_id in row.skill_ids:
            answers[skill_id].append((row.at_days, row.is_correct))
    config = policy_config(course)
    return {skill: spacing_of_history(rows, config=config) for skill, rows in answers.items()}
