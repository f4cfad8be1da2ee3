"""A real worker process, really killed, on a real database file."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tutor.content.bundle_case import bundle_make

ROOT = Path(__file__).resolve().parents[3]

SETUP = """
import django; django.setup()
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone
call_command("migrate", verbosity=0)
from tutor.accounts.services import account_create
from tutor.content.jobs import import_job_create
import sys
by = account_create(username="tess", display_name="Tess", role="teacher")
file = ContentFile(open(sys.argv[1], "rb").read(), name="course.json")
print(import_job_create(file, by=by, is_dry_run=False, now=timezone.now()).uuid)
"""

# Each worker's clock runs ten minutes ahead of the one before, so that the lease has ended. It dies
# as soon as it has told of a stage.
WORKER = """
import django; django.setup()
import os, signal, sys
from datetime import timedelta
from django.utils import timezone
from tutor.common import giving_way
from tutor.content import job_running, jobs
job_running.HEARTBEAT = timedelta(0)
giving_way.TOLD_SECONDS = 0.001
tell = job_running.JobRun.tell
def tell_and_die(run, share, stage, **rest):
    tell(run, share, stage, **rest)
    if stage == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
job_running.JobRun.tell = tell_and_die
ahead = timedelta(minutes=10 * int(sys.argv[2]))
jobs.import_job_run(sys.argv[1], clock=lambda: timezone.now() + ahead)
"""


@pytest.fixture
def site(tmp_path):
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'site.sqlite3'}",
        "STEPWISE_VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tutor.settings",
        "PYTHONPATH": str(ROOT),
    }

    def start(code, *arguments):
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    return start


def asked(tmp_path, query):
    connection = sqlite3.connect(tmp_path / "site.sqlite3", timeout=20)
    try:
        return connection.execute(query).fetchone()
    finally:
        connection.close()


def killed(worker):
    worker.communicate()
    return worker.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_an_import_whose_workers_are_killed_ends_done_exactly_once(tmp_path, site):
    bundle = bundle_make()
    original = bundle["problems"][2]
    for n in range(600):
        step = original["steps"][0] | {"id": f"more-{n}-a"}
        bundle["problems"].append(original | {"id": f"more-{n}", "steps": [step]})
    file = tmp_path / "course.json"
    file.write_text(json.dumps(bundle))
    job = site(SETUP, file).communicate()[0].strip()
    assert killed(site(WORKER, job, 0, "checking problems"))
    assert killed(site(WORKER, job, 1, "preparing"))
    # What is written ahead stays out of sight.
    standing = "SELECT count(*) FROM content_course WHERE staged_at IS NULL"
    assert asked(tmp_path, standing) == (0,)
    assert asked(tmp_path, "SELECT count(*) FROM content_course") == (1,)
    assert asked(tmp_path, "SELECT status, attempts FROM content_importjob") == ("running", 2)
    assert not killed(site(WORKER, job, 2, "none"))
    assert not killed(site(WORKER, job, 3, "none"))
    assert asked(tmp_path, "SELECT status, attempts FROM content_importjob") == ("done", 3)
    assert asked(tmp_path, "SELECT count(*) FROM content_courseversion") == (1,)
    assert asked(tmp_path, standing) == (1,)
    problems = "content_problem JOIN content_course ON content_course.id = course_id"
    assert asked(tmp_path, f"SELECT count(*) FROM {problems} WHERE staged_at IS NULL") == (603,)
