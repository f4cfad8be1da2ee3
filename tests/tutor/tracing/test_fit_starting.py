"""Fits that nobody asked for: when enough is new, found without counting the whole log."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kt_models.psi_kt.filter import FittedPSIKT
from tests.tutor.tracing.logs import log_make, response_of
from tests.tutor.tracing.psi_kt import SMALL, psi_kt_run, psi_kt_serving
from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.responses.models import Response
from tutor.tracing import engine
from tutor.tracing.fit_starting import NIGHTLY_RULE, VOLUME_RULE, StartRule, fits_start_due
from tutor.tracing.fits import fit_execute, fit_request
from tutor.tracing.models import FitRun, FitStatus, ModelVersion, VersionStatus


@pytest.fixture
def course(db: None, now: datetime) -> Course:
    return log_make(now=now)


def test_the_night_fits_only_what_has_enough_that_is_new(course: Course, now: datetime) -> None:
    names = {run.model_name for run in fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now)}
    assert names == {"bkt_forgets", "cakt_plus"}
    FitRun.objects.update(status=FitStatus.DONE, n_observations=1600)
    assert fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now) == []


def fitted(course: Course, now: datetime) -> None:
    """Both fits done on the log as it is."""
    fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now)
    newest = Response.objects.latest("pk").pk
    FitRun.objects.update(status=FitStatus.DONE, n_observations=1600, last_response_id=newest)


def answers_add(course: Course, now: datetime, *, n: int) -> None:
    learner = User.objects.get(username="log3")
    some = Response.objects.filter(learner=learner)[0]
    Response.objects.bulk_create(
        response_of(
            course, learner, some.step_id, some.skill_ids[0], True, now + timedelta(seconds=number)
        )
        for number in range(n)
    )


@pytest.mark.parametrize(("n_new", "n_fits"), [(199, 0), (200, 2)])
def test_what_is_new_counts_from_the_last_row_that_the_fit_read(
    course: Course, now: datetime, n_new: int, n_fits: int
) -> None:
    fitted(course, now)
    answers_add(course, now, n=n_new)
    assert len(fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now)) == n_fits


def test_late_history_is_new_although_its_answers_are_old(course: Course, now: datetime) -> None:
    fitted(course, now)
    answers_add(course, now - timedelta(days=400), n=300)
    assert len(fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now)) == 2


def test_the_share_of_what_the_last_fit_had_counts_too(course: Course, now: datetime) -> None:
    fitted(course, now)
    answers_add(course, now, n=300)
    rule = StartRule(at_least=100, share=0.20)
    assert fits_start_due(rule, trigger="volume", now=now) == []
    answers_add(course, now, n=20)
    assert len(fits_start_due(rule, trigger="volume", now=now)) == 2


def test_looking_for_what_is_due_counts_no_log(course: Course, now: datetime) -> None:
    fitted(course, now)
    answers_add(course, now, n=50)
    with CaptureQueriesContext(connection) as queries:
        assert fits_start_due(VOLUME_RULE, trigger="volume", now=now) == []
    # What serves, the courses; of each model its last fit and what is new.
    assert len(queries) == 6
    of_the_log = [row["sql"] for row in queries if "responses_response" in row["sql"]]
    assert len(of_the_log) == 2
    assert all("COUNT" not in sql and "LIMIT 1" in sql for sql in of_the_log)
    assert all(f'"id" > {Response.objects.latest("pk").pk - 50}' in sql for sql in of_the_log)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="asks SQLite how it looks")
def test_what_is_new_is_found_by_the_index_of_course_and_number(
    course: Course, now: datetime
) -> None:
    fitted(course, now)
    new = Response.objects.filter(course=course, is_observation=True, pk__gt=17)
    assert "response_by_course" in new.order_by("pk")[999:1000].explain()


def psi_kt_of(version: ModelVersion) -> FittedPSIKT:
    model = engine.tracer(version)
    assert isinstance(model, FittedPSIKT)
    return model


def others(started: list[FitRun]) -> list[FitRun]:
    return [run for run in started if run.model_name not in {"bkt_forgets", "cakt_plus"}]


def test_what_serves_is_refitted_from_where_it_stands(course: Course, now: datetime) -> None:
    version = psi_kt_serving(course, now)
    assert others(fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now)) == []
    answers_add(course, now, n=200)
    (run,) = others(fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now))
    assert (run.model_name, run.role, run.config) == ("psi_kt_extended", "mastery", SMALL)
    assert run.start_version == version
    # With no rate to move at, what the fit ends with is what it began with.
    FitRun.objects.filter(pk=run.pk).update(config=SMALL | {"learning_rate": 1e-9})
    done = fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert done is not None
    assert (done.status, done.start_version) == (FitStatus.DONE, version)
    before, after = (psi_kt_of(one).parameters for one in (version, done.version))
    np.testing.assert_allclose(after.trait_mean, before.trait_mean, atol=1e-5)
    np.testing.assert_allclose(after.level_mean, before.level_mean, atol=1e-5)


def test_a_refit_begins_afresh_where_history_came_in_late(course: Course, now: datetime) -> None:
    version = psi_kt_serving(course, now)
    answers_add(course, now, n=200)
    (run,) = others(fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now))
    # As if the earlier fit had learned from answers that this one is tested on.
    version.metrics["test"]["later_from"] = (now + timedelta(days=1)).isoformat()
    version.save()
    done = fit_execute(run.pk, clock=lambda: now, is_threaded=False)
    assert done is not None
    assert (done.status, done.start_version) == (FitStatus.DONE, None)


def test_a_fit_by_hand_begins_afresh(course: Course, now: datetime) -> None:
    psi_kt_serving(course, now)
    run = fit_request(course, model_name="psi_kt_extended", by=None, now=now)
    assert run.start_version is None


def test_what_lost_is_not_fitted_again(course: Course, now: datetime) -> None:
    version = psi_kt_run(course, now).version
    ModelVersion.objects.filter(pk=version.pk).update(status=VersionStatus.RETIRED)
    answers_add(course, now, n=200)
    assert others(fits_start_due(NIGHTLY_RULE, trigger="nightly", now=now)) == []
