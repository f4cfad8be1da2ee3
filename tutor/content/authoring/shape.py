"""A document that an expert wrote as JSON, in the shape that the editor and the checks can show."""

from typing import Any

from django.utils.translation import gettext as _

from tutor.common.errors import TutorError
from tutor.content.bundles import Document, canonical_lesson, canonical_problem
from tutor.content.models import DraftKind
from tutor.content.validation import item_faults

MOST_SHOWN = 5


def document_shaped(kind: str, document: object) -> Document:
    """Fill in a problem or lesson that fits the schema.

    Raises:
        TutorError: code `not_of_the_form`, with the first faults and where they are.
    """
    section = "lesson" if kind == DraftKind.LESSON else "problem"
    faults = item_faults(document, section)
    if faults:
        told = "; ".join(f"{row.pointer or '/'}: {row.message}" for row in faults[:MOST_SHOWN])
        raise TutorError(
            _("This is no {kind} yet: {faults}").format(kind=section, faults=told),
            code="not_of_the_form",
        )
    whole: dict[str, Any] = dict(document)  # type: ignore[call-overload]
    return (
        canonical_lesson(whole, place=0)
        if kind == DraftKind.LESSON
        else canonical_problem(whole, place=0)
    )
