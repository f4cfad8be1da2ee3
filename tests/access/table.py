"""The table: what everybody is told at each address, by room and by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver, reverse

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
                f"/{self.route} ({self.name}) is in no room of tests/access/table.py; say there "
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
                    f"tests/access/people.py has no object for <{word}> of /{address.route}"
                )
            kwargs[word] = objects[start]
    return reverse(address.name, kwargs=kwargs)
