"""A null character, which PostgreSQL keeps nowhere, breaks no page (`make test-postgres`)."""

import json
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from tests.tutor.content.bundle_case import bundle_make
from tests.world import World
from tutor.accounts.models import User
from tutor.common.texts import text_asked, text_clean, tree_clean
from tutor.content.authoring.drafts import draft_open, draft_save
from tutor.content.importing import course_import
from tutor.content.models import Course, Draft, DraftKind
from tutor.practice.recording import activity_of
from tutor.practice.services import session_start
from tutor.responses.models import Response
from tutor.roster.models import TeacherNote

ClientOf = Callable[[User], Client]


@pytest.fixture
def course(world: World, now: datetime) -> Course:
    made = course_import(bundle_make(), by=world.tess, now=now, is_dry_run=False).course
    assert made is not None
    return made


def test_texts_come_out_clean() -> None:
    assert text_clean("a\0b") == "ab"
    assert text_asked({"q": " \0 a\0da "}, "q", most=2) == "ad"
    assert text_asked({}, "q", most=2) == ""
    assert tree_clean({"a\0": ["\0b", 1, None, {"c": "\0"}]}) == {"a": ["b", 1, None, {"c": ""}]}


@pytest.mark.django_db
def test_every_search_finds_without_it(
    world: World, course: Course, client_of: ClientOf, now: datetime
) -> None:
    teacher, learner = client_of(world.tess), client_of(world.ada)
    searches = [
        (teacher, "/teach/", "6b"),
        (teacher, f"/teach/classes/{world.classroom.uuid}/roster/", "Ada"),
        (teacher, f"/content/courses/{course.uuid}/", "Add"),
        (learner, f"/learn/{world.course.uuid}/map/", "Skill"),
    ]
    for client, address, word in searches:
        response = client.get(address, {"q": f"{word}\0", "lesson": "\0", "page": "\0"})
        assert response.status_code == 200, address
    roster = teacher.get(searches[1][1], {"q": "A\0da"}).content.decode()
    assert "Ada" in roster
    assert "Ben" not in roster.split("<tbody")[-1].split("</tbody>")[0]


@pytest.mark.django_db
def test_a_note_a_draft_and_an_answer_are_kept_without_it(
    world: World, course: Course, client_of: ClientOf, now: datetime
) -> None:
    teacher = client_of(world.tess)
    notes = f"/teach/classes/{world.classroom.uuid}/learners/{world.ada.uuid}/notes/"
    teacher.post(notes, {"text": "Ask about fractions."})
    note = TeacherNote.objects.get()
    teacher.post(f"{notes}{note.uuid}/", {"text": "Ask\0 again."})
    note.refresh_from_db()
    assert note.text == "Ask again."

    draft = draft_open(course, DraftKind.PROBLEM, "p-add", by=world.tess, now=now)
    written = draft.document | {"title": "Add\0 them up"}
    address = f"/content/drafts/{draft.uuid}/json/"
    refused = teacher.post(address, {"document": json.dumps(written)})
    assert "null character" in refused.content.decode()
    draft_save(draft, written, now=now)
    assert Draft.objects.get().document["title"] == "Add them up"
    assert teacher.post(f"/content/courses/{course.uuid}/problems/new/", {"lesson": "l\0-times"})
    assert {draft.document["lesson"] for draft in Draft.objects.all()} == {"l-add", "l-times"}

    session = session_start(world.ada, world.course, now=now)
    activity = activity_of(session)
    assert activity is not None
    answered = client_of(world.ada).post(
        f"/practice/{session.uuid}/answer/",
        {"attempt_token": str(activity.attempt_token), "kind": "number", "answer": "7\0"},
    )
    assert answered.status_code in {200, 302}
    assert Response.objects.get().raw_answer == "7"
