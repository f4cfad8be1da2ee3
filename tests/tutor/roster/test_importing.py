"""Importing learners: a preview, all or nothing, and nothing the second time."""

from datetime import datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.world import PASSWORD, World
from tutor.accounts.models import AuditEvent, User
from tutor.common.errors import TutorError
from tutor.roster.importing import Deed, RosterPlan, Slip, roster_import, roster_plan
from tutor.roster.models import Classroom, Enrolment
from tutor.roster.selectors import classroom_learners
from tutor.roster.services import classroom_create, classroom_join
from tutor.roster.sheets import sheet_read


def plan(world: World, text: str, *, by: User | None = None) -> RosterPlan:
    sheet = sheet_read(text, file="6b.csv")
    return roster_plan(world.classroom, sheet, by=by or world.tess)


def do(world: World, text: str, *, now: datetime) -> tuple[Slip, ...]:
    sheet = sheet_read(text, file="6b.csv")
    return roster_import(world.classroom, sheet, by=world.tess, now=now)


def names(classroom: Classroom) -> list[str]:
    return [learner.display_name for learner in classroom_learners(classroom)]


def test_new_learners_get_an_account_and_a_password_that_works(world: World, now: datetime) -> None:
    slips = do(world, "name,username,password\nCleo Roy,cleo,\nDan Wu,dan,my own word\n", now=now)
    assert names(world.classroom) == ["Ada", "Ben", "Cleo Roy", "Dan Wu"]
    assert [slip.learner.username for slip in slips] == ["cleo", "dan"]
    for slip in slips:
        assert slip.learner.check_password(slip.password)
    assert slips[1].password == "my own word"
    assert all(slip.learner.is_learner for slip in slips)


def test_nothing_is_written_while_a_row_is_wrong(world: World, now: datetime) -> None:
    with pytest.raises(TutorError) as refused:
        do(world, "name,username\nCleo,cleo\nDan,d a n\n", now=now)
    assert refused.value.code == "roster_errors"
    assert names(world.classroom) == ["Ada", "Ben"]
    assert not User.objects.filter(username="cleo").exists()


def test_the_same_table_again_changes_nothing(world: World, now: datetime) -> None:
    table = "name,username,password\nCleo,cleo,first word\nDan,,\n"
    do(world, table, now=now)
    before = list(User.objects.order_by("pk").values_list("pk", "username", "password"))
    again = plan(world, table.replace("first word", "other word"))
    assert (again.n_kept, again.changes) == (2, False)
    assert do(world, table, now=now) == ()
    assert list(User.objects.order_by("pk").values_list("pk", "username", "password")) == before
    assert Enrolment.objects.filter(classroom=world.classroom, left_at=None).count() == 4
    assert AuditEvent.objects.filter(action="roster_import").count() == 1


def test_usernames_are_made_from_names_and_stay_free_of_each_other(
    world: World, now: datetime
) -> None:
    User.objects.create(username="ann.lee", display_name="Another Ann")
    slips = do(world, "José María Núñez\nAnn Lee\n山田\nÅ\n", now=now)
    assert [slip.learner.username for slip in slips] == ["jose.nunez", "ann.lee2", "learner", "a"]


def test_a_learner_of_ones_own_is_recognised_by_username(world: World, now: datetime) -> None:
    other = classroom_create(name="Old", course=world.course, teachers=[world.tess], now=now)
    classroom_join(world.zed, join_code=other.join_code, now=now)
    found = plan(world, "name,username\nZED,Zed\n")
    assert [(each.deed, each.learner) for each in found.planned] == [(Deed.ENROL, world.zed)]
    assert do(world, "name,username\nZed,zed\n", now=now) == ()
    assert "Zed" in names(world.classroom)
    world.zed.refresh_from_db()
    assert world.zed.check_password(PASSWORD)


@pytest.mark.parametrize("username", ["zed", "zoe", "root", "tess"])
def test_nobody_elses_learner_and_no_teacher_is_taken_by_username(
    world: World, username: str
) -> None:
    (error,) = plan(world, f"name,username\nCleo,Cleo\n{username},{username.upper()}\n").errors
    assert (error.line, error.column, error.value) == (3, "username", username.upper())
    assert "join by code" in error.expected


def test_an_administrator_may_enrol_any_learner(world: World) -> None:
    assert plan(world, "name,username\nZed,zed\n", by=world.root).n_enrolled == 1


def test_a_username_with_another_name_is_probably_another_person(
    world: World, now: datetime
) -> None:
    other = classroom_create(name="Old", course=world.course, teachers=[world.tess], now=now)
    classroom_join(world.zed, join_code=other.join_code, now=now)
    (error,) = plan(world, "name,username\nZara,zed\n").errors
    assert (error.column, error.value) == ("name", "Zara")
    kept = plan(world, "name,username\nAdeline,ada\n")
    assert [(each.deed, each.is_renamed) for each in kept.planned] == [(Deed.KEEP, True)]


def test_a_name_that_two_of_the_class_have_needs_a_username(world: World, now: datetime) -> None:
    do(world, "name,username\nAnn,ann1\nann,ann2\n", now=now)
    (error,) = plan(world, "Ann\n").errors
    assert (error.line, error.column) == (1, "name")


def test_a_weak_password_is_refused_in_words_and_not_repeated(world: World) -> None:
    (error,) = plan(world, "name,username,password\nCleo,cleo,12345\n").errors
    assert (error.line, error.column, error.value) == (2, "password", "(not shown)")
    assert "8 characters" in error.expected
    assert "12345" not in str(error)


def test_the_log_tells_who_was_made_without_names(world: World, now: datetime) -> None:
    (slip,) = do(world, "Cleo Roy\n", now=now)
    event = AuditEvent.objects.get(action="roster_import")
    assert event.actor == world.tess
    assert event.detail == {"created": [str(slip.learner.uuid)], "enrolled": [], "kept": 0}


def test_a_username_that_is_taken_at_the_last_moment_undoes_everything(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = plan(world, "name,username\nCleo,cleo\nDan,dan\n")
    User.objects.create(username="DAN", display_name="Quick")
    monkeypatch.setattr("tutor.roster.importing.roster_plan", lambda *_args, **_more: stale)
    with pytest.raises(TutorError) as refused:
        do(world, "name,username\nCleo,cleo\nDan,dan\n", now=now)
    assert refused.value.code == "roster_changed"
    assert not User.objects.filter(username="cleo").exists()


def test_a_preview_takes_as_many_queries_for_many_rows(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in (2, 200):
        table = "name,username\n" + "".join(
            f"Name {number},{f'u{number}' if number % 2 else ''}\n" for number in range(n)
        )
        with django_assert_num_queries(3):
            assert not plan(world, table).errors


def test_names_of_imported_learners_are_taken_by_nobody_before(world: World) -> None:
    """Whoever had such a name would be given the history of the log's learner."""
    (error,) = plan(world, "name,username\nEve,Import-0123456789abcdef0123\n").errors
    assert (error.column, "imported logs" in error.expected) == ("username", True)
    imported = User.objects.create_user("import-77", display_name="Learner 7")
    world.classroom.enrolments.create(learner=imported, joined_at=world.classroom.created_at)
    assert plan(world, "name,username\nLearner 7,import-77\n").n_kept == 1
