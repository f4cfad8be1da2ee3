"""Classes: the list, a new one, and a class's own page."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from tutor.accounts.access import teacher_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.common.texts import text_asked
from tutor.dashboards import flags, forecast, selectors
from tutor.dashboards.charts import activity_bars
from tutor.dashboards.forms import ClassroomForm
from tutor.dashboards.heatmap import LESSON_EVIDENCE_SHARE, OPEN_SKILLS
from tutor.dashboards.heatmap_text import FRAME_FROM
from tutor.dashboards.overview import classes_overview
from tutor.roster.access import class_page
from tutor.roster.models import Classroom
from tutor.roster.selectors import classrooms_of_teacher
from tutor.roster.services import classroom_create
from tutor.scheduling.statuses import PolicyConfig
from tutor.tracing.selectors import EVIDENCE_MIN
from tutor.tracing.traits import CLASS_LEAST, TRAITS_WANTED


@require_http_methods(["GET", "HEAD", "POST"])
@teacher_page
def classroom_list(request: UserRequest) -> HttpResponse:
    """List the person's classes with who practises and who needs help; a POST makes a new one."""
    form = ClassroomForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            classroom = classroom_create(
                name=form.cleaned_data["name"],
                course=form.cleaned_data["course"],
                teachers=form.teachers_chosen(),
                now=now_utc(),
            )
        except TutorError as error:
            form.add_error(None, error.message)
        else:
            messages.success(
                request,
                _("{name} is there. Its learners join with the code below.").format(
                    name=classroom.name
                ),
            )
            return redirect("teach:classroom", classroom.uuid)
    words = text_asked(request.GET, "q", most=80)
    classrooms = (
        classrooms_of_teacher(request.user)
        .prefetch_related("teachers")
        .order_by("is_archived", "name", "id")
    )
    if words:
        classrooms = classrooms.filter(
            Q(name__icontains=words)
            | Q(course__title__icontains=words)
            | Q(pk__in=Classroom.objects.filter(teachers__display_name__icontains=words))
        )
    overview = classes_overview(list(classrooms), now=now_utc())
    status = 422 if request.method == "POST" else 200
    context = {"overview": overview, "form": form, "words": words}
    return render(request, "dashboards/classrooms.html", context, status=status)


@require_safe
@class_page
def classroom_home(request: UserRequest, classroom: Classroom) -> HttpResponse:
    """Show who needs help, this week's activity and the roster."""
    home = selectors.class_home(classroom, now=now_utc())
    context = {
        "classroom": classroom,
        "home": home,
        "bars": activity_bars(home.days),
        "away_days": flags.AWAY_AFTER.days,
    }
    return render(request, "dashboards/classroom.html", context)


@require_safe
@teacher_page
def how_page(request: UserRequest) -> HttpResponse:
    """Explain every number and rule of the teacher pages, with the thresholds in force."""
    config = PolicyConfig()
    context = {
        "evidence_min": EVIDENCE_MIN,
        "open_skills": OPEN_SKILLS,
        "frame_from": FRAME_FROM,
        "lesson_share": LESSON_EVIDENCE_SHARE,
        "flags": flags,
        "selectors": selectors,
        "window_days": flags.WINDOW.days,
        "away_days": flags.AWAY_AFTER.days,
        "config": config,
        "traits_wanted": TRAITS_WANTED,
        "traits_class_least": CLASS_LEAST,
        "ahead": forecast,
    }
    return render(request, "dashboards/how.html", context)
