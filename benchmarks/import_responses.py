"""How long does importing a response log take, and how much memory?

    python benchmarks/import_responses.py [--log assist2017.csv.gz] [--options "--blank-skill drop"]

Imports a log of STEPWISE_DATA (default ../shared, its `data` folder) into a new SQLite database
with --create-content, then imports it again, which must add nothing, and replays the first
`--replay` shards of learners as a worker would. Each part is a process of its own, so that the peak
memory is its own; seconds are the clock's and, in brackets, the CPU's.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPLAY = """
from tutor.common.clock import now_utc
from tutor.common.models import OutboxEntry
from tutor.common.outbox import outbox_take
n = 0
for pk in OutboxEntry.objects.order_by("id").values_list("pk", flat=True)[:{shards}]:
    n += outbox_take(pk, now=now_utc())
from tutor.tracing.models import LearnerState
from django.db.models import Sum
states = LearnerState.objects.filter(is_stale=False)
print(f"{{n}} shards: {{states.count()}} states of "
      f"{{states.aggregate(n=Sum('n_observations'))['n'] or 0:,}} observations replayed")
"""


def measured(title: str, arguments: list[str], environment: dict[str, str]) -> str:
    """Run manage.py, print its time and peak memory, and return what it said."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, stdout=said
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        sys.exit(f"{title} failed with {process.returncode}: {text[-2000:]}")
    seconds, cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime
    print(f"{title}: {seconds:.0f} s ({cpu:.0f} s), peak {usage.ru_maxrss / 1024:.0f} MiB")
    return text


def main() -> None:
    """Measure, and fail where a second import adds anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", default="assist2017.csv.gz")
    parser.add_argument("--options", default="", help="passed on to import_responses")
    parser.add_argument("--replay", type=int, default=2, help="shards of 50 learners")
    parser.add_argument("--var", type=Path, help="keep the database in this new folder")
    options = parser.parse_args()
    data = Path(os.environ.get("STEPWISE_DATA", ROOT.parent / "shared")) / "data" / options.log
    if not data.is_file():
        sys.exit(f"no log at {data}; set STEPWISE_DATA")
    with tempfile.TemporaryDirectory(prefix="stepwise-bench-") as temporary:
        var = options.var or Path(temporary)
        environment = {**os.environ, "STEPWISE_VAR_DIR": str(var), "STEPWISE_LOG_LEVEL": "ERROR"}
        measured("empty database", ["migrate", "-v0"], environment)
        import_it = ["import_responses", str(data), "--course", "benchmark", "--create-content"]
        import_it += shlex.split(options.options)
        print(measured("import", import_it, environment).strip())
        database = sum(path.stat().st_size for path in var.glob("*.sqlite3*"))
        print(f"database: {database / 2**20:.0f} MiB")
        again = measured("again", import_it, environment)
        if not re.search(r"^0 responses added", again, re.MULTILINE):
            sys.exit(f"a second import added responses: {again}")
        replay = ["shell", "-v0", "-c", REPLAY.format(shards=options.replay)]
        print(measured("replay", replay, environment).strip())


if __name__ == "__main__":
    main()
