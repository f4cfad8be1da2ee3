"""How fast is the answer POST? Beside a bare Django view on the same server, in the same run.

    python benchmarks/answer_post.py [--learners 120] [--rounds 4] [--clients 8]
    python benchmarks/answer_post.py --class --models bkt,psi_kt_extended --rounds 8

Each learner of a class answers one step of the demo course over HTTP per round (grading, response,
belief, standings, plan and outbox row in one transaction, and the page's fragment rendered). The
bare view reads the session and inserts one row, with Django's session middleware and nothing else.
Both are served by gunicorn with the site's processes and threads, from SQLite with the site's
settings; a real broker takes the messages. Between rounds learners go on to their next step,
untimed. Prints a table; --json writes it.

With --class the learners are the demo's simulated class with its four weeks of answers, loaded
first. With --models each model serves in its turn, `bkt` by its default parameters and any other
fitted on those answers and promoted by hand, and the first once more at the end, since the database
grows meanwhile. With --var a site's folder is copied, and versions that it has are taken as they
are. CPU is that of the web server's processes, per answer; queries are counted in this process, for
an answer of one learner under each model.
"""

import argparse
import json
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.served_site import (  # noqa: E402
    Broker,
    ClassSite,
    Job,
    NewSite,
    Result,
    Served,
    Site,
    requests_run,
)


def main() -> None:
    """Set up, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--class", dest="is_class", action="store_true", help="the demo's class")
    parser.add_argument("--models", default="bkt")
    parser.add_argument("--var", type=Path, help="the folder of a site with the demo, copied")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sw-bench-") as directory:
        os.environ |= {
            "STEPWISE_VAR_DIR": directory,
            "STEPWISE_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "tutor.settings",
        }
        if options.var:
            for name in ("stepwise.sqlite3", "models"):
                _copy(options.var / name, Path(directory, name))
        with Broker(Path(directory)):
            rows = _measure(options)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    ratio = rows[0]["per_second"] / rows[-1]["per_second"]
    for row in rows:
        print(_told(row))
    print(f"the answer POST reaches {ratio:.2f} of the bare view's rate")
    if options.json:
        machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
        options.json.write_text(json.dumps({"machine": machine, "rows": rows, "ratio": ratio}))


def _told(row: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value}" for name, value in row.items())


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.suffix == ".sqlite3":
        with sqlite3.connect(source) as opened, sqlite3.connect(target) as copied:
            opened.backup(copied)


def _measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from tutor.settings import ENV

    processes, threads = ENV["STEPWISE_WEB_PROCESSES"], ENV["STEPWISE_WEB_THREADS"]
    site = ClassSite() if options.is_class else NewSite(options.learners)
    names = options.models.split(",")
    rows = []
    for name in names if len(names) == 1 else [*names, names[0]]:
        print(site.serve(name), flush=True)
        for row in _answers(site, name, options, processes=processes, threads=threads):
            print(_told(row), flush=True)
            rows.append(row)
    n = len(site.cookies) * options.rounds
    bare_jobs = [Job("/", "", site.cookies[0])] * n
    with Served("benchmarks.bare_site:application", processes, threads) as server:
        requests_run(server, bare_jobs[: len(site.cookies)], clients=options.clients)
        bare = requests_run(server, bare_jobs, clients=options.clients)
        bare_alone = requests_run(server, bare_jobs[: len(site.cookies)], clients=1)
    return [
        *rows,
        bare_alone.row("bare view, 1 client"),
        bare.row(f"bare view, {options.clients} clients"),
    ]


def _answers(
    site: Site, name: str, options: argparse.Namespace, *, processes: int, threads: int
) -> list[dict[str, Any]]:
    """Measure the answer POST under the model that serves."""
    many: list[Result] = []
    alone: list[Result] = []
    site.go_on()
    n_queries = site.queries()
    with Served("tutor.wsgi:application", processes, threads) as server:
        site.go_on()
        requests_run(server, site.answers(), clients=options.clients)
        for _ in range(options.rounds):
            site.go_on()
            many.append(requests_run(server, site.answers(), clients=options.clients))
        for _ in range(max(1, options.rounds // 4)):
            site.go_on()
            alone.append(requests_run(server, site.answers(), clients=1))
    return [
        _sum(some).row(f"answer POST under {name}, {clients} clients") | {"queries": n_queries}
        for some, clients in ((many, options.clients), (alone, 1))
    ]


def _sum(results: list[Result]) -> Result:
    return Result(
        [seconds for result in results for seconds in result.seconds],
        sum(result.wall_s for result in results),
        sum(result.cpu_s for result in results),
    )


if __name__ == "__main__":
    main()
