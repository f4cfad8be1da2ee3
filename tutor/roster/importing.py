"""Learners from a table: first what would happen, then all of it or nothing.

The same table twice changes nothing the second time: who is there already is recognised, by the
username, or without one by the name within the class.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from tutor.accounts.models import Role, User
from tutor.accounts.passwords import password_hash_made, password_make
from tutor.accounts.services import LOG_PREFIX, audit_record
from tutor.common.errors import TutorError
from tutor.roster.models import Classroom, Enrolment
from tutor.roster.selectors import learners_of_teacher
from tutor.roster.sheets import Row, RowError, Sheet

GENERATED_MOST = 40
HASHING_THREADS = 2


class Deed(StrEnum):
    """What an import does with a row."""

    CREATE = "create"
    ENROL = "enrol"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Planned:
    """A row with what would be done; `learner` is None where an account is to be made."""

    row: Row
    deed: Deed
    username: str
    learner: User | None = None

    @property
    def is_renamed(self) -> bool:
        """Whether the account has another name than the row; an import changes no names."""
        return (
            self.learner is not None
            and self.learner.display_name.casefold() != self.row.name.casefold()
        )


@dataclass(frozen=True, slots=True)
class RosterPlan:
    """What an import would do, or everything that keeps it from being done."""

    sheet: Sheet
    planned: tuple[Planned, ...]
    errors: tuple[RowError, ...]

    def count(self, deed: Deed) -> int:
        """How many rows would be treated so."""
        return sum(each.deed is deed for each in self.planned)

    @property
    def n_created(self) -> int:
        """How many accounts would be made."""
        return self.count(Deed.CREATE)

    @property
    def n_enrolled(self) -> int:
        """How many learners who have an account would join the class."""
        return self.count(Deed.ENROL)

    @property
    def n_kept(self) -> int:
        """How many are in the class already."""
        return self.count(Deed.KEEP)

    @property
    def changes(self) -> bool:
        """Whether anything would change."""
        return self.n_kept < len(self.planned)


@dataclass(frozen=True, slots=True)
class Slip:
    """What a learner is handed: the account and, this once, its password."""

    learner: User
    password: str


def roster_plan(classroom: Classroom, sheet: Sheet, *, by: User) -> RosterPlan:
    """Say what importing a table would do; writes nothing.

    An account is enrolled only if its learner is in a class of `by` already: otherwise a list of
    guessed usernames would bring a teacher other people's learners, and their passwords.
    """
    named = _accounts(row.username for row in sheet.rows if row.username)
    members: dict[str, list[User]] = {}
    present: set[int] = set()
    for learner in _present(classroom):
        members.setdefault(learner.display_name.casefold(), []).append(learner)
        present.add(learner.pk)
    ids = [user.pk for user in named.values()]
    own = set(learners_of_teacher(by).filter(pk__in=ids).values_list("pk", flat=True))
    planned: list[Planned] = []
    errors = list(sheet.errors)
    for row in sheet.rows:
        found = (
            _by_username(row, named.get(row.username.lower()), present, own, sheet.file)
            if row.username
            else _by_name(row, members.get(row.name.casefold(), []), sheet.file)
        )
        if isinstance(found, Planned):
            errors += _password_errors(found, sheet.file)
            planned.append(found)
        else:
            errors.append(found)
    errors.sort(key=lambda error: error.line)
    return RosterPlan(sheet, tuple(_usernames_fill(planned)), tuple(errors))


def _by_username(
    row: Row, account: User | None, present: Collection[int], own: Collection[int], file: str
) -> Planned | RowError:
    if account is None:
        if row.username.lower().startswith(LOG_PREFIX):
            expected = _("another username; these are for learners of imported logs")
            return RowError(file, row.line, "username", row.username[:40], expected)
        return Planned(row, Deed.CREATE, row.username)
    if account.pk in present:
        return Planned(row, Deed.KEEP, account.username, account)
    if not account.is_learner or account.pk not in own or not account.is_active:
        expected = _(
            "a free username, or one of your learners’; whoever has this one can join by code"
        )
        return RowError(file, row.line, "username", row.username[:40], expected)
    planned = Planned(row, Deed.ENROL, account.username, account)
    if planned.is_renamed:
        expected = _("the name of {username}, {name}; or another username").format(
            username=account.username, name=account.display_name
        )
        return RowError(file, row.line, "name", row.name[:40], expected)
    return planned


def _by_name(row: Row, namesakes: Sequence[User], file: str) -> Planned | RowError:
    if len(namesakes) > 1:
        expected = _("a username: {n} learners of the class have this name").format(
            n=len(namesakes)
        )
        return RowError(file, row.line, "name", row.name[:40], expected)
    if namesakes:
        return Planned(row, Deed.KEEP, namesakes[0].username, namesakes[0])
    return Planned(row, Deed.CREATE, "")


def _password_errors(planned: Planned, file: str) -> list[RowError]:
    row = planned.row
    if planned.deed is not Deed.CREATE or not row.password:
        return []
    try:
        validate_password(row.password, User(username=row.username, display_name=row.name))
    except ValidationError as error:
        shown, expected = _("(not shown)"), " ".join(error.messages)
        return [RowError(file, row.line, "password", shown, expected)]
    return []


def _present(classroom: Classroom) -> list[User]:
    return list(User.objects.filter(enrolments__classroom=classroom, enrolments__left_at=None))


def _accounts(usernames: Iterable[str]) -> dict[str, User]:
    """Return accounts by their username in small letters (one query)."""
    wanted = {name.lower() for name in usernames}
    if not wanted:
        return {}
    rows = User.objects.annotate(lower_username=Lower("username"))
    return {user.username.lower(): user for user in rows.filter(lower_username__in=wanted)}


def _usernames_fill(planned: Sequence[Planned]) -> list[Planned]:
    """Give everybody who lacks one a free username: ann.lee, ann.lee2, ... (a query a round)."""
    taken = {each.username.lower() for each in planned if each.username}
    waiting = {place: 1 for place, each in enumerate(planned) if not each.username}
    chosen: dict[int, str] = {}
    while waiting:
        wanted: dict[int, str] = {}
        for place, number in waiting.items():
            base = username_base(planned[place].row.name)
            while (name := base if number == 1 else f"{base}{number}") in taken:
                number += 1
            wanted[place], waiting[place] = name, number + 1
            taken.add(name)
        gone = _accounts(wanted.values())
        for place, name in wanted.items():
            if name not in gone:
                chosen[place] = name
                del waiting[place]
    return [
        Planned(each.row, each.deed, chosen.get(place, each.username), each.learner)
        for place, each in enumerate(planned)
    ]


def username_base(name: str) -> str:
    """Return what a username made from a name begins with: plain letters, first and last name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = ["".join(letter for letter in word if letter.isalnum()) for word in plain.split()]
    words = [word for word in words if word]
    if not words:
        return "learner"
    return ".".join(dict.fromkeys((words[0], words[-1])))[:GENERATED_MOST]


