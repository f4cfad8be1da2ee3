"""What the models pages show: what serves, what is being fitted, what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.outbox import outbox_waiting
from tutor.content.models import Course
from tutor.tracing.access import courses_with_models
from tutor.tracing.drift import Drift, DriftWindow, drifts_of
from tutor.tracing.fits import ACTIVE
from tutor.tracing.lag import Lag, lag_read
from tutor.tracing.models import (
    FitRun,
    FitStatus,
    ModelRole,
    ModelVersion,
    Promotion,
    PromotionKind,
    PromotionStatus,
    ShardStatus,
    VersionStatus,
)

FITS_SHOWN = 10
VERSIONS_SHOWN = 10
CHANGES_SHOWN = 10
# A fit that waits for longer has no worker.
UNTAKEN_AFTER = timedelta(minutes=1)
# The rule begins its own promotion in the moment at which the fit ends, whoever asked for the fit.
BY_HAND = Q(kind=PromotionKind.PROMOTE, status=PromotionStatus.DONE) & ~Q(
    started_at=F("version__fit_run__finished_at")
)


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A course in the list: the versions that serve its roles."""

    course: Course
    serving: tuple[ModelVersion, ...]
    is_fitting: bool


def course_rows(user: User) -> tuple[CourseRow, ...]:
    """Return the courses whose models the person may see (two queries)."""
    active = FitRun.objects.filter(course=OuterRef("pk"), status__in=ACTIVE)
    courses = list(courses_with_models(user).annotate(is_fitting=Exists(active)))
    serving: dict[int, list[ModelVersion]] = {course.pk: [] for course in courses}
    for version in (
        ModelVersion.objects.filter(course__in=courses, status=VersionStatus.SERVING)
        .defer("metrics")
        .order_by("role")
    ):
        serving[version.course_id].append(version)
    return tuple(
        CourseRow(
            course=course,
            serving=tuple(serving[course.pk]),
            is_fitting=course.is_fitting,
        )
        for course in courses
    )


@dataclass(frozen=True, slots=True)
class FitRow:
    """A fit in the table."""

    run: FitRun
    percent: int
    is_active: bool
    is_untaken: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version in the table, with its scores on the test rows where it was tested.

    `by_hand` names who made it serve ("" for who is not known), and is None where the rule did or
    nobody has.
    `gain` is the candidate's log loss less that of what it was compared with: below 0 is better.
    """

    version: ModelVersion
    by_hand: str | None
    score: Mapping[str, Any] | None
    against: str
    gain: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DriftRow:
    """A window of the drift, judged beside the back-test."""

    window: DriftWindow
    verdict: str
    is_worse: bool


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """A change of the serving version, with how far its replay is."""

    promotion: Promotion
    n_shards: int
    n_done: int
    is_active: bool

    @property
    def percent(self) -> int:
        """How much of the replay is done."""
        return 100 * self.n_done // max(self.n_shards, 1)


@dataclass(frozen=True, slots=True)
class RoleSection:
    """A role of the course: what serves, what could, and how well it still predicts."""

    role: str
    label: str
    serving: VersionRow | None
    versions: tuple[VersionRow, ...]
    has_more: bool
    can_roll_back: bool
    drift: Drift | None
    drift_rows: tuple[DriftRow, ...]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """What waits on one queue; is_untaken says that its workers seem not to be there."""

    queue: str
    n: int
    oldest_seconds: float
    is_untaken: bool


@dataclass(frozen=True, slots=True)
class Workers:
    """How far the workers are behind, by queue; lag is None where none was noted."""

    queues: tuple[QueueRow, ...]
    lag: Lag | None


@dataclass(frozen=True, slots=True)
class CoursePage:
    """A course's models."""

    course: Course
    roles: tuple[RoleSection, ...]
    fits: tuple[FitRow, ...]
    promotions: tuple[PromotionRow, ...]
    workers: Workers
    is_live: bool


def course_page(course: Course, *, shows_all: bool, now: datetime) -> CoursePage:
    """Read a course's models: a fixed number of queries, whatever there is."""
    serving = {
        version.role: version for version in _versions(course).filter(status=VersionStatus.SERVING)
    }
    drifts = drifts_of([version.pk for version in serving.values()])
    retired = set(
        ModelVersion.objects.filter(
            course=course, status=VersionStatus.RETIRED, served_from__isnull=False
        )
        .order_by()
        .values_list("role", flat=True)
        .distinct()
    )
    roles = tuple(
        _role_section(
            course,
            role,
            serving=serving.get(role.value),
            drifts=drifts,
            can_roll_back=role.value in retired,
            shows_all=shows_all,
        )
        for role in ModelRole
    )
    fits = _fit_rows(course, now=now)
    promotions = _promotion_rows(course)
    return CoursePage(
        course=course,
        roles=roles,
        fits=fits,
        promotions=promotions,
        workers=_workers(now=now),
        is_live=any(row.is_active for row in fits) or any(row.is_active for row in promotions),
    )


