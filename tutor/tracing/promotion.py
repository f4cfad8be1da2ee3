"""How the version that serves a role is changed: replay the log, then switch at once."""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max, Q
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.clock import clock_from
from tutor.common.errors import TutorError
from tutor.common.outbox import REPLAY_QUEUE, handler, outbox_add
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing import engine
from tutor.tracing.catching_up import state_catch_up
from tutor.tracing.models import (
    LearnerState,
    ModelVersion,
    Promotion,
    PromotionKind,
    PromotionStatus,
    ReplayShard,
    ShardStatus,
    VersionStatus,
)
from tutor.tracing.services import learner_replay, version_serving

logger = logging.getLogger(__name__)

SHARD_TOPIC = "replay-shard"
FINISH_TOPIC = "promotion-finish"
SHARD_LEARNERS = 100
# Renewed between learners, of whom each takes seconds at most.
SHARD_LEASE = timedelta(seconds=45)
SHARD_RENEW = timedelta(seconds=5)
SHARD_ATTEMPTS_MAX = 3
# How far back a row may become visible after one with a higher number: rows of open transactions.
LOG_SLACK = 1000


@transaction.atomic
def promotion_start(
    version: ModelVersion,
    *,
    by: User | None,
    now: datetime,
    kind: str = PromotionKind.PROMOTE,
    reason: str = "",
) -> Promotion:
    """Begin to make a version serve: workers replay the log; the old version serves meanwhile.

    A change of the same role that is under way is given up for this newer one.

    Raises:
        TutorError: code `serving_already`, `replaying_already` or `artifact_broken`.
    """
    # The lock of every change of who serves: of two at one moment one comes first.
    Course.objects.select_for_update(no_key=True).get(pk=version.course_id)
    version.refresh_from_db()
    if version.status == VersionStatus.SERVING:
        raise TutorError(_("This version serves already."), code="serving_already")
    try:
        # A web process asks: it must not load torch, nor need to have it.
        engine.artifact_check(version)
    except engine.KTModelsError as error:
        raise TutorError(
            _("The version cannot be loaded: {error}").format(error=error), code="artifact_broken"
        ) from error
    try:
        with transaction.atomic():
            promotion = Promotion.objects.create(
                course=version.course,
                role=version.role,
                version=version,
                kind=kind,
                requested_by=by,
                reason=reason[:500],
                started_at=now,
            )
    except IntegrityError as error:
        raise TutorError(
            _("This version is being made to serve already."), code="replaying_already"
        ) from error
    under_way = Promotion.objects.filter(
        course=version.course, role=version.role, status=PromotionStatus.REPLAYING
    )
    under_way.exclude(pk=promotion.pk).update(
        status=PromotionStatus.SUPERSEDED,
        finished_at=now,
        reason=_("A newer change of the same role came before it had ended."),
    )
    learners = list(
        Response.objects.filter(course=version.course, is_observation=True, learner__isnull=False)
        .order_by("learner_id")
        .values_list("learner_id", flat=True)
        .distinct()
    )
    for position, start in enumerate(range(0, len(learners), SHARD_LEARNERS)):
        shard = ReplayShard.objects.create(
            promotion=promotion,
            position=position,
            learner_ids=learners[start : start + SHARD_LEARNERS],
        )
        outbox_add(SHARD_TOPIC, {"shard_id": shard.pk}, now=now)
    if not learners:
        outbox_add(FINISH_TOPIC, {"promotion_id": promotion.pk}, now=now)
    audit_record(
        by,
        action=f"version_{kind}",
        object_kind="model_version",
        object_id=str(version.uuid),
        now=now,
    )
    return promotion


@handler(SHARD_TOPIC, queue=REPLAY_QUEUE)
def _shard_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    shard_replay(payload["shard_id"], now=now)


@handler(FINISH_TOPIC, queue=REPLAY_QUEUE)
def _finish_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    clock = clock_from(now)
    if promotion_finish(payload["promotion_id"], now=now):
        # An answer that was being recorded during the switch still went to the old version only.
        version = ModelVersion.objects.get(promotions=payload["promotion_id"])
        for learner_id in _learners_behind(version):
            state_catch_up(version, learner_id, now=clock())


