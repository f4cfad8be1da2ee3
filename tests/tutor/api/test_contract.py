"""The API keeps what its OpenAPI document says: asked by schemathesis, with all its checks."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.tutor.api.contract import contract_run
from tests.tutor.api.routes import ids_make
from tests.world import world_make
from tutor.accounts.models import Scope
from tutor.accounts.services import token_create
from tutor.common.clock import now_utc

pytestmark = pytest.mark.django_db(transaction=True)

# A small size: `benchmarks/api_contract.py` runs the thousands of cases of the coverage phase.
PHASES = ("examples", "fuzzing")


@pytest.mark.parametrize(
    ("with_token", "examples", "cases"), [(True, 4, 250), (False, 1, 60)], ids=["token", "none"]
)
def test_nothing_happens_that_the_document_does_not_name(
    live_server: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    with_token: bool,
    examples: int,
    cases: int,
) -> None:
    rates = {"DEFAULT_THROTTLE_RATES": {"token": "1000000/min"}}
    monkeypatch.setattr(settings, "REST_FRAMEWORK", settings.REST_FRAMEWORK | rates)
    now = now_utc()
    world = world_make(now=now)
    ids = ids_make(world, now=now)
    _, token = token_create(
        world.root, name="t", scopes=[Scope.ADMIN], expires_at=now + timedelta(days=1), now=now
    )
    done = contract_run(
        live_server.url,
        folder=tmp_path,
        ids=ids,
        token=token if with_token else None,
        examples=examples,
        phases=PHASES,
    )
    assert done.is_kept, done.output
    assert done.n_cases >= cases
