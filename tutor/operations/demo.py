"""The demo: a course, accounts to look around with, and a class of simulated learners."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import transaction
from django.db.models import Q, QuerySet

from tutor.accounts.models import User
from tutor.accounts.services import account_create, audit_record
from tutor.content.demo.assemble import demo_bundle
from tutor.content.graph import course_graph
from tutor.content.importing import course_import
from tutor.content.models import Course
from tutor.operations.demo_accounts import (
    ACCOUNTS,
    ADMINISTRATOR,
    DEMO_PASSWORD,
    LEARNER,
    SECOND_TEACHER,
    TEACHER,
    DemoAccount,
)
from tutor.operations.demo_history import history_play
from tutor.operations.simulated import SimulatedLearner, character_draw, sittings_draw
from tutor.responses.models import Response
from tutor.roster.models import Classroom, Enrolment
from tutor.roster.services import classroom_create, classroom_join

CLASS_LETTERS = "bcdefghijklmnopqrstuvwxyz"
CLASS_NAME = f"6{CLASS_LETTERS[0]} (demo)"
SEED = 20260302
HISTORY_DAYS = 28
SIMULATED_PREFIX = "simulated-"
NAMES = (
    "Amara",
    "Bruno",
    "Chidi",
    "Dalia",
    "Emil",
    "Farida",
    "Goran",
    "Hana",
    "Imre",
    "Jolanda",
    "Kofi",
    "Leila",
    "Mateo",
    "Nadia",
    "Oskar",
    "Priya",
    "Quentin",
    "Rosa",
    "Sipho",
    "Tuva",
    "Umut",
    "Vera",
    "Wanda",
    "Yusuf",
)
# What a teacher should notice: one who never began, and one who stopped after some days.
NEVER_BEGAN = "Yusuf"
STOPPED = "Chidi"
STOPPED_AFTER_DAYS = 9


@dataclass(frozen=True)
class DemoResult:
    """What a load did. `is_new` is false when all of it was there already."""

    is_new: bool
    n_learners: int
    n_steps: int


def demo_is_complete() -> bool:
    """Whether a load has come to its end: the account made last is there."""
    return User.objects.filter(username=LEARNER.username).exists()


def demo_is_begun() -> bool:
    """Whether a load was begun; an interrupted one is taken up where it stopped."""
    return User.objects.filter(username=ADMINISTRATOR.username).exists()


def demo_load(
    *, now: datetime, progress: Callable[[int, int], None], n_classes: int = 1
) -> DemoResult:
    """Load what is missing of the demo; each learner is whole or not there.

    More classes than one, for fits that want more answers, are further simulated learners on the
    same course under the same teachers.
    """
    n_wanted = n_classes * len(NAMES)
    if demo_is_complete() and _simulated().count() >= n_wanted:
        return DemoResult(is_new=False, n_learners=0, n_steps=0)
    administrator = _account(ADMINISTRATOR)
    teachers = [_account(TEACHER), _account(SECOND_TEACHER)]
    course = _course(administrator, now=now)
    begun_at = now - timedelta(days=HISTORY_DAYS + 1)
    classrooms = [
        _classroom(
            f"6{letter} (demo)", course, teachers, is_first=letter == CLASS_LETTERS[0], now=begun_at
        )
        for letter in CLASS_LETTERS[:n_classes]
    ]
    n_learners = n_steps = 0
    with _outbox_quiet():
        for number in range(n_wanted):
            progress(number, n_wanted)
            classroom = classrooms[number // len(NAMES)]
            played = _learner_load(number, classroom=classroom, now=now)
            n_learners += played is not None
            n_steps += played or 0
    progress(n_wanted, n_wanted)
    if not demo_is_complete():
        with transaction.atomic():
            classroom_join(_account(LEARNER), join_code=classrooms[0].join_code, now=now)
    return DemoResult(is_new=True, n_learners=n_learners, n_steps=n_steps)


def _simulated() -> QuerySet[User]:
    return User.objects.filter(is_simulated=True, username__startswith=SIMULATED_PREFIX)


def _account(account: DemoAccount) -> User:
    found = User.objects.filter(username=account.username).first()
    return found or account_create(
        username=account.username,
        display_name=account.display_name,
        role=account.role,
        password=DEMO_PASSWORD,
    )


def _course(administrator: User, *, now: datetime) -> Course:
    bundle = demo_bundle()
    found = Course.objects.filter(key=bundle["course"]["id"]).first()
    if found is not None:
        return found
    course_import(
        bundle, by=administrator, now=now - timedelta(days=HISTORY_DAYS + 2), is_dry_run=False
    )
    return Course.objects.get(key=bundle["course"]["id"])


def _classroom(
    name: str, course: Course, teachers: Sequence[User], *, is_first: bool, now: datetime
) -> Classroom:
    mine = Classroom.objects.filter(teachers=teachers[0])
    # The first may have been given another name since.
    found = mine.filter(name=name).first() or (mine.order_by("pk").first() if is_first else None)
    return found or classroom_create(name=name, course=course, teachers=teachers, now=now)


@transaction.atomic
def _learner_load(number: int, *, classroom: Classroom, now: datetime) -> int | None:
    """Make one simulated learner with history; None when there already."""
    turn, place = divmod(number, len(NAMES))
    name = f"{NAMES[place]} {turn + 1}" if turn else NAMES[place]
    username = f"{SIMULATED_PREFIX}{name.lower().replace(' ', '-')}"
    if User.objects.filter(username=username).exists():
        return None
    rng = Random(f"{SEED}:{number}")  # noqa: S311 - a demo to be repeated, not a secret
    # No password: nobody logs in as a simulated learner.
    learner = account_create(username=username, display_name=name, is_simulated=True)
    first_day = now - timedelta(days=HISTORY_DAYS)
    classroom_join(learner, join_code=classroom.join_code, now=first_day - timedelta(hours=12))
    graph = course_graph(classroom.course)
    # Spread over the class, but not in the order of the alphabet.
    character = character_draw(rng, place=(place * 7 % len(NAMES)) / (len(NAMES) - 1))
    return history_play(
        learner,
        classroom.course,
        simulated=SimulatedLearner(character, skill_ids=graph.skill_ids, parents=graph.parents),
        sittings=sittings_draw(
            rng,
            n_sittings=0 if name == NEVER_BEGAN else character.n_sittings,
            first_day=first_day,
            n_days=STOPPED_AFTER_DAYS if name == STOPPED else HISTORY_DAYS + 1,
        ),
        until=now,
        rng=rng,
    )


@contextmanager
def _outbox_quiet() -> Iterator[None]:
    """Keep a load without a broker from warning once for every answer; the sweep finds them all."""
    logger = logging.getLogger("tutor.common.outbox")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@dataclass(frozen=True)
class DemoRemoval:
    """What a removal took away, and whether the class had to stay for learners who are real."""

    n_accounts: int
    n_responses: int
    is_class_kept: bool


@transaction.atomic
def demo_remove(*, now: datetime) -> DemoRemoval:
    """Delete the demo's accounts, their responses and the class; the course stays."""
    usernames = [account.username for account in ACCOUNTS]
    people = User.objects.filter(Q(username__in=usernames) | Q(pk__in=_simulated().values("pk")))
    classrooms = Classroom.objects.filter(teachers__username=TEACHER.username).distinct()
    is_class_kept = (
        Enrolment.objects.filter(classroom__in=classrooms, left_at=None)
        .exclude(learner__in=people)
        .exists()
    )
    n_accounts = people.count()
    # Not erased but deleted: nobody gave these answers, and no figure should count them.
    n_responses, _ = Response.objects.filter(learner__in=people).delete()
    if not is_class_kept:
        Classroom.objects.filter(pk__in=list(classrooms.values_list("pk", flat=True))).delete()
    people.delete()
    audit_record(None, action="demo_remove", detail={"accounts": n_accounts}, now=now)
    return DemoRemoval(n_accounts, n_responses, is_class_kept)
