"""The database of benchmarks/teacher_pages.py: a large course, its people, and a long log.

Rows are made for many learners at once and written past Django's objects: a million answers in a
minute or two of CPU. What is there already is kept, learner by learner.
"""

import json
import random
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

if TYPE_CHECKING:
    from tutor.accounts.models import User
    from tutor.content.models import Course
    from tutor.roster.models import Classroom

N_LEARNERS, N_CLASS = 200, 40
N_SKILLS, N_LESSONS, STEPS_A_SKILL = 500, 100, 3
DAYS = 200
BATCH = 5_000
WRONG = ("6", "8", "12", "1/7", "70", "-7")


class Build:
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
        choices = [
            [
                (one.step_id, json.dumps(list(one.skill_ids)))
                for one in graph.steps_by_skill[skill.id]
            ]
            for skill in graph.skills
        ]
        begin = self.now - timedelta(seconds=DAYS * 86_400.0)
        fixed = self._fixed(course, learner)
        rows = []
        for row, (skill, step, right, help_first, said, seconds, took) in enumerate(
            zip(
                place.tolist(),
                which.tolist(),
                is_right.tolist(),
                is_help.tolist(),
                wrong.tolist(),
                (DAYS * 86_400.0 - ago).tolist(),
                ms.tolist(),
                strict=True,
            )
        ):
            step_id, skill_ids = choices[skill][step]
            at = f"{begin + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S.%f}"
            raw = "" if help_first else "7" if right else WRONG[said]
            rows.append(
                fixed
                | {
                    "step_id": step_id,
                    "skill_ids": skill_ids,
                    "session_uuid": UUID(int=(learner.pk << 32) + row).hex,
                    "attempt_token": UUID(int=(learner.pk << 32) + row).hex,
                    "kind": "dont_know" if help_first else "answer",
                    "is_correct": right,
                    "raw_answer": raw,
                    "misconception": "multiplies" if raw == "12" else "",
                    "elapsed_ms": took,
                    "answered_at": at,
                    "recorded_at": at,
                }
            )
        # All of a learner or nothing: a build that was stopped goes on with the next learner.
        from django.db import connection, transaction

        names = list(rows[0])
        marks = ", ".join("%s" for _name in names)
        insert = f"INSERT INTO responses_response ({', '.join(names)}) VALUES ({marks})"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(insert, [list(row.values()) for row in rows])

    def _fixed(self, course: "Course", learner: "User") -> dict[str, Any]:
        """Return the columns that are alike in all answers of a learner, as SQLite keeps them."""
        from django.db import connection

        from tutor.responses.models import Response

        one = Response(
            learner=learner, course=course, is_observation=True, is_correct=True, skill_ids=[]
        )
        return {
            field.column: field.get_db_prep_save(field.pre_save(one, add=True), connection)
            for field in Response._meta.concrete_fields
            if not field.primary_key and getattr(one, field.attname) is not None
        } | {
            field.column: None
            for field in Response._meta.concrete_fields
            if not field.primary_key and getattr(one, field.attname) is None
        }

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
