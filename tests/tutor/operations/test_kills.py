"""A kill -9 in the middle: an answer counts once or is asked again, an import ends.

A real site with real processes, and a browser's part played by plain HTTP.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Browser
from tests.running import START_SECONDS, Run, environment_of, running_site, until
from tutor.env import BASE_DIR

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
PASSWORD = "correct horse battery"
IMPORT_SECONDS = 240.0
# Long enough that a kill falls into its middle.
N_PROBLEMS_IMPORTED = 10_000


def bundle(key: str, n_problems: int) -> dict[str, Any]:
    return {
        "format": "stepwise-bundle",
        "format_version": 1,
        "course": {"id": key, "title": f"Course {key}"},
        "skills": [{"id": "add", "title": "Adding"}],
        "lessons": [{"id": "l", "title": "Adding", "skills": ["add"]}],
        "problems": [
            {
                "id": f"p{number}",
                "lesson": "l",
                "steps": [
                    {
                        "id": f"p{number}a",
                        "prompt": f"What is $3 + {number}$?",
                        "skills": ["add"],
                        "answer": {"kind": "number", "value": str(3 + number)},
                        "hints": [{"id": "h1", "text": "Count on."}],
                    }
                ],
            }
            for number in range(n_problems)
        ],
    }


SETUP = f"""
import json, sys, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tutor.accounts.services import account_create
from tutor.common.clock import now_utc
from tutor.content.importing import course_import
from tutor.roster.services import classroom_create, classroom_join
now = now_utc()
tess = account_create(username="tess", display_name="Tess", role="teacher", password=None)
ada = account_create(username="ada", display_name="Ada", password={PASSWORD!r})
result = course_import(json.load(sys.stdin), by=None, now=now, is_dry_run=False)
room = classroom_create(name="6b", course=result.course, teachers=[tess], now=now)
classroom_join(ada, join_code=room.join_code, now=now)
print(result.course.uuid)
"""

IMPORT = """
import json, sys, django
django.setup()
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from django.core.files.base import ContentFile
from tutor.content.jobs import import_job_create
by = User.objects.get(username="tess")
file = ContentFile(sys.stdin.buffer.read(), name="course.json")
job = import_job_create(file, by=by, is_dry_run=False, now=now_utc())
print(job.pk)
"""


def django_do(var: Path, code: str, given: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=BASE_DIR,
        env=environment_of(var),
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


class Site(Browser):
    """The running site with ada logged in."""

    def __init__(self, run: Run, *, course_uuid: str) -> None:
        super().__init__(run.port)
        self.run = run
        self.course_uuid = course_uuid
        self.login("ada", password=PASSWORD)

    def rows(self, sql: str, *values: object) -> list[Any]:
        database = f"file:{self.run.var / 'stepwise.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(database, uri=True, timeout=20)) as connection:
            return connection.execute(sql, values).fetchall()

    def kill(self, name: str) -> None:
        """End a program and its children at once, as a machine that loses power would."""
        os.killpg(os.getpgid(self.run.pid(name)), signal.SIGKILL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    var = tmp_path_factory.mktemp("site") / "var"
    var.mkdir()
    course_uuid = django_do(var, SETUP, bundle("small", 40))
    with running_site(var) as run:
        yield Site(run, course_uuid=course_uuid)


def responses_of(site: Site, token: str) -> int:
    rows = site.rows(
        "select count(*) from responses_response where attempt_token = ?", token.replace("-", "")
    )
    return int(rows[0][0])


def state_matches_log(site: Site) -> bool:
    ((in_state,),) = site.rows("select n_observations from tracing_learnerstate")
    ((in_log,),) = site.rows("select count(*) from responses_response where is_observation")
    return bool(in_state == in_log)


@pytest.mark.parametrize("delay_ms", [0, 5, 15, 30, 60])
def test_a_web_server_killed_during_an_answer_records_it_once(site: Site, delay_ms: int) -> None:
    sitting = site.begin(site.course_uuid)
    token = site.token()
    old = site.run.pid("web")

    def answer() -> None:
        # The server dies under it; what matters is what the log says afterwards.
        with suppress(OSError, HTTPException):
            site.post(f"{sitting}dont-know/", attempt_token=token)

    form = site.page
    sender = threading.Thread(target=answer)
    sender.start()
    time.sleep(delay_ms / 1000)
    site.kill("web")
    sender.join()
    assert until(lambda: site.run.pid("web") != old and site.run.status() == 200)

    recorded = responses_of(site, token)
    assert recorded in {0, 1}
    if not recorded:
        # The learner is asked again, the very same step.
        site.get(sitting)
        assert site.token() == token
    # A browser that sends the form again, as people do.
    site.page = form
    site.post(f"{sitting}dont-know/", attempt_token=token)
    assert responses_of(site, token) == 1
    assert state_matches_log(site)
    site.post(f"{sitting}continue/", attempt_token=site.token())
    assert site.token() != token


def test_answers_do_not_wait_for_a_killed_broker_and_their_work_is_done_later(site: Site) -> None:
    sitting = site.begin(site.course_uuid)
    token = site.token()
    old = site.run.pid("broker")
    site.kill("broker")
    began = time.monotonic()
    site.post(f"{sitting}dont-know/", attempt_token=token)
    assert time.monotonic() - began < 5
    assert responses_of(site, token) == 1
    site.post(f"{sitting}continue/", attempt_token=site.token())
    assert until(lambda: site.run.pid("broker") != old)
    assert until(lambda: site.rows("select count(*) from common_outboxentry") == [(0,)], seconds=90)
    assert until(lambda: site.run.status("/health/") == 200)


def test_an_import_whose_worker_is_killed_ends(site: Site) -> None:
    job = django_do(site.run.var, IMPORT, bundle("large", N_PROBLEMS_IMPORTED))

    def status() -> str:
        ((found,),) = site.rows("select status from content_importjob where id = ?", job)
        return str(found)

    assert until(lambda: status() != "queued", seconds=START_SECONDS)
    old = site.run.pid("worker")
    site.kill("worker")
    assert status() == "running", "the import was over before the kill; make it larger"
    assert until(lambda: site.run.pid("worker") != old)
    assert until(lambda: status() == "done", seconds=IMPORT_SECONDS), status()
    ((attempts,),) = site.rows("select attempts from content_importjob where id = ?", job)
    assert attempts == 2
    ((problems,),) = site.rows(
        "select count(*) from content_problem p join content_course c on c.id = p.course_id "
        "where c.key = 'large'"
    )
    assert problems == N_PROBLEMS_IMPORTED
