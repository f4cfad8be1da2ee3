"""Fits offered to workers: again until one takes them, and cheaply when one has."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.tutor.tracing.logs import log_make
from tutor.common.clock import now_utc
from tutor.content.models import Course
from tutor.tracing import engine
from tutor.tracing.fits import fit_claim, fit_request
from tutor.tracing.heartbeat import LEASE
from tutor.tracing.models import FitRun, FitStatus
from tutor.tracing.tasks import fit_run_task, fits_reap_task


@pytest.fixture
def course(db: None, now: datetime) -> Course:
    return log_make(now=now, n_learners=6, n_each=40)


def waiting_fit(course: Course) -> FitRun:
    asked_at = now_utc() - 2 * LEASE
    return fit_request(course, model_name="bkt", by=None, now=asked_at)


def test_what_waits_behind_a_long_fit_does_not_pile_up(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers: list[tuple[tuple[int], dict[str, Any]]] = []
    monkeypatch.setattr(fit_run_task, "apply_async", lambda args, **kw: offers.append((args, kw)))
    run = waiting_fit(course)
    fits_reap_task()
    [(args, options)] = offers
    assert args == (run.pk,)
    assert options["queue"] == "fit"
    # Beat looks every 15 seconds: an offer lives until the next one, not much longer.
    assert 15 <= options["expires"] <= 30


def test_an_offer_that_comes_late_costs_no_torch(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = waiting_fit(course)
    FitRun.objects.update(status=FitStatus.DONE)

    def never() -> str:
        raise AssertionError("the device was asked for")

    monkeypatch.setattr(engine, "device_name", never)
    assert fit_claim(run.pk, now=now_utc() + timedelta(hours=1)) is None
