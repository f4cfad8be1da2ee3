"""Which version may serve, and how the change is made: replay the log, then switch at once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.common.outbox import handler, outbox_add
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing import engine
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
from tutor.tracing.services import learner_replay, state_catch_up, version_serving

logger = logging.getLogger(__name__)

SHARD_TOPIC = "replay-shard"
FINISH_TOPIC = "promotion-finish"
SHARD_LEARNERS = 100
SHARD_LEASE = timedelta(minutes=5)
SHARD_ATTEMPTS_MAX = 3


@dataclass(frozen=True, slots=True)
class PromotionRule:
    """What a version must show on the test rows before it serves; shown on the models page.

    The calibration error may also be as high as chance makes it on so few rows.
    """

    log_loss_margin: float = 0.002
    ece_most: float = 0.05
    test_responses_least: int = 200
    test_learners_least: int = 5


RULE = PromotionRule()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a version may serve, and why (not) in words."""

    is_promotable: bool
    reason: str


def promotion_judge(metrics: Mapping[str, Any], rule: PromotionRule = RULE) -> Verdict:
    """Judge a version by its back-test (see `engine_fit.backtest`)."""
    rows = {row["name"]: row for row in metrics["rows"]}
    mine, serving = rows["candidate"], rows[metrics["against"]]
    test, difference = metrics["test"], metrics["difference"]["log_loss"]
    doubts = []
    if test["n_responses"] < rule.test_responses_least or (
        test["n_learners"] < rule.test_learners_least
    ):
        doubts.append(
            _("there are only {n} test answers of {learners} learners").format(
                n=test["n_responses"], learners=test["n_learners"]
            )
        )
    gain = serving["log_loss"] - mine["log_loss"]
    if not gain >= rule.log_loss_margin:
        doubts.append(
            _(
                "its log loss of {mine:.4f} is not {margin} below the {serving:.4f} of the {name}"
            ).format(
                mine=mine["log_loss"],
                margin=rule.log_loss_margin,
                serving=serving["log_loss"],
                name=metrics["against"],
            )
        )
    elif difference["high"] is None or difference["high"] >= 0:
        doubts.append(_("the gain may be chance: its interval reaches zero"))
    if not mine["log_loss"] < rows["learner_mean"]["log_loss"]:
        doubts.append(_("it does not beat each learner's own average"))
    ece_most = max(rule.ece_most, mine["ece_by_chance"])
    if not mine["ece"] <= ece_most:
        doubts.append(
            _("its calibration error of {ece:.3f} is above {most:.3f}").format(
                ece=mine["ece"], most=ece_most
            )
        )
    if doubts:
        return Verdict(is_promotable=False, reason=_("Not promoted: ") + "; ".join(doubts) + ".")
    return Verdict(
        is_promotable=True,
        reason=_(
            "Log loss {mine:.4f} against {serving:.4f} of the {name} on {n} test answers."
        ).format(
            mine=mine["log_loss"],
            serving=serving["log_loss"],
            name=metrics["against"],
            n=test["n_responses"],
        ),
    )


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

    Raises:
        TutorError: code `serving_already`, `replaying_already` or `artifact_broken`.
    """
    version.refresh_from_db()
    if version.status == VersionStatus.SERVING:
        raise TutorError(_("This version serves already."), code="serving_already")
    try:
        engine.tracer(version)
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


@handler(SHARD_TOPIC)
def _shard_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    shard_replay(payload["shard_id"], now=now)


@handler(FINISH_TOPIC)
def _finish_handler(payload: Mapping[str, Any], *, now: datetime) -> None:
    if promotion_finish(payload["promotion_id"], now=now):
        # An answer that was being recorded during the switch still went to the old version only.
        version = ModelVersion.objects.get(promotions=payload["promotion_id"])
        for learner_id in _learners_behind(version):
            state_catch_up(version, learner_id, now=now)


def shard_replay(shard_id: int, *, now: datetime) -> bool:
    """Replay a shard's learners into states of the new version; return whether it was to be had."""
    free = Q(status=ShardStatus.WAITING) | Q(status=ShardStatus.RUNNING, lease_until__lt=now)
    taken = ReplayShard.objects.filter(
        free, pk=shard_id, promotion__status=PromotionStatus.REPLAYING
    ).update(status=ShardStatus.RUNNING, lease_until=now + SHARD_LEASE, attempts=F("attempts") + 1)
    if not taken:
        return False
    shard = ReplayShard.objects.select_related("promotion__version__course").get(pk=shard_id)
    version = shard.promotion.version
    alive = set(User.objects.filter(pk__in=shard.learner_ids).values_list("pk", flat=True))
    for learner_id in shard.learner_ids:
        if learner_id in alive:
            learner_replay(version, learner_id, now=now)
    with transaction.atomic():
        # The promotion's row is the lock: of two last shards one must see the other's end.
        Promotion.objects.select_for_update().get(pk=shard.promotion_id)
        ReplayShard.objects.filter(pk=shard_id).update(status=ShardStatus.DONE, lease_until=None)
        left = ReplayShard.objects.filter(promotion=shard.promotion_id).exclude(
            status=ShardStatus.DONE
        )
        if not left.exists():
            outbox_add(FINISH_TOPIC, {"promotion_id": shard.promotion_id}, now=now)
    return True


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


