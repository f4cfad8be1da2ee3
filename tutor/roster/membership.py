"""Taking learners out of a class, and from one class to another. What they did stays theirs."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.roster.models import Classroom, Enrolment
from tutor.roster.selectors import classrooms_of_teacher


@transaction.atomic
def learner_remove(classroom: Classroom, learner: User, *, by: User, now: datetime) -> None:
    """End a learner's time in a class; a second call changes nothing. Answers and beliefs stay."""
    if _leave(classroom, learner, now=now):
        audit_record(
            by,
            action="learner_remove",
            object_kind="user",
            object_id=str(learner.uuid),
            detail={"classroom": str(classroom.uuid)},
            now=now,
        )


@transaction.atomic
def learner_move(
    learner: User, *, source: Classroom, target: Classroom, by: User, now: datetime
) -> None:
    """Move a learner to another class of the same teacher; answers and beliefs come along.

    Raises:
        TutorError: code `not_own_class`, `class_archived` or `not_in_class`.
    """
    if not classrooms_of_teacher(by).filter(pk=target.pk).exists():
        raise TutorError(
            _("You do not teach {name}; choose one of your own classes.").format(name=target.name),
            code="not_own_class",
        )
    if target.is_archived:
        raise TutorError(
            _("{name} is archived; bring it back first, or choose another class.").format(
                name=target.name
            ),
            code="class_archived",
        )
    if not _leave(source, learner, now=now):
        raise TutorError(
            _("{name} is not in {classroom} any more.").format(
                name=learner.display_name, classroom=source.name
            ),
            code="not_in_class",
        )
    Enrolment.objects.get_or_create(
        classroom=target, learner=learner, left_at=None, defaults={"joined_at": now}
    )
    audit_record(
        by,
        action="learner_move",
        object_kind="user",
        object_id=str(learner.uuid),
        detail={"from": str(source.uuid), "to": str(target.uuid)},
        now=now,
    )


def _leave(classroom: Classroom, learner: User, *, now: datetime) -> bool:
    rows = Enrolment.objects.filter(classroom=classroom, learner=learner, left_at=None)
    return bool(rows.update(left_at=now))