def shard_replay(shard_id: int, *, now: datetime) -> bool:
    """Replay a shard's learners into states of the new version; return whether all of it was done.

    Another worker may take it when its lease ran out, and goes on where this one was. It stops when
    that happened, or when the promotion was given up.
    """
    clock = clock_from(now)
    free = Q(status=ShardStatus.WAITING) | Q(status=ShardStatus.RUNNING, lease_until__lt=now)
    taken = ReplayShard.objects.filter(
        free, pk=shard_id, promotion__status=PromotionStatus.REPLAYING
    ).update(status=ShardStatus.RUNNING, lease_until=now + SHARD_LEASE, attempts=F("attempts") + 1)
    if not taken:
        return False
    shard = ReplayShard.objects.select_related("promotion__version__course").get(pk=shard_id)
    mine = ReplayShard.objects.filter(
        pk=shard_id,
        status=ShardStatus.RUNNING,
        attempts=shard.attempts,
        promotion__status=PromotionStatus.REPLAYING,
    )
    renewed_at = now
    for learner_id in _shard_left(shard):
        if clock() - renewed_at > SHARD_RENEW:
            renewed_at = clock()
            mine.update(lease_until=renewed_at + SHARD_LEASE)
        # Looked at for each learner, written now and then: on SQLite a write makes answers wait.
        if not mine.exists():
            return False
        learner_replay(shard.promotion.version, learner_id, now=clock())
    with transaction.atomic():
        # The promotion's row is the lock: of two last shards one must see the other's end.
        Promotion.objects.select_for_update().get(pk=shard.promotion_id)
        if not mine.update(status=ShardStatus.DONE, lease_until=None):
            return False
        left = ReplayShard.objects.filter(promotion=shard.promotion_id).exclude(
            status=ShardStatus.DONE
        )
        if not left.exists():
            outbox_add(FINISH_TOPIC, {"promotion_id": shard.promotion_id}, now=now)
    return True


def _shard_left(shard: ReplayShard) -> list[int]:
    """Return the shard's learners who are still there, less those replayed before it broke off."""
    alive = User.objects.filter(pk__in=shard.learner_ids)
    version = shard.promotion.version
    # States of an earlier time of serving say nothing: the log may have been corrected since.
    fresh = _n_replayed(version, since=shard.promotion.started_at)
    behind = set(_learners_behind(version, among=shard.learner_ids, n_replayed=fresh))
    return [pk for pk in alive.order_by("pk").values_list("pk", flat=True) if pk in behind]


def promotions_give_up(*, now: datetime) -> int:
    """End the promotions of which a shard broke off too often; the old version serves on."""
    broken = ReplayShard.objects.filter(
        status=ShardStatus.RUNNING, lease_until__lt=now, attempts__gte=SHARD_ATTEMPTS_MAX
    )
    return Promotion.objects.filter(
        pk__in=broken.values("promotion"), status=PromotionStatus.REPLAYING
    ).update(
        status=PromotionStatus.FAILED,
        finished_at=now,
        reason=_("The replay of the log broke off {n} times, so it was given up.").format(
            n=SHARD_ATTEMPTS_MAX
        ),
    )


def shards_due(*, now: datetime) -> list[int]:
    """Return the shards whose worker died or whose message was lost."""
    lost = Q(status=ShardStatus.RUNNING, lease_until__lt=now)
    waiting = Q(status=ShardStatus.WAITING, promotion__started_at__lt=now - SHARD_LEASE)
    return list(
        ReplayShard.objects.filter(
            lost | waiting, promotion__status=PromotionStatus.REPLAYING
        ).values_list("pk", flat=True)
    )


def promotion_finish(promotion_id: int, *, now: datetime) -> bool:
    """Switch to the new version in one transaction, once every state under it is whole.

    The course's row is the lock: of two promotions at one moment the newer one is made.
    Answers go on meanwhile: a lock without the key lets rows that point to the course in.
    """
    promotion = (
        Promotion.objects.select_related("version__course")
        .filter(pk=promotion_id, status=PromotionStatus.REPLAYING)
        .first()
    )
    if promotion is None or promotion.shards.exclude(status=ShardStatus.DONE).exists():
        return False
    version = promotion.version
    # All but the last moments before the switch, while nothing is locked.
    newest = Response.objects.filter(course=version.course_id).aggregate(pk=Max("pk"))["pk"] or 0
    for learner_id in _learners_behind(version):
        learner_replay(version, learner_id, now=now)
    with transaction.atomic():
        course = Course.objects.select_for_update(no_key=True).get(pk=version.course_id)
        promotion.refresh_from_db(fields=["status"])
        if promotion.status != PromotionStatus.REPLAYING:
            return False
        for learner_id in _learners_behind(version, among=_learners_touched(version, newest)):
            learner_replay(version, learner_id, now=now)
        _switch(promotion, course, now=now)
    logger.info("version %s serves %s of course %s", version.pk, version.role, course.pk)
    return True


def _learners_touched(version: ModelVersion, newest: int) -> set[int]:
    """Return the learners who answered after a row of the log, or whose log was corrected."""
    answered = Response.objects.filter(
        course_id=version.course_id, pk__gt=newest - LOG_SLACK, learner__isnull=False
    ).values_list("learner_id", flat=True)
    stale = LearnerState.objects.filter(version=version, is_stale=True)
    touched = {pk for pk in answered if pk is not None}
    return touched | set(stale.values_list("learner_id", flat=True))