@transaction.atomic
def promotion_finish(promotion_id: int, *, now: datetime) -> bool:
    """Switch to the new version in one transaction, once every state under it is whole.

    The course's row is the lock: of two promotions at one moment the second retires the first.
    Answers go on meanwhile: a lock without the key lets rows that point to the course in.
    """
    promotion = (
        Promotion.objects.select_related("version")
        .filter(pk=promotion_id, status=PromotionStatus.REPLAYING)
        .first()
    )
    if promotion is None:
        return False
    course = Course.objects.select_for_update(no_key=True).get(pk=promotion.course_id)
    promotion.refresh_from_db(fields=["status"])
    unfinished = promotion.shards.exclude(status=ShardStatus.DONE).exists()
    if promotion.status != PromotionStatus.REPLAYING or unfinished:
        return False
    version = promotion.version
    for learner_id in _learners_behind(version):
        learner_replay(version, learner_id, now=now)
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
    # The version before the last is kept to show both values for a while; older states go.
    LearnerState.objects.filter(
        version__course=course, version__role=version.role, version__status=VersionStatus.RETIRED
    ).exclude(version=previous).delete()
    logger.info("version %s serves %s of course %s", version.pk, version.role, course.pk)
    return True


def _serves(version: ModelVersion) -> bool:
    """Return whether some version serves the role: a cold start is made only for mastery."""
    return (
        version.role == "mastery"
        or ModelVersion.objects.filter(
            course_id=version.course_id, role=version.role, status=VersionStatus.SERVING
        ).exists()
    )


def _learners_behind(version: ModelVersion) -> list[int]:
    """Return the learners who answered since their replay."""
    n_of = dict(
        Response.objects.filter(
            course_id=version.course_id, is_observation=True, learner__isnull=False
        )
        .values_list("learner_id")
        .annotate(n=Count("id"))
        .values_list("learner_id", "n")
    )
    replayed = dict(
        LearnerState.objects.filter(version=version, is_stale=False).values_list(
            "learner_id", "n_observations"
        )
    )
    return [learner_id for learner_id, n in n_of.items() if replayed.get(learner_id) != n]


def roll_back(
    course: Course, *, role: str, by: User | None, now: datetime, reason: str = ""
) -> Promotion:
    """Make the version serve that served before the one that serves now.

    Raises:
        TutorError: code `nothing_before` when there is none.
    """
    for earlier in versions_before(course, role=role):
        try:
            return promotion_start(
                earlier, by=by, now=now, kind=PromotionKind.ROLL_BACK, reason=reason
            )
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
        except engine.KTModelsError as error:
            logger.exception("version %s serves and cannot be loaded", version.pk)
            broken.append(version)
            reason = _("The artifact of the serving version cannot be loaded: {error}").format(
                error=error
            )
            try:
                roll_back(version.course, role=version.role, by=None, now=now, reason=reason)
            except TutorError as refusal:
                logger.warning("no roll-back of version %s: %s", version.pk, refusal.code)
    return broken
