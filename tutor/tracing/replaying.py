"""Learners whose log changed behind their states: marked at once, replayed by workers in shards."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tutor.accounts.models import User
from tutor.common.outbox import REPLAY_QUEUE, handler, outbox_add
from tutor.content.models import Course
from tutor.tracing.models import LearnerState, ModelVersion, VersionStatus
from tutor.tracing.services import learner_replay, state_rebuild, version_serving

REPLAY_TOPIC = "learners-replay"
SHARD_LEARNERS = 50


def learners_replay_later(course: Course, learner_ids: Sequence[int], *, now: datetime) -> int:
    """Mark the learners' states stale and promise their replay; return how many had a state.

    Call inside the transaction that changes the log. States of candidates are marked too, so that
    a promotion under way catches them up before it switches; retired ones stay as they were.
    """
    n_behind = 0
    for start in range(0, len(learner_ids), SHARD_LEARNERS):
        shard = list(learner_ids[start : start + SHARD_LEARNERS])
        states = LearnerState.objects.filter(learner_id__in=shard, version__course=course).exclude(
            version__status=VersionStatus.RETIRED
        )
        n_behind += states.values("learner_id").distinct().count()
        states.update(is_stale=True, updated_at=now)
        outbox_add(REPLAY_TOPIC, {"course_id": course.pk, "learner_ids": shard}, now=now)
    return n_behind


@handler(REPLAY_TOPIC, queue=REPLAY_QUEUE)
def _replay_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    course = Course.objects.filter(pk=payload["course_id"]).first()
    if course is None:
        return
    # A course whose first answers are imported has no version yet: the cold start serves then.
    version_serving(course, now=now)
    alive = User.objects.filter(pk__in=payload["learner_ids"]).values_list("pk", flat=True)
    for learner_id in sorted(alive):
        for version in ModelVersion.objects.filter(course=course, status=VersionStatus.SERVING):
            learner_replay(version, learner_id, now=now)
        # What is being made to serve right now, and may switch before the next look.
        for state_id in LearnerState.objects.filter(
            learner_id=learner_id,
            version__course=course,
            version__status=VersionStatus.CANDIDATE,
            is_stale=True,
        ).values_list("pk", flat=True):
            state_rebuild(state_id, now=now)
