"""Joining a class by its code, with or without an account."""

from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tutor.accounts.models import User
from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.common.http import client_address
from tutor.practice.forms import JoinForm, RegisterForm
from tutor.practice.joining import join_count, join_is_limited, learner_register
from tutor.roster.models import Classroom
from tutor.roster.services import classroom_join

FIELD_OF_CODE = {
    "unknown_join_code": "code",
    "already_joined": "code",
    "username_taken": "username",
}
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join(request: HttpRequest) -> HttpResponse:
    """Enrol the learner who is logged in, or create an account and enrol it."""
    user = request.user
    if isinstance(user, User) and not user.is_learner:
        raise PermissionDenied
    form_class = JoinForm if user.is_authenticated else RegisterForm
    if request.method != "POST":
        form = form_class(initial={"code": request.GET.get("code", "")[:20]})
        return render(request, "practice/join.html", {"form": form})
    form = form_class(request.POST)
    if not form.is_valid():
        return render(request, "practice/join.html", {"form": form}, status=422)
    address = client_address(request) or ""
    code = form.cleaned_data["code"]
    if join_is_limited(address=address, join_code=code):
        form.add_error(
            None,
            _("Too many people joined from here within an hour. Wait a little and try again."),
        )
        return render(request, "practice/join.html", {"form": form}, status=429)
    try:
        classroom = _join(request, form)
    except TutorError as error:
        if error.code == "unknown_join_code":
            join_count(address=address, join_code=code, is_known_code=False)
        form.add_error(FIELD_OF_CODE.get(error.code), error.message)
        return render(request, "practice/join.html", {"form": form}, status=422)
    join_count(address=address, join_code=code, is_known_code=True)
    messages.success(request, _("You are in the class %(name)s.") % {"name": classroom.name})
    return redirect("learner_home")


def _join(request: HttpRequest, form: JoinForm) -> Classroom:
    given, now = form.cleaned_data, now_utc()
    if isinstance(request.user, User):
        return classroom_join(request.user, join_code=given["code"], now=now)
    learner, classroom = learner_register(
        username=given["username"],
        display_name=given["name"],
        password=given["password"],
        join_code=given["code"],
        now=now,
    )
    login(request, learner, backend=MODEL_BACKEND)
    return classroom
