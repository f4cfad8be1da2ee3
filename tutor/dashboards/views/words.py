"""What a teacher says of a learner: words on skills, and notes."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tutor.accounts.http import UserRequest
from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.common.texts import text_clean
from tutor.content.graph import course_graph
from tutor.content.models import Skill
from tutor.dashboards.views.learners import ChangedNote, learner_shown
from tutor.dashboards.word_forms import NoteForm, WordForm
from tutor.roster.access import class_page, learner_in_classroom
from tutor.roster.models import Classroom, TeacherNote
from tutor.roster.notes import note_delete, note_edit, note_write
from tutor.scheduling.goals import override_lift, override_make
from tutor.scheduling.models import Override, OverrideSays


def _back(classroom: Classroom, learner: User, place: str) -> HttpResponseRedirect:
    target = reverse("teach:learner", args=[classroom.uuid, learner.uuid])
    return redirect(f"{target}#{place}")


@require_POST
@class_page
def word_say(request: UserRequest, classroom: Classroom, learner_uuid: UUID) -> HttpResponse:
    """Record the teacher's word on a skill, in place of the one before."""
    learner = learner_in_classroom(classroom, learner_uuid)
    form = WordForm(request.POST, graph=course_graph(classroom.course))
    if not form.is_valid():
        return learner_shown(request, classroom, learner, word_form=form, status=422)
    skill = form.skill_chosen()
    override_make(
        learner,
        Skill.objects.get(pk=skill.id),
        says=OverrideSays(form.cleaned_data["says"]),
        note=form.cleaned_data["reason"],
        half_life_days=float(form.cleaned_data["half_life_days"]),
        by=request.user,
        now=now_utc(),
    )
    messages.success(
        request,
        _("Your word on “{skill}” counts from the next decision on.").format(skill=skill.title),
    )
    return _back(classroom, learner, "words")


@require_POST
@class_page
def word_lift(
    request: UserRequest, classroom: Classroom, learner_uuid: UUID, word_uuid: UUID
) -> HttpResponse:
    """Take a word back, one's own or a colleague's."""
    learner = learner_in_classroom(classroom, learner_uuid)
    override = get_object_or_404(
        Override.objects.select_related("skill"),
        uuid=word_uuid,
        learner=learner,
        skill__course=classroom.course_id,
    )
    override_lift(override, by=request.user, now=now_utc())
    messages.success(
        request,
        _("The word on “{skill}” is lifted: the model’s numbers decide again.").format(
            skill=override.skill.title
        ),
    )
    return _back(classroom, learner, "words")


@require_POST
@class_page
def note_new(request: UserRequest, classroom: Classroom, learner_uuid: UUID) -> HttpResponse:
    """Write a note about a learner."""
    learner = learner_in_classroom(classroom, learner_uuid)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            note_write(
                classroom, learner, text=form.cleaned_data["text"], by=request.user, now=now_utc()
            )
        except TutorError as error:
            form.add_error("text", error.message)
        else:
            return _back(classroom, learner, "notes")
    return learner_shown(request, classroom, learner, note_form=form, status=422)


@require_POST
@class_page
def note_change(
    request: UserRequest, classroom: Classroom, learner_uuid: UUID, note_uuid: UUID
) -> HttpResponse:
    """Change one's own note, or take it away."""
    learner = learner_in_classroom(classroom, learner_uuid)
    note = get_object_or_404(TeacherNote, uuid=note_uuid, classroom=classroom, learner=learner)
    if note.author_id != request.user.pk:
        raise PermissionDenied
    now = now_utc()
    if request.POST.get("do") == "delete":
        note_delete(note, by=request.user, now=now)
        return _back(classroom, learner, "notes")
    text = text_clean(request.POST.get("text", ""))
    try:
        note_edit(note, text=text, by=request.user, now=now)
    except TutorError as error:
        changed = ChangedNote(note.uuid, text=text, error=error.message)
        return learner_shown(request, classroom, learner, changed_note=changed, status=422)
    return _back(classroom, learner, "notes")
