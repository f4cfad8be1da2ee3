"""One item: what was answered, and how weaker, middling and stronger learners do on it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tutor.content.documents import problem_document
from tutor.content.graph import CourseGraph
from tutor.content.models import Step
from tutor.content.showing import Renderer, picked_words
from tutor.content.text import text_render
from tutor.dashboards.item_facts import (
    COMMON_LEAST,
    Facts,
    Interval,
    on_one_line,
    share_interval,
)
from tutor.dashboards.item_measuring import Measurement
from tutor.dashboards.item_pages import FLAG_WORDS
from tutor.grading.answers import answer_expected
from tutor.grading.errors import AnswerInvalidError
from tutor.responses.models import Response, ResponseKind
from tutor.responses.selectors import effective_correctness
from tutor.roster.models import Classroom, Enrolment

ITEM_READ = 500
WRONG_SHOWN = 8
THIRD_LEAST = 3
LARGEST = 100.0


@dataclass(frozen=True, slots=True)
class AnswerBar:
    """What was answered, how often, and the bar's width in per cent of the longest."""

    label: str
    n: int
    share: float
    width: str
    is_right: bool
    misconception: str = ""
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class LevelBar:
    """A third of the learners by level on everything else, and their share right on this item."""

    label: str
    right: Interval | None
    width: str


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Everything that an item's page shows."""

    step: Step
    title: str
    prompt: SafeString
    expected: SafeString | None
    is_varied: bool
    skills: tuple[tuple[UUID, str], ...]
    facts: Facts | None
    flags: tuple[str, ...]
    answers: tuple[AnswerBar, ...]
    levels: tuple[LevelBar, ...]
    n_read: int
    newest_at: datetime | None


def item_page(
    graph: CourseGraph,
    measured: Measurement,
    step_uuid: UUID,
    *,
    classroom: Classroom | None,
) -> ItemPage:
    """Read one item and its newest first answers (two queries). Raises: Http404."""
    step = (
        Step.objects.select_related("problem__revision", "course")
        .filter(uuid=step_uuid, course=graph.course_id)
        .first()
    )
    if step is None:
        raise Http404
    ref = graph.step_of_key.get(step.key)
    rows = _newest(step, classroom)
    written = _written(step)
    prompt, expected = _shown(step, written)
    facts = measured.items.get(step.pk)
    return ItemPage(
        step=step,
        title=step.problem.title or step.key,
        prompt=prompt,
        expected=expected,
        is_varied=bool(ref and ref.is_varied),
        skills=tuple(
            (graph.skill_of[skill_id].uuid, graph.skill_of[skill_id].title)
            for skill_id in (ref.skill_ids if ref else ())
        ),
        facts=facts,
        flags=tuple(str(FLAG_WORDS[flag]) for flag in facts.flags) if facts else (),
        answers=_answers(rows, written, html=Renderer(step.course)),
        levels=_levels(rows, measured),
        n_read=len(rows),
        newest_at=rows[0].at if rows else None,
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    learner: int
    is_right: bool
    kind: str
    text: str
    misconception: str
    at: datetime


def _newest(step: Step, classroom: Classroom | None) -> list[_Answer]:
    rows = Response.objects.filter(step=step, is_observation=True, learner__isnull=False)
    if classroom is not None:
        members = Enrolment.objects.filter(classroom=classroom, left_at=None)
        rows = rows.filter(learner_id__in=members.values("learner_id"))
    return [
        _Answer(*row)
        for row in rows.order_by("-id").values_list(
            "learner_id",
            effective_correctness(),
            "kind",
            "raw_answer",
            "misconception",
            "answered_at",
        )[:ITEM_READ]
    ]


@dataclass(frozen=True, slots=True)
class _Written:
    """A step as learners see it; of one with variants, the first."""

    prompt: str
    answer: dict[str, Any]
    choices: list[dict[str, Any]]


def _written(step: Step) -> _Written:
    revision = step.problem.revision
    if revision is not None and revision.document.get("steps"):
        for one in problem_document(revision, seed=0).steps:
            if one.key == step.key:
                return _Written(one.prompt, dict(one.answer), [dict(c) for c in one.choices])
    return _Written(step.prompt, step.answer, step.choices)


def _shown(step: Step, written: _Written) -> tuple[SafeString, SafeString | None]:
    """Return the prompt and the key as a learner sees them."""
    try:
        expected = text_render(
            answer_expected(written.answer, written.choices), course_uuid=step.course.uuid
        )
    except AnswerInvalidError:
        expected = None
    return text_render(written.prompt, course_uuid=step.course.uuid), expected


def _answers(rows: list[_Answer], written: _Written, *, html: Renderer) -> tuple[AnswerBar, ...]:
    if not rows:
        return ()
    right = sum(row.is_right for row in rows)
    asked = sum(row.kind == ResponseKind.HINT for row in rows)
    unknown = sum(row.kind == ResponseKind.DONT_KNOW for row in rows)
    wrong = [row for row in rows if row.kind == ResponseKind.ANSWER and not row.is_right]
    texts: Counter[str] = Counter()
    who: dict[str, set[int]] = {}
    shown: dict[str, _Answer] = {}
    for row in wrong:
        key = on_one_line(row.text).casefold()
        texts[key] += 1
        who.setdefault(key, set()).add(row.learner)
        shown.setdefault(key, row)
    found = [(_("Right at the first try"), right, True, "", False)]
    other = len(wrong)
    for key, n in texts.most_common(WRONG_SHOWN):
        if len(who[key]) >= COMMON_LEAST and key:
            row = shown[key]
            words = picked_words(written.answer, written.choices, raw=row.text, html=html)
            label = on_one_line(row.text) if words is None else words
            found.append((label, n, False, row.misconception, words is None))
            other -= n
    found += [
        (_("Other wrong answers"), other, False, "", False),
        (_("Opened a hint first"), asked, False, "", False),
        (_("“I don’t know this yet”"), unknown, False, "", False),
    ]
    most = max(n for _label, n, *_rest in found) or 1
    return tuple(
        AnswerBar(
            label=label,
            n=n,
            share=n / len(rows),
            width=f"{LARGEST * n / most:.1f}",
            is_right=is_right,
            misconception=misconception,
            is_written=is_written,
        )
        for label, n, is_right, misconception, is_written in found
        if n
    )


def _levels(rows: list[_Answer], measured: Measurement) -> tuple[LevelBar, ...]:
    """Split the learners in thirds by level, and count each one's first of the answers read."""
    first: dict[int, bool] = {}
    for row in reversed(rows):
        first.setdefault(row.learner, row.is_right)
    ordered = sorted(
        (measured.level_of[learner], learner) for learner in first if learner in measured.level_of
    )
    if len(ordered) < 3 * THIRD_LEAST:
        return ()
    third = len(ordered) // 3
    parts = (ordered[:third], ordered[third:-third], ordered[-third:])
    labels = (_("weakest third"), _("middle third"), _("strongest third"))
    bars = []
    for label, part in zip(labels, parts, strict=True):
        right = share_interval(sum(first[learner] for _level, learner in part), len(part))
        bars.append(
            LevelBar(
                label=label,
                right=right,
                width=f"{LARGEST * right.value:.1f}" if right else "0",
            )
        )
    return tuple(bars)
