"""What the web server does before its processes part."""

import subprocess
import sys

CODE = """
import django; django.setup()
import gc
from tutor.operations.gunicorn_conf import when_ready
assert gc.get_freeze_count() == 0
when_ready(None)
assert gc.get_freeze_count() > 100_000, gc.get_freeze_count()
"""


def test_what_every_request_needs_is_not_looked_through_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
