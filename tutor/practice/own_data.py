"""Everything that the site holds on a learner, as a ZIP of JSON and CSV files.

Every table that points to the learner is in it, whichever room it belongs to: it is asked of the
models, so that a table that is added later cannot be forgotten.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.tables import cell_safe
from tutor.content.graph import course_graph
from tutor.content.models import Course, Skill, Step
from tutor.responses.models import Regrade, Response
from tutor.tracing.selectors import beliefs_of_learner

# Digests and keys of the account are no knowledge on the learner, and must not leave the site.
SECRET_FIELDS = frozenset({"password", "digest"})
ROWS_AT_ONCE = 500
IN_MEMORY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows of a model that belong to the learner, and the name of their file."""

    name: str
    rows: "models.QuerySet[Any]"


def own_data_zip(learner: User, *, now: datetime) -> "SpooledTemporaryFile[bytes]":
    """Return the archive, at its beginning; the caller closes it."""
    made: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(  # noqa: SIM115 - handed on
        max_size=IN_MEMORY_BYTES
    )
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _readme(learner, now=now))
        for table in _tables(learner):
            _write_json(archive, table)
        _write_csv(archive, "answers.csv", _answers(learner))
        _write_csv(archive, "beliefs.csv", _beliefs(learner, now=now))
    made.seek(0)
    return made


def _readme(learner: User, *, now: datetime) -> str:
    return _(
        "What Stepwise holds on {name} ({username}), as of {now}.\n\n"
        "json/ has one file for each table, with every column; times are UTC.\n"
        "answers.csv has your answers with the names of problems and skills.\n"
        "beliefs.csv has what the site reckons now from your answers; it is computed, not kept.\n"
        "Passwords are kept as a one-way digest only, which is left out.\n"
    ).format(
        name=learner.display_name,
        username=learner.username,
        now=now.isoformat(timespec="minutes"),
    )


def _tables(learner: User) -> Iterator[_Table]:
    yield _Table("account", User.objects.filter(pk=learner.pk))
    for model, column in learner_tables():
        rows = model._default_manager.filter(**{column: learner})
        name = model._meta.label_lower.replace(".", "_")
        yield _Table(f"{name}_by_{column}", rows.order_by("pk"))
    regrades = Regrade.objects.filter(response__learner=learner).order_by("pk")
    yield _Table("responses_regrade_of_answers", regrades)
    for log in (AccessAttempt, AccessFailureLog):
        found = log.objects.filter(username__iexact=learner.username).order_by("pk")
        yield _Table(log._meta.label_lower.replace(".", "_"), found)


def learner_tables() -> list[tuple[type[models.Model], str]]:
    """Return every model that points to a person, joining tables too, with the field's name."""
    return [
        (field.related_model, field.field.name)
        for field in User._meta.get_fields(include_hidden=True)
        if isinstance(field, models.ManyToOneRel) and not isinstance(field.related_model, str)
    ]


def _write_json(archive: zipfile.ZipFile, table: _Table) -> None:
    columns = [
        field.attname
        for field in table.rows.model._meta.concrete_fields
        if field.name not in SECRET_FIELDS and not isinstance(field, models.BinaryField)
    ]
    encoder = DjangoJSONEncoder(ensure_ascii=False)
    rows = table.rows.values(*columns).iterator(chunk_size=ROWS_AT_ONCE)
    first = next(rows, None)
    if first is None:
        return
    with archive.open(f"json/{table.name}.json", "w") as file:
        file.write(("[\n" + encoder.encode(first)).encode())
        for row in rows:
            file.write((",\n" + encoder.encode(row)).encode())
        file.write(b"\n]\n")


def _write_csv(archive: zipfile.ZipFile, name: str, rows: Iterator[Sequence[Any]]) -> None:
    with archive.open(name, "w") as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
        writer = csv.writer(text)
        for row in rows:
            writer.writerow([cell_safe(value) for value in row])


def _answers(learner: User) -> Iterator[Sequence[Any]]:
    yield (
        *("answered_at", "course", "skills", "problem", "step", "kind", "answer", "is_correct"),
        *("is_counted", "hints_opened", "seconds", "source"),
    )
    titles = dict(
        Skill.objects.filter(course__responses__learner=learner)
        .distinct()
        .values_list("id", "title")
    )
    rows = (
        Response.objects.filter(learner=learner)
        .select_related("course", "step__problem")
        .order_by("answered_at", "id")
    )
    for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
        step: Step = row.step
        yield (
            row.answered_at.isoformat(),
            row.course.title,
            "; ".join(titles.get(skill, str(skill)) for skill in row.skill_ids),
            str(step.problem),
            step.key,
            row.kind,
            row.raw_answer,
            row.is_correct,
            row.is_observation,
            row.hints_opened,
            "" if row.elapsed_ms is None else round(row.elapsed_ms / 1000),
            row.source,
        )


def _beliefs(learner: User, *, now: datetime) -> Iterator[Sequence[Any]]:
    yield (
        *("course", "skill", "p_correct", "lower_80", "upper_80", "p_mastery", "n_answers"),
        "last_at",
    )
    for course in Course.objects.filter(responses__learner=learner).distinct().order_by("pk"):
        beliefs = beliefs_of_learner(learner, course, now=now)
        for skill in course_graph(course).skills:
            belief = beliefs.of(skill.id)
            if belief.n_observations:
                yield (
                    course.title,
                    skill.title,
                    round(belief.p_correct, 4),
                    round(belief.lower, 4),
                    round(belief.upper, 4),
                    round(belief.p_mastery, 4),
                    belief.n_observations,
                    belief.last_at.isoformat() if belief.last_at else "",
                )
