"""The pages on which a teacher keeps a class."""

import csv
import io
from collections.abc import Callable
from datetime import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.tutor.dashboards.support import classmates
from tests.world import PASSWORD, World
from tutor.accounts.models import AuditEvent, User
from tutor.roster.models import Classroom
from tutor.roster.selectors import classroom_learners
from tutor.roster.services import classroom_create, classroom_join
from tutor.roster.sheets import MOST_BYTES

ClientOf = Callable[[User], Client]

BAD_TABLE = "name;username\nCleo Roy;cleo\n;dan\nEva Ek;e v a\n"


def to(name: str, world: World, learner: User | None = None, **more: object) -> str:
    kwargs = {"classroom_uuid": world.classroom.uuid, **more}
    if learner is not None:
        kwargs["learner_uuid"] = learner.uuid
    return reverse(f"teach:{name}", kwargs=kwargs)


def names(world: World) -> list[str]:
    return [learner.display_name for learner in classroom_learners(world.classroom)]


def test_the_roster_lists_and_searches_by_name_and_username(
    world: World, client_of: ClientOf
) -> None:
    client = client_of(world.tess)
    whole = client.get(to("roster", world)).content.decode()
    assert "Ada" in whole
    assert "Ben" in whole
    assert world.classroom.join_code in whole
    for words in ("AD", "ada"):
        found = client.get(to("roster", world), {"q": words}).content.decode()
        assert "Ada" in found
        assert "Ben" not in found
    part = client.get(to("roster", world), {"q": "be"}, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "Ben" in part.content.decode()


def test_the_rosters_queries_do_not_grow_with_the_class(
    world: World,
    client_of: ClientOf,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_of(world.tess)
    client.get(to("roster", world))
    for n in (1, 20):
        with django_assert_num_queries(6):
            assert client.get(to("roster", world)).status_code == 200
        if n == 1:
            classmates(world, 20, now=now)


def test_the_exported_roster_imports_as_nothing_to_do(world: World, client_of: ClientOf) -> None:
    User.objects.filter(pk=world.ben.pk).update(display_name="=1+1")
    client = client_of(world.tess)
    answer = client.get(to("roster_csv", world))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    text = answer.content.decode("utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(text))] == ["name", "'=1+1", "Ada"]
    file = SimpleUploadedFile("roster.csv", answer.content)
    again = client.post(to("roster_import", world), {"file": file, "check": "1"})
    assert again.status_code == 200
    assert "There is nothing to import" in again.content.decode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_file_is_checked_before_anything_is_written_then_imported(
    world: World, client_of: ClientOf, encoding: str
) -> None:
    client = client_of(world.tess)
    file = SimpleUploadedFile("6b.csv", "Name;Username\nJosé;jose\nAda;ada\n".encode(encoding))
    look = client.post(to("roster_import", world), {"file": file, "check": "1"})
    page = look.content.decode()
    assert look.status_code == 200
    assert "Import 2 learners" in page
    assert names(world) == ["Ada", "Ben"]
    text = look.context["plan"].sheet.text
    done = client.post(to("roster_import", world), {"text": text, "apply": "1", "name": "6b.csv"})
    assert done.status_code == 201
    assert names(world) == ["Ada", "Ben", "José"]
    (slip,) = done.context["slips"]
    assert slip.password in done.content.decode()
    assert "Ada" not in done.content.decode()
    assert "no-store" in done.headers["Cache-Control"]
    assert User.objects.get(username="jose").check_password(slip.password)


def test_rows_that_are_wrong_are_listed_and_the_table_can_be_mended_in_place(
    world: World, client_of: ClientOf
) -> None:
    client = client_of(world.tess)
    for deed in ("check", "apply"):
        file = SimpleUploadedFile("6b.csv", BAD_TABLE.encode())
        answer = client.post(to("roster_import", world), {"file": file, deed: "1"})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "2 things in 6b.csv are not right" in page
        assert "<code>e v a</code>" in page
        assert "Eva Ek;e v a" in page
        assert names(world) == ["Ada", "Ben"]
    mended = BAD_TABLE.replace(";dan", "Dan;dan").replace("e v a", "eva")
    answer = client.post(to("roster_import", world), {"text": mended, "apply": "1"})
    assert answer.status_code == 201
    assert names(world) == ["Ada", "Ben", "Cleo Roy", "Dan", "Eva Ek"]
    again = client.post(to("roster_import", world), {"text": mended, "apply": "1"}, follow=True)
    assert "Nobody needed a new account" in again.content.decode()


def test_neither_file_nor_table_is_asked_for(world: World, client_of: ClientOf) -> None:
    answer = client_of(world.tess).post(to("roster_import", world), {"text": " "})
    assert answer.status_code == 422
    assert "Choose a file" in answer.content.decode()


def test_a_file_that_is_no_text_is_refused_with_its_place(
    world: World, client_of: ClientOf
) -> None:
    file = SimpleUploadedFile("photo.csv", b"name\n\x81\n")
    answer = client_of(world.tess).post(to("roster_import", world), {"file": file})
    assert answer.status_code == 422
    assert "UTF-16 or Windows-1252" in answer.content.decode()


def test_one_learner_is_added_by_hand(world: World, client_of: ClientOf) -> None:
    client = client_of(world.tess)
    answer = client.post(to("learner_new", world), {"name": "Cleo Roy"})
    assert answer.status_code == 201
    assert User.objects.get(username="cleo.roy").check_password(answer.context["slips"][0].password)
    again = client.post(to("learner_new", world), {"name": "cleo roy"})
    assert again.status_code == 422
    assert "in the class already" in again.content.decode()
    for form, words in (
        ({"name": ""}, "required"),
        ({"name": "Zed", "username": "zed"}, "join by code"),
        ({"name": "Dan", "password": "123"}, "8 characters"),
        ({"name": "Dan", "username": "d an"}, "without blanks"),
        ({"name": '"Dan', "username": "d,an"}, "without blanks"),
    ):
        refused = client.post(to("learner_new", world), form)
        assert refused.status_code == 422
        assert words in refused.content.decode()


def test_a_learner_of_another_of_ones_classes_is_added_without_a_slip(
    world: World, client_of: ClientOf, now: datetime
) -> None:
    other = classroom_create(name="Old", course=world.course, teachers=[world.tess], now=now)
    classroom_join(world.zed, join_code=other.join_code, now=now)
    answer = client_of(world.tess).post(
        to("learner_new", world), {"name": "Zed", "username": "zed"}, follow=True
    )
    assert "Nobody needed a new account" in answer.content.decode()
    assert "Zed" in names(world)


def test_the_join_code_is_renewed_and_switched(world: World, client_of: ClientOf) -> None:
    client, old = client_of(world.tess), world.classroom.join_code
    page = client.post(to("join_code", world), {"do": "renew"}, follow=True).content.decode()
    assert old not in page
    page = client.post(to("join_code", world), {"do": "close"}, follow=True).content.decode()
    assert "Switched off" in page
    assert not Classroom.objects.get(pk=world.classroom.pk).is_joinable
    client.post(to("join_code", world), {"do": "open"})
    assert Classroom.objects.get(pk=world.classroom.pk).is_joinable
    assert client.post(to("join_code", world), {"do": "else"}).status_code == 404


def test_a_new_password_is_shown_once_and_works(world: World, client_of: ClientOf) -> None:
    client = client_of(world.tess)
    learners = Client()
    assert learners.post("/login/", {"username": "ada", "password": PASSWORD}).status_code == 302
    answer = client.post(to("learner_password", world, world.ada))
    assert answer.status_code == 201
    plain = answer.context["slips"][0].password
    assert plain in answer.content.decode()
    assert learners.get("/learn/").status_code == 302
    assert learners.post("/login/", {"username": "ada", "password": plain}).status_code == 302
    event = AuditEvent.objects.get(action="password_set")
    assert (event.actor, event.object_id) == (world.tess, str(world.ada.uuid))
    assert client.get(to("learner_password", world, world.ada)).status_code == 405


def test_nobody_elses_learner_gets_a_new_password(world: World, client_of: ClientOf) -> None:
    before = User.objects.get(pk=world.zed.pk).password
    for user, learner in (
        (world.tess, world.zed),
        (world.tess, world.tess),
        (world.zoe, world.ada),
    ):
        answer = client_of(user).post(to("learner_password", world, learner))
        assert answer.status_code == 404
    assert User.objects.get(pk=world.zed.pk).password == before


def test_moving_and_taking_out(world: World, client_of: ClientOf, now: datetime) -> None:
    client = client_of(world.tess)
    assert (
        "You teach no other class" in client.get(to("account", world, world.ada)).content.decode()
    )
    second = classroom_create(name="6c", course=world.course, teachers=[world.tess], now=now)
    foreign = Classroom.objects.get(name="Class 7a")
    page = client.get(to("account", world, world.ada)).content.decode()
    assert "6c · Sums" in page
    assert "Class 7a" not in page
    refused = client.post(to("learner_move", world, world.ada), {"target": foreign.pk})
    assert refused.status_code == 422
    moved = client.post(to("learner_move", world, world.ada), {"target": second.pk}, follow=True)
    assert "Ada is in 6c now" in moved.content.decode()
    client.post(to("learner_remove", world, world.ben))
    assert names(world) == []
    assert classroom_learners(second) == [world.ada]


def test_settings_rename_archive_and_share_a_class(world: World, client_of: ClientOf) -> None:
    client, zoe = client_of(world.tess), client_of(world.zoe)
    assert client.post(to("settings", world), {"name": " "}).status_code == 422
    client.post(to("settings", world), {"name": "6b maths"})
    assert "6b maths" in client.get(to("settings", world)).content.decode()
    refused = client.post(to("teacher_add", world), {"username": "ada"})
    assert refused.status_code == 422
    assert "No teacher has the username" in refused.content.decode()
    client.post(to("teacher_add", world), {"username": "zoe"})
    assert zoe.get(to("settings", world)).status_code == 200
    gone = client.post(to("teacher_remove", world, teacher_uuid=world.tess.uuid))
    assert gone.headers["Location"] == "/teach/"
    assert client.get(to("settings", world)).status_code == 404
    last = zoe.post(to("teacher_remove", world, teacher_uuid=world.zoe.uuid), follow=True)
    assert "is the only teacher" in last.content.decode()
    zoe.post(to("archive", world), {"do": "archive"})
    page = zoe.get(to("settings", world)).content.decode()
    assert "This class is archived" in page
    assert "Bring it back" in zoe.get(to("settings", world)).content.decode()
    zoe.post(to("archive", world), {"do": "unarchive"})
    assert not Classroom.objects.get(pk=world.classroom.pk).is_archived


def test_a_file_that_is_too_large_is_not_read(world: World, client_of: ClientOf) -> None:
    file = SimpleUploadedFile("6b.csv", b"name\n" + b"x" * MOST_BYTES)
    answer = client_of(world.tess).post(
        reverse("teach:roster_import", args=[world.classroom.uuid]), {"file": file}
    )
    assert answer.status_code == 422
    assert f"{MOST_BYTES + 5} bytes" in answer.text
    assert len(answer.content) < MOST_BYTES / 10
