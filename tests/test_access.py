"""Who reaches what: every address of the site and of the API, by everybody, from one table.

A new address follows the rule of its room at once. Where no room's rule fits, the test fails until
the address is named here; so does a name here that no address has any more.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.world import World
from tutor.accounts.models import Role, Scope, User
from tutor.accounts.services import account_create, token_create
from tutor.content.job_models import Draft
from tutor.content.models import ImportJob, Step
from tutor.practice.models import Session, SessionKind
from tutor.roster.notes import note_write
from tutor.roster.services import teacher_add
from tutor.scheduling.edge_decisions import edge_decide
from tutor.scheduling.goals import assignment_make, override_make
from tutor.scheduling.models import EdgeVerdict, OverrideSays
from tutor.tracing.models import FitRun, ModelRole, Promotion, ResponseImport
from tutor.tracing.services import version_serving

ClientOf = Callable[[User], Client]
Rule = Mapping[str, str]

# Everybody who may come by. `learner` is ada, whose class and data it is; `teacher` is tess, who
# teaches it with cole; `other_*` are in another class of the same course, `new_*` in none.
PEOPLE = (
    *("anonymous", "new_learner", "other_learner", "learner"),
    *("new_teacher", "other_teacher", "teacher", "colleague", "root"),
)
# What they may be told. "in": the page, or what it makes of an empty form.
TOLD: Mapping[str, frozenset[int]] = {
    "in": frozenset({200, 201, 202, 204, 302, 304, 400, 405, 409, 410, 415, 422, 503}),
    "401": frozenset({401}),
    "403": frozenset({403}),
    "404": frozenset({404}),
}


def rule(
    anonymous: str, learners: str, teachers: str, root: str = "in", colleague: str = ""
) -> Rule:
    """Say what everybody is told; learners: new, other, own; teachers: new, other, own.

    A colleague is told what the teacher is, unless it is said.
    """
    new_learner, other_learner, learner = learners.split()
    new_teacher, other_teacher, teacher = teachers.split()
    return {
        "anonymous": anonymous,
        "new_learner": new_learner,
        "other_learner": other_learner,
        "learner": learner,
        "new_teacher": new_teacher,
        "other_teacher": other_teacher,
        "teacher": teacher,
        "colleague": colleague or teacher,
        "root": root,
    }


EVERYBODY = rule("in", "in in in", "in in in")
MEMBERS = rule("login", "in in in", "in in in")
LEARNERS = rule("login", "in in in", "403 403 403", "403")
TEACHERS = rule("login", "403 403 403", "in in in")
ADMINISTRATORS = rule("login", "403 403 403", "403 403 403")
# Relation first: who has nothing to do with a class is not told that it is there.
OF_A_CLASS = rule("login", "404 404 403", "404 404 in")
# Learners of the course in any class; teachers have pages of their own.
OF_A_COURSE = rule("login", "404 in in", "403 403 403", "403")
OF_ONE_LEARNER = rule("login", "404 404 in", "403 403 403", "403")
MODELS_OF_A_COURSE = rule("login", "403 403 403", "404 in in")
DEEDS_ON_MODELS = rule("login", "403 403 403", "404 403 403")
API = rule("401", "403 403 403", "in in in")
API_OF_A_CLASS = rule("401", "403 403 403", "404 404 in")
API_OF_A_COURSE = rule("401", "403 403 403", "404 in in")
API_ADMINISTRATORS = rule("401", "403 403 403", "403 403 403")
# What one person began: their imports, their tokens, their notes.
OWN = rule("login", "403 403 403", "404 404 in", colleague="404")
API_OWN = rule("401", "403 403 403", "404 404 in", colleague="404")

# By the beginning of the route, the longest that fits.
ROOMS: Mapping[str, Rule] = {
    "account/": MEMBERS,
    "api/v1/": API,
    "api/v1/classrooms/<uuid:uuid>/": API_OF_A_CLASS,
    "content/": TEACHERS,
    # Nobody but its author sees what is not published.
    "content/drafts/": rule("login", "403 403 403", "404 404 in", "404", colleague="404"),
    "learn/": LEARNERS,
    "learn/<uuid:course_uuid>/": OF_A_COURSE,
    "placement/<uuid:session_uuid>/": OF_ONE_LEARNER,
    "practice/<uuid:session_uuid>/": OF_ONE_LEARNER,
    "teach/": TEACHERS,
    "teach/classes/<uuid:classroom_uuid>/": OF_A_CLASS,
    "teach/models/courses/<uuid:course_uuid>/": DEEDS_ON_MODELS,
    "teach/models/fits/<uuid:fit_uuid>/": DEEDS_ON_MODELS,
    "teach/models/versions/<uuid:version_uuid>/": DEEDS_ON_MODELS,
}
# Addresses that differ from their room.
NAMED: Mapping[str, Rule] = {
    "home": MEMBERS,
    "login": EVERYBODY,
    "join": rule("in", "in in in", "403 403 403", "403"),
    "health": EVERYBODY,
    "metrics": ADMINISTRATORS,
    "token_new": TEACHERS,
    # Somebody else's token is not even there for an administrator.
    "token_end": rule("login", "403 403 403", "404 404 in", "404", colleague="404"),
    "own_data": LEARNERS,
    "own_data_download": LEARNERS,
    "account_delete": LEARNERS,
    "learner_how": MEMBERS,
    "lesson": rule("login", "404 in in", "in in in"),
    "import_detail": OWN,
    "import_apply": OWN,
    # The course has no such picture, and learners of no class of it have no course.
    "course_asset": rule("login", "404 404 404", "404 404 404", "404"),
    "teach:audit": ADMINISTRATORS,
    "teach:note_change": rule("login", "404 404 403", "404 404 in", "403", colleague="403"),
    # No pair of skills is under review; its own tests decide on one.
    "teach:edge_decide": rule("login", "404 404 403", "404 404 404", "404"),
    "teach:course_models": MODELS_OF_A_COURSE,
    "teach:version": MODELS_OF_A_COURSE,
    "api:schema": EVERYBODY,
    "api:bundle_schema": EVERYBODY,
    "api:docs": TEACHERS,
    "api:audit": API_ADMINISTRATORS,
    "api:fit_cancel": API_ADMINISTRATORS,
    "api:model_promote": API_ADMINISTRATORS,
    "api:model_roll_back": API_ADMINISTRATORS,
    # The course came without an import, so it has no version to read or go back to.
    "api:course_version_bundle": rule("401", "403 403 403", "404 404 404", "404"),
    "api:course_roll_back": rule("401", "403 403 403", "404 404 404", "404"),
    "api:enrolment": API_OF_A_CLASS,
    "api:learner": API_OF_A_CLASS,
    "api:learner_password": API_OF_A_CLASS,
    "api:fits": API_OF_A_COURSE,
    "api:fit": API_OF_A_COURSE,
    "api:model_versions": API_OF_A_COURSE,
    "api:model_version": API_OF_A_COURSE,
    "api:promotions": API_OF_A_COURSE,
    "api:promotion": API_OF_A_COURSE,
    **{
        f"api:course_{page}": API_OF_A_COURSE
        for page in (
            *("responses", "responses_csv", "responses_ndjson", "beliefs", "beliefs_csv"),
            *("beliefs_ndjson", "forecasts", "plans"),
        )
    },
    **{
        f"api:{name}": API_OWN
        for name in (
            *("import", "import_errors", "import_apply"),
            *("response_import", "response_import_errors", "response_import_apply"),
        )
    },
}
# What stands in an address besides objects.
PLAIN: Mapping[str, object] = {"number": 1, "form": "json", "key": "none.png", "role": "mastery"}
# What is posted where an empty form would not be understood.
FORMS: Mapping[str, Mapping[str, str]] = {
    "teach:join_code": {"do": "close"},
    "goal_set": {"skill": "{skill_uuid}"},
}


@dataclass(frozen=True)
class Address:
    """An address by its whole name, with its route."""

    name: str
    route: str
    words: tuple[str, ...]

    @property
    def rule(self) -> Rule:
        """What everybody is told here. Raises: KeyError."""
        if self.name in NAMED:
            return NAMED[self.name]
        rooms = [room for room in ROOMS if self.route.startswith(room)]
        if not rooms:
            raise KeyError(
                f"/{self.route} ({self.name}) is in no room of tests/test_access.py; say there "
                "what everybody is told"
            )
        return ROOMS[max(rooms, key=len)]


def addresses() -> list[Address]:
    """Every named address of the site; the Django admin has doors of its own."""

    def walk(
        entries: list[URLPattern | URLResolver], before: str, spaces: tuple[str, ...]
    ) -> Iterator[Address]:
        for entry in entries:
            route = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                if entry.namespace != "admin":
                    space = (entry.namespace,) if entry.namespace else ()
                    yield from walk(entry.url_patterns, route, (*spaces, *space))
            else:
                words = tuple(
                    part.partition(">")[0].partition(":")[2] for part in route.split("<")[1:]
                )
                yield Address(":".join((*spaces, str(entry.name))), route, words)

    return list(walk(get_resolver().url_patterns, "", ()))


@pytest.fixture
def people(world: World, now: datetime) -> dict[str, User | AnonymousUser]:
    """Everybody of PEOPLE."""
    sly = account_create(username="sly", display_name="Sly")
    ned = account_create(username="ned", display_name="Ned", role=Role.TEACHER)
    cole = account_create(username="cole", display_name="Cole", role=Role.TEACHER)
    teacher_add(world.classroom, username="cole", by=world.tess, now=now)
    return {
        "anonymous": AnonymousUser(),
        "new_learner": sly,
        "other_learner": world.zed,
        "learner": world.ada,
        "new_teacher": ned,
        "other_teacher": world.zoe,
        "teacher": world.tess,
        "colleague": cole,
        "root": world.root,
    }


@pytest.fixture
def objects(
    world: World, people: dict[str, User], now: datetime, settings: LazySettings, tmp_path: Path
) -> dict[str, object]:
    """One of each object that an address names, of ada, her class and its course."""
    settings.VAR_DIR = tmp_path
    version = version_serving(world.course, now=now)
    note = note_write(world.classroom, world.ada, text="Well.", by=world.tess, now=now)
    assignment = assignment_make(
        world.classroom,
        title="Sums",
        skill_ids=[world.skills["a"].pk],
        due_at=now + timedelta(days=9999),
        by=world.tess,
        now=now,
    )
    word = override_make(
        world.ada, world.skills["a"], says=OverrideSays.OPEN, by=world.tess, now=now
    )
    decision = edge_decide(
        world.course,
        from_skill=world.skills["a"],
        to_skill=world.skills["c"],
        verdict=EdgeVerdict.ACCEPTED,
        evidence={},
        by=world.tess,
        now=now,
    )
    token, _plain = token_create(
        world.tess, name="t", scopes=[Scope.READ], expires_at=now + timedelta(days=1), now=now
    )
    fit = FitRun.objects.create(
        course=world.course,
        model_name="bkt",
        role=ModelRole.MASTERY,
        trigger="hand",
        requested_at=now,
        config_hash="",
        cutoff=now,
    )
    promotion = Promotion.objects.create(
        course=world.course,
        role=ModelRole.MASTERY,
        version=version,
        kind="promote",
        status="done",
        started_at=now,
    )
    job = ImportJob.objects.create(
        created_by=world.tess,
        created_at=now,
        filename="c.json",
        file=ContentFile(b"{}", name="c.json"),
        sha256="0" * 64,
    )
    history = ResponseImport.objects.create(
        created_by=world.tess,
        created_at=now,
        course_key="sums",
        filename="r.csv",
        file=ContentFile(b"", name="r.csv"),
        sha256="0" * 64,
    )
    sessions = {
        kind: Session.objects.create(
            learner=world.ada, course=world.course, kind=kind, started_at=now, last_active_at=now
        )
        for kind in SessionKind
    }
    problem = world.course.problems.get(key="p-a2")
    draft = Draft.objects.create(
        course=world.course,
        author=world.tess,
        kind="problem",
        key=problem.key,
        document=problem.revision.document,
        created_at=now,
        updated_at=now,
    )
    of_word = {
        "draft_uuid": draft,
        "assignment_uuid": assignment,
        "classroom_uuid": world.classroom,
        "course_uuid": world.course,
        "decision_uuid": decision,
        "fit_uuid": fit,
        "job_uuid": job,
        "learner_uuid": world.ada,
        "lesson_uuid": world.course.lessons.get(key="l-a"),
        "note_uuid": note,
        "problem_uuid": world.course.problems.get(key="p-a1"),
        "skill_uuid": world.skills["a"],
        "step_uuid": Step.objects.get(course=world.course, key="a2a"),
        "teacher_uuid": people["colleague"],
        "token_uuid": token,
        "version_uuid": version,
        "word_uuid": word,
        "practice/": sessions[SessionKind.PRACTICE],
        "placement/": sessions[SessionKind.PLACEMENT],
        "api/v1/classrooms/": world.classroom,
        "api/v1/courses/": world.course,
        "api/v1/enrolments/": world.ada.enrolments.get(),
        "api/v1/fits/": fit,
        "api/v1/imports/": job,
        "api/v1/learners/": world.ada,
        "api/v1/model-versions/": version,
        "api/v1/problems/": world.course.problems.get(key="p-a1"),
        "api/v1/promotions/": promotion,
        "api/v1/responses/imports/": history,
    }
    return {word: found.uuid for word, found in of_word.items()}  # type: ignore[attr-defined]


def target_of(address: Address, objects: Mapping[str, object]) -> str:
    """Fill an address with objects. Raises: KeyError for a word that is not known here."""
    kwargs = {}
    for word in address.words:
        if word in PLAIN:
            kwargs[word] = PLAIN[word]
        elif word in objects:
            kwargs[word] = objects[word]
        else:
            start = address.route.partition("<")[0]
            if start not in objects:
                raise KeyError(
                    f"tests/test_access.py has no object for <{word}> of /{address.route}"
                )
            kwargs[word] = objects[start]
    return reverse(address.name, kwargs=kwargs)


def told(client: Client, target: str, form: Mapping[str, str]) -> str:
    """Return what somebody is told who opens an address, or posts to it where it only takes that.

    Nothing stays: everybody finds things as they were.
    """
    with transaction.atomic():
        answer = client.get(target)
        if answer.status_code == 405:
            answer = client.post(target, form)
        if answer.streaming:
            for _part in answer:
                pass
        transaction.set_rollback(True)
    if answer.status_code == 302 and answer.headers["Location"].startswith("/login/"):
        return "login"
    return next(
        (word for word, codes in TOLD.items() if answer.status_code in codes),
        str(answer.status_code),
    )


def test_every_address_tells_everybody_what_the_table_says(
    people: dict[str, User], objects: dict[str, object]
) -> None:
    clients = {}
    for name in PEOPLE:
        clients[name] = Client()
        clients[name].raise_request_exception = False
        if name != "anonymous":
            clients[name].force_login(
                people[name], backend="django.contrib.auth.backends.ModelBackend"
            )
    wrong = []
    for address in addresses():
        if address.name == "logout":
            continue
        target = target_of(address, objects)
        form = {key: value.format(**objects) for key, value in FORMS.get(address.name, {}).items()}
        for name in PEOPLE:
            found = told(clients[name], target, form)
            if found != address.rule[name]:
                wrong.append(f"{address.name}: {name} {found}, not {address.rule[name]}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_table_names_nothing_that_is_gone() -> None:
    found = addresses()
    names = {address.name for address in found}
    assert set(NAMED) <= names
    assert set(FORMS) <= names
    unused = [room for room in ROOMS if not any(a.route.startswith(room) for a in found)]
    assert unused == []


def test_an_address_of_no_room_is_noticed() -> None:
    with pytest.raises(KeyError, match="is in no room"):
        _ = Address("new", "elsewhere/<uuid:thing_uuid>/", ("thing_uuid",)).rule
    with pytest.raises(KeyError, match="has no object"):
        target_of(Address("new", "teach/<uuid:thing_uuid>/", ("thing_uuid",)), {})


@pytest.mark.parametrize("name", ["learner", "teacher", "root"])
def test_the_django_admin_is_for_administrators(people: dict[str, User], name: str) -> None:
    client = Client()
    client.force_login(people[name], backend="django.contrib.auth.backends.ModelBackend")
    for address in ("index", "accounts_user_changelist", "roster_teachernote_changelist"):
        try:
            target = reverse(f"admin:{address}")
        except Exception:  # noqa: BLE001 - not every model is in the admin
            continue
        assert client.get(target).status_code == (200 if name == "root" else 302)


def test_objects_that_are_not_there_are_not_found(people: dict[str, User]) -> None:
    client = Client()
    client.force_login(people["teacher"], backend="django.contrib.auth.backends.ModelBackend")
    for address in addresses():
        if address.route.startswith("teach/") and any("uuid" in word for word in address.words):
            kwargs = {word: PLAIN.get(word, uuid4()) for word in address.words}
            answer = client.get(reverse(address.name, kwargs=kwargs))
            assert answer.status_code in {404, 405}, address
