"""The models pages: what serves, fits, tests, drift; and the deeds, each in the audit."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.tutor.tracing.logs import log_make, response_of, serving, work_off
from tests.tutor.tracing.test_fits import execute
from tutor.accounts.models import AuditEvent, Role, User
from tutor.accounts.services import account_create
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_add
from tutor.content.models import Course
from tutor.dashboards.model_charts import reliability_chart
from tutor.dashboards.templatetags.insight import duration
from tutor.responses.models import Response
from tutor.tracing import engine
from tutor.tracing.drift import drift_measure, drifts_of
from tutor.tracing.fits import fit_execute, fit_request
from tutor.tracing.lag import lag_note, lag_read
from tutor.tracing.models import FitRun, FitStatus, Promotion, PromotionStatus
from tutor.tracing.services import RECORDED_TOPIC, version_serving

ClientOf = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _own_artifacts(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    engine._fitted.cache_clear()
    yield
    engine._fitted.cache_clear()


@pytest.fixture
def course(db: None, now: datetime) -> Course:
    return log_make(now=now)


@pytest.fixture
def root(db: None, client_of: ClientOf) -> Client:
    return client_of(account_create(username="root", display_name="Root", role=Role.ADMINISTRATOR))


def page_of(course: Course) -> str:
    return f"/teach/models/courses/{course.uuid}/"


def read(client: Client, target: str, **headers: str) -> str:
    answer = client.get(target, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_course_without_a_fit_says_that_defaults_serve(
    course: Course, root: Client, now: datetime
) -> None:
    version_serving(course, now=now)
    page = read(root, page_of(course))
    assert "with default parameters" in page
    assert "Nothing was fitted yet" in page
    assert "every 2s" not in page
    assert "default parameters" in read(root, "/teach/models/")


def test_a_fit_is_started_followed_and_cancelled_from_the_page(
    course: Course, root: Client
) -> None:
    posted = root.post(
        page_of(course) + "fit/", {"model_name": "bkt", "role": "mastery", "seed": 3}
    )
    assert (posted.status_code, posted.headers["Location"]) == (302, page_of(course))
    run = FitRun.objects.get()
    assert (run.model_name, run.seed, run.status) == ("bkt", 3, FitStatus.QUEUED)
    page = read(root, page_of(course))
    assert 'hx-trigger="every 2s"' in page
    fragment = read(root, page_of(course), **{"HX-Request": "true"})
    assert fragment.lstrip().startswith('<div id="live-models"')
    assert "<html" not in fragment
    assert "Start a fit" not in fragment
    root.post(f"/teach/models/fits/{run.uuid}/cancel/")
    run.refresh_from_db()
    assert run.status == FitStatus.CANCELLED
    last = read(root, page_of(course), **{"HX-Request": "true"})
    assert "every 2s" not in last
    assert 'hx-swap-oob="innerHTML:#live"' in last
    assert "Cancelled while waiting." in last
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"fit_request", "fit_cancel"}


def test_a_fit_that_is_refused_says_why_beside_the_form(
    course: Course, root: Client, now: datetime
) -> None:
    fit_request(course, model_name="bkt", by=None, now=now)
    answer = root.post(
        page_of(course) + "fit/", {"model_name": "bkt", "role": "mastery", "seed": 0}
    )
    assert answer.status_code == 422
    assert "is waiting or running already" in answer.content.decode()
    # The polled address is the page's, not the form's.
    assert f'hx-get="{page_of(course)}"' in answer.content.decode()
    wrong = root.post(
        page_of(course) + "fit/", {"model_name": "majority", "role": "mastery", "seed": -1}
    )
    assert wrong.status_code == 422
    assert FitRun.objects.count() == 1


def test_a_version_shows_its_test_and_serves_when_an_administrator_says_so(
    course: Course, root: Client, now: datetime
) -> None:
    cold = version_serving(course, now=now - timedelta(days=30))
    version = execute(course, now).version
    Promotion.objects.all().delete()
    page = read(root, f"/teach/models/versions/{version.uuid}/")
    assert "served then: bkt" in page
    assert "each learner&#x27;s own average" in page
    assert 'class="reliability-dot"' in page
    assert "Skill a" in page
    assert f"{version.metrics['train']['n_responses']} answers" in page
    confirm = f"/teach/models/versions/{version.uuid}/promote/"
    assert version.reason in read(root, confirm).replace("&#x27;", "'")
    assert not Promotion.objects.exists()
    assert root.post(confirm).status_code == 302
    assert "0 of 1 groups of learners" in read(root, page_of(course))
    again = root.post(confirm, follow=True).content.decode()
    assert "is being made to serve already" in again
    work_off(now)
    assert serving(course) == version
    assert root.post(page_of(course) + "roll-back/mastery/").status_code == 302
    work_off(now + timedelta(minutes=30))
    assert serving(course) == cold
    done = read(root, page_of(course))
    assert done.count('<td class="model-state">Done') == 3
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {
        "version_promote",
        "version_roll_back",
    }


def test_there_is_nothing_to_go_back_to_at_the_beginning(
    course: Course, root: Client, now: datetime
) -> None:
    version_serving(course, now=now)
    page = root.get(page_of(course) + "roll-back/mastery/", follow=True).content.decode()
    assert "No version served this role before." in page
    posted = root.post(page_of(course) + "roll-back/mastery/", follow=True).content.decode()
    assert "nothing to go back to" in posted


def test_the_page_costs_the_same_queries_whatever_there_is(
    course: Course, root: Client, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    version_serving(course, now=now - timedelta(days=30))
    read(root, page_of(course))
    with django_assert_num_queries(10):
        read(root, page_of(course))
    version = execute(course, now).version
    work_off(now)
    with django_assert_num_queries(10):
        read(root, page_of(course))
    read(root, f"/teach/models/versions/{version.uuid}/")
    with django_assert_num_queries(5):
        read(root, f"/teach/models/versions/{version.uuid}/")


def test_drift_scores_only_what_came_after_the_fit(
    course: Course, root: Client, now: datetime
) -> None:
    version = execute(course, now).version
    assert drift_measure(version, now=now).windows == ()
    later = now + timedelta(days=10)
    some = Response.objects.order_by("learner_id", "-answered_at")
    for number, learner in enumerate(User.objects.filter(username__startswith="log")[:10]):
        given = some.filter(learner=learner)[0]
        for place in range(6):
            at = now + timedelta(days=1 + 8 * (place % 2), minutes=number + place)
            response_of(
                course, learner, given.step_id, given.skill_ids[0], place % 2 == 0, at
            ).save()
    drift = drift_measure(version, now=later)
    assert [window.n_responses for window in drift.windows] == [30, 60]
    assert drift.windows[0].log_loss is None
    assert drift.windows[1].log_loss is not None
    assert drift.windows[1].log_loss > 0
    assert drifts_of([version.pk]) == {version.pk: drift}
    work_off(now)
    page = read(root, page_of(course))
    assert "28 days" in page
    assert "too few answers to tell" in page


def test_an_administrator_has_the_drift_measured_by_a_worker(
    course: Course, root: Client, now: datetime
) -> None:
    version = version_serving(course, now=now - timedelta(days=90))
    root.post(page_of(course) + "drift/")
    assert OutboxEntry.objects.filter(topic="drift-measure").count() == 1
    assert drifts_of([version.pk]) == {}
    OutboxEntry.objects.update(created_at=now, not_before=now)
    work_off(now)
    found = drifts_of([version.pk])[version.pk]
    assert found.windows[-1].n_learners > 5
    assert found.windows[-1].log_loss is not None
    assert "never tested" in read(root, page_of(course))
    assert AuditEvent.objects.filter(action="drift_measure").exists()


def test_the_lag_is_what_was_noted(db: None, now: datetime) -> None:
    assert lag_read(now=now) is None
    for seconds in range(1, 101):
        lag_note(float(seconds), now=now - timedelta(minutes=11 if seconds > 60 else 1))
    lag = lag_read(now=now)
    assert lag is not None
    assert (lag.n, lag.median_seconds) == (100, 50.5)
    assert lag.p95_seconds == pytest.approx(95.05)
    assert lag.n_per_minute == pytest.approx(6.0)


def test_the_page_tells_what_waits_on_each_queue_and_when_nobody_takes_it(
    course: Course, root: Client, now: datetime
) -> None:
    page = read(root, page_of(course))
    assert "<dt>Waiting</dt><dd>nothing</dd>" in page
    outbox_add(RECORDED_TOPIC, {"response_id": 0}, now=now)
    page = read(root, page_of(course))
    assert "queue “predict”: 1 (the oldest for 0 s)" in page
    assert "a worker that listens" not in page
    OutboxEntry.objects.update(created_at=now - timedelta(minutes=2))
    page = read(root, page_of(course))
    assert "a worker that listens to the queue “predict”" in page


def test_a_replay_that_failed_tells_why(course: Course, root: Client, now: datetime) -> None:
    version = execute(course, now).version
    Promotion.objects.update(status=PromotionStatus.FAILED, reason="The disk is <full>.")
    assert "The disk is &lt;full&gt;." in read(root, page_of(course))
    assert "Promote" in read(root, f"/teach/models/versions/{version.uuid}/")


def test_the_plot_puts_dots_where_forecast_and_outcome_are() -> None:
    chart = reliability_chart(
        [{"p": 0.0, "correct": 0.0, "n": 4}, {"p": 1.0, "correct": 0.5, "n": 16}]
    )
    assert chart is not None
    first, last = chart.dots
    assert (float(first.x), float(first.y)) == (chart.left, chart.bottom)
    assert (float(last.x), float(last.y)) == (chart.right, (chart.top + chart.bottom) / 2)
    assert (float(first.radius), float(last.radius)) == (6.0, 12.0)
    assert reliability_chart([]) is None


def test_a_version_promoted_by_hand_names_who_did_it_and_what_the_rule_had_said(
    course: Course, root: Client, now: datetime
) -> None:
    by = User.objects.get(username="root")
    run = fit_request(course, model_name="bkt", by=by, now=now)
    early = now - timedelta(hours=1)
    assert fit_execute(run.pk, clock=lambda: early, is_threaded=False) is not None
    version = FitRun.objects.get().version
    detail = f"/teach/models/versions/{version.uuid}/"
    work_off(now)
    assert serving(course) == version
    # Whoever asks for a fit does not promote it: the rule did.
    for target in (page_of(course), detail):
        assert "Promoted by hand" not in read(root, target)
    root.post(page_of(course) + "roll-back/mastery/")
    work_off(now + timedelta(minutes=30))
    root.post(f"{detail}promote/")
    work_off(now + timedelta(minutes=60))
    assert serving(course) == version
    for target in (page_of(course), detail):
        page = read(root, target)
        assert f"Promoted by hand by Root. The rule had said: {version.reason}" in page
    # From the command line.
    Promotion.objects.update(requested_by=None)
    for target in (page_of(course), detail):
        assert f"Promoted by hand. The rule had said: {version.reason}" in read(root, target)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (0.44, "0.4 s"),
        (12.3, "12 s"),
        (119.0, "119 s"),
        (120.0, "2 minutes"),
        (7_200.0, "2 hours"),
        (1_319_634.1, "15 days"),
    ],
)
def test_lengths_of_time_are_told_as_people_would(seconds: float, words: str) -> None:
    assert duration(seconds) == words
