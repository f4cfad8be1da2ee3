"""What a log must be before anything of it is written, beside its rows and its content."""

import re
from collections.abc import Mapping

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tutor.accounts.models import User
from tutor.common.errors import TutorError
from tutor.content.errors import RowError, value_shown
from tutor.content.models import Course
from tutor.tracing.history_content import ContentMap
from tutor.tracing.history_mapping import IdMapping
from tutor.tracing.history_reading import History

_CHUNK = 500
_ROWS_MOST = 100
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def own_history_refuse(course: Course | None, history: History) -> None:
    """Refuse an export of this very course: its responses are here already.

    Raises:
        TutorError: code `own_history`.
    """
    if course is None:
        return
    texts = [str(text) for text in history.log.data.learners if _UUID.fullmatch(str(text))]
    for start in range(0, len(texts), _CHUNK):
        some = User.objects.filter(uuid__in=texts[start : start + _CHUNK])
        known = some.filter(responses__course=course).values_list("uuid", flat=True).first()
        if known is not None:
            raise TutorError(
                _(
                    "The log holds the learner {learner}, whose responses are in this course "
                    "already: it is an export of this site. Nothing was imported."
                ).format(learner=known),
                code="own_history",
            )


def mapped_are_found(content: ContentMap, history: History, mapping: IdMapping) -> bool:
    """Whether everything that a mapping sends somewhere is there: a wrong id makes no content."""
    skills = zip(map(str, history.log.data.skills), content.skill_pks, strict=True)
    steps = zip(history.step_texts, content.step_pks, strict=True)
    return not any(pk is None and text in mapping.skills for text, pk in skills) and not any(
        pk is None and text in mapping.items for text, pk in steps
    )


class OthersLearnersError(TutorError):
    """A log with learners whose accounts are other people's; `rows` lists them."""

    code = "others_learners"

    def __init__(self, texts: list[str]) -> None:
        expected = "a learner of your classes, or an id that no log of this course had before"
        self.rows = tuple(
            RowError(
                pointer="learners",
                field="learner",
                value=value_shown(text),
                expected=expected,
                message=f"The learner '{text[:80]}' came to this course with another log, and is "
                f"in no class of yours.",
            )
            for text in texts[:_ROWS_MOST]
        )
        super().__init__(
            f"{len(texts):,} learners of the log have accounts that are in no class of yours, such "
            f"as '{texts[0][:80]}', so nothing was imported. Say with a mapping whom the ids stand "
            f"for, or ask an administrator to import the log."
        )


def others_learners_refuse(
    text_of: Mapping[str, str], accounts: Mapping[str, int], *, within: QuerySet[User] | None
) -> None:
    """Refuse accounts that the importer could not reach otherwise; `text_of` is by username.

    A log's ids are what its author wrote: "8" may be somebody else's learner 8 of the course, whose
    history would be mixed with a stranger's and read by a teacher who has nothing to do with them.

    Raises:
        OthersLearnersError: naming them by the log's ids.
    """
    if within is None or not accounts:
        return
    own = set(within.filter(pk__in=accounts.values()).values_list("username", flat=True))
    others = [text_of[username] for username in accounts if username not in own]
    if others:
        raise OthersLearnersError(sorted(others))
