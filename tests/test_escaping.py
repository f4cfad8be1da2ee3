"""What people type is text on every page: markup in names, titles, notes and answers stays visible.

Every address of tests/access/table.py is opened with every text of its objects turned into markup,
so that a new page is covered on the day it is routed. The same round holds what every page sends.
"""

from typing import Any

import pytest
from django.db import models
from django.http import HttpResponse
from django.test import Client

from tests.access.people import objects, people
from tests.access.table import Address, addresses, target_of
from tests.world import World
from tutor.accounts.models import ApiToken, User
from tutor.content.job_models import Draft
from tutor.content.models import (
    Course,
    Hint,
    ImportJob,
    ImportStatus,
    Lesson,
    Problem,
    ProblemRevision,
    Skill,
    Step,
)
from tutor.practice.recording import activity_of
from tutor.practice.services import answer_submit, session_start
from tutor.responses.models import Response
from tutor.roster.models import Classroom, TeacherNote
from tutor.scheduling.models import Assignment, Override
from tutor.tracing.models import ResponseImport

__all__ = ["objects", "people"]

EVIL = "\"'><i class=evil>"
TEXTS: tuple[tuple[type[models.Model], tuple[str, ...]], ...] = (
    (User, ("display_name",)),
    (ApiToken, ("name",)),
    (Classroom, ("name",)),
    (TeacherNote, ("text",)),
    (Assignment, ("title", "note")),
    (Override, ("note",)),
    (Course, ("title", "description", "licence", "attribution")),
    (Skill, ("title", "description")),
    (Lesson, ("title", "body")),
    (Problem, ("title", "body")),
    (Step, ("prompt", "solution")),
    (Hint, ("text",)),
    (Response, ("raw_answer", "misconception")),
    (ImportJob, ("filename", "stage")),
    (ResponseImport, ("filename", "stage")),
)
ROW = {"severity": "error"} | dict.fromkeys(
    ("pointer", "field", "value", "expected", "message"), EVIL
)
# Files that are kept are somebody's own, or the public's.
KEPT = frozenset({"course_asset", "health", "login", "join", "logout", "metrics"})


def poisoned(node: Any, key: str = "") -> Any:
    """Put markup into every text of a document that people read."""
    if isinstance(node, dict):
        return {name: poisoned(value, name) for name, value in node.items()}
    if isinstance(node, list):
        return [poisoned(value, key) for value in node]
    is_read = key in {"title", "body", "prompt", "text", "solution", "misconception"}
    return f"{EVIL} {node}" if isinstance(node, str) and is_read else node


@pytest.fixture
def evil(world: World, objects: dict[str, object], now: Any) -> None:
    """Turn every text of the objects into markup."""
    session = session_start(world.ada, world.course, now=now)
    activity = activity_of(session)
    assert activity is not None
    answer_submit(session, raw_answer="12", attempt_token=activity.attempt_token, now=now)
    for model, names in TEXTS:
        kept = {field.name for field in model._meta.concrete_fields}
        model._default_manager.update(**{name: EVIL for name in names if name in kept})
    for row in (*ProblemRevision.objects.all(), *Draft.objects.all()):
        row.document = poisoned(row.document)
        row.save()
    for lesson in Lesson.objects.all():
        lesson.worked_examples = poisoned(lesson.worked_examples)
        lesson.save()
    for job in (ImportJob, ResponseImport):
        job._default_manager.update(
            status=ImportStatus.REFUSED, errors=[ROW], notes=[EVIL], result={"message": EVIL}
        )


def opened(client: Client, address: Address, objects: dict[str, object]) -> list[HttpResponse]:
    target = target_of(address, objects)
    query = {"q": EVIL, "next": EVIL, "code": EVIL}
    return [
        client.get(target),
        client.get(target, query_params=query, headers={"HX-Request": "true"}),
    ]


def test_no_page_takes_a_text_for_markup(
    people: dict[str, User], objects: dict[str, object], evil: None
) -> None:
    wrong, n_pages, n_seen = [], 0, 0
    for name in ("learner", "teacher", "root"):
        client = Client()
        client.force_login(people[name], backend="django.contrib.auth.backends.ModelBackend")
        for address in addresses():
            if address.name == "logout" or address.route.startswith("api/v1/"):
                continue
            for answer in opened(client, address, objects):
                if answer.streaming:
                    for _part in answer:
                        pass
                    continue
                if "text/html" not in answer.headers.get("Content-Type", ""):
                    continue
                n_pages += answer.status_code == 200
                n_seen += "class=evil" in answer.text
                if "<i class=evil" in answer.text:
                    wrong.append(f"{address.name} takes a text for markup ({name})")
                policy = answer.headers["Content-Security-Policy"]
                if "unsafe" in policy or "script-src 'self'" not in policy:
                    wrong.append(f"{address.name} sends the policy {policy}")
                if answer.status_code == 200 and address.name not in KEPT:
                    if "no-store" not in answer.headers.get("Cache-Control", ""):
                        wrong.append(f"{address.name} may be kept by a browser ({name})")
                    if "ETag" in answer.headers:
                        wrong.append(f"{address.name} has an ETag ({name})")
    assert not wrong, "\n" + "\n".join(sorted(set(wrong)))
    # The texts were there to be taken for markup.
    assert n_pages > 100
    assert n_seen > 60
