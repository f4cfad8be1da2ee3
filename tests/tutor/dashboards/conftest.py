"""Teacher pages at the moment at which the tests' world is."""

from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules

import pytest

from tutor.dashboards import views


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    for found in iter_modules(views.__path__):
        module = import_module(f"{views.__name__}.{found.name}")
        monkeypatch.setattr(module, "now_utc", lambda: now, raising=False)
