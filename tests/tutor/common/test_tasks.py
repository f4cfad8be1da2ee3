"""What the clock has done every night."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from tutor.common.tasks import sessions_clear_task


@pytest.mark.django_db
def test_logins_that_have_ended_are_deleted_and_others_stay() -> None:
    ended, alive = SessionStore(), SessionStore()
    ended.set_expiry(timedelta(days=-1))
    for session in (ended, alive):
        session["kept_answer"] = "3/4"
        session.save()
    sessions_clear_task()
    assert list(Session.objects.values_list("session_key", flat=True)) == [alive.session_key]
