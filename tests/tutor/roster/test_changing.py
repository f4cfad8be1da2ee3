"""Join codes, archives, colleagues, moving on, and notes."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.world import PASSWORD, World
from tutor.accounts.models import ApiToken, AuditEvent, Scope, User
from tutor.accounts.passwords import (
    ROUNDS_OF_MADE,
    password_hash_made,
    password_make,
    password_renew,
)
from tutor.accounts.services import token_create
from tutor.common.errors import TutorError
from tutor.roster.access import classroom_for_teacher
from tutor.roster.membership import learner_move, learner_remove
from tutor.roster.models import Classroom, TeacherNote
from tutor.roster.notes import (
    NOTE_MOST,
    note_delete,
    note_edit,
    note_write,
    notes_of_learner,
)
from tutor.roster.selectors import classroom_learners
from tutor.roster.services import (
    classroom_archive,
    classroom_create,
    classroom_join,
    classroom_rename,
    join_code_renew,
    joining_switch,
    teacher_add,
    teacher_remove,
)


def recorded(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def refusal(error: pytest.ExceptionInfo[TutorError]) -> str:
    return error.value.code


def test_a_renewed_code_ends_the_old_one(world: World, now: datetime) -> None:
    old = world.classroom.join_code
    join_code_renew(world.classroom, by=world.tess, now=now)
    with pytest.raises(TutorError):
        classroom_join(world.zed, join_code=old, now=now)
    world.classroom.refresh_from_db()
    classroom_join(world.zed, join_code=world.classroom.join_code, now=now)
    assert recorded("join_code_renew") == 1


def test_a_code_that_is_switched_off_lets_nobody_in_until_it_is_on_again(
    world: World, now: datetime
) -> None:
    joining_switch(world.classroom, is_joinable=False, by=world.tess, now=now)
    with pytest.raises(TutorError) as refused:
        classroom_join(world.zed, join_code=world.classroom.join_code, now=now)
    assert refusal(refused) == "unknown_join_code"
    assert len(classroom_learners(world.classroom)) == 2
    joining_switch(world.classroom, is_joinable=True, by=world.tess, now=now)
    classroom_join(world.zed, join_code=world.classroom.join_code, now=now)


def test_an_archive_keeps_everything_and_lets_nobody_in(world: World, now: datetime) -> None:
    classroom_archive(world.classroom, is_archived=True, by=world.tess, now=now)
    with pytest.raises(TutorError):
        classroom_join(world.zed, join_code=world.classroom.join_code, now=now)
    assert classroom_for_teacher(world.tess, world.classroom.uuid).is_archived
    classroom_archive(world.classroom, is_archived=False, by=world.tess, now=now)
    assert len(classroom_learners(world.classroom)) == 2
    classroom_rename(world.classroom, name=" 6b at last ", by=world.tess, now=now)
    assert Classroom.objects.get(pk=world.classroom.pk).name == "6b at last"
    assert recorded("classroom_archive") == recorded("classroom_unarchive") == 1


def test_a_colleague_reaches_the_class_from_then_on_and_not_after(
    world: World, now: datetime
) -> None:
    assert teacher_add(world.classroom, username=" ZOE ", by=world.tess, now=now) == world.zoe
    teacher_add(world.classroom, username="zoe", by=world.tess, now=now)
    assert classroom_for_teacher(world.zoe, world.classroom.uuid) == world.classroom
    assert recorded("teacher_add") == 1
    teacher_remove(world.classroom, world.tess, by=world.zoe, now=now)
    assert list(world.classroom.teachers.all()) == [world.zoe]
    with pytest.raises(TutorError) as refused:
        teacher_remove(world.classroom, world.zoe, by=world.zoe, now=now)
    assert refusal(refused) == "last_teacher"


@pytest.mark.parametrize("username", ["ada", "nobody", ""])
def test_only_teachers_are_added(world: World, now: datetime, username: str) -> None:
    with pytest.raises(TutorError) as refused:
        teacher_add(world.classroom, username=username, by=world.tess, now=now)
    assert refusal(refused) == "unknown_teacher"


def test_who_is_removed_is_out_and_keeps_the_account(world: World, now: datetime) -> None:
    learner_remove(world.classroom, world.ada, by=world.tess, now=now)
    learner_remove(world.classroom, world.ada, by=world.tess, now=now)
    assert classroom_learners(world.classroom) == [world.ben]
    assert User.objects.filter(pk=world.ada.pk, is_active=True).exists()
    assert recorded("learner_remove") == 1


def test_a_learner_moves_between_classes_of_one_teacher_only(world: World, now: datetime) -> None:
    second = classroom_create(name="6c", course=world.course, teachers=[world.tess], now=now)
    foreign = Classroom.objects.get(name="Class 7a")

    def move(target: Classroom) -> None:
        learner_move(world.ada, source=world.classroom, target=target, by=world.tess, now=now)

    with pytest.raises(TutorError) as refused:
        move(foreign)
    assert refusal(refused) == "not_own_class"
    classroom_archive(second, is_archived=True, by=world.tess, now=now)
    with pytest.raises(TutorError) as refused:
        move(second)
    assert refusal(refused) == "class_archived"
    classroom_archive(second, is_archived=False, by=world.tess, now=now)
    move(second)
    assert classroom_learners(second) == [world.ada]
    assert classroom_learners(world.classroom) == [world.ben]
    with pytest.raises(TutorError) as refused:
        move(second)
    assert refusal(refused) == "not_in_class"
    assert recorded("learner_move") == 1


def test_moving_to_a_class_one_is_in_already_only_leaves(world: World, now: datetime) -> None:
    second = classroom_create(name="6c", course=world.course, teachers=[world.tess], now=now)
    classroom_join(world.ada, join_code=second.join_code, now=now)
    learner_move(world.ada, source=world.classroom, target=second, by=world.tess, now=now)
    assert classroom_learners(second) == [world.ada]


def test_a_new_password_logs_everybody_out_and_revokes_tokens(
    world: World, now: datetime, client: Client
) -> None:
    assert client.post("/login/", {"username": "ada", "password": PASSWORD}).status_code == 302
    token_create(
        world.ada, name="t", scopes=[Scope.READ], expires_at=now + timedelta(days=1), now=now
    )
    plain = password_renew(world.ada, by=world.tess, now=now)
    assert client.get("/learn/").status_code == 302
    assert not ApiToken.objects.filter(user=world.ada, revoked_at=None).exists()
    assert client.post("/login/", {"username": "ada", "password": PASSWORD}).status_code == 422
    assert client.post("/login/", {"username": "ada", "password": plain}).status_code == 302
    event = AuditEvent.objects.get(action="password_set")
    assert (event.object_id, event.detail) == (str(world.ada.uuid), {"tokens_revoked": 1})


def test_passwords_differ_and_are_easy_to_type() -> None:
    made = {password_make() for _each in range(200)}
    assert len(made) == 200
    assert all(len(one) == 17 and one == one.lower() for one in made)


def test_a_made_password_is_brought_to_full_cost_at_the_first_log_in(
    world: World, client: Client, settings: object
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]  # type: ignore[attr-defined]
    plain = password_make()
    world.ada.password = password_hash_made(plain)
    world.ada.save()
    assert world.ada.password.split("$")[1] == str(ROUNDS_OF_MADE)
    assert client.post("/login/", {"username": "ada", "password": plain}).status_code == 302
    world.ada.refresh_from_db()
    assert int(world.ada.password.split("$")[1]) >= 870_000
    assert client.get("/learn/").status_code == 200


def test_notes_are_dated_and_changed_by_their_author_only(world: World, now: datetime) -> None:
    note = note_write(world.classroom, world.ada, text=" Reads well. ", by=world.tess, now=now)
    later = now + timedelta(days=1)
    note_edit(note, text="Reads very well.", by=world.tess, now=later)
    (found,) = notes_of_learner(world.classroom, world.ada)
    assert (found.text, found.written_at, found.edited_at) == ("Reads very well.", now, later)
    with pytest.raises(TutorError) as refused:
        note_edit(note, text="No.", by=world.root, now=later)
    assert refusal(refused) == "not_author"
    with pytest.raises(TutorError) as refused:
        note_delete(note, by=world.zoe, now=later)
    assert refusal(refused) == "not_author"
    note_delete(note, by=world.tess, now=later)
    assert not TeacherNote.objects.exists()
    assert [recorded(f"note_{deed}") for deed in ("write", "edit", "delete")] == [1, 1, 1]
    assert "Reads" not in str(list(AuditEvent.objects.values_list("detail")))


@pytest.mark.parametrize(
    ("text", "code"), [("  ", "note_empty"), ("x" * (NOTE_MOST + 1), "note_long")]
)
def test_a_note_says_something_and_not_too_much(
    world: World, now: datetime, text: str, code: str
) -> None:
    with pytest.raises(TutorError) as refused:
        note_write(world.classroom, world.ada, text=text, by=world.tess, now=now)
    assert refusal(refused) == code


def test_notes_stay_with_the_class_they_were_written_in(world: World, now: datetime) -> None:
    second = classroom_create(name="6c", course=world.course, teachers=[world.tess], now=now)
    note_write(world.classroom, world.ada, text="Here.", by=world.tess, now=now)
    assert notes_of_learner(second, world.ada) == []
