"""A directory of its own for the artifacts of each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from tutor.tracing import engine


@pytest.fixture(autouse=True)
def _own_artifacts(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    engine._fitted.cache_clear()
    yield
    engine._fitted.cache_clear()
