"""One version's page: scores beside others on the same answers, calibration, parts, data, fit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from tutor.content.graph import course_graph
from tutor.content.models import Skill
from tutor.dashboards.model_charts import ReliabilityChart, reliability_chart
from tutor.dashboards.model_pages import BY_HAND
from tutor.tracing.judging import RULE, PromotionRule
from tutor.tracing.models import (
    ModelVersion,
    Promotion,
    PromotionStatus,
    VersionStatus,
)

GROUP_LABELS = {"simulated": "simulated learners", "people": "people"}


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A model's scores on the test rows, under the name that people read."""

    name: str
    is_own: bool
    score: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Scores of a part of the test rows: a skill, a group of learners, a length of history."""

    name: str
    score: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionPage:
    """A version with what its back-test found; the sequences are empty where there was none.

    `by_hand` names who made it serve, as in `model_pages.VersionRow`.
    """

    version: ModelVersion
    by_hand: str | None
    lines: tuple[ScoreLine, ...]
    against: str
    difference: Mapping[str, Any]
    chart: ReliabilityChart | None
    by_skill: tuple[Part, ...]
    by_group: tuple[Part, ...]
    by_history: tuple[Part, ...]
    train: Mapping[str, Any]
    test: Mapping[str, Any]
    later_from: datetime | None
    config: str
    rule: PromotionRule
    can_promote: bool


def version_page(version: ModelVersion) -> VersionPage:
    """Lay out a version's page (two queries, and the graph's once a version of the course)."""
    metrics: Mapping[str, Any] = version.metrics
    test = metrics.get("test", {})
    run = version.fit_run
    promotions = list(
        Promotion.objects.filter(version=version)
        .select_related("requested_by")
        .annotate(is_by_hand=ExpressionWrapper(BY_HAND, output_field=BooleanField()))
        .order_by("-id")
    )
    by_hand = [str(row.requested_by or "") for row in promotions if row.is_by_hand]
    return VersionPage(
        version=version,
        by_hand=by_hand[0] if by_hand else None,
        lines=tuple(
            ScoreLine(name=line_name(row["name"]), is_own=row["name"] == "candidate", score=row)
            for row in metrics.get("rows", ())
        ),
        against=line_name(metrics.get("against", "")),
        difference=metrics.get("difference", {}),
        chart=reliability_chart(metrics.get("reliability", ())),
        by_skill=_skill_parts(version, metrics.get("by_skill", ())),
        by_group=tuple(
            Part(name=GROUP_LABELS.get(row["name"], row["name"]), score=row)
            for row in metrics.get("by_group", ())
        ),
        by_history=tuple(
            Part(name=row["name"], score=row) for row in metrics.get("by_history", ())
        ),
        train=metrics.get("train", {}),
        test=test,
        later_from=parse_datetime(test["later_from"]) if "later_from" in test else None,
        config=json.dumps(run.config, indent=2, sort_keys=True) if run and run.config else "",
        rule=RULE,
        can_promote=version.status != VersionStatus.SERVING
        and all(row.status != PromotionStatus.REPLAYING for row in promotions),
    )


def line_name(name: str) -> str:
    """Return what people call a line of the score table."""
    if name.startswith("serving "):
        return _("served then: {model}").format(model=name.removeprefix("serving "))
    return {
        "candidate": _("this version"),
        "cold start": _("default parameters"),
        "learner_mean": _("each learner's own average"),
        "majority": _("always the more frequent outcome"),
    }.get(name, name)


def _skill_parts(version: ModelVersion, rows: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    titles = {str(skill.id): skill.title for skill in course_graph(version.course).skills}
    if any(row["name"] not in titles for row in rows):
        titles |= {
            str(pk): _("{title} (left the course)").format(title=title)
            for pk, title in Skill.objects.filter(course=version.course).values_list("pk", "title")
            if str(pk) not in titles
        }
    parts = [
        Part(name=titles.get(row["name"], _("a skill that is gone")), score=row) for row in rows
    ]
    return tuple(sorted(parts, key=lambda part: -part.score["n"]))
