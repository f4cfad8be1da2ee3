"""The site's figures in the text format that Prometheus reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db.models import Count, Max

from tutor.accounts.models import User
from tutor.common.models import OutboxEntry
from tutor.content.models import ImportJob
from tutor.operations.health import TIMEOUT_SECONDS, health_of_site, outbox_age_seconds
from tutor.practice.models import Session
from tutor.responses.models import Response
from tutor.tracing.models import LearnerState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
QUEUES = ("default", "predict", "replay", "fit")
RECENTLY = timedelta(minutes=5)


@dataclass(frozen=True)
class Metric:
    """One figure: its name, kind (gauge or counter), meaning, and values by label set."""

    name: str
    kind: str
    help: str
    values: Sequence[tuple[Mapping[str, str], float]] = field(default_factory=tuple)


def metrics_of_site(*, now: datetime) -> Sequence[Metric]:
    """Read every figure. Counts of learners and states, never who they are."""
    # Counting a log of millions takes seconds; its highest id takes none.
    newest = Response.objects.aggregate(newest=Max("id"))["newest"] or 0
    recent = Response.objects.filter(id__gt=newest - 10_000, recorded_at__gt=now - RECENTLY)
    people = User.objects.values("role", "is_simulated").annotate(n=Count("id"))
    imports = ImportJob.objects.values("status").annotate(n=Count("id"))
    return (
        Metric(
            "stepwise_up",
            "gauge",
            "1 when the part works.",
            [({"part": part.name}, float(part.is_well)) for part in health_of_site(now=now)],
        ),
        Metric(
            "stepwise_users",
            "gauge",
            "Accounts by role.",
            [
                ({"role": row["role"], "simulated": str(row["is_simulated"]).lower()}, row["n"])
                for row in people
            ],
        ),
        Metric(
            "stepwise_responses_total",
            "counter",
            "Highest number given to a response in the log.",
            [({}, newest)],
        ),
        Metric(
            "stepwise_responses_recent",
            "gauge",
            "Responses recorded in the last five minutes (at most 10,000).",
            [({}, recent.count())],
        ),
        Metric(
            "stepwise_sessions_active",
            "gauge",
            "Sittings with activity in the last five minutes.",
            [({}, Session.objects.filter(last_active_at__gt=now - RECENTLY).count())],
        ),
        Metric(
            "stepwise_states_stale",
            "gauge",
            "Learner states that wait to be rebuilt from the log.",
            [({}, LearnerState.objects.filter(is_stale=True).count())],
        ),
        Metric(
            "stepwise_outbox_entries",
            "gauge",
            "Promises of work not yet done.",
            [({}, OutboxEntry.objects.count())],
        ),
        Metric(
            "stepwise_outbox_age_seconds",
            "gauge",
            "Age of the oldest promise.",
            [({}, outbox_age_seconds(now=now))],
        ),
        Metric(
            "stepwise_imports",
            "gauge",
            "Imports by status.",
            [({"status": row["status"]}, row["n"]) for row in imports],
        ),
        Metric("stepwise_queue_length", "gauge", "Tasks that wait in a queue.", _queue_lengths()),
    )


def _queue_lengths() -> Sequence[tuple[Mapping[str, str], float]]:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS) as client:
            return [({"queue": queue}, float(client.llen(queue))) for queue in QUEUES]
    except redis.RedisError:
        return []


def metrics_text(metrics: Sequence[Metric]) -> str:
    """Return the figures as text; a metric without values keeps its description."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in metric.values:
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            shown = f"{metric.name}{{{inside}}}" if inside else metric.name
            lines.append(f"{shown} {value:.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