def roster_import(
    classroom: Classroom, sheet: Sheet, *, by: User, now: datetime
) -> tuple[Slip, ...]:
    """Do what `roster_plan` says, all or nothing; returns a slip for each account that was made.

    Raises:
        TutorError: code `roster_errors` while anything is wrong with the table; `roster_changed`
            when another change came between.
    """
    plain_of, hash_of = _passwords(roster_plan(classroom, sheet, by=by))
    with transaction.atomic():
        # Whoever sends the same table twice at once is told that everybody is there.
        Classroom.objects.select_for_update().get(pk=classroom.pk)
        plan = roster_plan(classroom, sheet, by=by)
        if plan.errors:
            raise TutorError(
                _("{n} rows cannot be imported; nothing was changed.").format(n=len(plan.errors)),
                code="roster_errors",
            )
        made = [each for each in plan.planned if each.deed is Deed.CREATE]
        accounts = _accounts_create(made, hash_of)
        enrolled = [each.learner for each in plan.planned if each.deed is Deed.ENROL]
        joining = [*accounts, *(learner for learner in enrolled if learner is not None)]
        Enrolment.objects.bulk_create(
            Enrolment(classroom=classroom, learner=learner, joined_at=now) for learner in joining
        )
        if joining:
            audit_record(
                by,
                action="roster_import",
                object_kind="classroom",
                object_id=str(classroom.uuid),
                detail={
                    "created": [str(account.uuid) for account in accounts],
                    "enrolled": [str(learner.uuid) for learner in joining[len(accounts) :]],
                    "kept": plan.n_kept,
                },
                now=now,
            )
    return tuple(
        Slip(learner=account, password=plain_of[each.row.line])
        for account, each in zip(accounts, made, strict=True)
    )


def _accounts_create(made: Sequence[Planned], hash_of: Mapping[int, str]) -> list[User]:
    try:
        with transaction.atomic():
            return User.objects.bulk_create(
                User(
                    username=each.username,
                    display_name=each.row.name,
                    role=Role.LEARNER,
                    password=hash_of[each.row.line],
                )
                for each in made
            )
    except (IntegrityError, KeyError) as error:
        raise TutorError(
            _("Somebody changed the class at this moment; look at the preview once more."),
            code="roster_changed",
        ) from error


def _passwords(plan: RosterPlan) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """Make and hash passwords, by line, before any lock is taken: hashing is slow on purpose."""
    given = {
        each.row.line: each.row.password
        for each in plan.planned
        if each.deed is Deed.CREATE and each.row.password
    }
    made = {
        each.row.line: password_make()
        for each in plan.planned
        if each.deed is Deed.CREATE and not each.row.password
    }
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        hashes = {
            **dict(zip(given, pool.map(make_password, given.values()), strict=True)),
            **dict(zip(made, pool.map(password_hash_made, made.values()), strict=True)),
        }
    return given | made, hashes
