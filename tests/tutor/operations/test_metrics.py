"""Metrics: for administrators and their tokens, in the collector's format, naming nobody."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from tests.world import World
from tutor.accounts.models import User
from tutor.accounts.services import token_create, token_revoke
from tutor.common.clock import now_utc
from tutor.operations.metrics import Metric, metrics_of_site, metrics_text

ClientOf = Callable[[User], Client]
LINE = re.compile(r'[a-z_]+(\{([a-z]+="[^"\n]*",?)+\})? [0-9.e+-]+')


def token_of(user: User, *scopes: str) -> str:
    now = now_utc()
    _, plain = token_create(
        user, name="t", scopes=scopes, expires_at=now + timedelta(days=1), now=now
    )
    return plain


def fetch(token: str) -> int:
    return Client().get("/metrics/", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.django_db
def test_strangers_are_sent_to_the_login(client: Client) -> None:
    response = client.get("/metrics/")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


def test_learners_and_teachers_are_refused(world: World, client_of: ClientOf) -> None:
    assert client_of(world.ada).get("/metrics/").status_code == 403
    assert client_of(world.tess).get("/metrics/").status_code == 403


def test_an_administrator_sees_well_formed_figures(world: World, client_of: ClientOf) -> None:
    response = client_of(world.root).get("/metrics/")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = response.content.decode().splitlines()
    values = [line for line in lines if not line.startswith("#")]
    assert values
    assert all(LINE.fullmatch(line) for line in values)
    learners = User.objects.filter(role="learner", is_simulated=False).count()
    assert f'stepwise_users{{role="learner",simulated="false"}} {learners}' in values
    assert 'stepwise_up{part="broker"} 1' in values
    for queue in ("default", "predict", "replay", "fit"):
        assert f'stepwise_queue_length{{queue="{queue}"}} 0' in values


def test_figures_name_nobody(world: World, client_of: ClientOf) -> None:
    text = client_of(world.root).get("/metrics/").content.decode()
    for user in User.objects.all():
        assert user.username not in text
        assert str(user.uuid) not in text


def test_a_collector_needs_an_administrators_admin_token(world: World) -> None:
    assert fetch(token_of(world.root, "admin")) == 200
    assert fetch(token_of(world.root, "read")) == 403
    assert fetch(token_of(world.tess, "admin")) == 403
    assert fetch("sw_unknown") == 401


def test_a_revoked_token_is_refused(world: World) -> None:
    now = now_utc()
    token, plain = token_create(
        world.root, name="t", scopes=["admin"], expires_at=now + timedelta(days=1), now=now
    )
    token_revoke(token, by=world.root, now=now)
    assert fetch(plain) == 401


def test_metrics_only_read(world: World, client_of: ClientOf) -> None:
    assert client_of(world.root).post("/metrics/").status_code == 405


def test_the_number_of_queries_does_not_grow_with_the_site(
    world: World, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        metrics_of_site(now=now_utc())


def test_labels_are_escaped_and_large_counts_stay_exact() -> None:
    text = metrics_text(
        [
            Metric("m", "gauge", "Help.", [({"a": 'quo"te\\\n'}, 1.5)]),
            Metric("n", "counter", "Help.", [({}, 123456789012)]),
        ]
    )
    assert 'm{a="quo\\"te\\\\\\n"} 1.5\n' in text
    assert "n 123456789012\n" in text
