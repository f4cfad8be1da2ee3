"""Reading the response log, with corrections applied."""

from datetime import datetime
from typing import Annotated, TypedDict

from django.db.models import QuerySet, Subquery
from django.db.models.expressions import F, OuterRef
from django.db.models.functions import Coalesce
from django_stubs_ext import Annotations

from tutor.accounts.models import User
from tutor.content.models import Course
from tutor.responses.models import Regrade, Response


class Effective(TypedDict):
    """What `with_effective_correctness` adds to a response."""

    effective_is_correct: bool


JudgedResponse = Annotated[Response, Annotations[Effective]]


def effective_correctness(*, until: datetime | None = None) -> Coalesce:
    """Return the expression for a response's correctness with its corrections applied."""
    newest = Regrade.objects.filter(response=OuterRef("pk")).order_by("-id")
    if until is not None:
        newest = newest.filter(regraded_at__lte=until)
    return Coalesce(Subquery(newest.values("is_correct")[:1]), F("is_correct"))


def with_effective_correctness(responses: QuerySet[Response]) -> QuerySet[JudgedResponse]:
    """Annotate `effective_is_correct`: the newest regrade's word, else the log's."""
    return responses.annotate(effective_is_correct=effective_correctness())


def responses_of_learner(
    learner: User, course: Course, *, skill_id: int | None = None
) -> QuerySet[JudgedResponse]:
    """Return the learner's responses in a course, newest first, with step and problem."""
    responses = Response.objects.filter(learner=learner, course=course)
    if skill_id is not None:
        responses = responses.filter(step__skills=skill_id)
    return with_effective_correctness(responses.select_related("step__problem")).order_by(
        "-answered_at", "-id"
    )


def observations_of_learner(
    learner: User, course: Course, *, until: datetime | None = None
) -> QuerySet[JudgedResponse]:
    """Return what models are told of the learner, in the order they are told it."""
    responses = Response.objects.filter(learner=learner, course=course, is_observation=True)
    if until is not None:
        responses = responses.filter(answered_at__lte=until)
    return with_effective_correctness(responses).order_by("answered_at", "id")
