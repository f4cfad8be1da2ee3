"""What the site holds on a learner: taking it along, and deleting it."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from tutor.accounts.access import learner_page
from tutor.accounts.http import UserRequest
from tutor.common.clock import now_utc
from tutor.practice.forms import DeleteForm
from tutor.practice.own_data import own_data_zip
from tutor.tracing.erasure import KEEP, learner_erase


@require_GET
@learner_page
def own_data(request: UserRequest) -> HttpResponse:
    """Say what the site holds, and lead to the download and to deletion."""
    return render(request, "practice/own_data.html")


@require_GET
@never_cache
@learner_page
def download(request: UserRequest) -> FileResponse:
    """Send everything that the site holds on the learner."""
    archive = own_data_zip(request.user, now=now_utc())
    return FileResponse(archive, as_attachment=True, filename="stepwise-data.zip")


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@learner_page
def delete(request: UserRequest) -> HttpResponse:
    """Delete the own account, after the password."""
    form = DeleteForm(request.POST if request.method == "POST" else None, user=request.user)
    if not form.is_valid():
        context = {"form": form, "is_keeping": settings.ERASURE == KEEP}
        status = 422 if form.is_bound else 200
        return render(request, "practice/account_delete.html", context, status=status)
    learner_erase(request.user, by=request.user, now=now_utc())
    logout(request)
    messages.success(request, _("Your account is deleted. Goodbye, and all the best."))
    return redirect("login")