def _versions(course: Course) -> Any:
    """Return a course's versions with the parts of their metrics that tables show.

    The whole of the metrics, a row for every skill, stays in the database.
    """
    promotions = Promotion.objects.filter(BY_HAND, version=OuterRef("pk")).order_by("-id")
    return (
        ModelVersion.objects.filter(course=course)
        .defer("metrics")
        .select_related("fit_run")
        .annotate(
            rows=F("metrics__rows"),
            against=F("metrics__against"),
            difference=F("metrics__difference"),
            is_by_hand=Exists(promotions),
            by_hand_name=Subquery(promotions.values("requested_by__display_name")[:1]),
            by_hand_username=Subquery(promotions.values("requested_by__username")[:1]),
        )
    )


def _version_row(version: Any) -> VersionRow:
    return VersionRow(
        version=version,
        by_hand=(version.by_hand_name or version.by_hand_username or "")
        if version.is_by_hand
        else None,
        score=next((row for row in version.rows or () if row["name"] == "candidate"), None),
        against=version.against or "",
        gain=(version.difference or {}).get("log_loss"),
    )


def _role_section(
    course: Course,
    role: ModelRole,
    *,
    serving: ModelVersion | None,
    drifts: Mapping[int, Drift],
    can_roll_back: bool,
    shows_all: bool,
) -> RoleSection:
    found = _versions(course).filter(role=role.value).order_by("-id")
    versions = list(found if shows_all else found[: VERSIONS_SHOWN + 1])
    has_more = not shows_all and len(versions) > VERSIONS_SHOWN
    row = None if serving is None else _version_row(serving)
    drift = None if serving is None else drifts.get(serving.pk)
    windows: Sequence[DriftWindow] = () if drift is None else drift.windows
    return RoleSection(
        role=role.value,
        label=str(role.label),
        serving=row,
        versions=tuple(
            _version_row(version)
            for version in (versions[:VERSIONS_SHOWN] if has_more else versions)
        ),
        has_more=has_more,
        can_roll_back=can_roll_back,
        drift=drift,
        drift_rows=tuple(drift_judge(window, row.score if row else None) for window in windows),
    )


def drift_judge(window: DriftWindow, score: Mapping[str, Any] | None) -> DriftRow:
    """Say how a window's log loss stands to the back-test's, by their intervals."""
    is_worse = False
    if window.log_loss is None or window.low is None or window.high is None:
        verdict = _("too few answers to tell")
    elif score is None:
        verdict = _("nothing to compare with: it was never tested")
    elif score["log_loss_low"] is None or score["log_loss_high"] is None:
        verdict = _("nothing to compare with: its test was on too few learners")
    elif window.low > score["log_loss_high"]:
        is_worse, verdict = True, _("worse than in its test: a new fit would help")
    elif window.high < score["log_loss_low"]:
        verdict = _("better than in its test")
    else:
        verdict = _("as in its test")
    return DriftRow(window=window, verdict=verdict, is_worse=is_worse)


def _fit_rows(course: Course, *, now: datetime) -> tuple[FitRow, ...]:
    runs = FitRun.objects.filter(course=course).select_related("requested_by", "version")
    runs = runs.defer("version__metrics").order_by("-id")[:FITS_SHOWN]
    return tuple(
        FitRow(
            run=run,
            percent=round(100 * run.progress),
            is_active=run.status in ACTIVE,
            is_untaken=run.status == FitStatus.QUEUED and now - run.requested_at > UNTAKEN_AFTER,
        )
        for run in runs
    )


def _promotion_rows(course: Course) -> tuple[PromotionRow, ...]:
    promotions = (
        Promotion.objects.filter(course=course)
        .select_related("version", "previous", "requested_by")
        .defer("version__metrics", "previous__metrics")
        .annotate(
            n_shards=Count("shards"),
            n_done=Count("shards", filter=Q(shards__status=ShardStatus.DONE)),
        )
        .order_by("-id")[:CHANGES_SHOWN]
    )
    return tuple(
        PromotionRow(
            promotion=promotion,
            n_shards=promotion.n_shards,
            n_done=promotion.n_done,
            is_active=promotion.status == PromotionStatus.REPLAYING,
        )
        for promotion in promotions
    )


def _workers(*, now: datetime) -> Workers:
    return Workers(
        queues=tuple(
            QueueRow(
                queue=waiting.queue,
                n=waiting.n,
                oldest_seconds=max(0.0, (now - waiting.oldest_at).total_seconds()),
                is_untaken=waiting.untaken_at is not None
                and now - waiting.untaken_at > UNTAKEN_AFTER,
            )
            for waiting in outbox_waiting()
        ),
        lag=lag_read(now=now),
    )
