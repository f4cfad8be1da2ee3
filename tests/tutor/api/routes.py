"""Every address of the API, filled with ids of the small world."""

import re
from datetime import datetime
from uuid import UUID

from tests.world import World
from tutor.api.scopes import scope_rows
from tutor.content.bundles import bundle_pack, checksum
from tutor.content.exporting import course_export
from tutor.content.models import CourseVersion, ImportJob
from tutor.roster.models import Enrolment
from tutor.tracing.models import FitRun, Promotion, ResponseImport
from tutor.tracing.services import version_serving

ROWS = tuple(scope_rows())


def ids_make(world: World, *, now: datetime) -> dict[str, UUID]:
    """Make one of everything that has an address of its own, and return the ids by the address."""
    course = world.course
    bundle = course_export(course)
    CourseVersion.objects.create(
        course=course,
        number=1,
        created_at=now,
        checksum=checksum(bundle),
        bundle_gz=bundle_pack(bundle),
    )
    version = version_serving(course, now=now)
    run = FitRun.objects.create(
        course=course,
        model_name="bkt_forgets",
        role="mastery",
        trigger="hand",
        requested_at=now,
        config_hash="0",
        cutoff=now,
    )
    promotion = Promotion.objects.create(
        course=course, role="mastery", version=version, kind="promote", started_at=now
    )
    job = ImportJob.objects.create(
        created_by=world.tess, created_at=now, filename="x.json", file="x", sha256="0"
    )
    log = ResponseImport.objects.create(
        created_by=world.tess,
        created_at=now,
        course_key=course.key,
        filename="x.csv",
        file="x",
        sha256="0",
    )
    return {
        "responses/imports": log.uuid,
        "courses": course.uuid,
        "classrooms": world.classroom.uuid,
        "problems": course.problems.order_by("id")[0].uuid,
        "imports": job.uuid,
        "fits": run.uuid,
        "model-versions": version.uuid,
        "promotions": promotion.uuid,
        "learners": world.ada.uuid,
        "enrolments": Enrolment.objects.get(learner=world.ada).uuid,
    }


def address_fill(address: str, ids: dict[str, UUID]) -> str:
    """Put ids where an address names them."""
    kind = address.removeprefix("/api/v1/").split("/<", 1)[0]
    filled = re.sub(r"<(uuid|learner)>", lambda _found: str(ids.get(kind, "")), address)
    return filled.replace("<number>", "1")
