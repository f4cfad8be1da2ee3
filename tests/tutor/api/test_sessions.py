"""What the docs tell newcomers to paste works, word for word, against a server."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tests.world import World, world_make
from tutor.accounts.models import Scope, User
from tutor.accounts.services import token_create
from tutor.common.clock import now_utc
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_take
from tutor.content.models import Course
from tutor.responses.models import Response

pytestmark = pytest.mark.django_db(transaction=True)
DOCS = settings.BASE_DIR / "docs"


def block(language: str) -> str:
    """Return the first block of a language in the docs."""
    found = re.search(rf"```{language}\n(.*?)```", (DOCS / "api.md").read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def world() -> World:
    """The small world, for the server to see."""
    return world_make(now=now_utc())


@pytest.fixture
def worker() -> Iterator[None]:
    """Do what is promised, as a worker would."""
    is_over = threading.Event()

    def work() -> None:
        try:
            while not is_over.wait(0.05):
                for entry in list(OutboxEntry.objects.filter(attempts=0)):
                    outbox_take(entry.pk, now=now_utc())
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    is_over.set()
    thread.join()


def token_of(user: User, *scopes: str) -> str:
    now = now_utc()
    return token_create(user, name="t", scopes=scopes, expires_at=now + timedelta(days=1), now=now)[
        1
    ]


def test_the_session_in_the_docs_runs_as_it_stands(
    world: World, worker: None, live_server: Any, tmp_path: Path
) -> None:
    token = token_of(world.root, Scope.ADMIN)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("bash")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "SITE": live_server.url, "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert '"status":"done"' in said
    assert '"status":"refused"' not in said
    assert '"type":"about:blank"' not in said
    course = Course.objects.get(key="first-sums")
    assert f'"uuid":"{course.uuid}"' in said
    assert "first-sums" in (tmp_path / "bundle.json").read_text()
    li = User.objects.get(username="li.wei")
    answers = Response.objects.filter(learner=li).order_by("answered_at")
    assert list(answers.values_list("step__key", "is_correct")) == [
        ("p1a", False),
        ("p1a", True),
    ]
    assert f"{li.uuid},2026-03-02T09:00:00Z,p1a" in said
    assert '"model_name": "bkt"' in said


@pytest.fixture
def client_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The client of the docs, as a program beside it would import it."""
    import importlib

    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("stepwise_client")


def test_the_python_of_the_docs_runs_as_it_stands(
    world: World,
    worker: None,
    live_server: Any,
    client_module: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in re.findall(r"cat > (\S+) <<'\w+'\n(.*?)\n[A-Z]+\n", block("bash"), re.DOTALL):
        (tmp_path / name).write_text(text + "\n")
    code = block("python").replace("http://127.0.0.1:8000", live_server.url)
    exec(compile(code, "docs/api.md", "exec"), {"token": token_of(world.root, Scope.ADMIN)})
    assert capsys.readouterr().out.splitlines() == [
        "2026-03-02T09:00:00Z p1a False",
        "2026-03-02T09:05:00Z p1a True",
    ]
    assert (tmp_path / "responses.csv").read_text(encoding="utf-8-sig").startswith("id,learner,")


def test_the_client_pages_keeps_what_is_unchanged_and_says_what_is_refused(
    world: World, live_server: Any, client_module: ModuleType
) -> None:
    site = client_module.Stepwise(live_server.url, token_of(world.tess, Scope.READ))
    keys = [row["key"] for row in site.rows(f"courses/{world.course.uuid}/skills/", limit=1)]
    assert keys == ["a", "b", "c"]
    page = f"courses/{world.course.uuid}/"
    assert site.get(page) is site.get(page)
    Course.objects.filter(pk=world.course.pk).update(title="Other")
    assert site.get(page)["title"] == "Other"
    with pytest.raises(client_module.ApiError) as refused:
        site.post("classrooms/", {"name": "x", "course": str(world.course.uuid)})
    assert (refused.value.status, refused.value.code) == (403, "permission_denied")
    with pytest.raises(client_module.ApiError, match="/limit"):
        site.get("courses/", limit=0)
    with pytest.raises(ValueError, match="the token stays here"):
        site.get("https://evil.example/api/v1/courses/")


def test_the_client_says_what_is_wrong_with_an_import(
    world: World, worker: None, live_server: Any, client_module: ModuleType, tmp_path: Path
) -> None:
    site = client_module.Stepwise(live_server.url, token_of(world.tess, Scope.READ, Scope.IMPORT))
    broken = tmp_path / "log.csv"
    broken.write_text("learner,timestamp,item,skill,correct\n8,3.9.2020,a1a,a,1\n")
    with pytest.raises(client_module.ImportFailed, match="year first") as failed:
        site.import_responses(broken, course="sums", classroom=str(world.classroom.uuid))
    assert failed.value.job["errors"][0]["pointer"] == "log.csv:2"
