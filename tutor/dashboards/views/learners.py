"""A learner as the teacher sees them."""

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localdate
from django.views.decorators.http import require_safe

from tutor.accounts.http import UserRequest
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.content.graph import course_graph
from tutor.dashboards.forms import AsOfForm
from tutor.dashboards.heatmap import OPEN_SKILLS
from tutor.dashboards.insight import insight_of_learner
from tutor.dashboards.learner import (
    beliefs_of_day,
    change_of_model,
    skill_choose,
    skill_history,
    skills_of_learner,
    timeline_of_learner,
)
from tutor.dashboards.word_forms import NoteForm, WordForm
from tutor.dashboards.words import words_of_learner
from tutor.roster.access import class_page, learner_in_classroom
from tutor.roster.models import Classroom
from tutor.roster.notes import notes_of_learner

# The parts of the page that htmx asks for alone, by the id of their element.
FRAGMENTS = frozenset({"timeline", "history", "as-of"})


@dataclass(frozen=True, slots=True)
class ChangedNote:
    """A note whose change was not taken, with what was written and why not."""

    uuid: UUID
    text: str
    error: str


@require_safe
@class_page
def learner_page(request: UserRequest, classroom: Classroom, learner_uuid: UUID) -> HttpResponse:
    """Show a learner's skills, one skill's history, what is next, and a page of responses."""
    return learner_shown(request, classroom, learner_in_classroom(classroom, learner_uuid))


def learner_shown(
    request: UserRequest,
    classroom: Classroom,
    learner: User,
    *,
    word_form: WordForm | None = None,
    note_form: NoteForm | None = None,
    changed_note: ChangedNote | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page, with a form that came back with mistakes where there is one."""
    now = now_utc()
    course = classroom.course
    wanted, before = _choice_read(request)
    words = words_of_learner(learner, course, now=now)
    skills = skills_of_learner(learner, course, now=now, words=words)
    shows_all = "all" in request.GET or len(skills.rows) <= OPEN_SKILLS
    rows = skills.rows if shows_all else skills.shown_first(OPEN_SKILLS)
    skill = skill_choose(skills, wanted)
    as_of = AsOfForm(
        request.GET if "as_of" in request.GET else None, today=localdate(now), auto_id="%s-field"
    )
    context = {
        "classroom": classroom,
        "learner": learner,
        "skills": skills,
        "skill_rows": rows,
        "n_hidden": len(skills.rows) - len(rows),
        "history": skill_history(learner, course, skill, now=now) if skill else None,
        "insight": insight_of_learner(learner, classroom, now=now),
        "change": change_of_model(learner, course, skills, skill, now=now),
        "as_of": as_of,
        "day": beliefs_of_day(learner, course, day=as_of.cleaned_data["as_of"])
        if as_of.is_valid()
        else None,
        "timeline": timeline_of_learner(learner, course, before=before),
        "words": words.values(),
        "notes": notes_of_learner(classroom, learner),
        "word_form": word_form or WordForm(graph=course_graph(course)),
        "note_form": note_form or NoteForm(),
        "changed_note": changed_note,
    }
    fragment = ""
    if request.htmx and not request.htmx.history_restore_request:
        fragment = f"#{request.htmx.target}" if request.htmx.target in FRAGMENTS else ""
    if as_of.errors:
        status = 422
    return render(request, f"dashboards/learner.html{fragment}", context, status=status)


def _choice_read(request: UserRequest) -> tuple[UUID | None, int | None]:
    """Read which skill and which page are asked for. Raises: Http404 for what cannot be meant."""
    skill, before = request.GET.get("skill"), request.GET.get("before")
    try:
        return (UUID(skill) if skill else None, int(before) if before else None)
    except ValueError as error:
        raise Http404 from error
