"""Everybody who may come by, and one of each object that an address names."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile

from tests.world import World
from tutor.accounts.models import Role, Scope, User
from tutor.accounts.services import account_create, token_create
from tutor.content.job_models import Draft
from tutor.content.models import ImportJob, Step
from tutor.practice.models import Session, SessionKind
from tutor.roster.notes import note_write
from tutor.roster.services import teacher_add
from tutor.scheduling.edge_decisions import edge_decide
from tutor.scheduling.goals import assignment_make, override_make
from tutor.scheduling.models import EdgeVerdict, OverrideSays
from tutor.tracing.models import FitRun, ModelRole, Promotion, ResponseImport
from tutor.tracing.services import version_serving


@pytest.fixture
def people(world: World, now: datetime) -> dict[str, User | AnonymousUser]:
    """Everybody of PEOPLE."""
    sly = account_create(username="sly", display_name="Sly")
    ned = account_create(username="ned", display_name="Ned", role=Role.TEACHER)
    cole = account_create(username="cole", display_name="Cole", role=Role.TEACHER)
    teacher_add(world.classroom, username="cole", by=world.tess, now=now)
    return {
        "anonymous": AnonymousUser(),
        "new_learner": sly,
        "other_learner": world.zed,
        "learner": world.ada,
        "new_teacher": ned,
        "other_teacher": world.zoe,
        "teacher": world.tess,
        "colleague": cole,
        "root": world.root,
    }


@pytest.fixture
def objects(
    world: World, people: dict[str, User], now: datetime, settings: LazySettings, tmp_path: Path
) -> dict[str, object]:
    """One of each object that an address names, of ada, her class and its course."""
    settings.VAR_DIR = tmp_path
    version = version_serving(world.course, now=now)
    note = note_write(world.classroom, world.ada, text="Well.", by=world.tess, now=now)
    assignment = assignment_make(
        world.classroom,
        title="Sums",
        skill_ids=[world.skills["a"].pk],
        due_at=now + timedelta(days=9999),
        by=world.tess,
        now=now,
    )
    word = override_make(
        world.ada, world.skills["a"], says=OverrideSays.OPEN, by=world.tess, now=now
    )
    decision = edge_decide(
        world.course,
        from_skill=world.skills["a"],
        to_skill=world.skills["c"],
        verdict=EdgeVerdict.ACCEPTED,
        evidence={},
        by=world.tess,
        now=now,
    )
    token, _plain = token_create(
        world.tess, name="t", scopes=[Scope.READ], expires_at=now + timedelta(days=1), now=now
    )
    fit = FitRun.objects.create(
        course=world.course,
        model_name="bkt",
        role=ModelRole.MASTERY,
        trigger="hand",
        requested_at=now,
        config_hash="",
        cutoff=now,
    )
    promotion = Promotion.objects.create(
        course=world.course,
        role=ModelRole.MASTERY,
        version=version,
        kind="promote",
        status="done",
        started_at=now,
    )
    job = ImportJob.objects.create(
        created_by=world.tess,
        created_at=now,
        filename="c.json",
        file=ContentFile(b"{}", name="c.json"),
        sha256="0" * 64,
    )
    history = ResponseImport.objects.create(
        created_by=world.tess,
        created_at=now,
        course_key="sums",
        filename="r.csv",
        file=ContentFile(b"", name="r.csv"),
        sha256="0" * 64,
    )
    sessions = {
        kind: Session.objects.create(
            learner=world.ada, course=world.course, kind=kind, started_at=now, last_active_at=now
        )
        for kind in SessionKind
    }
    problem = world.course.problems.get(key="p-a2")
    draft = Draft.objects.create(
        course=world.course,
        author=world.tess,
        kind="problem",
        key=problem.key,
        document=problem.revision.document,
        created_at=now,
        updated_at=now,
    )
    of_word = {
        "draft_uuid": draft,
        "assignment_uuid": assignment,
        "classroom_uuid": world.classroom,
        "course_uuid": world.course,
        "decision_uuid": decision,
        "fit_uuid": fit,
        "job_uuid": job,
        "learner_uuid": world.ada,
        "lesson_uuid": world.course.lessons.get(key="l-a"),
        "note_uuid": note,
        "problem_uuid": world.course.problems.get(key="p-a1"),
        "skill_uuid": world.skills["a"],
        "step_uuid": Step.objects.get(course=world.course, key="a2a"),
        "teacher_uuid": people["colleague"],
        "token_uuid": token,
        "version_uuid": version,
        "word_uuid": word,
        "practice/": sessions[SessionKind.PRACTICE],
        "placement/": sessions[SessionKind.PLACEMENT],
        "api/v1/classrooms/": world.classroom,
        "api/v1/courses/": world.course,
        "api/v1/enrolments/": world.ada.enrolments.get(),
        "api/v1/fits/": fit,
        "api/v1/imports/": job,
        "api/v1/learners/": world.ada,
        "api/v1/model-versions/": version,
        "api/v1/problems/": world.course.problems.get(key="p-a1"),
        "api/v1/promotions/": promotion,
        "api/v1/responses/imports/": history,
    }
    return {word: found.uuid for word, found in of_word.items()}  # type: ignore[attr-defined]
