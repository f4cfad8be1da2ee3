"""How long choosing takes on a large graph, and due reviews of many learners take in one query.

    python benchmarks/scheduling.py [--skills 1500] [--learners 10000]

Writes to a database of its own in a temporary folder.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutor.content.graph import CourseGraph
    from tutor.content.models import Course

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skills", type=int, default=1_500)
    parser.add_argument("--learners", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=100)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STEPWISE_VAR_DIR"] = folder
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tutor.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        measure(options)


def timed(what: str, function: Callable[[], object], *, repeats: int) -> None:
    """Print the median and 95th percentile of a call's processor time and wall time."""
    function()
    wall, cpu = [], []
    for _ in range(repeats):
        began, began_cpu = time.perf_counter(), time.process_time()
        function()
        wall.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.process_time() - began_cpu))
    p95 = sorted(wall)[int(0.95 * len(wall))]
    print(
        f"{what}: median {statistics.median(cpu):.2f} ms of processor time, "
        f"{statistics.median(wall):.2f} ms by the clock (95 % below {p95:.1f} ms)"
    )


def measure(options: argparse.Namespace) -> None:
    """Measure on a random layered graph, the learner half way through it."""
    import numpy as np

    from tutor.accounts.models import Role
    from tutor.accounts.services import account_create
    from tutor.content.graph import course_graph
    from tutor.scheduling.guidance import NO_GUIDANCE
    from tutor.scheduling.models import SkillStanding
    from tutor.scheduling.selectors import PastObservation, view_of
    from tutor.scheduling.services import offer_from
    from tutor.tracing.selectors import LearnerBeliefs
    from tutor.tracing.services import version_serving

    course = course_made(options.skills)
    graph = course_graph(course)
    learner = account_create(
        username="bench", display_name="Bench", role=Role.LEARNER, password="correct horse battery"
    )
    rng = np.random.default_rng(0)
    n = len(graph.skill_ids)
    begun = np.arange(n) < n // 2
    p = np.where(begun, rng.uniform(0.3, 1.0, n), 0.3)
    p_correct = 0.2 + 0.7 * p
    beliefs = LearnerBeliefs(
        version=version_serving(course, now=NOW),
        at=NOW,
        skill_ids=graph.skill_ids,
        p_correct=p_correct,
        p_mastery=p,
        lower=p_correct - 0.1,
        upper=np.minimum(p_correct + 0.1, 1.0),
        n_observations=np.where(begun, 5, 0),
        last_at_days=np.full(n, np.nan),
    )
    standings = {
        skill: SkillStanding(
            learner=learner,
            skill_id=skill,
            opened_at=NOW,
            is_mastered=bool(p[row] > 0.95),
            mastered_at=NOW - timedelta(days=5) if p[row] > 0.9 else None,
            right_at=NOW - timedelta(days=3),
            review_due_at=NOW + timedelta(days=int(rng.integers(-3, 20))),
        )
        for row, skill in enumerate(graph.skill_ids)
        if begun[row]
    }
    draw = Random(0)
    observations = [
        PastObservation(
            response_id=place,
            step_id=step,
            skill_ids=[graph.skill_ids[draw.randrange(n // 2)]],
            is_correct=draw.random() < 0.7,
            answered_at=NOW - timedelta(hours=place),
        )
        for place, step in enumerate(range(1, 121))
    ]
    print(f"{n} skills, {sum(map(len, graph.parents.values()))} prerequisites")

    def offer() -> object:
        return offer_from(
            learner,
            course,
            graph=graph,
            beliefs=beliefs,
            standings=standings,
            observations=observations,
            now=NOW,
            forecasts={},
            guidance=NO_GUIDANCE,
        )

    def statuses() -> object:
        return view_of(graph, beliefs, standings, course=course).statuses

    timed("statuses and choice for one learner", offer, repeats=options.repeats)
    timed("statuses of every skill as a page reads them", statuses, repeats=options.repeats)
    reviews_measured(options.learners, course=course, graph=graph)


def course_made(n_skills: int) -> "Course":
    """Make a course of skills with a step each, every skill with one to three prerequisites."""
    from tutor.content.models import (
        Course,
        Lesson,
        Prerequisite,
        Problem,
        ProblemRevision,
        Skill,
        Step,
    )

    draw = Random(1)
    course = Course.objects.create(key="bench", title="Bench", version_number=1, created_at=NOW)
    skills = Skill.objects.bulk_create(
        Skill(course=course, key=f"s{at}", title=f"Skill {at}", position=at)
        for at in range(n_skills)
    )
    edges = {
        (draw.randrange(max(0, at - 60), at), at)
        for at in range(5, n_skills)
        for _ in range(draw.randint(1, 3))
    }
    Prerequisite.objects.bulk_create(
        Prerequisite(course=course, from_skill=skills[a], to_skill=skills[b]) for a, b in edges
    )
    lesson = Lesson.objects.create(course=course, key="l", title="L")
    problems = Problem.objects.bulk_create(
        Problem(course=course, lesson=lesson, key=f"p{at}", order=at) for at in range(n_skills)
    )
    revisions = ProblemRevision.objects.bulk_create(
        ProblemRevision(problem=problem, number=1, document={}, checksum="", created_at=NOW)
        for problem in problems
    )
    for problem, revision in zip(problems, revisions, strict=True):
        problem.revision = revision
    Problem.objects.bulk_update(problems, ["revision"], batch_size=500)
    steps = Step.objects.bulk_create(
        Step(course=course, problem=problem, key=f"t{at}", answer={}, answer_kind="number")
        for at, problem in enumerate(problems)
    )
    Step.skills.through.objects.bulk_create(
        Step.skills.through(step=step, skill=skill)
        for step, skill in zip(steps, skills, strict=True)
    )
    return course


def reviews_measured(n_learners: int, *, course: "Course", graph: "CourseGraph") -> None:
    """Time the due reviews of a whole course: 20 standings a learner, a fifth of them due."""
    from django.contrib.auth.hashers import make_password
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tutor.accounts.models import User
    from tutor.scheduling.models import SkillStanding
    from tutor.scheduling.outlooks import reviews_due

    draw = Random(2)
    password = make_password(None)
    learners = User.objects.bulk_create(
        (
            User(username=f"l{at}", display_name=f"L{at}", password=password)
            for at in range(n_learners)
        ),
        batch_size=500,
    )
    SkillStanding.objects.bulk_create(
        (
            SkillStanding(
                learner=learner,
                skill_id=skill,
                opened_at=NOW,
                is_mastered=True,
                mastered_at=NOW - timedelta(days=20),
                right_at=NOW - timedelta(days=10),
                review_due_at=NOW + timedelta(days=draw.randint(-5, 20)),
            )
            for learner in learners
            for skill in graph.skill_ids[:20]
        ),
        batch_size=2_000,
    )
    with CaptureQueriesContext(connection) as queries:
        found = reviews_due(course, until=NOW)
    print(f"{len(found)} reviews due of {n_learners} learners: {len(queries)} query")
    timed("due reviews of all", lambda: reviews_due(course, until=NOW), repeats=5)


if __name__ == "__main__":
    main()
