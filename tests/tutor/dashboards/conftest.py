"""Teacher pages at the moment at which the tests' world is."""

from datetime import datetime

import pytest


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    for module in ("classes", "heatmap", "learners", "models"):
        monkeypatch.setattr(f"tutor.dashboards.views.{module}.now_utc", lambda: now)
