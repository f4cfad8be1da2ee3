"""What teachers write down about a learner. Only the class's teachers read it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.accounts.services import audit_record
from tutor.common.errors import TutorError
from tutor.roster.models import Classroom, TeacherNote

NOTE_MOST = 2000


def notes_of_learner(classroom: Classroom, learner: User) -> list[TeacherNote]:
    """Return the notes of a class's teachers about a learner, newest first (one query)."""
    return list(
        TeacherNote.objects.filter(classroom=classroom, learner=learner).select_related("author")
    )


@transaction.atomic
def note_write(
    classroom: Classroom, learner: User, *, text: str, by: User, now: datetime
) -> TeacherNote:
    """Write a note. Raises: TutorError, code `note_empty` or `note_long`."""
    note = TeacherNote.objects.create(
        classroom=classroom, learner=learner, author=by, text=_text_checked(text), written_at=now
    )
    _record(note, "note_write", by=by, now=now)
    return note


@transaction.atomic
def note_edit(note: TeacherNote, *, text: str, by: User, now: datetime) -> None:
    """Change one's own note. Raises: TutorError, code `not_author`, `note_empty` or `note_long`."""
    _author_check(note, by)
    note.text, note.edited_at = _text_checked(text), now
    note.save(update_fields=["text", "edited_at"])
    _record(note, "note_edit", by=by, now=now)


@transaction.atomic
def note_delete(note: TeacherNote, *, by: User, now: datetime) -> None:
    """Take one's own note away for good. Raises: TutorError, code `not_author`."""
    _author_check(note, by)
    _record(note, "note_delete", by=by, now=now)
    note.delete()


def _text_checked(text: str) -> str:
    clean = text.strip()
    if not clean:
        raise TutorError(_("Write something, or leave the note."), code="note_empty")
    if len(clean) > NOTE_MOST:
        raise TutorError(
            _("The note has {n} characters, expected at most {most}; shorten it.").format(
                n=len(clean), most=NOTE_MOST
            ),
            code="note_long",
        )
    return clean


def _author_check(note: TeacherNote, by: User) -> None:
    if note.author_id != by.pk:
        raise TutorError(
            _("Only who wrote a note changes it; write one of your own."), code="not_author"
        )


def _record(note: TeacherNote, action: str, *, by: User, now: datetime) -> None:
    audit_record(
        by,
        action=action,
        object_kind="user",
        object_id=str(note.learner.uuid),
        detail={"classroom": str(note.classroom.uuid), "note": str(note.uuid)},
        now=now,
    )
