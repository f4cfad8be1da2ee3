"""The demo: made by the services that pages use, repeatable, whole, and gone when asked."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tutor.accounts.models import Role, User
from tutor.accounts.services import account_create
from tutor.content.demo.assemble import demo_bundle
from tutor.content.models import Course
from tutor.operations import demo, simulated
from tutor.operations.demo import DemoResult, demo_is_complete, demo_load, demo_remove
from tutor.operations.demo_accounts import ACCOUNTS, DEMO_PASSWORD, LEARNER, demo_accounts_open
from tutor.practice.models import Activity
from tutor.responses.models import Response
from tutor.roster.models import Classroom, Enrolment
from tutor.roster.services import classroom_join
from tutor.scheduling.models import Plan
from tutor.tracing.models import LearnerState

pytestmark = pytest.mark.django_db
FEW = ("Amara", "Yusuf")


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two learners, two skills and few sittings: the whole demo takes half a minute."""
    monkeypatch.setattr(demo, "NAMES", FEW)
    monkeypatch.setattr(demo, "demo_bundle", small_bundle)
    monkeypatch.setattr(simulated, "SITTINGS", (3, 3))


def small_bundle() -> dict[str, Any]:
    bundle = demo_bundle()
    skills = {skill["id"] for skill in bundle["skills"][:2]}
    lessons = [lesson for lesson in bundle["lessons"] if set(lesson["skills"]) <= skills]
    kept = {lesson["id"] for lesson in lessons}
    return bundle | {
        "skills": bundle["skills"][:2],
        "prerequisites": [
            edge for edge in bundle["prerequisites"] if {edge["from"], edge["to"]} <= skills
        ],
        "lessons": lessons,
        "problems": [
            problem
            for problem in bundle["problems"]
            if problem["lesson"] in kept
            and all(set(step["skills"]) <= skills for step in problem["steps"])
        ],
    }


def load(now: datetime) -> DemoResult:
    return demo_load(now=now, progress=lambda done, total: None)


def log() -> list[tuple[str, str, bool, datetime]]:
    rows = Response.objects.order_by("id")
    return list(rows.values_list("step__key", "raw_answer", "is_correct", "answered_at"))


def test_the_demo_has_every_role_and_a_class_of_simulated_learners(now: datetime) -> None:
    result = load(now)
    assert result.n_learners == len(FEW)
    roles = [User.objects.get(username=account.username).role for account in ACCOUNTS]
    assert sorted(roles) == [Role.ADMINISTRATOR, Role.LEARNER, Role.TEACHER, Role.TEACHER]
    classroom = Classroom.objects.get()
    assert classroom.teachers.count() == 2
    enrolled = User.objects.filter(enrolments__classroom=classroom)
    assert enrolled.filter(is_simulated=True).count() == len(FEW)
    assert enrolled.get(is_simulated=False).username == LEARNER.username


def test_history_is_real_responses_states_and_plans_within_four_weeks(now: datetime) -> None:
    result = load(now)
    observed = Response.objects.filter(is_observation=True)
    assert observed.count() == result.n_steps > 10
    assert {True, False} == set(observed.values_list("is_correct", flat=True))
    state = LearnerState.objects.get(learner__display_name="Amara")
    assert state.n_observations == result.n_steps
    assert not state.is_stale
    assert Plan.objects.filter(response__isnull=False).count() > 8
    times = [answered_at for *_, answered_at in log()]
    assert times == sorted(times)
    assert now - timedelta(days=28, hours=12) < times[0]
    assert times[-1] < now
    assert not Activity.objects.filter(finished_at=None).exists()


def test_the_fresh_learner_has_answered_nothing(now: datetime) -> None:
    load(now)
    assert not Response.objects.filter(learner__username=LEARNER.username).exists()


def test_nobody_can_log_in_as_a_simulated_learner(now: datetime) -> None:
    load(now)
    assert not any(user.has_usable_password() for user in User.objects.filter(is_simulated=True))


