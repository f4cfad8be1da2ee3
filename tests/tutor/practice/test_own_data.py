"""Taking along what the site holds, and deleting the account."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client, override_settings

from tests.world import PASSWORD, World
from tutor.accounts.models import ApiToken, User
from tutor.accounts.services import audit_record
from tutor.practice.own_data import SECRET_FIELDS, learner_tables, own_data_zip
from tutor.practice.recording import activity_of
from tutor.practice.services import answer_submit, session_start
from tutor.responses.models import Regrade, Response
from tutor.scheduling.goals import assignment_make, goal_set

ClientOf = Callable[[User], Client]
ZIP = "/account/data/stepwise-data.zip"


@pytest.fixture
def answered(world: World, now: datetime) -> World:
    """Ada and ben answered; ada's answer begins with what a spreadsheet takes for a formula."""
    for learner, raw in ((world.ada, "-41"), (world.ben, "42")):
        session = session_start(learner, world.course, now=now)
        activity = activity_of(session)
        assert activity is not None
        answer_submit(session, raw_answer=raw, attempt_token=activity.attempt_token, now=now)
    return world


def archive_of(client: Client) -> zipfile.ZipFile:
    response = client.get(ZIP)
    assert response.status_code == 200
    assert isinstance(response.streaming_content, Iterator)
    content = b"".join(response.streaming_content)
    return zipfile.ZipFile(io.BytesIO(content))


def table(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(archive.read(f"json/{name}.json"))
    return rows


def test_the_archive_has_the_own_answers_and_nobody_elses(
    answered: World, client_of: ClientOf
) -> None:
    archive = archive_of(client_of(answered.ada))
    assert archive.testzip() is None
    rows = table(archive, "responses_response_by_learner")
    assert [row["raw_answer"] for row in rows] == ["-41"]
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"42" not in [row["raw_answer"].encode() for row in rows]
    assert b'"ben"' not in everything
    assert b"Ben" not in everything


def test_answers_and_estimates_are_tables_for_a_spreadsheet(
    answered: World, client_of: ClientOf
) -> None:
    archive = archive_of(client_of(answered.ada))
    (answer,) = csv.DictReader(io.StringIO(archive.read("answers.csv").decode()))
    assert answer["answer"] == "'-41"
    assert (answer["skills"], answer["is_correct"], answer["is_counted"]) == (
        "Skill a",
        "False",
        "True",
    )
    (belief,) = csv.DictReader(io.StringIO(archive.read("beliefs.csv").decode()))
    assert (belief["skill"], belief["n_answers"]) == ("Skill a", "1")
    assert float(belief["lower_80"]) <= float(belief["p_correct"]) <= float(belief["upper_80"])


def test_every_table_that_points_to_the_learner_is_in_the_archive(
    answered: World, now: datetime, client_of: ClientOf
) -> None:
    ada = answered.ada
    skill = answered.skills["b"]
    goal_set(ada, answered.course, skill_ids=[skill.pk], now=now)
    assignment_make(
        answered.classroom,
        title="Sums",
        skill_ids=[skill.pk],
        due_at=now.replace(year=2027),
        learners=[ada],
        by=answered.tess,
        now=now,
    )
    audit_record(ada, action="look", now=now)
    Regrade.objects.create(
        response=Response.objects.get(learner=ada), is_correct=True, reason="key", regraded_at=now
    )
    AccessAttempt.objects.create(username="ada", ip_address="10.0.0.1", failures_since_start=1)
    names = set(archive_of(client_of(ada)).namelist())
    for model, column in learner_tables():
        if model._default_manager.filter(**{column: ada}).exists():
            name = model._meta.label_lower.replace(".", "_")
            assert f"json/{name}_by_{column}.json" in names
    for expected in (
        "account",
        "roster_enrolment_by_learner",
        "scheduling_plan_by_learner",
        "scheduling_goal_by_learner",
        "practice_session_by_learner",
        "tracing_learnerstate_by_learner",
        "accounts_auditevent_by_actor",
        "responses_regrade_of_answers",
        "axes_accessattempt",
    ):
        assert f"json/{expected}.json" in names


def test_no_secret_leaves_the_site(answered: World, now: datetime) -> None:
    ApiToken.objects.create(
        user=answered.ada,
        name="t",
        prefix="sw_x",
        digest="d" * 64,
        created_at=now,
        expires_at=now,
    )
    with own_data_zip(answered.ada, now=now) as file, zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                for row in json.loads(archive.read(name)):
                    assert not SECRET_FIELDS & row.keys()
            assert answered.ada.password.encode() not in archive.read(name)


@pytest.mark.parametrize("address", ["/account/data/", ZIP, "/account/delete/"])
def test_own_data_is_for_learners_who_are_logged_in(
    world: World, client: Client, client_of: ClientOf, address: str
) -> None:
    assert client.get(address)["Location"].startswith("/login/?next=")
    assert client_of(world.tess).get(address).status_code == 403
    response = client_of(world.ada).get(address)
    assert response.status_code == 200
    # A download is closed by whoever reads it to its end.
    assert b"".join(response)  # type: ignore[arg-type]
    assert client_of(world.ada).put(address).status_code == 405


def test_deleting_asks_for_the_password_and_for_being_sure(
    answered: World, client_of: ClientOf
) -> None:
    client = client_of(answered.ada)
    for given, said in (
        ({"password": "wrong", "is_sure": "on"}, "This is not your password"),
        ({"password": PASSWORD}, "This field is required"),
    ):
        response = client.post("/account/delete/", given)
        assert response.status_code == 422
        assert said in response.content.decode()
    assert User.objects.filter(pk=answered.ada.pk).exists()


@pytest.mark.parametrize(("setting", "n_left"), [("keep", 2), ("delete", 1)])
def test_deleting_ends_the_account_and_logs_out(
    answered: World, client_of: ClientOf, setting: str, n_left: int
) -> None:
    client = client_of(answered.ada)
    with override_settings(ERASURE=setting):
        response = client.post(
            "/account/delete/", {"password": PASSWORD, "is_sure": "on"}, follow=True
        )
    assert "Your account is deleted." in response.content.decode()
    assert not User.objects.filter(username="ada").exists()
    assert Response.objects.count() == n_left
    assert not Response.objects.filter(raw_answer="-41").exists()
    assert client.get("/learn/").status_code == 302
    assert User.objects.filter(username="ben").exists()
