"""Bringing a school's history in: a response log of another system becomes part of ours.

Everything is checked before anything is written. Writing goes learner by learner in transactions
of some hundreds of responses, so that pages keep working; each response has a token made from what
it is, so that a second import, or one after a kill, adds only what is missing.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.contrib.auth.hashers import make_password
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tutor.accounts.models import Role, User
from tutor.accounts.services import LOG_PREFIX, audit_record
from tutor.common.errors import TutorError
from tutor.common.giving_way import short_turn
from tutor.content.bulk import rows_insert, rows_ready
from tutor.content.findings import Progress, progress_ignored
from tutor.content.models import Course
from tutor.responses.models import Response, ResponseKind, ResponseSource
from tutor.roster.models import Classroom, Enrolment
from tutor.tracing.history_checking import (
    mapped_are_found,
    others_learners_refuse,
    own_history_refuse,
)
from tutor.tracing.history_content import (
    ContentMap,
    content_create,
    content_find,
    content_refuse,
)
from tutor.tracing.history_mapping import NO_MAPPING, IdMapping, learners_resolve
from tutor.tracing.history_reading import History, moment_of
from tutor.tracing.history_result import HistoryResult
from tutor.tracing.replaying import learners_replay_later

logger = logging.getLogger(__name__)

# Small, for on SQLite a learner's answer waits while a batch is written.
BATCH_RESPONSES = 500
WRITE_TRIES = 5
_COLUMNS = (
    *("learner", "course", "step", "skill_ids", "session_uuid", "attempt_token", "source", "kind"),
    *("hint_key", "is_observation", "is_correct", "raw_answer", "misconception", "variant_seed"),
    *("try_number", "hints_opened", "answered_at", "recorded_at"),
)
_TOKEN_AT = _COLUMNS.index("attempt_token")


@dataclass(slots=True)
class _Counts:
    n_new: int = 0
    n_known: int = 0
    n_accounts_new: int = 0
    n_enrolled: int = 0
    n_late: int = 0


@dataclass(frozen=True, slots=True)
class _Learner:
    """One learner of a log: the id there, the account's name, and the rows (from, to)."""

    text: str
    username: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A learner's responses as the database takes them, without the account's number."""

    learner: _Learner
    tokens: list[UUID]
    rows: list[list[Any]]


def history_import(
    history: History,
    *,
    course_key: str,
    is_creating_content: bool = False,
    classroom: Classroom | None = None,
    mapping: IdMapping = NO_MAPPING,
    learners_within: QuerySet[User] | None = None,
    by: User | None,
    now: datetime,
    is_dry_run: bool,
    progress: Progress = progress_ignored,
) -> HistoryResult:
    """Append a log to the course's responses.

    A learner of the log is the account that `mapping` names, one of `learners_within` (of all,
    where it is None); others get accounts that nobody can log in to, or those of a log before,
    which must be of `learners_within` too.

    Raises:
        TutorError: code `unknown_course`, `other_course` (of the class), `own_history` (responses
            that this site exported), or what making content raises.
        MappingRefusedError: for accounts that the mapping must not name.
        OthersLearnersError: for accounts of logs before that are not of `learners_within`.
        HistoryRefusedError: with every item and skill that the course lacks.
    """
    course = Course.objects.filter(key=course_key).first()
    if course is None and not is_creating_content:
        raise TutorError(
            _(
                "There is no course '{course}'; import it first, or let --create-content make a "
                "skeleton of it."
            ).format(course=course_key),
            code="unknown_course",
        )
    if classroom is not None and (course is None or classroom.course_id != course.pk):
        raise TutorError(
            _("The class {name} is not of the course '{course}'.").format(
                name=classroom.name, course=course_key
            ),
            code="other_course",
        )
    accounts = learners_resolve(
        mapping, within=User.objects.all() if learners_within is None else learners_within
    )
    own_history_refuse(course, history)
    missing = content_find(course, history, mapping=mapping)
    may_create = is_creating_content and mapped_are_found(missing, history, mapping)
    if not missing.is_whole and not may_create:
        raise content_refuse(missing, history, mapping=mapping)
    names = {text: user.username for text, user in accounts.items()}
    if course is not None:
        for batch in _batches(history, course, names=names):
            accounts_of(batch, within=learners_within)
    content = missing
    if not is_dry_run and (course is None or not missing.is_whole):
        course = content_create(
            course, history, missing, course_key=course_key, mapping=mapping, by=by, now=now
        )
        content = content_find(course, history, mapping=mapping)
    counts = _Counts()
    if course is None:
        counts.n_new = history.n_responses
        counts.n_accounts_new = len(set(map(str, history.log.data.learners)) - accounts.keys())
    else:
        writer = _Writer(
            history, content, course=course, classroom=classroom, within=learners_within, now=now
        )
        for batch in _batches(history, course, names=names):
            if is_dry_run:
                writer.count(batch, counts)
            else:
                counts = writer.write(batch, counts)
            progress(batch[-1].end / history.n_responses, "writing")
    if not is_dry_run and course is not None:
        audit_record(
            by,
            action="responses_import",
            object_kind="course",
            object_id=str(course.uuid),
            detail={"new": counts.n_new, "known": counts.n_known},
            now=now,
        )
        logger.info("course %s: %s responses imported", course.pk, counts.n_new)
    data = history.log.data
    return HistoryResult(
        course_key=course_key,
        is_dry_run=is_dry_run,
        n_responses=history.n_responses,
        n_new=counts.n_new,
        n_known=counts.n_known,
        n_learners=len(history.log.data.learners),
        n_accounts_new=counts.n_accounts_new,
        n_enrolled=counts.n_enrolled,
        n_skills_new=missing.n_skills_missing,
        n_steps_new=missing.n_steps_missing,
        n_late=counts.n_late,
        first_at=moment_of(int(history.at_ms.min())),
        last_at=moment_of(int(history.at_ms.max())),
        notes=(
            *history.log.notes(),
            *mapping.unused(data.learners, history.step_texts, data.skills),
        ),
    )


def username_of(course: Course, text: str) -> str:
    """Return the account name of a log's learner: the same for every log of the course."""
    return LOG_PREFIX + hashlib.sha256(f"{course.uuid}|{text}".encode()).hexdigest()[:20]