def test_a_second_load_changes_nothing(now: datetime) -> None:
    load(now)
    before = log()
    again = load(now + timedelta(days=1))
    assert again == DemoResult(is_new=False, n_learners=0, n_steps=0)
    assert log() == before
    assert Course.objects.get().version_number == 1


def test_a_class_is_added_later_with_learners_and_answers_of_its_own(now: datetime) -> None:
    load(now)
    before = log()
    result = demo_load(now=now, progress=lambda done, total: None, n_classes=2)
    assert result.n_learners == len(FEW)
    first, second = Classroom.objects.order_by("name")
    assert [first.name, second.name] == ["6b (demo)", "6c (demo)"]
    assert set(first.teachers.all()) == set(second.teachers.all())
    added = User.objects.filter(enrolments__classroom=second)
    assert {user.display_name for user in added} == {"Amara 2", "Yusuf 2"}
    assert all(user.is_simulated for user in added)
    assert log()[: len(before)] == before
    assert Response.objects.filter(learner__in=added).count() == len(log()) - len(before) > 0
    assert load(now) == DemoResult(is_new=False, n_learners=0, n_steps=0)
    demo_remove(now=now)
    assert not User.objects.exists()
    assert not Classroom.objects.exists()


def test_an_interrupted_load_is_taken_up_where_it_stopped(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo_load(now=now, progress=interrupt)
    assert not demo_is_complete()
    assert User.objects.filter(is_simulated=True).count() == 1
    result = load(now)
    assert result.n_learners == 1
    assert User.objects.filter(is_simulated=True).count() == 2
    assert Enrolment.objects.count() == 3
    assert demo_is_complete()


def test_the_same_seed_gives_the_same_first_answers(now: datetime) -> None:
    load(now)
    first = log()[:5]
    demo_remove(now=now)
    load(now)
    # Which step comes is drawn from row numbers, which differ; that a learner comes then does not.
    assert [answered_at for *_, answered_at in log()[:1]] == [first[0][3]]


def test_removal_takes_people_answers_and_class_and_leaves_the_course(now: datetime) -> None:
    load(now)
    removal = demo_remove(now=now)
    assert removal.n_accounts == len(ACCOUNTS) + len(FEW)
    assert not User.objects.exists()
    assert not Response.objects.exists()
    assert not Classroom.objects.exists()
    assert Course.objects.count() == 1


def test_removal_keeps_a_class_that_a_real_learner_joined(now: datetime) -> None:
    load(now)
    real = account_create(username="ida", display_name="Ida", password="x")
    classroom_join(real, join_code=Classroom.objects.get().join_code, now=now)
    assert demo_remove(now=now).is_class_kept
    assert Enrolment.objects.get().learner == real
    assert User.objects.get() == real


def test_removal_asks_first(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    load(now)
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    with pytest.raises(CommandError, match="Nothing was deleted"):
        call_command("remove_demo", stdout=io.StringIO())
    assert User.objects.exists()


def test_only_accounts_with_the_published_password_count_as_open(now: datetime) -> None:
    load(now)
    assert len(demo_accounts_open()) == len(ACCOUNTS)
    user = User.objects.get(username=LEARNER.username)
    user.set_password("something else")
    user.save()
    assert LEARNER not in demo_accounts_open()


def test_the_command_prints_the_logins_once(now: datetime) -> None:
    out = io.StringIO()
    call_command("load_demo", stdout=out)
    assert DEMO_PASSWORD in out.getvalue()
    assert LEARNER.username in out.getvalue()
    again = io.StringIO()
    call_command("load_demo", stdout=again)
    assert "nothing was changed" in again.getvalue()


@pytest.mark.parametrize("change", [{"STEPWISE_HTTPS": True}, {"STEPWISE_HOST": "0.0.0.0"}])
def test_the_demo_does_not_come_where_other_machines_reach_its_published_password(
    settings: Settings, change: dict[str, object]
) -> None:
    settings.ENV = settings.ENV | change
    with pytest.raises(CommandError, match="published password"):
        call_command("load_demo", stdout=io.StringIO())
    assert not User.objects.exists()
