"""What a teacher says of a learner: words on skills and notes, on the learner's page."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.tutor.dashboards.support import respond, trace
from tests.world import World
from tutor.accounts.models import AuditEvent, User
from tutor.dashboards.words import words_of_learner
from tutor.roster.models import TeacherNote
from tutor.roster.services import classroom_create, classroom_join, teacher_add
from tutor.scheduling.goals import override_make
from tutor.scheduling.models import Override, OverrideSays
from tutor.scheduling.selectors import statuses_of_learner
from tutor.scheduling.statuses import Status

ClientOf = Callable[[User], Client]


def to(name: str, world: World, learner: User | None = None, **more: object) -> str:
    kwargs = {
        "classroom_uuid": world.classroom.uuid,
        "learner_uuid": (learner or world.ada).uuid,
        **more,
    }
    return reverse(f"teach:{name}", kwargs=kwargs)


def said(world: World, skill: str = "b", **more: object) -> dict[str, object]:
    return {
        "skill": str(world.skills[skill].uuid),
        "says": "knows",
        "reason": "At the board.",
        "half_life_days": "30",
    } | more


def test_a_word_decides_the_status_and_leaves_the_models_number(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    respond(world, world.ada, "b", [False] * 4, at=now - timedelta(days=1))
    trace(world, world.ada, now=now)
    client = client_of(world.tess)
    before = client.get(to("learner", world)).context["skills"].rows[1]
    answer = client.post(to("word_say", world), said(world), follow=True)
    after = answer.context["skills"].rows[1]
    assert (before.status.status, after.status.status) == (Status.LOCKED, Status.MASTERED)
    assert after.percent == before.percent
    page = answer.content.decode()
    assert page.count("teacher: knows it") == 2
    assert "At the board." in page
    assert "counts 100\N{NO-BREAK SPACE}% today" in page
    mine = client_of(world.ada).get(
        reverse("skill", args=[world.course.uuid, world.skills["b"].uuid])
    )
    assert "Your teacher said on 2 March that you know this" in mine.content.decode()
    override = Override.objects.get()
    assert (override.created_by, override.half_life_days) == (world.tess, 30.0)
    event = AuditEvent.objects.get(action="override_make")
    assert event.object_id == str(world.ada.uuid)
    assert "board" not in str(event.detail)


def test_a_word_is_lifted_by_a_colleague_too(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    client_of(world.tess).post(to("word_say", world), said(world, says="not_yet"))
    teacher_add(world.classroom, username="zoe", by=world.tess, now=now)
    override = Override.objects.get()
    target = to("word_lift", world, word_uuid=override.uuid)
    page = client_of(world.zoe).post(target, follow=True).content.decode()
    assert "is lifted" in page
    assert "teacher: not yet" not in page
    client_of(world.zoe).post(target)
    override.refresh_from_db()
    assert override.lifted_at == now
    assert AuditEvent.objects.filter(action="override_lift").count() == 1


def test_a_word_fades_and_says_so(world: World, client_of: ClientOf, now: datetime) -> None:
    override_make(
        world.ada,
        world.skills["b"],
        says=OverrideSays.KNOWS,
        half_life_days=14,
        by=world.tess,
        now=now - timedelta(days=28),
    )
    (word,) = words_of_learner(world.ada, world.course, now=now).values()
    assert (word.weight, word.is_in_force) == (0.25, False)
    statuses = statuses_of_learner(world.ada, world.course, now=now)
    assert statuses[world.skills["b"].pk].status is not Status.MASTERED
    page = client_of(world.tess).get(to("learner", world)).content.decode()
    assert "counts 25\N{NO-BREAK SPACE}% today" in page
    assert "faded" in page


@pytest.mark.parametrize(
    "change", [{"skill": ""}, {"skill": "x"}, {"says": "maybe"}, {"reason": " "}]
)
def test_half_a_word_comes_back_with_the_form(
    world: World, client_of: ClientOf, change: dict[str, object]
) -> None:
    answer = client_of(world.tess).post(to("word_say", world), said(world) | change)
    assert answer.status_code == 422
    assert '<details class="say" open>' in answer.content.decode()
    assert not Override.objects.exists()


def test_words_of_other_learners_cannot_be_lifted_from_here(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    foreign = override_make(
        world.zed, world.skills["a"], says=OverrideSays.OPEN, by=world.zoe, now=now
    )
    client = client_of(world.tess)
    for learner in (world.ada, world.zed):
        target = to("word_lift", world, learner, word_uuid=foreign.uuid)
        assert client.post(target).status_code == 404


def test_a_note_is_kept_for_the_teachers_of_the_class_and_nobody_else(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    client = client_of(world.tess)
    client.post(to("note_new", world), {"text": "Reads well.\nAsks much."})
    teacher_add(world.classroom, username="zoe", by=world.tess, now=now)
    page = client_of(world.zoe).get(to("learner", world)).content.decode()
    assert "Reads well.<br>Asks much." in page
    # Not to the learner, and not to teachers of the learner's other class.
    for address in ("/learn/", f"/learn/{world.course.uuid}/progress/", "/account/data/"):
        assert b"Reads well" not in client_of(world.ada).get(address).content
    other = classroom_create(name="8x", course=world.course, teachers=[world.root], now=now)
    classroom_join(world.ada, join_code=other.join_code, now=now)
    elsewhere = reverse("teach:learner", args=[other.uuid, world.ada.uuid])
    assert b"Reads well" not in client_of(world.root).get(elsewhere).content


def test_only_its_author_changes_a_note(world: World, client_of: ClientOf, now: datetime) -> None:
    client = client_of(world.tess)
    client.post(to("note_new", world), {"text": "First."})
    note = TeacherNote.objects.get()
    target = to("note_change", world, note_uuid=note.uuid)
    assert client_of(world.root).post(target, {"text": "Mine."}).status_code == 403
    client.post(target, {"text": "Second.", "do": "save"})
    page = client.get(to("learner", world)).content.decode()
    assert "Second." in page
    assert "changed 2 Mar 2026" in page
    refused = client.post(target, {"text": " ", "do": "save"})
    assert refused.status_code == 422
    assert "Write something" in refused.content.decode()
    client.post(target, {"do": "delete"})
    assert not TeacherNote.objects.exists()


def test_a_note_that_grew_too_long_is_not_lost(world: World, client_of: ClientOf) -> None:
    client = client_of(world.tess)
    client.post(to("note_new", world), {"text": "First."})
    note = TeacherNote.objects.get()
    text = "All of it, <b>and</b> more. " * 100
    answer = client.post(
        to("note_change", world, note_uuid=note.uuid), {"text": text, "do": "save"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f"The note has {len(text.strip())} characters" in page
    assert "All of it, &lt;b&gt;and&lt;/b&gt; more." in page
    assert page.count(f'aria-describedby="note-{note.uuid}-error"') == 1
    assert '<details class="say" open>' in page
    note.refresh_from_db()
    assert note.text == "First."


def test_an_empty_note_comes_back_with_the_form(world: World, client_of: ClientOf) -> None:
    answer = client_of(world.tess).post(to("note_new", world), {"text": " "})
    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()
