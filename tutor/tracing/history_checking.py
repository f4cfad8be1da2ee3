"""What a log must be before anything of it is written, beside its rows and its content."""

import re

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.tracing.history_content import ContentMap
from tutor.tracing.history_mapping import IdMapping
from tutor.tracing.history_reading import History

_CHUNK = 500
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def own_history_refuse(course: Course | None, history: History) -> None:
    """Refuse an export of this very course: its responses are here already.

    Raises:
        TutorError: code `own_history`.
    """
    texts = [str(text) for text in history.log.data.learners if _UUID.fullmatch(str(text))]
    for start in range(0, len(texts), _CHUNK):
        some = User.objects.filter(uuid__in=texts[start : start + _CHUNK])
        known = some.filter(responses__course=course).values_list("uuid", flat=True).first()
        if course is not None and known is not None:
            raise TutorError(
                f"The log holds the learner {known}, whose responses are in this course already: "
                f"it is an export of this site. Nothing was imported.",
                code="own_history",
            )


def mapped_are_found(content: ContentMap, history: History, mapping: IdMapping) -> bool:
    """Whether everything that a mapping sends somewhere is there: a wrong id makes no content."""
    skills = zip(map(str, history.log.data.skills), content.skill_pks, strict=True)
    steps = zip(history.step_texts, content.step_pks, strict=True)
    return not any(pk is None and text in mapping.skills for text, pk in skills) and not any(
        pk is None and text in mapping.items for text, pk in steps
    )
