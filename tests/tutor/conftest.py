"""A course under PSI-KT, fitted once for the tests of a module."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.test import override_settings

from tests.tutor.tracing.logs import log_make
from tests.tutor.tracing.psi_kt import psi_kt_serving
from tests.world import NOW
from tutor.content.models import Course
from tutor.tracing import engine
from tutor.tracing.models import ModelVersion


@pytest.fixture(scope="module")
def psi_kt_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's version lies."""
    return tmp_path_factory.mktemp("psi_kt")


@pytest.fixture(scope="module")
def psi_kt_kept(
    django_db_setup: None, django_db_blocker: Any, psi_kt_artifacts: Path
) -> Iterator[ModelVersion]:
    """The version that serves, in a transaction that ends with the module."""
    engine._fitted.cache_clear()
    with django_db_blocker.unblock():
        atomic = transaction.atomic()
        atomic.__enter__()
        try:
            with override_settings(VAR_DIR=psi_kt_artifacts):
                version = psi_kt_serving(log_make(now=NOW), NOW)
            yield version
        finally:
            transaction.set_rollback(True)
            atomic.__exit__(None, None, None)


@pytest.fixture
def psi_kt_course(
    psi_kt_kept: ModelVersion, db: None, settings: LazySettings, psi_kt_artifacts: Path
) -> Course:
    """A course that PSI-KT serves, with 40 learners of 40 answers; a test's changes are undone."""
    settings.VAR_DIR = psi_kt_artifacts
    return Course.objects.get(pk=psi_kt_kept.course_id)