def _switch(promotion: Promotion, course: Course, *, now: datetime) -> None:
    version = promotion.version
    previous = version_serving(course, now=now, role=version.role) if _serves(version) else None
    if previous is not None:
        ModelVersion.objects.filter(pk=previous.pk).update(
            status=VersionStatus.RETIRED, retired_at=now
        )
    ModelVersion.objects.filter(pk=version.pk).update(
        status=VersionStatus.SERVING, served_from=now, retired_at=None
    )
    Promotion.objects.filter(pk=promotion.pk).update(
        status=PromotionStatus.DONE, previous=previous, finished_at=now
    )
    # The version before the last is kept to show both values for a while; older states go, and
    # those that a promotion left behind which was given up.
    kept = [version.pk] if previous is None else [version.pk, previous.pk]
    LearnerState.objects.filter(version__course=course, version__role=version.role).exclude(
        version__in=kept
    ).delete()


def _serves(version: ModelVersion) -> bool:
    """Return whether some version serves the role: a cold start is made only for mastery."""
    return (
        version.role == "mastery"
        or ModelVersion.objects.filter(
            course_id=version.course_id, role=version.role, status=VersionStatus.SERVING
        ).exists()
    )


def _n_replayed(version: ModelVersion, *, since: datetime | None = None) -> dict[int, int]:
    """Return how many observations are in each learner's state, of those that are not stale."""
    states = LearnerState.objects.filter(version=version, is_stale=False)
    if since is not None:
        states = states.filter(updated_at__gte=since)
    return dict(states.values_list("learner_id", "n_observations"))


def _learners_behind(
    version: ModelVersion,
    *,
    among: Collection[int] | None = None,
    n_replayed: Mapping[int, int] | None = None,
) -> list[int]:
    """Return the learners who answered since their replay, or have none."""
    observations = Response.objects.filter(
        course_id=version.course_id, is_observation=True, learner__isnull=False
    )
    if among is not None:
        observations = observations.filter(learner_id__in=among)
    n_of = dict(
        observations.values_list("learner_id")
        .annotate(n=Count("id"))
        .order_by("learner_id")
        .values_list("learner_id", "n")
    )
    replayed = _n_replayed(version) if n_replayed is None else n_replayed
    return [learner_id for learner_id, n in n_of.items() if replayed.get(learner_id) != n]


def roll_back(
    course: Course,
    *,
    role: str,
    by: User | None,
    now: datetime,
    reason: str = "",
    may_load: bool = False,
) -> Promotion:
    """Make the version serve that served before the one that serves now.

    A process that may load models looks for one that loads; others for one whose files are whole.

    Raises:
        TutorError: code `nothing_before` when there is none.
    """
    for earlier in versions_before(course, role=role):
        try:
            if may_load:
                engine.tracer_check(earlier)
            return promotion_start(
                earlier, by=by, now=now, kind=PromotionKind.ROLL_BACK, reason=reason
            )
        except engine.KTModelsError:
            logger.warning("version %s cannot be loaded; an earlier one is tried", earlier.pk)
        except TutorError as refusal:
            if refusal.code != "artifact_broken":
                raise
    raise TutorError(
        _("No version served this role before, so there is nothing to go back to."),
        code="nothing_before",
    )


def versions_before(course: Course, *, role: str) -> list[ModelVersion]:
    """Return the versions that served a role and do not now, the latest first."""
    return list(
        ModelVersion.objects.filter(
            course=course, role=role, status=VersionStatus.RETIRED, served_from__isnull=False
        ).order_by("-retired_at", "-id")
    )


def versions_check(*, now: datetime) -> list[ModelVersion]:
    """Find serving versions that cannot be loaded, and go back to one that can; return them."""
    broken = []
    for version in ModelVersion.objects.filter(status=VersionStatus.SERVING).select_related(
        "course"
    ):
        try:
            engine.tracer_check(version)
        except engine.MissingExtraError:
            # The worker's fault, not the version's: another worker may have what it needs.
            logger.exception("version %s cannot be loaded by this worker", version.pk)
        except engine.KTModelsError as error:
            logger.exception("version %s serves and cannot be loaded", version.pk)
            broken.append(version)
            if Promotion.objects.filter(
                course=version.course, role=version.role, status=PromotionStatus.REPLAYING
            ).exists():
                # What is under way replaces it anyway; if that fails, the next look finds it.
                continue
            reason = _("The artifact of the serving version cannot be loaded: {error}").format(
                error=error
            )
            try:
                roll_back(
                    version.course,
                    role=version.role,
                    by=None,
                    now=now,
                    reason=reason,
                    may_load=True,
                )
            except TutorError as refusal:
                logger.warning("no roll-back of version %s: %s", version.pk, refusal.code)
    return broken
