"""Callers of the API."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from tests.world import World
from tutor.accounts.models import Scope, User
from tutor.accounts.services import token_create
from tutor.common.clock import now_utc

ApiOf = Callable[..., APIClient]


@pytest.fixture
def api_of() -> ApiOf:
    """Make a caller with a fresh token of a person and some scopes."""

    def make(user: User, *scopes: str) -> APIClient:
        now = now_utc()
        _, plain = token_create(
            user,
            name="test",
            scopes=scopes or [Scope.READ],
            expires_at=now + timedelta(days=1),
            now=now,
        )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {plain}")
        return client

    return make


@pytest.fixture
def importer(world: World, api_of: ApiOf) -> APIClient:
    """tess with a token that reads and imports."""
    return api_of(world.tess, Scope.READ, Scope.IMPORT)