def _batches(
    history: History, course: Course, *, names: Mapping[str, str]
) -> Iterator[list[_Learner]]:
    data = history.log.data
    bounds = data.learner_slices().tolist()
    batch: list[_Learner] = []
    for code, text in enumerate(map(str, data.learners)):
        name = names.get(text) or username_of(course, text)
        batch.append(_Learner(text, name, bounds[code], bounds[code + 1]))
        if batch[-1].end - batch[0].start >= BATCH_RESPONSES:
            yield batch
            batch = []
    if batch:
        yield batch


def accounts_of(batch: Sequence[_Learner], *, within: QuerySet[User] | None) -> dict[str, int]:
    """Return the accounts that are there, by name. Raises: OthersLearnersError."""
    text_of = {learner.username: learner.text for learner in batch}
    found = dict(User.objects.filter(username__in=text_of).values_list("username", "pk"))
    others_learners_refuse(text_of, found, within=within)
    return found


class _Writer:
    """Writes batches of whole learners, each in a transaction of its own."""

    def __init__(
        self,
        history: History,
        content: ContentMap,
        *,
        course: Course,
        classroom: Classroom | None,
        within: QuerySet[User] | None,
        now: datetime,
    ) -> None:
        self._history = history
        self._content = content
        self._course = course
        self._classroom = classroom
        self._within = within
        self._now = now

    def count(self, batch: Sequence[_Learner], counts: _Counts) -> None:
        """Say what a batch would add."""
        accounts = accounts_of(batch, within=self._within)
        known = self._tokens_known([one for one in batch if one.username in accounts])
        counts.n_accounts_new += len(batch) - len(accounts)
        for learner in batch:
            new = sum(1 for _ in self._rows(learner, 0, known))
            counts.n_new += new
            counts.n_known += learner.end - learner.start - new

    def write(self, batch: Sequence[_Learner], counts: _Counts) -> _Counts:
        """Add what is missing of a batch, have the states of those concerned replayed, and count.

        Where the database stays locked for all of its timeout the batch is tried again: it is as
        it was then, and an hour's import must not end for a moment's crowd.
        """
        # Worked out before the lock: an answer of a learner must not wait for it.
        prepared = [self._prepared(learner) for learner in batch]
        for tries_left in reversed(range(WRITE_TRIES)):
            attempt = replace(counts)
            try:
                with short_turn():
                    self._write(prepared, attempt)
            except OperationalError:
                if not tries_left:
                    raise
                logger.warning("course %s: a batch of responses is tried again", self._course.pk)
            else:
                return attempt
        raise AssertionError("unreachable")

    def _prepared(self, learner: _Learner) -> "_Prepared":
        rows = list(self._rows(learner, 0, set()))
        return _Prepared(
            learner, [row[_TOKEN_AT] for row in rows], rows_ready(Response, _COLUMNS, rows)
        )

    def _write(self, prepared: Sequence["_Prepared"], counts: _Counts) -> None:
        # Two imports of one log at a time must not both find a response missing.
        Course.objects.select_for_update(no_key=True).get(pk=self._course.pk)
        batch = [one.learner for one in prepared]
        accounts = accounts_of(batch, within=self._within)
        known = self._tokens_known([one for one in batch if one.username in accounts])
        fresh = [one for one in batch if one.username not in accounts]
        accounts |= self._accounts_create(fresh)
        counts.n_accounts_new += len(fresh)
        touched: list[int] = []
        rows: list[list[Any]] = []
        for one in prepared:
            learner_id = accounts[one.learner.username]
            new = [
                [learner_id, *row[1:]]
                for token, row in zip(one.tokens, one.rows, strict=True)
                if token not in known
            ]
            rows += new
            counts.n_new += len(new)
            counts.n_known += len(one.rows) - len(new)
            if new:
                touched.append(learner_id)
        rows_insert(Response, _COLUMNS, rows)
        if self._classroom is not None:
            counts.n_enrolled += self._enrol(self._classroom, list(accounts.values()))
        counts.n_late += learners_replay_later(self._course, touched, now=self._now)

    def _accounts_create(self, fresh: Sequence[_Learner]) -> dict[str, int]:
        made = User.objects.bulk_create(
            [
                User(
                    username=learner.username,
                    display_name=f"Learner {learner.text}"[:80],
                    role=Role.LEARNER,
                    password=make_password(None),
                    date_joined=self._now,
                )
                for learner in fresh
            ]
        )
        return {user.username: user.pk for user in made}

    def _enrol(self, classroom: Classroom, learner_ids: Sequence[int]) -> int:
        there = set(
            Enrolment.objects.filter(
                classroom=classroom, left_at=None, learner_id__in=learner_ids
            ).values_list("learner_id", flat=True)
        )
        made = Enrolment.objects.bulk_create(
            [
                Enrolment(classroom=classroom, learner_id=pk, joined_at=self._now)
                for pk in learner_ids
                if pk not in there
            ]
        )
        return len(made)

    def _tokens_known(self, batch: Sequence[_Learner]) -> set[UUID]:
        sessions = [self._session(learner) for learner in batch]
        found = Response.objects.filter(session_uuid__in=sessions)
        return set(found.values_list("attempt_token", flat=True))

    def _session(self, learner: _Learner) -> UUID:
        return uuid5(self._course.uuid, learner.text)

    def _rows(
        self, learner: _Learner, learner_id: int, known: set[UUID]
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a learner's responses that the log of the site lacks."""
        history, data, content = self._history, self._history.log.data, self._content
        part = slice(learner.start, learner.end)
        bounds = data.skill_indptr[learner.start : learner.end + 1].tolist()
        skills = data.skill_index[bounds[0] : bounds[-1]].tolist()
        session = self._session(learner)
        seen: Counter[tuple[int, int]] = Counter()
        for at_ms, step, correct, start, end in zip(
            history.at_ms[part].tolist(),
            history.step[part].tolist(),
            data.correct[part].tolist(),
            bounds[:-1],
            bounds[1:],
            strict=True,
        ):
            occurrence = seen[at_ms, step]
            seen[at_ms, step] += 1
            token = uuid5(session, f"{at_ms}|{history.step_texts[step]}|{occurrence}")
            if token in known:
                continue
            of_response = skills[start - bounds[0] : end - bounds[0]]
            yield (
                learner_id,
                self._course.pk,
                content.step_pks[step],
                sorted({content.skill_pks[code] or 0 for code in of_response}),
                session,
                token,
                ResponseSource.IMPORTED.value,
                ResponseKind.ANSWER.value,
                "",
                True,
                bool(correct),
                "",
                "",
                0,
                1,
                0,
                moment_of(at_ms),
                self._now,
            )
