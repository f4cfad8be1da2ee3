"""Reading the response log, with corrections applied."""

from datetime import datetime

from django.db.models import QuerySet, Subquery
from django.db.models.expressions import F, OuterRef
from django.db.models.functions import Coalesce

from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.responses.models import Regrade, Response


def with_effective_correctness(responses: QuerySet[Response]) -> QuerySet[Response]:
    """Annotate `effective_is_correct`: the newest regrade's word, else the log's."""
    newest = Regrade.objects.filter(response=OuterRef("pk")).order_by("-id")
    return responses.annotate(
        effective_is_correct=Coalesce(Subquery(newest.values("is_correct")[:1]), F("is_correct"))
    )


def responses_of_learner(
    learner: User, course: Course, *, skill_id: int | None = None
) -> QuerySet[Response]:
    """Return the learner's responses in a course, newest first, with step and problem."""
    responses = Response.objects.filter(learner=learner, course=course)
    if skill_id is not None:
        responses = responses.filter(step__skills=skill_id)
    return with_effective_correctness(responses.select_related("step__problem")).order_by(
        "-answered_at", "-id"
    )


def observations_of_learner(
    learner: User, course: Course, *, until: datetime | None = None
) -> QuerySet[Response]:
    """Return what models are told of the learner, in the order they are told it."""
    responses = Response.objects.filter(learner=learner, course=course, is_observation=True)
    if until is not None:
        responses = responses.filter(answered_at__lte=until)
    return with_effective_correctness(responses).order_by("answered_at", "id")
